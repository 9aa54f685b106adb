/** Adds and removes members and changes roles, each with its event. The caller's transaction has locked the room. */
import {
  type Actor,
  actorOf,
  type LoggedEvent,
  type MemberKey,
  type Membership,
  type Role,
  type Room,
  SYSTEM_ACTOR,
  type User,
  userKey,
} from "../model.ts";
import { isModerator } from "../permissions.ts";
import type { NewEvent, NewMember, StoreTransaction } from "../ports/store/transaction.ts";
import { removeRoom } from "./rooms.ts";

/** A membership that ended, for clean-up after the commit. */
export interface Departure {
  roomId: number;
  member: MemberKey;
  /** The `member.left` of this departure. */
  event: LoggedEvent;
}

export function newMember(user: Pick<User, "id" | "displayName">, role: Role): NewMember {
  return { member: userKey(user.id), userId: user.id, name: user.displayName, role };
}

/**
 * Adds members with `member.joined`.
 * @param existing for people who are members already: `keep` their role, or `change` it with `member.changed`
 * @returns the events
 */
export async function putPeople(
  tx: StoreTransaction,
  actor: Actor,
  room: Room,
  people: readonly NewMember[],
  existing: "keep" | "change",
): Promise<LoggedEvent[]> {
  if (people.length === 0) return [];
  const keys = people.map(({ member }) => member);
  const roles = new Map((await tx.members(room.id, keys)).map(({ member, role }) => [member, role]));
  const put = people.filter(({ member, role }) => {
    const now = roles.get(member);
    return now === undefined || (existing === "change" && now !== role);
  });
  if (put.length === 0) return [];
  await tx.putMembers(room.id, put);
  const events = put.map(({ member, name, role }): NewEvent => {
    const data = { member: actorOf(member, name), role };
    if (roles.has(member)) return { type: "member.changed", actor, data };
    const shared = room.history === "shared" && { history: room.history };
    return { type: "member.joined", actor, data: { ...data, ...shared } };
  });
  return await tx.appendEvents(room.id, events);
}

/**
 * Removes members, with `member.left`. A room without members is deleted. In a room without a moderator the member who is
 * in it longest becomes its owner. Neither applies to chatrooms of an organization: their users can claim them.
 * @param by the actor who removes them; null when they leave by themselves
 */
export async function removePeople(
  tx: StoreTransaction,
  by: Actor | null,
  room: Room,
  keys: readonly MemberKey[],
): Promise<Departure[]> {
  const gone = keys.length === 0 ? [] : await tx.members(room.id, [...keys]);
  if (gone.length === 0) return [];
  const left = gone.map(({ member, name, role }) => {
    const person = actorOf(member, name);
    return { type: "member.left" as const, actor: by ?? person, data: { member: person, role } };
  });
  await tx.removeMembers(
    room.id,
    gone.map(({ member }) => member),
  );
  const events = await tx.appendEvents(room.id, left);
  if (room.kind === null) await settle(tx, room, gone);
  return gone.map(({ member }, i) => ({
    roomId: room.id,
    member,
    event: events[i] as LoggedEvent,
  }));
}

async function settle(tx: StoreTransaction, room: Room, gone: readonly Membership[]): Promise<void> {
  const [first] = await tx.members(room.id, undefined, 1);
  if (!first) return await removeRoom(tx, SYSTEM_ACTOR, room);
  if (room.type === "one_to_one" || !gone.some(({ role }) => isModerator(role))) return;
  const heir = heirOf(await tx.members(room.id));
  if (heir) await putPeople(tx, SYSTEM_ACTOR, room, [{ ...heir, role: "owner" }], "change");
}

/** The next owner; null while there is a moderator. Only users count, invited ones before self-joined ones. */
function heirOf(members: readonly Membership[]): Membership | null {
  if (members.some(({ role }) => isModerator(role))) return null;
  const users = members.filter(({ userId }) => userId !== null);
  return users.find(({ role }) => role === "user") ?? users[0] ?? null;
}
