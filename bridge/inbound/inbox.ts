/** Stores events from Matrix, delivered or fetched by the reconciler. Each is stored once; a room turn applies it later. */
import type { Ghosts } from "../mapping/ghosts.ts";
import { markOf } from "../mapping/marks.ts";
import { type MatrixEvent, readEvent } from "../mapping/matrix-events.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { readInvitation } from "./invitations/read.ts";

export interface Inbox {
  /** Resolves when the events are stored. @returns how many of them were new */
  receive(events: readonly unknown[]): Promise<number>;
}

export interface InboxOptions {
  store: Pick<BridgeStore, "receive" | "receiveInvitations">;
  ghosts: Ghosts;
  counts: BridgeCounts;
  /** A room has something to apply. */
  wake: (roomId: number) => void;
}

export function createInbox({ store, ghosts, counts, wake }: InboxOptions): Inbox {
  /** Nobody signs in as the bot or as a guest's ghost, so their events are the bridge's own. */
  function isOurs({ sender }: MatrixEvent): boolean {
    const ghost = ghosts.read(sender);
    return ghost !== null && ghost.kind !== "user";
  }

  return {
    async receive(values) {
      await store.receiveInvitations(values.flatMap((value) => readInvitation(value, ghosts) ?? []));
      const events = values.flatMap((value) => readEvent(value) ?? []).filter((event) => !isOurs(event));
      if (events.length === 0) return 0;
      const { fresh, known } = await store.receive(
        events.map((event) => ({
          matrixRoomId: event.room_id,
          eventId: event.event_id,
          event: JSON.stringify(event),
        })),
      );
      const freshIds = new Set(fresh.map(({ eventId }) => eventId));
      counts.duplicates += known;
      counts.received += fresh.length;
      counts.earlyEchoes += events.filter(
        ({ event_id, content }) => freshIds.has(event_id) && markOf(content),
      ).length;
      for (const { roomId } of fresh) wake(roomId);
      return fresh.length;
    },
  };
}
