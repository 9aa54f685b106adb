/** Looks up which actor a Matrix id stands for, and how a room is in Matrix now. */
import { LRUCache } from "lru-cache";
import { type Actor, userActor } from "../../src/domain/model.ts";
import type { UserStore } from "../../src/domain/ports/store/accounts/users.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { acceptedName } from "../mapping/names.ts";
import type { EventLookup } from "./event-lookup.ts";
import type { RoomRef } from "./members.ts";

export interface MatrixLookup {
  /**
   * A user's ghost stands for the user; another Matrix user is an actor of kind `matrix`, with their name in that room.
   * @returns null for the bot, guests' ghosts and deleted users
   * @throws HomeserverError
   */
  actor(room: RoomRef, matrixId: string): Promise<Actor | null>;
  /** The content of a state event with an empty key, now; empty without one. @throws HomeserverError */
  roomState(room: RoomRef, type: string): Promise<Record<string, unknown>>;
  /** The name of somebody who is not ours, in that room, as it is now. @throws HomeserverError */
  newName(room: RoomRef, matrixId: string): Promise<string>;
  /** Whether an event is a part of the room's state. @throws HomeserverError */
  isState(room: RoomRef, eventId: string): Promise<boolean>;
}

const MAX_CACHED_NAMES = 5_000;
const NAME_TTL_MS = 5 * 60_000;

export function createMatrixLookup(
  accounts: GhostAccounts,
  ghosts: Ghosts,
  users: Pick<UserStore, "byId">,
  events: Pick<EventLookup, "get">,
): MatrixLookup {
  const names = new LRUCache<string, string>({ max: MAX_CACHED_NAMES, ttl: NAME_TTL_MS });

  async function state<T>(room: RoomRef, path: string): Promise<T | null> {
    const base = `/_matrix/client/v3/rooms/${encodeURIComponent(room.matrixRoomId)}/state/`;
    try {
      return await accounts.request<T>(ghosts.bot, "GET", base + path);
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return null;
      throw error;
    }
  }

  async function nameOf(room: RoomRef, matrixId: string): Promise<string> {
    const key = keyOf(room, matrixId);
    const known = names.get(key);
    if (known !== undefined) return known;
    const path = `m.room.member/${encodeURIComponent(matrixId)}`;
    const member = await state<{ displayname?: unknown }>(room, path);
    const displayName = typeof member?.displayname === "string" ? acceptedName(member.displayname) : "";
    const name = displayName === "" ? acceptedName(matrixId) : displayName;
    names.set(key, name);
    return name;
  }

  return {
    async actor(room, matrixId) {
      const ghost = ghosts.read(matrixId);
      if (ghost === null) return { kind: "matrix", id: matrixId, name: await nameOf(room, matrixId) };
      const user = ghost.kind === "user" ? await users.byId(ghost.userId) : null;
      return user && userActor(user);
    },
    async isState(room, eventId) {
      return (await events.get(room, eventId))?.state_key !== undefined;
    },
    roomState: async (room, type) => (await state<Record<string, unknown>>(room, `${type}/`)) ?? {},
    async newName(room, matrixId) {
      names.delete(keyOf(room, matrixId));
      return await nameOf(room, matrixId);
    },
  };
}

function keyOf({ id }: RoomRef, matrixId: string): string {
  return `${id} ${matrixId}`;
}
