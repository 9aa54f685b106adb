/** Entries of a member's list of rooms: what the store has of a room for them, and hot state beside it. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type MemberKey, memberKey } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { ActivityPage, SessionRoom } from "../ports/store/room-lists.ts";
import type { RoomEntries, RoomEntryView } from "../use-cases/room-entries.ts";

const MAX_PAGE = 500;
const TOKEN = /^[a-z0-9]{1,32}$/;
const NONE: number[] = [];

export function createRoomEntries({ store, hot, accesses, now }: Context): RoomEntries {
  const { roomLists } = store;

  const isWaiting = (room: SessionRoom) => waitsInLobby(room, room, now());

  /** Two reads of hot state in one round trip. Hot state that is away is no reason to show no rooms. */
  async function withHot(member: MemberKey, rooms: readonly SessionRoom[]): Promise<RoomEntryView[]> {
    const ids = rooms.map(({ id }) => id);
    const [lastPings, calls] =
      ids.length === 0 ? [NONE, NONE] : await Promise.all([pings(member, ids), flags(ids)]);
    return rooms.flatMap((room, n) => entryOf(room, lastPings[n], calls[n]));
  }

  const pings = (member: MemberKey, ids: number[]) => hot.presence.lastPings(member, ids).catch(() => NONE);
  const flags = (ids: number[]) => hot.calls.flags(ids).catch(() => NONE);

  function entryOf(room: SessionRoom, lastPing = 0, call = 0): RoomEntryView[] {
    const { shown } = room;
    return shown === null ? [] : [{ room, shown, lastPing, call, waiting: isWaiting(room) }];
  }

  async function single(member: MemberKey, ids: readonly number[]): Promise<SessionRoom[]> {
    const rooms = await Promise.all(ids.map((id) => roomLists.sessionRoom(member, id)));
    return rooms.filter((room) => room !== null);
  }

  return {
    async atStart(actor, wanted) {
      const member = memberKey(actor);
      const rooms = await roomLists.sessionRooms(member, wanted);
      const entries = await withHot(
        member,
        rooms.filter(({ shown }) => shown !== null),
      );
      return { rooms: rooms.map((room) => ({ room, waiting: isWaiting(room) })), entries };
    },
    async page(actor, { after, limit, archived }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
        throw badField("limit", "must be an integer from 1 to 500");
      }
      const member = memberKey(actor);
      const query: ActivityPage = { limit: limit + 1, ...(archived !== undefined && { archived }) };
      if (after !== undefined) {
        const place = TOKEN.test(after) ? await roomLists.placeOf(member, after) : null;
        if (!place) throw new DomainError("not_found", "after names no room of yours", { field: "after" });
        query.after = place;
      }
      const ids = await roomLists.idsByActivity(member, query);
      const entries = await withHot(member, await single(member, ids.slice(0, limit)));
      return { entries, more: ids.length > limit };
    },
    async of(actor, token) {
      const { roomId } = await accesses.member(actor, token);
      const member = memberKey(actor);
      const [entry] = await withHot(member, await single(member, [roomId]));
      if (!entry) throw noSuchRoom();
      return entry;
    },
    async ofMembers(roomId, members) {
      const [rooms, lastPings, [call] = NONE] = await Promise.all([
        Promise.all(members.map((member) => roomLists.sessionRoom(member, roomId))),
        Promise.all(members.map((member) => pings(member, [roomId]))),
        flags([roomId]),
      ]);
      const found = new Map<MemberKey, RoomEntryView>();
      members.forEach((member, n) => {
        const room = rooms[n];
        for (const entry of room ? entryOf(room, lastPings[n]?.[0], call) : []) found.set(member, entry);
      });
      return found;
    },
  };
}
