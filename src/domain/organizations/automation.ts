/**
 * Automation: with `automationEnabled`, the members of an organization's default chatroom are its users, and the members of
 * an event's chatroom are the users who accepted. Everything here runs in the transaction of the change that causes it. The
 * organization is locked before its rooms, so that two changes never interleave.
 */
import { DomainError } from "../errors.ts";
import { type Actor, type MemberKey, type Room, SYSTEM_ACTOR, type User, userKey } from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { type Departure, newMember, putPeople, removePeople } from "../rooms/members.ts";
import { createRoom } from "../rooms/rooms.ts";

/**
 * Sets the room's users to those of its source, if it has one. Users of the organization who are admins of the room stay.
 */
export async function followSource(tx: StoreTransaction, room: Room): Promise<Departure[]> {
  const { organizationId } = room;
  if (!room.automationEnabled || organizationId === null || room.kind === "custom") return [];
  const users = new Map<MemberKey, User>();
  for (const { user } of await tx.organizations.users(organizationId)) users.set(userKey(user.id), user);
  const source = await sourceOf(tx, room, organizationId, users);
  const members = await tx.members(room.id);
  const present = new Set(members.map(({ member }) => member));
  const missing = [...source.values()].filter(({ id }) => !present.has(userKey(id)));
  const strangers = members.filter(({ member, userId, role }) => {
    if (userId === null || source.has(member)) return false;
    return role !== "owner" || !users.has(member);
  });
  const joining = missing.map((user) => newMember(user, "user"));
  await putPeople(tx, SYSTEM_ACTOR, room, joining, "keep");
  const keys = strangers.map(({ member }) => member);
  return await removePeople(tx, SYSTEM_ACTOR, room, keys);
}

async function sourceOf(
  tx: StoreTransaction,
  room: Room,
  organizationId: number,
  users: Map<MemberKey, User>,
): Promise<Map<MemberKey, User>> {
  if (room.kind === "default") return users;
  const event = room.eventId === null ? null : await tx.organizations.event(organizationId, room.eventId);
  const accepted = new Set(event?.acceptedUsers.map(userKey));
  return new Map([...users].filter(([key]) => accepted.has(key)));
}

/** Adds a new user of the organization to its rooms with automation. The organization must be locked. */
export async function joinOrganizationRooms(
  tx: StoreTransaction,
  organizationId: number,
  user: Pick<User, "id" | "displayName">,
): Promise<void> {
  const ids = await tx.organizationRooms(organizationId, { which: "following", userId: user.id });
  for (const room of await tx.lockRooms(ids)) {
    await putPeople(tx, SYSTEM_ACTOR, room, [newMember(user, "user")], "keep");
  }
}

/**
 * Removes a former user of the organization from all its rooms, also those without automation. The organization must be
 * locked.
 */
export async function leaveOrganizationRooms(
  tx: StoreTransaction,
  organizationId: number,
  userId: number,
): Promise<Departure[]> {
  const member = userKey(userId);
  const ids = await tx.organizationRooms(organizationId, { which: "member", member });
  const departures: Departure[] = [];
  for (const room of await tx.lockRooms(ids)) {
    departures.push(...(await removePeople(tx, SYSTEM_ACTOR, room, [member])));
  }
  return departures;
}

/** Makes the default chatroom of a locked organization. @throws DomainError `conflict` when there is one */
export async function createDefaultRoom(
  tx: StoreTransaction,
  actor: Actor,
  organization: { id: number; name: string },
  automationEnabled: boolean,
  made: { publicId?: string } = {},
): Promise<Room> {
  const { id: organizationId, name } = organization;
  if ((await tx.organizationRooms(organizationId, { which: "default" })).length > 0) {
    throw new DomainError("conflict", "The organization has a default chatroom already", {
      field: "organizationId",
    });
  }
  const room = await createRoom(tx, actor, {
    organizationId,
    type: "group",
    kind: "default",
    name,
    history: "joined",
    automationEnabled,
    ...made,
  });
  await followSource(tx, room);
  return room;
}
