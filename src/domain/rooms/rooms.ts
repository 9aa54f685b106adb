/** Changes rooms: checks permissions under the room's lock, and appends the event of the change. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, type EventData, type Membership, memberKey, type Room, SYSTEM_ACTOR } from "../model.ts";
import { type Action, can } from "../permissions.ts";
import type { NewRoom, RoomPatch, StoreTransaction } from "../ports/store/transaction.ts";
import type { Change } from "../use-cases/room-settings.ts";

/** Whether Causeway itself acts (automation, the bridge). It is a member of no room and may do anything. */
export function isSystem(actor: Actor): boolean {
  return actor.kind === "system" && actor.id === SYSTEM_ACTOR.id;
}

/**
 * Locks the room, checks that the actor may do `action`, and runs `work`. `work` may run again when the transaction is
 * retried, so it must have no other effects. `me` is null for the system.
 * @throws DomainError `not_found`, or the code with which `can` refuses
 */
export async function changeRoom<T>(
  context: Context,
  actor: Actor,
  roomId: number,
  action: Action,
  work: (tx: StoreTransaction, room: Room, me: Membership | null) => Promise<T>,
): Promise<T> {
  return await context.store.transaction(async (tx) => {
    const [room] = await tx.lockRooms([roomId]);
    if (!room) throw noSuchRoom();
    if (isSystem(actor)) return await work(tx, room, null);
    const [me] = await tx.members(roomId, [memberKey(actor)]);
    if (!me) throw noSuchRoom();
    const verdict = can(me, room, action, context.now());
    if (verdict !== null) throw refusal(verdict, action, room);
    return await work(tx, room, me);
  });
}

/** Runs `work`. @returns null where the room is not there for the actor because of what happened `before` */
export async function unlessDone<T>(
  { store }: Context,
  actor: Actor,
  room: string,
  before: "left" | "deleted",
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const isGone = error instanceof DomainError && error.code === "not_found" && error.field === "room";
    if (isGone && (await store.roomLists.departure(memberKey(actor), room)) === before) return null;
    throw error;
  }
}

/** Makes a room. Its log begins with `room.created`. */
export async function createRoom(
  tx: StoreTransaction,
  actor: Actor,
  input: Omit<NewRoom, "createdBy">,
): Promise<Room> {
  const room = await tx.createRoom({ ...input, createdBy: memberKey(actor) });
  const data = { name: room.name, type: room.type };
  await tx.appendEvents(room.id, [{ type: "room.created", actor, data }]);
  return room;
}

export type SettingsPatch = Omit<RoomPatch, "pair" | "blocked">;

/** Changes the settings that differ (an `avatar` always does), with one `room.changed`. Without a difference there is no event. */
export async function changeSettings(
  tx: StoreTransaction,
  actor: Actor,
  before: Room,
  patch: SettingsPatch,
): Promise<Change> {
  const { avatar, ...fields } = patch;
  const given = Object.entries(fields) as [keyof typeof fields, never][];
  const changed: Omit<SettingsPatch, "avatar"> = Object.fromEntries(
    given.filter(([field, value]) => JSON.stringify(before[field]) !== JSON.stringify(value)),
  );
  if (Object.keys(changed).length === 0 && !avatar) return { room: before, event: null };
  const room = await tx.updateRoom(before.id, { ...changed, ...(avatar && { avatar }) });
  const data = {
    ...shownChange(changed),
    ...shownAccess(changed, room),
    ...(changed.guestPasswordHash !== undefined && { guestLink: room.guestCode !== null }),
    ...(avatar && { avatar: room.avatarId }),
  };
  const [event = null] = await tx.appendEvents(before.id, [{ type: "room.changed", actor, data }]);
  return { room, event };
}

/** The data of `room.changed`. It says only whether there is a password or guest link, and the key of a picture. */
function shownChange({
  passwordHash,
  guestCode,
  guestPasswordHash: _,
  avatarId,
  ...rest
}: Omit<SettingsPatch, "avatar">): EventData["room.changed"] {
  return {
    ...rest,
    ...(passwordHash !== undefined && { hasPassword: passwordHash !== null }),
    ...(guestCode !== undefined && { guestLink: guestCode !== null }),
    ...(avatarId !== undefined && { avatar: avatarId }),
  };
}

/** Access and access role, always both, because neither is meaningful alone. */
function shownAccess(changed: SettingsPatch, { access, accessRole }: Room): EventData["room.changed"] {
  return changed.access === undefined && changed.accessRole === undefined ? {} : { access, accessRole };
}

/** {@link changeSettings}, which returns only the changed room. */
export async function patchRoom(
  tx: StoreTransaction,
  actor: Actor,
  before: Room,
  patch: SettingsPatch,
): Promise<Room> {
  return (await changeSettings(tx, actor, before, patch)).room;
}

/** Removes the room; `room.deleted` is the last event of its log. */
export async function removeRoom(tx: StoreTransaction, actor: Actor, room: Room): Promise<void> {
  await tx.appendEvents(room.id, [
    { type: "call.ended", actor: SYSTEM_ACTOR, data: {} },
    { type: "room.deleted", actor, data: {} },
  ]);
  await tx.deleteRoom(room.id);
}
