/** Rooms that components look at: a room is open from the first of them to the last. */
import type { Client } from "../client.ts";

/** How many components look at each room, by client. */
const lookers = new WeakMap<Client, Map<string, number>>();

/** Opens the room where nobody looks at it yet. Returns how to stop looking. */
export function keepOpen(client: Client, room: string): () => void {
  const counts = lookers.get(client) ?? new Map<string, number>();
  lookers.set(client, counts);
  // 0 is a room that is about to be closed.
  if (!counts.has(room)) client.open({ room }).catch(ignore);
  counts.set(room, (counts.get(room) ?? 0) + 1);
  return () => {
    counts.set(room, (counts.get(room) ?? 1) - 1);
    // A component that is drawn anew stops looking and begins again at once: then the room stays open.
    queueMicrotask(() => {
      if (counts.get(room) !== 0) return;
      counts.delete(room);
      client.close({ room }).catch(ignore);
    });
  };
}

function ignore(): void {
  // The room is gone, or the connection; who opened it has the room's entry and the state to show that.
}
