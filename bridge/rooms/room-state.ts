/** State events of Matrix rooms, which the bot sets where they differ from what is wanted. */
import { isDeepStrictEqual } from "node:util";
import type { Room } from "../../src/domain/model.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";

interface InMatrix {
  matrixRoomId: string;
}

export interface RoomState {
  /** The content of a state event with an empty key; empty without one. @throws HomeserverError */
  read(room: InMatrix, type: string): Promise<Record<string, unknown>>;
  /** Sets a state event with an empty key. @throws HomeserverError */
  put(room: InMatrix, type: string, content: object): Promise<void>;
  /** Sets a state event whose content is a list under this name; without the event the list is empty. @throws HomeserverError */
  putList(room: InMatrix, type: string, name: string, list: readonly string[]): Promise<void>;
  /** Sets the room's name; empty: the room has none. @throws HomeserverError */
  putName(room: InMatrix, name: string): Promise<void>;
}

export function createRoomState(accounts: GhostAccounts, { bot }: Pick<Ghosts, "bot">): RoomState {
  const pathOf = ({ matrixRoomId }: InMatrix, type: string) =>
    `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/state/${type}/`;

  async function read(room: InMatrix, type: string): Promise<Record<string, unknown>> {
    try {
      return await accounts.request<Record<string, unknown>>(bot, "GET", pathOf(room, type));
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return {};
      throw error;
    }
  }

  const write = (room: InMatrix, type: string, body: object) =>
    accounts.request(bot, "PUT", pathOf(room, type), { body });

  return {
    read,
    async put(room, type, content) {
      if (!isDeepStrictEqual(await read(room, type), content)) await write(room, type, content);
    },
    async putList(room, type, name, list) {
      const { [name]: now = [] } = await read(room, type);
      if (!isDeepStrictEqual(now, list)) await write(room, type, { [name]: list });
    },
    // Homeservers take no name out of a room that has had one (Synapse: "'name' not in content").
    async putName(room, name) {
      const now = await read(room, "m.room.name");
      if ((now.name ?? "") !== name) await write(room, "m.room.name", { name });
    },
  };
}

export function isDirect(room: Pick<Room, "type"> | null | undefined): boolean {
  return room?.type === "one_to_one";
}

/** The name of a one-to-one room is for each member the other's. */
export function nameOf(room: Room): string {
  return isDirect(room) ? "" : room.name;
}

const stateOf = (type: string, content: object) => ({ type, state_key: "", content });

/** The state of a direct chat that other rooms do not have. */
export function directState(bot: string) {
  return [stateOf("io.element.functional_members", { service_members: [bot] })];
}

/**
 * State that never changes. Where history is not shared, members see messages from their invitation on, and the bridge
 * invites them when they become members. With `joined` they would miss the messages before their ghost joined.
 */
export function fixedState(room: Room, bot: string) {
  const { history } = room;
  return [
    stateOf("m.room.history_visibility", {
      history_visibility: history === "shared" ? "shared" : "invited",
    }),
    stateOf("m.room.guest_access", { guest_access: "forbidden" }),
    stateOf("m.room.join_rules", { join_rule: "invite" }),
    ...(isDirect(room) ? directState(bot) : []),
  ];
}
