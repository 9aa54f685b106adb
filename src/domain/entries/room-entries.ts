/** Entries of a member's list of rooms: what the store has of a room for them, and hot state beside it. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { type Actor, memberKey } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { SessionRoom } from "../ports/store/room-lists.ts";
import type { RoomEntries, RoomEntryView } from "../use-cases/room-entries.ts";

export function createRoomEntries({ store, hot, accesses, now }: Context): RoomEntries {
  const { roomLists } = store;

  /** Two reads of hot state in one round trip. Hot state that is away is no reason to show no rooms. */
  async function withHot(actor: Actor, rooms: readonly SessionRoom[]): Promise<RoomEntryView[]> {
    const ids = rooms.map(({ id }) => id);
    const none: number[] = [];
    const [lastPings, calls] =
      ids.length === 0
        ? [none, none]
        : await Promise.all([
            hot.presence.lastPings(memberKey(actor), ids).catch(() => none),
            hot.calls.flags(ids).catch(() => none),
          ]);
    const at = now();
    return rooms.map((room, n) => ({
      room,
      lastPing: lastPings[n] ?? 0,
      call: calls[n] ?? 0,
      waiting: waitsInLobby(room, room, at),
    }));
  }

  return {
    list: async (actor, asked) => await withHot(actor, await roomLists.sessionRooms(memberKey(actor), asked)),
    async of(actor, token) {
      const { roomId } = await accesses.member(actor, token);
      const room = await roomLists.sessionRoom(memberKey(actor), roomId);
      const [entry] = room ? await withHot(actor, [room]) : [];
      if (!entry) throw noSuchRoom();
      return entry;
    },
  };
}
