/** Threads: which one a message is in, how far a member has read in one, and what history shows of them. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { type Actor, memberKey } from "../model.ts";
import { checkId } from "../text-rules.ts";
import type { ReadThread } from "../use-cases/sending.ts";

export interface Threads {
  /**
   * The seq with which the thread begins that a message is in or begins itself; null where there is no such message, it was
   * deleted and has no thread, or the reader may not see it.
   */
  rootOf(roomId: number, seq: number, historyFrom: number): Promise<number | null>;
  /** See `Messages.readThread`. */
  read: ReadThread;
}

export function createThreads({ store, accesses, broadcasts }: Context): Threads {
  async function rootOf(roomId: number, seq: number, historyFrom: number): Promise<number | null> {
    const event = seq > historyFrom ? await store.log.event(roomId, seq) : null;
    if (event?.type !== "message") return null;
    const { thread, deleted } = dataOf<"message">(event);
    if (thread !== undefined) return thread;
    return !deleted || (await store.threads.exists(roomId, seq)) ? seq : null;
  }

  async function tell(
    actor: Actor,
    room: { id: number; token: string },
    thread: ThreadCounts,
    session?: string,
  ) {
    const [state] = await store.log.unread(room.id, [memberKey(actor)]);
    if (!state) throw noSuchRoom();
    const { head, read, unread, mentions: mention } = state;
    const counts = { read, unread, mention };
    if (actor.kind === "user" && thread.moved) {
      const { moved: _, ...shown } = thread;
      broadcasts.unread(room, Number(actor.id), { ...counts, head, thread: shown }, session);
    }
    return counts;
  }

  return {
    rootOf,
    async read(actor, room, { thread, seq }, session) {
      checkId("thread", thread);
      if (!Number.isSafeInteger(seq) || seq < 0) throw badField("seq", "must be an integer of at least 0");
      const { roomId, membership } = await accesses.require(actor, room, "read");
      const root = await rootOf(roomId, thread, membership.historyFrom);
      if (root === null) throw noThread();
      const state = await store.threads.markRead(memberKey(actor), roomId, { root, seq });
      if (state === null) throw noSuchRoom();
      if (state === "past_head") throw badField("seq", "must not be past the room's last event");
      const counts = await tell(actor, { id: roomId, token: room }, { seq: root, ...state }, session);
      return { ...counts, thread: { seq: root, read: state.read, unread: state.unread } };
    },
  };
}

interface ThreadCounts {
  seq: number;
  read: number;
  unread: number;
  moved: boolean;
}

function noThread(): DomainError {
  return new DomainError("not_found", "There is no such message, or you can't see it", { field: "thread" });
}
