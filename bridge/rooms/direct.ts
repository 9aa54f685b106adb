/**
 * One-to-one rooms as Matrix has direct chats: a room without a name and without an alias shows the other's name and picture, where
 * the bot counts for nobody (`io.element.functional_members`, MSC4171), and stands under the people of a list where a person's
 * own account data says so (`m.direct`).
 */
import { LRUCache } from "lru-cache";
import { actorOf, type MemberKey, type Room } from "../../src/domain/model.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { RoomRef } from "./members.ts";
import { directState, isDirect, type RoomState } from "./room-state.ts";

export interface DirectChats {
  /**
   * Makes a one-to-one room a direct chat, and lists it for those who may be signed in. Chats that are in a person's list already stay
   * as they are. Nothing happens in other rooms, and in those where nobody is signed in.
   * @throws HomeserverError
   */
  settle(room: RoomRef & { chatroom: Pick<Room, "type"> }): Promise<void>;
  /**
   * Takes the alias out of the room's state, because clients would show it in the place of the other's name. It stays in the homeserver's
   * directory, where an interrupted try is found by it.
   * @throws HomeserverError
   */
  hideAlias(room: RoomRef): Promise<void>;
}

/** What `m.direct` holds: rooms by the Matrix id of the other. */
type DirectRooms = Record<string, string[]>;

/** Only what is said about the room is remembered; the list itself is read each time. */
const MAX_LISTED = 20_000;

export function createDirectChats(
  accounts: GhostAccounts,
  ghosts: Ghosts,
  state: RoomState,
  store: Pick<BridgeStore, "activeMembers" | "directRooms">,
): DirectChats {
  const listed = new LRUCache<string, true>({ max: MAX_LISTED });
  /** The end of what is under way for a person: two writes at once would each lose the other's. */
  const tails = new Map<MemberKey, Promise<void>>();

  async function read(matrixId: string, path: string): Promise<DirectRooms> {
    try {
      return roomsIn(await accounts.request<unknown>(matrixId, "GET", path));
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return {};
      throw error;
    }
  }

  async function write(member: MemberKey): Promise<void> {
    const rooms = await store.directRooms(member);
    const matrixId = ghosts.ofActor(actorOf(member, ""));
    const path = `/_matrix/client/v3/user/${encodeURIComponent(matrixId)}/account_data/m.direct`;
    const direct = await read(matrixId, path);
    const there = new Set(Object.values(direct).flat());
    const missing = rooms.filter(({ matrixRoomId }) => !there.has(matrixRoomId));
    for (const { other, matrixRoomId } of missing) {
      const id = ghosts.ofActor(actorOf(other, ""));
      direct[id] = [...(direct[id] ?? []), matrixRoomId];
    }
    if (missing.length > 0) await accounts.request(matrixId, "PUT", path, { body: direct });
    for (const { matrixRoomId } of rooms) listed.set(`${member} ${matrixRoomId}`, true);
  }

  async function list(member: MemberKey, matrixRoomId: string): Promise<void> {
    const key = `${member} ${matrixRoomId}`;
    const work = async () => (listed.has(key) ? undefined : await write(member));
    const before = tails.get(member) ?? Promise.resolve();
    const mine = before.then(work, work);
    tails.set(member, mine);
    try {
      await mine;
    } finally {
      if (tails.get(member) === mine) tails.delete(member);
    }
  }

  const hideAlias = (room: RoomRef) => state.put(room, "m.room.canonical_alias", {});

  return {
    hideAlias,
    async settle(room) {
      const people = isDirect(room.chatroom) ? await store.activeMembers(room.id) : [];
      if (people.length === 0) return;
      if (!room.foreign) {
        for (const { type, content } of directState(ghosts.bot)) await state.put(room, type, content);
        await hideAlias(room);
        await state.putName(room, "");
      }
      for (const member of people) await list(member, room.matrixRoomId);
    },
  };
}

/** Clients write this as they like: what is no list of rooms is left out. */
function roomsIn(content: unknown): DirectRooms {
  const entries = Object.entries((content ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.flatMap(([id, rooms]) =>
      Array.isArray(rooms) ? [[id, rooms.filter((room) => typeof room === "string")]] : [],
    ),
  );
}
