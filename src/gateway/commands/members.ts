/** The members of a room, leaving and deleting rooms [GW-16]. */
import { type Actor, actorOf, type MadeEvent } from "../../domain/model.ts";
import type { ListedMember } from "../../domain/use-cases/participants.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { ChangeAnswer, ListedMember as ShownMember } from "../../protocol/frames.ts";
import type { UserShape } from "../frames/user.ts";
import { type Handlers, withFields } from "./handlers.ts";

export type MemberCommands = Handlers<
  "members" | "member.add" | "member.remove" | "member.role" | "room.leave" | "room.delete"
>;

export interface MemberCommandOptions {
  useCases: Pick<UseCases, "roster" | "roomLifecycle" | "oneToOne">;
  shape: Pick<UserShape, "user">;
}

export function createMemberCommands({
  useCases: { roster, roomLifecycle, oneToOne },
  shape,
}: MemberCommandOptions): MemberCommands {
  return {
    // [GW-16.4]
    async members({ identity }, { room, after, limit, query }) {
      const page = await roster.page(identity.actor, room, { after, limit, query });
      return {
        members: page.members.map((member) => shown(member, shape)),
        ...(page.next !== null && { next: page.next }),
      };
    },

    // [GW-16.5] [GW-16.18]
    async "member.add"({ identity: { actor } }, { room, users = [], group, email, role = "user" }) {
      if (email !== undefined) return answer(room, (await roster.addEmail(actor, room, email)).event);
      const members = users.map((id) => ({ member: userNamed(id), role }));
      const joined = await (group === undefined
        ? withFields({ members: "users" }, () => roomLifecycle.addMembers(actor, room, members))
        : withFields({ members: "group" }, () => roster.addGroup(actor, room, group, role)));
      return answer(room, joined.at(-1) ?? null);
    },

    // [GW-16.6]
    async "member.remove"({ identity }, { room, user }) {
      return answer(room, await roomLifecycle.removeMember(identity.actor, room, actorNamed(user)));
    },

    // [GW-16.7]
    async "member.role"({ identity }, { room, user, role }) {
      const changed = await withFields({ member: "user" }, () =>
        roomLifecycle.setRole(identity.actor, room, actorNamed(user), role),
      );
      return answer(room, changed);
    },

    // [GW-16.8]
    async "room.leave"({ identity }, { room }) {
      return answer(room, await roomLifecycle.leave(identity.actor, room));
    },

    // [GW-16.9]
    // [GW-16.17]
    async "room.delete"({ identity }, { room, forBoth = false }) {
      const isNew = await (forBoth ? oneToOne : roomLifecycle).delete(identity.actor, room);
      return isNew ? { room } : { room, duplicate: true };
    },
  };
}

/** The user whom a frame names [GW-16.1]. */
export function userNamed(id: string): Actor {
  return { kind: "user", id, name: "" };
}

/** [GW-16.1] Ids of users are numbers, those of Matrix begin with `@`, and a guest's is a hash of 40 digits. */
function actorNamed(id: string): Actor {
  if (/^[1-9]\d{0,15}$/.test(id)) return userNamed(id);
  return actorOf(`${id.startsWith("@") ? "m" : "g"}:${id}`, "");
}

function shown(
  { actor, user, role, lastPing, present }: ListedMember,
  shape: Pick<UserShape, "user">,
): ShownMember {
  return {
    user: user ? { kind: "user", ...shape.user(user) } : actor,
    role,
    ...(lastPing > 0 && { lastPing }),
    ...(present && { present }),
  };
}

/** [GW-13.1] The event that the command made, or that the state was so already. */
function answer(room: string, made: MadeEvent): ChangeAnswer {
  return made ? { room, seq: made.seq, at: made.at } : { room, duplicate: true };
}
