/** Enters the Matrix room of a direct chat that a user accepted, so that it is the chatroom's. */
import { type Actor, actorOf, memberKey, userActor } from "../../../src/domain/model.ts";
import type { UserStore } from "../../../src/domain/ports/store/accounts/users.ts";
import type { Logger } from "../../../src/logger.ts";
import type { GhostAccounts } from "../../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../../homeserver/homeserver-error.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import { BRIDGED_TYPES } from "../../mapping/matrix-events.ts";
import type { BridgeStore, ClaimedRoom } from "../../store/bridge-store.ts";
import type { OpenInvitation } from "../../store/invitations.ts";

export interface Entering {
  /**
   * Safe to repeat.
   * @returns the Matrix room; null where it can't be used: the chatroom then gets one of its own
   * @throws HomeserverError when it has to be tried again
   */
  enter(room: EnteredRoom): Promise<{ matrixRoomId: string; roomVersion: string; foreign: true } | null>;
}

/** A chatroom, and the Matrix room that it had before, which was made in Matrix as well. */
type EnteredRoom = Pick<ClaimedRoom, "id" | "matrixRoomId" | "foreign">;

export interface EnteringOptions {
  store: Pick<BridgeStore, "invitationOf" | "refuseInvitation" | "invitationDone" | "putForeignRoom">;
  users: Pick<UserStore, "byId">;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  /** See `Inbox`. */
  inbox: { receive(events: readonly unknown[]): Promise<number> };
  logger: Pick<Logger, "warn">;
}

interface MembersAnswer {
  chunk: { state_key: string; content: { membership?: string } }[];
}

/** What was said before the user accepted comes to the chat, too: the newest events, in one page. */
const EVENTS_BEFORE = 100;
const UNUSABLE = "The chat goes on in another room, to which you are invited";
/** What is about the room and its members is none of the chat's before it is in the room. */
const SAID = BRIDGED_TYPES.filter((type) => !type.startsWith("m.room.") || type === "m.room.message");

export function createEntering(options: EnteringOptions): Entering {
  const { store, users, accounts, ghosts, inbox, logger } = options;
  const pathOf = (id: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;

  const join = (matrixId: string, matrixRoomId: string) =>
    accounts.request(matrixId, "POST", `/_matrix/client/v3/join/${encodeURIComponent(matrixRoomId)}`, {
      body: {},
    });

  async function isEncrypted(ghost: string, matrixRoomId: string): Promise<boolean> {
    try {
      await accounts.request(ghost, "GET", pathOf(matrixRoomId, "state/m.room.encryption/"));
      return true;
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return false;
      throw error;
    }
  }

  /** The bot may be in the room already, by an interrupted try. */
  async function bringBot(ghost: string, matrixRoomId: string): Promise<void> {
    try {
      const body = { user_id: ghosts.bot };
      await accounts.request(ghost, "POST", pathOf(matrixRoomId, "invite"), { body });
    } catch (error) {
      if (!(error instanceof HomeserverError) || !error.says("M_FORBIDDEN")) throw error;
    }
    await join(ghosts.bot, matrixRoomId);
  }

  /** A direct chat is one of two: others would read along, and the chat would not show what they say. */
  async function isOfTwo({ ghost, matrixRoomId, sender }: OpenInvitation): Promise<boolean> {
    const path = pathOf(matrixRoomId, "members");
    const query = { not_membership: "leave" };
    const { chunk } = await accounts.request<MembersAnswer>(ghost, "GET", path, { query });
    return chunk.every(
      ({ state_key, content }) =>
        content.membership === "ban" || [ghost, sender, ghosts.bot].includes(state_key),
    );
  }

  /** @returns the room's version; null where the bridge can't work in it */
  async function comeIn(invitation: OpenInvitation, user: Actor): Promise<string | null> {
    const { ghost, matrixRoomId } = invitation;
    await accounts.ensure(user);
    await join(ghost, matrixRoomId);
    if ((await isEncrypted(ghost, matrixRoomId)) || !(await isOfTwo(invitation))) return null;
    await bringBot(ghost, matrixRoomId);
    const path = pathOf(matrixRoomId, "state/m.room.create/");
    const made = await accounts.request<{ room_version?: string }>(ghosts.bot, "GET", path);
    return made.room_version ?? "1";
  }

  async function versionOf(invitation: OpenInvitation, user: Actor): Promise<string | null> {
    try {
      return await comeIn(invitation, user);
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
      logger.warn(
        { event: "bridge.room_not_entered", err: error, matrixRoom: invitation.matrixRoomId },
        "could not enter a room of Matrix that a user accepted; the chat gets another one there",
      );
      return null;
    }
  }

  /** Nobody of ours stays in the room in which the two talked before one of them left it. */
  async function leaveFormer({ ghost, matrixRoomId }: OpenInvitation, former: string | null): Promise<void> {
    if (former === null || former === matrixRoomId) return;
    for (const matrixId of [ghost, ghosts.bot]) {
      try {
        await accounts.request(matrixId, "POST", pathOf(former, "leave"), { body: {} });
      } catch (error) {
        if (!(error instanceof HomeserverError) || error.temporary) throw error;
      }
    }
  }

  async function takeWhatWasSaid({ ghost, matrixRoomId }: OpenInvitation): Promise<void> {
    const query = { dir: "b", limit: EVENTS_BEFORE, filter: JSON.stringify({ types: SAID }) };
    const path = pathOf(matrixRoomId, "messages");
    const { chunk } = await accounts.request<{ chunk: object[] }>(ghost, "GET", path, { query });
    await inbox.receive(chunk.reverse().map((event) => ({ ...event, room_id: matrixRoomId })));
  }

  return {
    async enter(room) {
      const { id: roomId } = room;
      const invitation = await store.invitationOf(roomId);
      const target = ghosts.read(invitation?.ghost ?? "");
      const user = target?.kind === "user" ? await users.byId(target.userId) : null;
      if (!invitation || !user) return null;
      const { eventId, matrixRoomId, sender } = invitation;
      const me = userActor(user);
      const roomVersion = invitation.taken ? null : await versionOf(invitation, me);
      if (roomVersion === null) {
        // The ghost leaves when the refusal is carried out.
        await store.refuseInvitation(eventId, UNUSABLE);
        return null;
      }
      if (room.foreign) await leaveFormer(invitation, room.matrixRoomId);
      const joined = [memberKey(me), memberKey(actorOf(`m:${sender}`, ""))];
      await store.putForeignRoom(roomId, { matrixRoomId, roomVersion, joined });
      await takeWhatWasSaid(invitation);
      await store.invitationDone(eventId);
      return { matrixRoomId, roomVersion, foreign: true };
    },
  };
}
