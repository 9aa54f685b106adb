/** Checks who may be added to a room, and by whom. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, memberKey, type Role } from "../model.ts";
import type { NewMember, StoreTransaction } from "../ports/store/transaction.ts";
import { newMember } from "./members.ts";
import { isSystem } from "./rooms.ts";

export type Invited = { member: Actor; role: Role };

const MAX_PEOPLE = 10_000;
const GUEST_ROLES: ReadonlySet<Role> = new Set(["guest", "guest_moderator"]);

/**
 * A person may add users whom they may see; the system may add anybody.
 * @returns the members to add, each once
 * @throws DomainError `not_found` or `bad_request`
 */
export async function checkInvited(
  context: Context,
  actor: Actor,
  members: readonly Invited[],
): Promise<Invited[]> {
  if (members.length > MAX_PEOPLE) throw badField("members", "must be at most 10,000 at once");
  for (const { member, role } of members) checkRole(member, role);
  const invited = [...new Map(members.map((one) => [memberKey(one.member), one])).values()];
  if (isSystem(actor)) return invited;
  if (invited.some(({ member }) => member.kind !== "user")) throw badField("members", "must be users");
  const wanted = invited.map(({ member }) => Number(member.id));
  if (wanted.length === 0) return invited;
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users bring others into a room");
  if (!wanted.every((id) => Number.isSafeInteger(id))) throw noSuchUser();
  const visible = new Set(await context.store.users.visible(Number(actor.id), wanted));
  if (!wanted.every((id) => visible.has(id))) throw noSuchUser();
  return invited;
}

/** New members for the store. Users get the name of their account, and are locked against deletion until the commit. */
export async function named(tx: StoreTransaction, invited: readonly Invited[]): Promise<NewMember[]> {
  const ids = invited.flatMap(({ member }) => (member.kind === "user" ? [Number(member.id)] : []));
  const users = new Map((await tx.users.lock(ids)).map((user) => [user.id, user]));
  return invited.map(({ member, role }) => {
    if (member.kind !== "user") {
      return { member: memberKey(member), userId: null, name: member.name, role };
    }
    const user = users.get(Number(member.id));
    if (!user) throw noSuchUser();
    return newMember(user, role);
  });
}

function noSuchUser(): DomainError {
  return new DomainError("not_found", "members names a user who does not exist", { field: "members" });
}

/** Guests may have only the guests' roles, and others only the other roles. @throws DomainError `bad_request` */
export function checkRole({ kind }: Actor, role: Role): void {
  if (kind === "system") throw badField("member", "must be a user, a guest or a Matrix user");
  if ((kind === "guest") !== GUEST_ROLES.has(role)) throw badField("role", `of a ${kind} can't be ${role}`);
}
