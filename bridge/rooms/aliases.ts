/** Aliases of Matrix rooms. Each follows from the room's token, so that an interrupted try to make a room is found again. */
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";

type AsBot = <T>(method: "GET" | "PUT" | "DELETE", path: string, body?: object) => Promise<T>;

export interface Aliases {
  /** The localpart of a room's alias, and the whole of it. */
  localpart(token: string): string;
  of(token: string): string;
  /** The id of the room under the alias. @throws HomeserverError, with `M_NOT_FOUND` when there is none */
  room(token: string): Promise<string>;
  /** Gives the alias to a room, unless a room has it. @throws HomeserverError */
  restore(token: string, matrixRoomId: string): Promise<void>;
  /** Takes the alias from a room, or, without an id, from any. @throws HomeserverError */
  free(token: string, matrixRoomId?: string): Promise<void>;
}

export function createAliases(names: { prefix: string; serverName: string }, asBot: AsBot): Aliases {
  const localpart = (token: string) => `${names.prefix}room_${token}`;
  const of = (token: string) => `#${localpart(token)}:${names.serverName}`;
  const path = (token: string) => `/_matrix/client/v3/directory/room/${encodeURIComponent(of(token))}`;
  const room = async (token: string) =>
    fieldOf(await asBot<{ room_id?: string }>("GET", path(token)), "room_id");

  async function roomOrNull(token: string): Promise<string | null> {
    try {
      return await room(token);
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return null;
      throw error;
    }
  }

  return {
    localpart,
    of,
    room,
    async restore(token, matrixRoomId) {
      if ((await roomOrNull(token)) === null) await asBot("PUT", path(token), { room_id: matrixRoomId });
    },
    async free(token, matrixRoomId) {
      const now = await roomOrNull(token);
      if (now === null || (matrixRoomId !== undefined && now !== matrixRoomId)) return;
      await asBot("DELETE", path(token));
    },
  };
}
