/** Who of a chatroom is in its Matrix room: invites, joins and removes people as the chatroom's members change. */

import { type Actor, actorOf, memberKey, type Role } from "../../src/domain/model.ts";
import { isModerator } from "../../src/domain/permissions.ts";
import type { Live } from "../live/live.ts";
import type { Members } from "../rooms/members.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { POWER_LEVELS } from "./changes.ts";
import type { UnlessRefused } from "./refused-changes.ts";

export interface Memberships {
  /** Lets a new member in, or invites them. Safe to repeat. @throws HomeserverError when it has to be tried again */
  add(room: OpenRoom, member: Actor, role: Role): Promise<void>;
  /** See `Outbound.syncMembers`. */
  sync(room: OpenRoom): Promise<void>;
  /** Matrix knows no lobby: who waits is taken out of the room, after what they said before was sent, and let in again. */
  syncLobby(room: OpenRoom): Promise<void>;
  /** Removes everybody who is no member of the chatroom, or waits in its lobby. */
  takeOut(room: OpenRoom): Promise<void>;
}

export interface MembershipsOptions {
  store: Pick<BridgeStore, "memberState" | "absentMembers" | "nonMembers">;
  members: Members;
  rooms: MatrixRooms;
  live: Pick<Live, "catchUp">;
  unlessRefused: UnlessRefused;
}

/**
 * In rooms of up to this many members the bridge invites every member at once, so that each sees the messages from then
 * on. In larger rooms that would take minutes: there a ghost joins when its user first writes or signs in to Matrix.
 */
const MAX_MEMBERS_INVITED = 100;

export function createMemberships(options: MembershipsOptions): Memberships {
  const { store, members, rooms, live, unlessRefused } = options;

  async function add(room: OpenRoom, member: Actor, role: Role): Promise<void> {
    // Nobody signs in as a guest's ghost: it joins when the guest first writes.
    if (member.kind === "guest") return;
    const state = await store.memberState(room.id, memberKey(member));
    if (!state.member || state.waits) return;
    if (state.active) {
      await members.join(room, member);
      await rooms.syncDirect(room);
    } else if (member.kind === "matrix" || state.members <= MAX_MEMBERS_INVITED)
      await members.invite(room, member);
    if (isModerator(role)) await rooms.syncPower(room);
  }

  async function sync(room: OpenRoom): Promise<void> {
    if (!room.chatroom.blocked) await unlessRefused(room, POWER_LEVELS, rooms.syncPower(room));
    await bringIn(room);
    await unlessRefused(room, "direct chat", rooms.syncDirect(room));
    await live.catchUp(room.id);
    // Authors of events that are not mirrored yet may have left since; they are needed until then.
    if (room.mirrored >= room.head) await takeOut(room);
  }

  async function syncLobby(room: OpenRoom): Promise<void> {
    await bringIn(room);
    await takeOut(room);
  }

  async function bringIn(room: OpenRoom): Promise<void> {
    const { absent, members: count } = await store.absentMembers(room.id, room.mirrored);
    for (const { member, name, membership, active } of absent) {
      const actor = actorOf(member, name);
      const invited = membership === "invite" || actor.kind === "guest";
      const everybody = count <= MAX_MEMBERS_INVITED || actor.kind === "matrix";
      if (active) await unlessRefused(room, `joining of ${member}`, members.join(room, actor));
      else if (everybody && !invited)
        await unlessRefused(room, `invitation of ${member}`, members.invite(room, actor));
    }
  }

  async function takeOut(room: OpenRoom): Promise<void> {
    for (const member of await store.nonMembers(room.id)) {
      const reason = room.chatroom.lobby ? "The chatroom's lobby is closed" : "Not a member of the chatroom";
      await unlessRefused(room, `removal of ${member}`, members.remove(room, member, reason));
    }
  }

  return { add, sync, syncLobby, takeOut };
}
