/**
 * Applies memberships that people changed in Matrix. The current membership counts, not the event's, because events may
 * come late or twice. The bot's own changes never get here.
 */
import { type Actor, memberKey, SYSTEM_ACTOR } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../src/logger.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import type { InboundNames } from "../profile/names.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { Members } from "../rooms/members.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { MatrixMembership } from "../store/members.ts";

export interface InboundMembers {
  /** Applies an `m.room.member`. @throws DomainError when the use case refuses; HomeserverError */
  apply(room: OpenRoom, event: MatrixEvent, sender: Actor): Promise<void>;
  /** After a refusal: the room's next turn restores the memberships in Matrix. */
  putBack(room: OpenRoom): Promise<void>;
}

export interface InboundMembersOptions {
  store: Pick<
    BridgeStore,
    "matrixMembership" | "putMembership" | "memberState" | "requestMemberSync" | "putDeactivated"
  >;
  roomLifecycle: UseCases["roomLifecycle"];
  ghosts: Ghosts;
  members: Members;
  lookup: MatrixLookup;
  names: InboundNames;
  /** Whether an account was deactivated at the homeserver. @throws HomeserverError */
  isDeactivated: (matrixId: string) => Promise<boolean>;
  logger: Pick<Logger, "warn">;
  /** Gives the room another turn. */
  wake: (roomId: number) => void;
}

export function createInboundMembers(options: InboundMembersOptions): InboundMembers {
  const { store, roomLifecycle, ghosts, members, lookup } = options;

  async function requestMemberSync(room: OpenRoom): Promise<void> {
    await store.requestMemberSync(room.id);
    options.wake(room.id);
  }

  async function joined(room: OpenRoom, target: Actor, isMember: boolean): Promise<void> {
    if (isMember) return;
    // A ghost of a non-member is removed after the log is mirrored: until then it may have messages to send.
    if (target.kind !== "matrix") return await requestMemberSync(room);
    // The invitation needed no check here: the power levels in Matrix let only moderators invite.
    await roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [{ member: target, role: "user" }]);
  }

  async function invited(room: OpenRoom, target: Actor, sender: Actor, isMember: boolean): Promise<void> {
    if (isMember || target.kind === "matrix") return;
    await roomLifecycle.addMembers(sender, room.token, [{ member: target, role: "user" }]);
  }

  /** A deactivated account leaves its rooms; its user stays in the chatroom. */
  async function wasDeactivated(room: OpenRoom, target: Actor): Promise<boolean> {
    const account = ghosts.ofActor(target);
    if (target.kind !== "user" || !(await options.isDeactivated(account))) return false;
    await store.putDeactivated(memberKey(target));
    options.logger.warn(
      { event: "bridge.account_deactivated", room: room.token, account },
      "a user's account at the homeserver was deactivated; the user stays in the chatroom",
    );
    return true;
  }

  async function left(room: OpenRoom, target: Actor, sender: Actor, isMember: boolean): Promise<void> {
    if (!isMember) return;
    if (memberKey(target) === memberKey(sender)) {
      if (!(await wasDeactivated(room, target))) await roomLifecycle.leave(target, room.token);
    } else await roomLifecycle.removeMember(sender, room.token, target);
  }

  /** In a direct chat that was made in Matrix the bot decides about nobody, and nobody else becomes a member. */
  async function inForeign(
    room: OpenRoom,
    target: Actor,
    membership: MatrixMembership,
    isMember: boolean,
  ): Promise<void> {
    const isIn = membership === "join" || membership === "invite";
    if (!isIn && isMember) {
      if (!(await wasDeactivated(room, target))) await roomLifecycle.leave(target, room.token);
    } else if (isIn && !isMember) {
      const isOfPair = room.chatroom.pair?.split(" ").includes(memberKey(target));
      // Who left the chatroom, and others of ours, are taken out again.
      if (target.kind !== "matrix") await requestMemberSync(room);
      else if (isOfPair && membership === "join")
        await roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [{ member: target, role: "owner" }]);
    }
  }

  return {
    async apply(room, event, sender) {
      const { content, state_key: matrixId } = event;
      const target = matrixId === undefined ? null : await lookup.actor(room, matrixId);
      if (!target || matrixId === undefined || matrixId === ghosts.bot) return;
      const key = memberKey(target);
      // A ghost joins because the bridge asked it to, or its member event changed only the name: nothing to do.
      const known = await store.matrixMembership(room.id, key);
      if (known === "join") await options.names.apply(room, event, target);
      if (target.kind === "user" && content.membership === "join" && known === "join") return;
      const membership = (await members.current(room, matrixId)) satisfies MatrixMembership;
      if (membership !== content.membership) return;
      await store.putMembership(room.id, key, membership);
      const { member } = await store.memberState(room.id, key);
      if (room.foreign) return await inForeign(room, target, membership, member);
      switch (membership) {
        case "join":
          return await joined(room, target, member);
        case "invite":
          return await invited(room, target, sender, member);
        case "leave":
        case "ban":
          return await left(room, target, sender, member);
      }
    },
    putBack: (room) => requestMemberSync(room),
  };
}
