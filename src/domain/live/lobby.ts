/** Which users have to wait in a room's lobby. Faces send them nothing of the room. */
import type { Context } from "../context/context.ts";
import { userKey } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { Lobby } from "../use-cases/live.ts";

export function createLobby({ store, now }: Context): Lobby {
  return {
    async access(roomId, userIds) {
      const found = await store.memberships.roles(roomId, userIds.map(userKey));
      const reading = new Set<number>();
      const waiting = new Set<number>();
      if (!found) return { isShut: false, reading, waiting };
      const { room, members } = found;
      for (const { userId, role } of members) {
        if (userId !== null) (waitsInLobby({ role }, room, now()) ? waiting : reading).add(userId);
      }
      return { isShut: room.lobby, reading, waiting };
    },
  };
}
