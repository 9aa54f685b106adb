/**
 * The portal: the Matrix room of a chatroom. The bot makes it once, under an alias that follows from the room's token. Its
 * state follows the chatroom's, and everybody is removed from it when the chatroom is deleted.
 */
import { actorOf, type Posting, type Room } from "../../src/domain/model.ts";
import type { MembershipStore } from "../../src/domain/ports/store/memberships.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import type { Homeserver } from "../homeserver/homeserver.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Pictures } from "../homeserver/pictures.ts";
import { isRefusal, whyOf } from "../homeserver/refusals.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore, ClaimedRoom } from "../store/bridge-store.ts";
import { createAliases } from "./aliases.ts";
import { createDirectChats } from "./direct.ts";
import { emptyRoom } from "./emptying.ts";
import type { RoomRef } from "./members.ts";
import { botLevelIn, type PowerLevels, powerLevels } from "./power-levels.ts";
import { createRoomState, fixedState, isDirect, nameOf } from "./room-state.ts";

/** A claimed room that has a Matrix room. */
export interface OpenRoom extends ClaimedRoom, RoomRef {
  chatroom: Room;
  matrixRoomId: string;
  roomVersion: string;
  foreign: boolean;
  /** Members may write although one blocks the other, while the bridge sends the messages from before the block. */
  writableWhileBlocked?: boolean;
}

export interface MatrixRooms {
  /** Makes the Matrix room, or adopts the one that an interrupted try has made. @throws HomeserverError */
  make(room: ClaimedRoom & { chatroom: Room }): Promise<OpenRoom>;
  /** Whether the bot is no longer in the room: the homeserver was restored, or an administrator deleted the room. */
  isLost(room: RoomRef): Promise<boolean>;
  /** Frees the alias of a room that is lost, so that the room can be made again under it. */
  freeAlias(room: Pick<ClaimedRoom, "token" | "matrixRoomId">): Promise<void>;
  /**
   * Sets again whatever of the room's state, or its alias, is not as the chatroom has it. A room that was made in Matrix keeps its
   * state, here and below.
   */
  restore(room: OpenRoom): Promise<void>;
  /**
   * Makes a one-to-one room what a direct chat is in Matrix, and lists it for those who may be signed in there. Nothing happens in
   * other rooms, and in those where nobody is.
   */
  syncDirect(room: OpenRoom): Promise<void>;
  /** Sets name, topic and picture to the chatroom's. */
  syncProfile(room: OpenRoom): Promise<void>;
  /**
   * Sets the power levels from the members' roles. Nobody may write in a read-only room (`room.readOnly`, as of the event
   * `room.mirrored`, as is `room.posting`), nor where one member blocks the other, unless `room.writableWhileBlocked`.
   */
  syncPower(room: OpenRoom): Promise<void>;
  /** Removes everybody, then the alias, and the bot last. Safe to repeat. @throws HomeserverError */
  clear(room: RoomRef & { token: string }): Promise<void>;
}

export interface MatrixRoomsOptions {
  homeserver: Homeserver;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  store: Pick<BridgeStore, "putMatrixRoom" | "putChangeAside" | "activeMembers" | "directRooms">;
  memberships: Pick<MembershipStore, "list">;
  pictures: Pick<Pictures, "address">;
  /** The room version for new rooms. */
  roomVersion: () => string;
}

/** After so many failed turns the alias of a room that the homeserver only half made is deleted. */
const MAX_HALF_MADE_TRIES = 6;

export function createMatrixRooms(options: MatrixRoomsOptions): MatrixRooms {
  const { homeserver, accounts, ghosts, store, pictures } = options;
  const state = createRoomState(accounts, ghosts);
  const direct = createDirectChats(accounts, ghosts, state, store);
  const roomPath = (id: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;
  const asBot = <T>(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: object) =>
    accounts.request<T>(ghosts.bot, method, path, body ? { body } : {});

  const aliases = createAliases(
    { prefix: homeserver.registration.prefix, serverName: homeserver.serverName },
    asBot,
  );

  async function wantedPower(
    room: Room,
    roomVersion: string,
    writers: { readOnly: boolean; posting: Posting; botLevel?: number },
  ): Promise<PowerLevels> {
    const members = (await options.memberships.list([room.id])).flatMap(({ member, role }) => {
      const actor = actorOf(member, "");
      // Nobody signs in as a guest's ghost. It needs a level only to write where moderators alone do.
      const needsNone = actor.kind === "guest" && writers.posting === "all";
      return needsNone ? [] : [{ matrixId: ghosts.ofActor(actor), role }];
    });
    const { type, blocked } = room;
    return powerLevels({ roomVersion, type, bot: ghosts.bot, members, ...writers, blocked });
  }

  async function create(room: Room): Promise<{ matrixRoomId: string; roomVersion: string }> {
    const roomVersion = options.roomVersion();
    const avatar = await pictures.address(room.avatarId).catch(async (error: unknown) => {
      // A picture that is too large for Matrix keeps no room from being made.
      if (!isRefusal(error, 0)) throw error;
      await store.putChangeAside(room.id, "picture", whyOf(error));
      return null;
    });
    const answer = await asBot<{ room_id?: string }>("POST", "/_matrix/client/v3/createRoom", {
      room_alias_name: aliases.localpart(room.token),
      room_version: roomVersion,
      preset: "private_chat",
      visibility: "private",
      ...(nameOf(room) !== "" && { name: nameOf(room) }),
      ...(room.description && { topic: room.description }),
      initial_state: [
        ...fixedState(room, ghosts.bot),
        ...(avatar ? [{ type: "m.room.avatar", state_key: "", content: { url: avatar } }] : []),
      ],
      power_level_content_override: await wantedPower(room, roomVersion, {
        readOnly: room.blocked,
        posting: "all",
      }),
    });
    return { matrixRoomId: fieldOf(answer, "room_id"), roomVersion };
  }

  /** Takes the room under our alias: an earlier try made it, and failed before it stored the room's id. */
  async function adopt(room: Room, failures: number) {
    const room_id = await aliases.room(room.token);
    try {
      const made = await asBot<{ room_version?: string }>("GET", roomPath(room_id, "state/m.room.create/"));
      return { matrixRoomId: room_id, roomVersion: made.room_version ?? "1" };
    } catch (error) {
      // The homeserver reserves the alias first. If it died then, the alias leads to a room without members.
      const notThere = error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND");
      if (notThere && failures >= MAX_HALF_MADE_TRIES) await aliases.free(room.token);
      throw error;
    }
  }

  async function syncAll(open: OpenRoom): Promise<void> {
    for (const { type, content } of fixedState(open.chatroom, ghosts.bot))
      await state.put(open, type, content);
    await syncPower(open);
    await syncProfile(open);
  }

  async function syncPower(room: OpenRoom): Promise<void> {
    if (room.foreign) return;
    const readOnly = room.readOnly || (room.chatroom.blocked && !room.writableWhileBlocked);
    const { chatroom, roomVersion, posting } = room;
    const botLevel = botLevelIn(await state.read(room, "m.room.power_levels"), ghosts.bot);
    const wanted = await wantedPower(chatroom, roomVersion, {
      readOnly,
      posting,
      ...(botLevel && { botLevel }),
    });
    await state.put(room, "m.room.power_levels", wanted);
  }

  async function syncProfile(room: OpenRoom): Promise<void> {
    if (room.foreign) return;
    const { description, avatarId } = room.chatroom;
    await state.putName(room, nameOf(room.chatroom));
    await state.put(room, "m.room.topic", description ? { topic: description } : {});
    const url = await pictures.address(avatarId);
    await state.put(room, "m.room.avatar", url ? { url } : {});
  }

  return {
    syncProfile,
    async freeAlias({ token, matrixRoomId }) {
      if (matrixRoomId !== null) await aliases.free(token, matrixRoomId);
    },
    async restore(room) {
      if (room.foreign) return;
      await syncAll(room);
      await aliases.restore(room.token, room.matrixRoomId);
      if (isDirect(room.chatroom)) await direct.hideAlias(room);
      else await state.put(room, "m.room.canonical_alias", { alias: aliases.of(room.token) });
    },
    syncPower,
    syncDirect: direct.settle,
    async isLost({ matrixRoomId }) {
      try {
        const path = roomPath(matrixRoomId, `state/m.room.member/${encodeURIComponent(ghosts.bot)}`);
        return (await asBot<{ membership?: string }>("GET", path)).membership !== "join";
      } catch (error) {
        // The bot is in each room of ours and nobody can remove it. Only members may read a room's state.
        if (error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_NOT_FOUND")) return true;
        throw error;
      }
    },
    async make(claimed) {
      const { chatroom } = claimed;
      let made: { matrixRoomId: string; roomVersion: string };
      let adopted = false;
      try {
        made = await create(chatroom);
      } catch (error) {
        if (!isAliasTaken(error)) throw error;
        made = await adopt(chatroom, claimed.failures);
        adopted = true;
      }
      const open = { ...claimed, ...made, chatroom };
      if (adopted) await syncAll(open);
      if (isDirect(chatroom)) await direct.hideAlias(open);
      await store.putMatrixRoom(claimed.id, made);
      return open;
    },
    clear: (room) => emptyRoom({ accounts, ghosts, aliases, asBot }, room),
  };
}

/** Whether the alias exists. Synapse answers 409 when two requests for it cross. */
function isAliasTaken(error: unknown): boolean {
  if (!(error instanceof HomeserverError) || error.outage) return false;
  return error.says("M_ROOM_IN_USE") || error.status === 409;
}
