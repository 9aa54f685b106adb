/**
 * Each organization is a space in Matrix (`m.space`), whose children are the Matrix rooms of its chatrooms. Its users who may be
 * signed in to Matrix are invited. The database says what differs, so that each difference is dealt with once, by whichever worker.
 */
import { backoffMs } from "../../src/domain/backoff.ts";
import { isUnavailable } from "../../src/domain/errors.ts";
import { actorOf } from "../../src/domain/model.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import type { Homeserver } from "../homeserver/homeserver.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeSpaces, SpaceWork } from "../store/spaces.ts";
import { createAliases } from "./aliases.ts";
import { spaceLevels } from "./power-levels.ts";

export interface Spaces {
  /** Brings the spaces that differ from their organizations in line. Failures are logged and tried again later. */
  run(): Promise<void>;
}

export interface SpacesOptions {
  homeserver: Homeserver;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  store: BridgeSpaces;
  /** The version of new rooms. */
  roomVersion: () => string;
  logger: Pick<Logger, "warn">;
}

const BATCH = 10;
const LEASE_MS = 120_000;
const RETRIES = { firstMs: 5_000, maxMs: 10 * 60_000 };

export function createSpaces(options: SpacesOptions): Spaces {
  const { homeserver, accounts, ghosts, store, logger } = options;
  const { serverName } = homeserver;
  const roomPath = (id: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;
  const asBot = <T>(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: object) =>
    accounts.request<T>(ghosts.bot, method, path, body ? { body } : {});
  const aliases = createAliases({ prefix: homeserver.registration.prefix, serverName }, asBot);
  // No token of a room has a hyphen.
  const tokenOf = (organizationId: number) => `space-${organizationId}`;

  const putState = (id: string, type: string, key: string, content: object) =>
    asBot("PUT", roomPath(id, `state/${type}/${encodeURIComponent(key)}`), content);

  async function create({ organizationId, name }: SpaceWork): Promise<string> {
    const roomVersion = options.roomVersion();
    const answer = await asBot<{ room_id?: string }>("POST", "/_matrix/client/v3/createRoom", {
      room_alias_name: aliases.localpart(tokenOf(organizationId)),
      room_version: roomVersion,
      preset: "private_chat",
      visibility: "private",
      name: name ?? "",
      creation_content: { type: "m.space" },
      initial_state: [
        { type: "m.room.guest_access", state_key: "", content: { guest_access: "forbidden" } },
        { type: "m.room.history_visibility", state_key: "", content: { history_visibility: "shared" } },
      ],
      power_level_content_override: spaceLevels(roomVersion, ghosts.bot),
    });
    return fieldOf(answer, "room_id");
  }

  /** @returns the id of the space; the one that an interrupted try made, where the bot is in it */
  async function make(work: SpaceWork): Promise<string> {
    const token = tokenOf(work.organizationId);
    try {
      return await create(work);
    } catch (error) {
      const isThere = error instanceof HomeserverError && !error.outage && error.status !== null;
      if (!isThere || !(error.says("M_ROOM_IN_USE") || error.status === 409)) throw error;
    }
    const made = await aliases.room(token);
    try {
      await asBot("GET", roomPath(made, "state/m.room.create/"));
      return made;
    } catch (error) {
      if (!(error instanceof HomeserverError) || !error.says("M_FORBIDDEN", "M_NOT_FOUND")) throw error;
      await aliases.free(token);
      return await create(work);
    }
  }

  /** What the homeserver refuses for good is not tried again: the room or the person is gone, or will be another. */
  async function unlessRefused(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
      if (!error.says("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")) throw error;
    });
  }

  async function putRooms(space: string, { organizationId, roomsToAdd, roomsToRemove }: SpaceWork) {
    for (const room of roomsToAdd) {
      const via = { via: [serverName] };
      await putState(space, "m.space.child", room, via);
      await unlessRefused(putState(room, "m.space.parent", space, { ...via, canonical: true }));
      await store.putSpaceRoom(organizationId, room, true);
    }
    for (const room of roomsToRemove) {
      await putState(space, "m.space.child", room, {});
      await store.putSpaceRoom(organizationId, room, false);
    }
  }

  async function putMembers(space: string, { organizationId, toInvite, toRemove }: SpaceWork) {
    for (const member of toInvite) {
      const user_id = ghosts.ofActor(actorOf(member, ""));
      await unlessRefused(asBot("POST", roomPath(space, "invite"), { user_id }));
      await store.putSpaceMember(organizationId, member, true);
    }
    for (const member of toRemove) {
      const user_id = ghosts.ofActor(actorOf(member, ""));
      const reason = "Not in the organization, or not signed in to Matrix any more";
      await unlessRefused(asBot("POST", roomPath(space, "kick"), { user_id, reason }));
      await store.putSpaceMember(organizationId, member, false);
    }
  }

  /** The organization was deleted: everybody goes, the bot last. */
  async function clear(work: SpaceWork): Promise<boolean> {
    const { organizationId, matrixRoomId: space } = work;
    if (space !== null) {
      await putMembers(space, { ...work, toInvite: [] });
      const left = await store.spaceWork(organizationId);
      if (left && left.toRemove.length > 0) return false;
      await unlessRefused(aliases.free(tokenOf(organizationId), space));
      await unlessRefused(asBot("POST", roomPath(space, "leave"), {}));
    }
    await store.forgetSpace(organizationId);
    return true;
  }

  async function bringInLine(work: SpaceWork): Promise<void> {
    const { organizationId, name, shownName } = work;
    if (name === null) return void (await clear(work));
    const space = work.matrixRoomId ?? (await make(work));
    if (work.matrixRoomId === null) await store.putSpace(organizationId, space);
    if (name !== shownName) {
      await putState(space, "m.room.name", "", { name });
      await store.putSpaceName(organizationId, name);
    }
    await putRooms(space, work);
    await putMembers(space, work);
  }

  async function attempt(organizationId: number): Promise<void> {
    const work = await store.spaceWork(organizationId);
    if (!work) return;
    try {
      await bringInLine(work);
      await store.releaseSpace(organizationId);
    } catch (error) {
      await store.releaseSpace(organizationId, backoffMs(RETRIES, work.failures));
      if (work.failures === 0 && !isUnavailable(error))
        logger.warn(
          { event: "bridge.space_failed", err: error, organizationId },
          "could not bring the space of an organization in line in Matrix; trying again",
        );
    }
  }

  return {
    async run() {
      for (const id of await store.leaseSpaces(BATCH, LEASE_MS)) await attempt(id);
    },
  };
}
