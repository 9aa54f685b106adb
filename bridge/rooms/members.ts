/**
 * Memberships in Matrix. The bot invites and removes; a ghost joins by itself and never leaves by itself, but for rooms
 * that were made in Matrix. When a ghost leaves, the person who is signed in to it wanted that.
 */
import { type Actor, actorOf, type MemberKey, memberKey, type Room } from "../../src/domain/model.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { MatrixMembership } from "../store/members.ts";
import { isDirect } from "./room-state.ts";

/** A chatroom that has a Matrix room. */
export interface RoomRef {
  id: number;
  matrixRoomId: string;
  /** The chatroom, where it is known: to a one-to-one room people are invited as to a direct chat. */
  chatroom?: Pick<Room, "type"> | null;
  /** Somebody in Matrix made the room: the bot has no rights there. */
  foreign?: boolean;
}

export interface Members {
  /** Invites the member's ghost unless it is invited or joined. @throws HomeserverError */
  invite(room: RoomRef, member: Actor): Promise<void>;
  /** Makes the ghost join. `again` ignores the stored membership, which has turned out wrong. @throws HomeserverError */
  join(room: RoomRef, member: Actor, again?: boolean): Promise<void>;
  /** Removes the member's ghost, or withdraws its invitation. @throws HomeserverError */
  remove(room: RoomRef, member: MemberKey, reason: string): Promise<void>;
  /** The membership at the homeserver now. @throws HomeserverError */
  current(room: RoomRef, matrixId: string): Promise<MatrixMembership>;
}

type MembersStore = Pick<BridgeStore, "matrixMembership" | "putMembership">;

export function createMembers(accounts: GhostAccounts, ghosts: Ghosts, store: MembersStore): Members {
  const roomPath = (room: RoomRef) => `/_matrix/client/v3/rooms/${encodeURIComponent(room.matrixRoomId)}`;
  const asBot = <T>(method: "GET" | "POST" | "PUT", path: string, body?: object) =>
    accounts.request<T>(ghosts.bot, method, path, body ? { body } : {});

  async function current(room: RoomRef, matrixId: string): Promise<MatrixMembership> {
    const path = `${roomPath(room)}/state/m.room.member/${encodeURIComponent(matrixId)}`;
    try {
      const { membership } = await asBot<{ membership?: string }>("GET", path);
      return membership === "invite" || membership === "join" || membership === "ban" ? membership : "leave";
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return "leave";
      throw error;
    }
  }

  async function ask(room: RoomRef, action: "invite" | "unban", matrixId: string): Promise<void> {
    await asBot("POST", `${roomPath(room)}/${action}`, { user_id: matrixId });
  }

  async function sendInvite(room: RoomRef, matrixId: string): Promise<void> {
    if (!isDirect(room.chatroom)) return await ask(room, "invite", matrixId);
    // The request for invitations has no field that says so.
    const path = `${roomPath(room)}/state/m.room.member/${encodeURIComponent(matrixId)}`;
    await asBot("PUT", path, { membership: "invite", is_direct: true });
  }

  /** Invites. Where the homeserver refuses, the ghost may be joined, invited or banned; a ban is lifted first. */
  async function inviteOrRead(room: RoomRef, matrixId: string): Promise<MatrixMembership> {
    try {
      await sendInvite(room, matrixId);
      return "invite";
    } catch (error) {
      if (!(error instanceof HomeserverError) || !error.says("M_FORBIDDEN")) throw error;
      const membership = await current(room, matrixId);
      if (membership === "join" || membership === "invite") return membership;
      if (membership !== "ban") throw error;
      await ask(room, "unban", matrixId);
      await sendInvite(room, matrixId);
      return "invite";
    }
  }

  async function invite(room: RoomRef, member: Actor): Promise<void> {
    const known = await store.matrixMembership(room.id, memberKey(member));
    if (known === "invite" || known === "join") return;
    const matrixId = await accounts.ensure(member);
    await store.putMembership(room.id, memberKey(member), await inviteOrRead(room, matrixId));
  }

  return {
    current,
    invite,
    async join(room, member, again = false) {
      const known = again ? null : await store.matrixMembership(room.id, memberKey(member));
      if (known === "join") return;
      const matrixId = await accounts.ensure(member);
      if (known !== "invite") await inviteOrRead(room, matrixId);
      const path = `/_matrix/client/v3/join/${encodeURIComponent(room.matrixRoomId)}`;
      await accounts.request(matrixId, "POST", path, { body: {} });
      await store.putMembership(room.id, memberKey(member), "join");
    },
    async remove(room, member, reason) {
      const known = await store.matrixMembership(room.id, member);
      if (known !== "invite" && known !== "join") return;
      const user_id = ghosts.ofActor(actorOf(member, ""));
      const isOurs = ghosts.read(user_id) !== null;
      try {
        if (room.foreign && isOurs)
          await accounts.request(user_id, "POST", `${roomPath(room)}/leave`, { body: { reason } });
        else await asBot("POST", `${roomPath(room)}/kick`, { user_id, reason });
      } catch (error) {
        // The homeserver refuses to remove somebody who is gone already.
        if (!(error instanceof HomeserverError) || !error.says("M_FORBIDDEN")) throw error;
        const membership = await current(room, user_id);
        if (membership === "join" || membership === "invite") throw error;
      }
      await store.putMembership(room.id, member, "leave");
    },
  };
}
