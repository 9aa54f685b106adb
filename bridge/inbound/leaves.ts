/**
 * Holds what says that people left the Matrix room by themselves. A homeserver that deletes a room makes everybody leave it,
 * the bot among them, and that takes nobody out of the chatroom.
 */
import type { Ghosts } from "../mapping/ghosts.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface Leaves {
  /** Whether the event can be applied now. A leave can once it was held for {@link HOLD_MS}. */
  ready(room: OpenRoom, event: MatrixEvent): Promise<boolean>;
}

/** Longer than a homeserver takes from one member's leave to the next, in a room that it deletes. */
const HOLD_MS = 2_000;

export function createLeaves(
  store: Pick<BridgeStore, "hold">,
  ghosts: Ghosts,
  wake: (roomId: number) => void,
): Leaves {
  return {
    async ready(room, { event_id: eventId, room_id, type, sender, state_key: target, content }) {
      const isLeave = type === "m.room.member" && content.membership === "leave" && sender === target;
      if (!isLeave || sender === ghosts.bot || room_id !== room.matrixRoomId) return true;
      if (!(await store.hold(room.id, eventId, HOLD_MS))) return true;
      setTimeout(wake, HOLD_MS, room.id).unref();
      return false;
    },
  };
}
