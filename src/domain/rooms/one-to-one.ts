/**
 * One-to-one rooms: one for each pair of users, and both are owners. The room keeps its pair when one of them leaves. When
 * the other one writes, the user who left is added again.
 */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, type MemberKey, memberKey, pairOf, peerIn, type Room, userKey } from "../model.ts";
import type { NewRoom, StoreTransaction } from "../ports/store/transaction.ts";
import type { OneToOne } from "../use-cases/rooms.ts";
import { checkInvited, type Invited, named } from "./invitations.ts";
import { type Departure, putPeople, removePeople } from "./members.ts";
import { changeRoom, createRoom, removeRoom, unlessDone } from "./rooms.ts";

type Opened = { room: Room; created: boolean };
type Made = Pick<NewRoom, "organizationId" | "history" | "name"> & Partial<NewRoom>;

const MADE: Made = { organizationId: null, history: "joined", name: "" };

export function createOneToOne(
  context: Context,
  departed: (gone: readonly Departure[]) => Promise<void>,
): OneToOne {
  const { store, accesses } = context;

  /** @returns who left it, where it stays as the other's */
  async function take(actor: Actor, room: string): Promise<Departure[]> {
    const { roomId } = await accesses.require(actor, room, "delete_one_to_one");
    return await changeRoom(context, actor, roomId, "delete_one_to_one", async (tx, room) => {
      if (room.blocked) return await removePeople(tx, null, room, [memberKey(actor)]);
      await removeRoom(tx, actor, room);
      return [];
    });
  }

  return {
    async open(actor, other, { history = MADE.history } = {}) {
      requireUser(actor);
      if (memberKey(actor) === memberKey(other)) {
        throw new DomainError("forbidden", "A one-to-one room is for you and somebody else", {
          field: "members",
        });
      }
      const people = await checkInvited(context, actor, [owner(actor), owner(other)]);
      return await store.transaction((tx) => openPair(tx, actor, people, { ...MADE, history }));
    },
    async openSelf(actor) {
      requireUser(actor);
      const people = [owner(actor)];
      return await store.transaction((tx) => openPair(tx, actor, people, MADE));
    },
    async delete(actor, room) {
      const isLeft = (await store.rooms.byToken(room))?.blocked ?? false;
      const gone = await unlessDone(context, actor, room, isLeft ? "left" : "deleted", () =>
        take(actor, room),
      );
      await departed(gone ?? []);
      return gone !== null;
    },
  };
}

function requireUser(actor: Actor): void {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users make rooms");
}

function owner(member: Actor): Invited {
  return { member, role: "owner" };
}

/** The room of one or two users. Makes it if there is none, and adds users who left it. */
export async function openPair(
  tx: StoreTransaction,
  actor: Actor,
  people: readonly Invited[],
  made: Made,
): Promise<Opened> {
  const keys = people.map(({ member }) => memberKey(member));
  const [a, b = a] = keys as [MemberKey, MemberKey?];
  const existingId = await tx.oneToOne(a, b);
  const [existing] = existingId === null ? [] : await tx.lockRooms([existingId]);
  const members = await named(tx, people);
  const room =
    existing ??
    (await createRoom(tx, actor, { ...made, type: "one_to_one", kind: null, pair: pairOf(a, b) }));
  await putPeople(tx, actor, room, members, "keep");
  return { room, created: existing === undefined };
}

/** Adds the other user of the actor's one-to-one room again, if that user left and the actor may see them. */
export type BringBack = (actor: Actor, room: string, roomId: number) => Promise<void>;

export function createBringBack({ store, accesses }: Context): BringBack {
  /** By room: the transaction under way. Sends to the room wait for it and keep their order. */
  const underWay = new Map<number, Promise<void>>();

  async function bringBack(actor: Actor, roomId: number): Promise<void> {
    const { pair = null } = (await store.rooms.byId(roomId)) ?? {};
    if (pair === null) return;
    const peer = peerIn(pair, memberKey(actor));
    const [kind, id] = [peer.slice(0, 2), Number(peer.slice(2))];
    if (kind !== "u:" || actor.kind !== "user") return;
    const [visible] = await store.users.visible(Number(actor.id), [id]);
    if (visible === undefined && (await store.users.byId(id))) return;
    await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([roomId]);
      if (!room) throw noSuchRoom();
      const [user] = await tx.users.lock([id]);
      if (user) await putPeople(tx, actor, room, [returning(user)], "keep");
      // The other user was deleted: without the pair nobody looks for them again.
      else await tx.updateRoom(room.id, { pair: null });
    });
  }

  return async (actor, room, roomId) => {
    const promise = underWay.get(roomId) ?? bringBack(actor, roomId).finally(() => underWay.delete(roomId));
    underWay.set(roomId, promise);
    await promise;
    accesses.forget(memberKey(actor), room);
  };
}

function returning(user: { id: number; displayName: string }) {
  return { member: userKey(user.id), userId: user.id, name: user.displayName, role: "owner" as const };
}
