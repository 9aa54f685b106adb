/**
 * Calls. Who is in a call is hot state; that a call runs is in the log. Hot state is changed first and the log follows
 * under the room's lock, where it is compared with hot state once more: two who join at once, or one who joins while
 * the last one leaves, make one `call.started` and one `call.ended`.
 */
import type { Context } from "./context.ts";
import { badField } from "./errors.ts";
import { type Actor, type MemberKey, memberKey, SYSTEM_ACTOR } from "./model.ts";
import type { BringBack } from "./one-to-one.ts";
import type { CallParticipant, CallState } from "./ports/hot.ts";
import type { CallUseCases } from "./use-cases.ts";

/** A participant who was not refreshed for so long is gone. With the two below, a lost one ends the call within 60 s. */
export const CALL_TTL_MS = 30_000;
/** An empty call is ended at the second sweep that sees it: after a loss of hot state, gateways put participants back. */
const EMPTY_GRACE_MS = 9_000;

export interface InternalCalls extends CallUseCases {
  /**
   * The member is no longer in the room: leaves its call with every session.
   * @returns the call as it then is; null when the member was not in it
   */
  memberGone(conversationId: number, member: MemberKey): Promise<CallState | null>;
}

export function createCalls(context: Context, bringBack: BringBack): InternalCalls {
  const { store, hot, accesses, now } = context;
  /** When a sweep first saw each running call empty. */
  const emptySince = new Map<number, number>();

  /**
   * Makes the log say what hot state says. A call that runs is not started again and one that does not is not ended:
   * the store leaves such events out.
   */
  async function follow(conversationId: number, actor: Actor): Promise<void> {
    await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([conversationId]);
      if (!room) return;
      const { participants } = await hot.calls.get(conversationId);
      const type = participants.length > 0 ? "call.started" : "call.ended";
      await tx.appendEvents(conversationId, [{ type, actor, data: {} }]);
    });
  }

  async function startOrLeave(conversationId: number, { actor, session }: CallParticipant): Promise<void> {
    try {
      await follow(conversationId, actor);
    } catch (error) {
      const leave = () => hot.calls.remove(conversationId, session);
      await context.bestEffort("Leaving a call that did not start", leave);
      throw error;
    }
  }

  /** A first joiner whose start failed, or a call that was taken for dead: whoever comes next repairs it. */
  async function startIfLost(conversationId: number, actor: Actor): Promise<void> {
    const [head] = await store.log.heads([conversationId]);
    if (head?.callSeq === null) await follow(conversationId, actor);
  }

  async function remove(conversationId: number, session: string, actor: Actor): Promise<CallState> {
    const { last, call } = await hot.calls.remove(conversationId, session);
    // When the log can't be reached, a sweep ends the call later.
    if (last) await context.bestEffort("Ending a call", () => follow(conversationId, actor));
    return call;
  }

  return {
    async join(actor, room, session, flags, ttlMs = CALL_TTL_MS) {
      if (!Number.isInteger(flags) || flags < 1 || flags > 7) {
        throw badField("flags", "must be an integer from 1 to 7 (1 in call, 2 audio, 4 video)");
      }
      const { conversationId, peerLeft } = await accesses.require(actor, room, "call");
      if (peerLeft) await bringBack(actor, room, conversationId);
      const participant = { session, actor, flags };
      const { first, call } = await hot.calls.put(conversationId, participant, now(), ttlMs);
      if (first) await startOrLeave(conversationId, participant);
      else await context.bestEffort("Starting a call again", () => startIfLost(conversationId, actor));
      return call;
    },
    async leave(actor, room, session) {
      const { conversationId } = await accesses.member(actor, room);
      return await remove(conversationId, session, actor);
    },
    async sessionGone(actor, session, conversationIds) {
      const leave = (id: number) => context.bestEffort("Leaving a call", () => remove(id, session, actor));
      await Promise.all(conversationIds.map(leave));
    },
    async memberGone(conversationId, member) {
      const { participants } = await hot.calls.get(conversationId);
      let call: CallState | null = null;
      for (const { session, actor } of participants) {
        if (memberKey(actor) === member) call = await remove(conversationId, session, actor);
      }
      return call;
    },
    async sweep() {
      const running = (await store.rooms.withCall()).map(({ conversation }) => conversation.id);
      const flags = running.length === 0 ? [] : await hot.calls.flags(running);
      const empty = running.filter((_, i) => flags[i] === 0);
      const stillEmpty = new Set(empty);
      for (const id of emptySince.keys()) if (!stillEmpty.has(id)) emptySince.delete(id);
      for (const id of empty) {
        const since = emptySince.get(id) ?? now();
        emptySince.set(id, since);
        if (now() - since >= EMPTY_GRACE_MS) await follow(id, SYSTEM_ACTOR);
      }
    },
  };
}
