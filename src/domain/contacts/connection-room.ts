/** The one-to-one room of two users as their connection changes. */
import { type Actor, pairOf, type User, userKey } from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { newMember, putPeople } from "../rooms/members.ts";
import { createRoom, removeRoom } from "../rooms/rooms.ts";
import { noSuchUser } from "./connection-rules.ts";

/** Adds both users to their room, or makes it with the requester only. */
export async function meet(tx: StoreTransaction, actor: Actor, other: User, both: boolean): Promise<void> {
  const id = Number(actor.id);
  const [mine, theirs] = [userKey(id), userKey(other.id)];
  const roomId = await tx.oneToOne(mine, theirs);
  const [existing] = roomId === null ? [] : await tx.lockRooms([roomId]);
  const users = await tx.users.lock([id, other.id]);
  const me = users.find((user) => user.id === id);
  const peer = users.find((user) => user.id === other.id);
  if (!me || !peer) throw noSuchUser();
  const room =
    existing ??
    (await createRoom(tx, actor, {
      ...{ organizationId: null, type: "one_to_one", kind: null, name: "", history: "joined" },
      pair: pairOf(mine, theirs),
    }));
  const people = both ? [me, peer] : [me];
  await putPeople(
    tx,
    actor,
    room,
    people.map((user) => newMember(user, "owner")),
    "keep",
  );
}

/** Removes the room in which the requester was alone. */
export async function part(tx: StoreTransaction, actor: Actor, other: User): Promise<void> {
  const roomId = await tx.oneToOne(userKey(Number(actor.id)), userKey(other.id));
  const [room] = roomId === null ? [] : await tx.lockRooms([roomId]);
  if (room && (await tx.countMembers(room.id)).members < 2) await removeRoom(tx, actor, room);
}

/** Sets whether writing is blocked in the room of two users, if they have one. */
export async function shut(tx: StoreTransaction, actor: Actor, other: User, blocked: boolean): Promise<void> {
  const roomId = await tx.oneToOne(userKey(Number(actor.id)), userKey(other.id));
  const [room] = roomId === null ? [] : await tx.lockRooms([roomId]);
  if (room && room.blocked !== blocked) await tx.updateRoom(room.id, { blocked });
}
