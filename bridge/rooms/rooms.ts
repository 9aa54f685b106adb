/**
 * A chatroom's room in Matrix: made by the bot, exactly once, named by an alias that follows from the room's token; its
 * state follows the chatroom, and it is emptied when the chatroom is deleted.
 */
import { isDeepStrictEqual } from "node:util";
import { actorOf, type Conversation } from "../../src/domain/model.ts";
import type { MembershipStore } from "../../src/domain/ports/store/memberships.ts";
import type { AvatarStore } from "../../src/domain/ports/store/rooms.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import type { Homeserver } from "../homeserver/homeserver.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore, ClaimedRoom } from "../store/bridge-store.ts";
import type { RoomRef } from "./members.ts";
import { type PowerLevels, powerLevels } from "./power-levels.ts";

/** A claimed room that exists in both worlds. */
export interface OpenRoom extends ClaimedRoom, RoomRef {
  conversation: Conversation;
  matrixRoomId: string;
  roomVersion: string;
  /** The room is open, although one of two blocks the other, because what was said before is on its way. */
  writableWhileBlocked?: boolean;
}

export interface MatrixRooms {
  /** Makes the room, or finds the one that an interrupted try has made. */
  make(room: ClaimedRoom & { conversation: Conversation }): Promise<OpenRoom>;
  /** Whether the homeserver says that we are in no such room: its own backup is older, or an administrator deleted it. */
  isLost(room: RoomRef): Promise<boolean>;
  /** Name, topic and picture as the chatroom has them. */
  syncProfile(room: OpenRoom): Promise<void>;
  /**
   * Power levels as the roles are; `room.readOnly` as of where the log was mirrored to. Where one of two blocks the other
   * nobody writes either, unless `room.catchesUp`.
   */
  syncPower(room: OpenRoom): Promise<void>;
  /** Removes everybody, the alias, and the bot last. Can be repeated. */
  clear(room: RoomRef & { token: string }): Promise<void>;
}

export interface MatrixRoomsOptions {
  homeserver: Homeserver;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  store: Pick<BridgeStore, "putMatrixRoom" | "state" | "putState">;
  memberships: Pick<MembershipStore, "list">;
  avatars: Pick<AvatarStore, "get">;
  /** The version that the homeserver gives new rooms. */
  roomVersion: () => string;
}

/** Removals under way at once. */
const MAX_PARALLEL_REMOVALS = 4;
/** A room that the homeserver only half made is given up after so many turns. */
const MAX_HALF_MADE_TRIES = 6;

export function createMatrixRooms(options: MatrixRoomsOptions): MatrixRooms {
  const { homeserver, accounts, ghosts, store } = options;
  const { serverName } = homeserver;
  const aliasName = (token: string) => `${homeserver.registration.prefix}room_${token}`;
  const aliasPath = (token: string) =>
    `/_matrix/client/v3/directory/room/${encodeURIComponent(`#${aliasName(token)}:${serverName}`)}`;
  const roomPath = (id: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;
  const asBot = <T>(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: object) =>
    accounts.request<T>(ghosts.bot, method, path, body ? { body } : {});

  async function wantedPower(
    room: Conversation,
    roomVersion: string,
    readOnly: boolean,
  ): Promise<PowerLevels> {
    const members = (await options.memberships.list([room.id])).flatMap(({ member, role }) => {
      const actor = actorOf(member, "");
      return actor.kind === "guest" ? [] : [{ matrixId: ghosts.ofActor(actor), role }];
    });
    const { type, blocked } = room;
    return powerLevels({ roomVersion, type, bot: ghosts.bot, members, readOnly, blocked });
  }

  async function avatarUrl({ avatarId }: Conversation): Promise<string | null> {
    if (avatarId === null) return null;
    const known = await store.state(`avatar:${avatarId}`);
    if (known !== null) return known;
    const image = await options.avatars.get(avatarId);
    if (!image) return null;
    const path = "/_matrix/media/v3/upload";
    const upload = { body: image.bytes, contentType: image.mime };
    const answer = await accounts.request<{ content_uri?: string }>(ghosts.bot, "POST", path, upload);
    const url = fieldOf(answer, "content_uri");
    await store.putState(`avatar:${avatarId}`, url);
    return url;
  }

  async function create(room: Conversation): Promise<{ matrixRoomId: string; roomVersion: string }> {
    const roomVersion = options.roomVersion();
    const avatar = await avatarUrl(room);
    const answer = await asBot<{ room_id?: string }>("POST", "/_matrix/client/v3/createRoom", {
      room_alias_name: aliasName(room.token),
      room_version: roomVersion,
      preset: "private_chat",
      visibility: "private",
      ...(room.name !== "" && { name: room.name }),
      ...(room.description && { topic: room.description }),
      initial_state: [
        ...fixedState(room),
        ...(avatar ? [{ type: "m.room.avatar", state_key: "", content: { url: avatar } }] : []),
      ],
      power_level_content_override: await wantedPower(room, roomVersion, room.blocked),
    });
    return { matrixRoomId: fieldOf(answer, "room_id"), roomVersion };
  }

  /** The room that stands under our alias: an earlier try made it, and its answer never came to be stored. */
  async function adopt(room: Conversation, failures: number) {
    const room_id = fieldOf(await asBot<{ room_id?: string }>("GET", aliasPath(room.token)), "room_id");
    try {
      const made = await asBot<{ room_version?: string }>("GET", roomPath(room_id, "state/m.room.create/"));
      return { matrixRoomId: room_id, roomVersion: made.room_version ?? "1" };
    } catch (error) {
      // The homeserver reserves the alias first. One that died right then left a room that nobody is in.
      const notThere = error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND");
      if (notThere && failures >= MAX_HALF_MADE_TRIES) await asBot("DELETE", aliasPath(room.token));
      throw error;
    }
  }

  async function syncAll(open: OpenRoom): Promise<void> {
    for (const { type, content } of fixedState(open.conversation)) await putState(open, type, content);
    await syncPower(open);
    await syncProfile(open);
  }

  async function putState(room: RoomRef, type: string, content: object): Promise<void> {
    const path = roomPath(room.matrixRoomId, `state/${type}/`);
    const now = await asBot<object>("GET", path).catch((error: unknown) => {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return {};
      throw error;
    });
    if (!isDeepStrictEqual(now, content)) await asBot("PUT", path, content);
  }

  async function syncPower(room: OpenRoom): Promise<void> {
    const nobodyWrites = room.readOnly || (room.conversation.blocked && !room.writableWhileBlocked);
    const wanted = await wantedPower(room.conversation, room.roomVersion, nobodyWrites);
    await putState(room, "m.room.power_levels", wanted);
  }

  async function syncProfile(room: OpenRoom): Promise<void> {
    const { name, description } = room.conversation;
    await putState(room, "m.room.name", name === "" ? {} : { name });
    await putState(room, "m.room.topic", description ? { topic: description } : {});
    const url = await avatarUrl(room.conversation);
    await putState(room, "m.room.avatar", url ? { url } : {});
  }

  return {
    syncProfile,
    syncPower,
    async isLost({ matrixRoomId }) {
      try {
        const path = roomPath(matrixRoomId, `state/m.room.member/${encodeURIComponent(ghosts.bot)}`);
        return (await asBot<{ membership?: string }>("GET", path)).membership !== "join";
      } catch (error) {
        // The bot is in every room of ours, nobody can remove it, and only who is in a room may ask for its state.
        if (error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND")) return true;
        throw error;
      }
    },
    async make(room) {
      const { conversation } = room;
      let made: { matrixRoomId: string; roomVersion: string };
      let adopted = false;
      try {
        made = await create(conversation);
      } catch (error) {
        if (!isAliasTaken(error)) throw error;
        made = await adopt(conversation, room.failures);
        adopted = true;
      }
      const open = { ...room, ...made, conversation };
      if (adopted) await syncAll(open);
      await store.putMatrixRoom(room.id, made);
      return open;
    },
    async clear(room) {
      const path = (rest: string) => roomPath(room.matrixRoomId, rest);
      const othersIn = async () => {
        const members = await membersIn(asBot, path("members?not_membership=leave"));
        return members.filter((matrixId) => matrixId !== ghosts.bot);
      };
      const others = await othersIn();
      for (let i = 0; i < others.length; i += MAX_PARALLEL_REMOVALS) {
        const some = others.slice(i, i + MAX_PARALLEL_REMOVALS);
        const reason = "The chatroom was deleted";
        await Promise.all(
          some.map((user_id) => unlessGone(asBot("POST", path("kick"), { user_id, reason }))),
        );
      }
      const [left] = await othersIn();
      // Once the bot is gone nobody could remove them.
      if (left !== undefined) throw new Error(`${left} can't be removed from a deleted room in Matrix`);
      await unlessGone(asBot("DELETE", aliasPath(room.token)));
      await unlessGone(asBot("POST", path("leave"), {}));
      await unlessGone(asBot("POST", path("forget"), {}));
    },
  };
}

/**
 * State that never changes. Members see what was said since they were invited, which the bridge does when they become
 * members; Matrix' own `joined` would hide what was said before a ghost joined.
 */
function fixedState({ history }: Conversation) {
  const state = (type: string, content: object) => ({ type, state_key: "", content });
  return [
    state("m.room.history_visibility", { history_visibility: history === "shared" ? "shared" : "invited" }),
    state("m.room.guest_access", { guest_access: "forbidden" }),
    state("m.room.join_rules", { join_rule: "invite" }),
  ];
}

interface MembersAnswer {
  chunk: { state_key: string; content: { membership?: string } }[];
}

/** Who is in the room or invited; nobody when we are not in it any more. */
async function membersIn(
  asBot: <T>(method: "GET", path: string) => Promise<T>,
  path: string,
): Promise<string[]> {
  try {
    const { chunk } = await asBot<MembersAnswer>("GET", path);
    const here = chunk.filter(
      ({ content: { membership } }) => membership === "join" || membership === "invite",
    );
    return here.map(({ state_key }) => state_key);
  } catch (error) {
    if (error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND")) return [];
    throw error;
  }
}

/** Synapse answers 409 where two requests cross. */
function isAliasTaken(error: unknown): boolean {
  if (!(error instanceof HomeserverError) || error.outage) return false;
  return error.says("M_ROOM_IN_USE") || error.status === 409;
}

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    // Done before: the alias, the membership or the room is not there. Synapse leaves a room that it does not know with 404.
    if (!(error instanceof HomeserverError) || !error.says("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN"))
      throw error;
    if (error.temporary) throw error;
  }
}
