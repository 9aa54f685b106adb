/**
 * Recognizes the bridge's own events when Matrix delivers them. The sender proves nothing, because people sign in as their
 * own ghosts. The mark in the event must be genuine, and the log must have its event with the same time.
 */
import type { LoggedEvent } from "../../src/domain/model.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { type Mark, type Marks, markOf } from "../mapping/marks.ts";
import { type MatrixEvent, newContentOf, redactedBy } from "../mapping/matrix-events.ts";
import { entriesOf } from "../mapping/outbox-plan.ts";
import { shownHash } from "../mapping/translate.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";

/**
 * - `own`: the bridge sent it for an event of the log; it is stored as sent.
 * - `lost`: the bridge sent it for an event that the log lost when the database was restored.
 * - `person`: a person sent it. A mark in it was copied or made up.
 */
export type Origin = { from: "own" } | { from: "lost"; mark: Mark } | { from: "person" };

export interface OwnEvents {
  /** Where an event that the store does not know came from. Stores an own one as delivered. */
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
  /** The outbox entry with this mark. After a restore of the database the entry is planned here if it is missing. */
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
    // Entries are sent in order, so everything before this one is in Matrix.
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
      // A later run than the database knows was started before a restore: the event is there from that run.
      if (mark.run !== room.run) return mark.run > room.run ? { from: "own" } : PERSON;
      const entry = await waitingEntry(room, mark, logged);
      // The line in the place of a dead letter, which comes back while that is tried again.
      if (entry?.standIn != null && entry.rev !== mark.rev) return { from: "own" };
      return entry ? await markDelivered(room, event, entry) : PERSON;
    },
  };
}

/** What Matrix shows because of this event. The text in the log may be newer. */
function shownBy({ content }: MatrixEvent, { op, shown }: OutboxEntry): string | null {
  if (op !== "message" && op !== "edit") return shown;
  const { body } = (newContentOf({ content }) ?? content) as { body?: unknown };
  return typeof body === "string" ? shownHash(body) : null;
}

/** Whether the mark, in an event of this sender, belongs to the entry. Marks of old versions have no proof. */
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
