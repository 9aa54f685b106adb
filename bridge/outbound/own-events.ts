/**
 * What the bridge itself wrote, when it comes back from Matrix. People sign in as their own ghosts, so the sender says
 * nothing; the mark has to be genuine, and what it names has to be in our log under the same time.
 */
import type { LoggedEvent } from "../../src/domain/model.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { type Mark, type Marks, markOf } from "../mapping/marks.ts";
import { type MatrixEvent, redactedBy } from "../mapping/matrix-events.ts";
import { entriesOf } from "../mapping/outbox-plan.ts";
import { shownHash } from "../mapping/translate.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";

/**
 * - `own`: it was sent for an event of our log, and is stored as that.
 * - `lost`: it was sent for an event that our log no longer has: the database was restored.
 * - `person`: a person sent it; a mark in it was copied, or made up.
 */
export type Origin = { from: "own" } | { from: "lost"; mark: Mark } | { from: "person" };

export interface OwnEvents {
  /** Tells where an event came from that is not known yet. */
  origin(room: OpenRoom, event: MatrixEvent): Promise<Origin>;
}

export interface OwnEventsOptions {
  store: Pick<BridgeStore, "outboxEntry" | "plan" | "delivered" | "putRedacted">;
  log: Pick<RoomLog, "event">;
  ghosts: Ghosts;
  marks: Marks;
  counts: BridgeCounts;
}

const PERSON: Origin = { from: "person" };

export function createOwnEvents({ store, log, ghosts, marks, counts }: OwnEventsOptions): OwnEvents {
  /** What waits to be sent under this mark; what an earlier life of this log has sent may not be planned here yet. */
  async function waitingEntry(room: OpenRoom, mark: Mark, logged: LoggedEvent): Promise<OutboxEntry | null> {
    const planned = await store.outboxEntry(room.id, mark.seq, mark.op);
    if (planned || mark.seq <= room.mirrored) return planned;
    await store.plan(room.id, mark.seq - 1, entriesOf(logged, ghosts));
    return await store.outboxEntry(room.id, mark.seq, mark.op);
  }

  async function markDelivered(room: OpenRoom, event: MatrixEvent, entry: OutboxEntry): Promise<Origin> {
    const redacted = redactedBy(event);
    if (redacted !== null) await store.putRedacted(redacted);
    const sentEntry = { ...entry, sender: event.sender, shown: shownBy(event, entry) };
    // Entries are sent one after the other: everything before this one is done.
    const mirrored = await store.delivered(room.id, sentEntry, event.event_id);
    room.mirrored = Math.max(room.mirrored, mirrored);
    counts.sent++;
    return { from: "own" };
  }

  return {
    async origin(room, event) {
      const mark = markOf(event.content);
      if (mark?.room !== room.token) return PERSON;
      if (!marks.isGenuine(mark, event.sender)) {
        const entry = mark.proof === undefined ? await store.outboxEntry(room.id, mark.seq, mark.op) : null;
        return entry && isMarkOf(mark, event.sender, room, entry, marks)
          ? await markDelivered(room, event, entry)
          : PERSON;
      }
      const logged = await log.event(room.id, mark.seq);
      if (logged?.at !== mark.at) return { from: "lost", mark };
      // A run that this database does not know of any more: the same events are there from another run.
      if (mark.run !== room.run) return mark.run > room.run ? { from: "own" } : PERSON;
      const entry = await waitingEntry(room, mark, logged);
      return entry ? await markDelivered(room, event, entry) : PERSON;
    },
  };
}

/** What Matrix shows by it: the log may say another text by now. */
function shownBy({ content }: MatrixEvent, { op, shown }: OutboxEntry): string | null {
  if (op !== "message" && op !== "edit") return shown;
  const { body } = (content["m.new_content"] ?? content) as { body?: unknown };
  return typeof body === "string" ? shownHash(body) : null;
}

/** Whether the mark of an event of this sender is that of the entry. Marks of former versions hold no proof. */
export function isMarkOf(
  mark: Mark,
  sender: string,
  room: OpenRoom,
  entry: OutboxEntry,
  marks: Marks,
): boolean {
  const { seq, op, rev, at, plannedAt } = entry;
  if (mark.room !== room.token || mark.seq !== seq || mark.op !== op || mark.rev !== rev) return false;
  if (mark.proof === undefined) return plannedAt === 0 && sender === entry.sender;
  return mark.at === at && mark.run === room.run && marks.isGenuine(mark, sender);
}
