/** Applies the events of a room's inbox in the order of their arrival, but none before the events that it is about. */
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { type MatrixEvent, readEvent } from "../mapping/matrix-events.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { InboxEntry } from "../store/queues.ts";
import type { Inbound } from "./inbound.ts";
import type { Leaves } from "./leaves.ts";
import type { PutAside } from "./put-aside.ts";
import type { Targets } from "./targets.ts";

export interface ApplyInboxOptions {
  store: Pick<BridgeStore, "inbox" | "applied" | "failed">;
  inbound: Inbound;
  targets: Targets;
  leaves: Leaves;
  aside: PutAside;
  rooms: Pick<MatrixRooms, "isLost">;
}

const BATCH = 50;
/** An event from Matrix is put aside after this many failures for which neither an outage nor overload is the reason. */
const MAX_APPLY_TRIES = 2;
/** Events of a chain, each about the next, that are applied before the first of them. More wait for one another. */
const MAX_CHAIN = 20;

/**
 * @returns applies the next events of the room. Its result tells whether there may be more
 * @throws HomeserverError or a retryable DomainError when it has to be tried again
 */
export function createApplyInbox(options: ApplyInboxOptions): (room: OpenRoom) => Promise<boolean> {
  const { store, inbound, targets, leaves, aside, rooms } = options;

  /**
   * @param done ids of the events that this batch has dealt with
   * @param above ids of the events for which this one is applied before its turn
   */
  async function apply(room: OpenRoom, entry: InboxEntry, done: Set<string>, above: readonly string[]) {
    if (done.has(entry.eventId) || above.length > MAX_CHAIN) return;
    const event = readEvent(JSON.parse(entry.event));
    if (!event) await store.applied(entry.eventId);
    else if (await isReady(room, entry, event, done, above)) await applyReady(room, event, entry);
    done.add(entry.eventId);
  }

  /** Tries at once again, so that an event that fails holds up neither its room nor the events after it. */
  async function applyReady(room: OpenRoom, event: MatrixEvent, entry: InboxEntry): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await inbound.apply(room, event);
        if (entry.retried) await aside.recovered(room, event, entry.standIn);
        return;
      } catch (error) {
        if (aside.isTemporary(error)) throw error;
        if (error instanceof HomeserverError && (await rooms.isLost(room))) throw error;
        if (Math.max(tries, await store.failed(event.event_id)) >= MAX_APPLY_TRIES)
          return await aside.putAside(room, event, error);
      }
    }
  }

  async function isReady(
    room: OpenRoom,
    entry: InboxEntry,
    event: MatrixEvent,
    done: Set<string>,
    above: readonly string[],
  ): Promise<boolean> {
    if (!(await leaves.ready(room, event))) return false;
    const applyFirst = (target: InboxEntry) => apply(room, target, done, [...above, entry.eventId]);
    return await targets.ready(room, event, { isOverdue: entry.isOverdue, above, applyFirst });
  }

  return async (room) => {
    let applied = 0;
    // An event that was applied may end the wait of others: they are read after it.
    while (applied < BATCH) {
      const entries = await store.inbox(room.id, BATCH - applied);
      if (entries.length === 0) return false;
      const done = new Set<string>();
      for (const entry of entries) await apply(room, entry, done, []);
      applied += entries.length;
    }
    return true;
  };
}
