/**
 * Connections let two users who share no organization see each other. Each side has its own status. The request makes their
 * one-to-one room, in which the requester is alone until the other accepts. Users of one organization are connected without
 * a request; they have rows only if one blocks the other.
 */
import type { Context } from "../context/context.ts";
import { checkLimit } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import type { InternalCalls } from "../live/calls.ts";
import {
  type Actor,
  type ConnectionStatus,
  pairOf,
  type Room,
  type User,
  userActor,
  userKey,
} from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { newMember, putPeople } from "../rooms/members.ts";
import { createRoom, removeRoom } from "../rooms/rooms.ts";
import { checkWellFormed, codePoints } from "../text-rules.ts";
import type { Connection, Connections } from "../use-cases/people.ts";
import type { OneToOne } from "../use-cases/rooms.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_PAGE = 500;
const MAX_NAMED = 1_000;
const MESSAGE_CODE_POINTS = 256;
/** Requests of one user that are not answered, and users whom one user blocks: a session is told all of these. */
const MAX_SENT = 1_000;
const MAX_BLOCKED = 1_000;

/** By status: the statuses to which its owner may change it, and the other side's status then (undefined: unchanged). */
const CHANGES: Partial<
  Record<ConnectionStatus, Partial<Record<ConnectionStatus, { theirs?: ConnectionStatus }>>>
> = {
  sent: { cancelled: { theirs: "cancelled" }, blocked: {} },
  pending: { accepted: { theirs: "accepted" }, ignored: {}, blocked: {} },
  ignored: { accepted: { theirs: "accepted" }, blocked: {} },
  accepted: { blocked: {} },
  blocked: { accepted: {} },
  cancelled: { blocked: {} },
};

interface Sides {
  mine: ConnectionStatus | null;
  theirs: ConnectionStatus | null;
  colleagues: boolean;
}

export function createConnections(
  context: Context,
  oneToOne: Pick<OneToOne, "open">,
  calls: Pick<InternalCalls, "blocked">,
): Connections {
  const { store, broadcasts } = context;

  async function areColleagues(actor: Actor, other: User): Promise<boolean> {
    return (await store.people.connected(idOf(actor), [other.id], "organization")).length > 0;
  }

  /** Runs the change, and after the commit announces to each user their own side. */
  async function changing(
    work: (tx: StoreTransaction, put: StoreTransaction["people"]["putConnection"]) => Promise<boolean>,
  ): Promise<boolean> {
    const { result, puts } = await store.transaction(async (tx) => {
      const puts: { userId: number; at: number }[] = [];
      const result = await work(tx, async (userId, ...rest) => {
        const at = await tx.people.putConnection(userId, ...rest);
        puts.push({ userId, at });
        return at;
      });
      return { result, puts };
    });
    for (const { userId, at } of puts) broadcasts.connection(userId, at);
    return result;
  }

  async function userNamed(uuid: string): Promise<User | undefined> {
    return UUID.test(uuid) ? (await store.people.users({ uuids: [uuid] }))[0] : undefined;
  }

  /** Refuses unknown users like users without a connection, so that a refusal does not reveal who exists. */
  async function peerNamed(uuid: string): Promise<User> {
    const user = await userNamed(uuid);
    if (!user) throw noSuchConnection();
    return user;
  }

  async function existing(actor: Actor, user: User): Promise<Connection> {
    const found = await store.people.connection(idOf(actor), user.id);
    if (found) return found;
    if (await areColleagues(actor, user)) return unasked(await requireUser(actor), user, null);
    throw noSuchConnection();
  }

  /** Adds both users to their room, or makes it with the requester only. */
  async function meet(tx: StoreTransaction, actor: Actor, other: User, both: boolean): Promise<void> {
    const id = idOf(actor);
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
  async function part(tx: StoreTransaction, actor: Actor, other: User): Promise<void> {
    const roomId = await tx.oneToOne(userKey(idOf(actor)), userKey(other.id));
    const [room] = roomId === null ? [] : await tx.lockRooms([roomId]);
    if (room && (await tx.countMembers(room.id)).members < 2) await removeRoom(tx, actor, room);
  }

  async function ask(actor: Actor, other: User, message: string | null): Promise<boolean> {
    const id = idOf(actor);
    return await changing(async (tx, put) => {
      const { mine, theirs, waiting } = await tx.people.lockConnection(id, other.id);
      if (mine === "blocked") throw youBlocked();
      if (mine === "accepted" || mine === "sent") return false;
      const accepts = theirs === "sent" || theirs === "accepted";
      if (!accepts && waiting >= MAX_SENT) {
        throw new DomainError("too_large", "Too many of your connections wait for an answer");
      }
      await put(id, other.id, accepts ? "accepted" : "sent", message);
      // A user who blocks the actor does not get the request.
      if (accepts) await put(other.id, id, "accepted");
      else if (theirs !== "blocked") await put(other.id, id, "pending", message);
      await meet(tx, actor, other, accepts);
      return mine === null || mine === "cancelled";
    });
  }

  /** A user may block, without a request, any user whom they may see. */
  async function mayBlock(actor: Actor, other: User): Promise<boolean> {
    return (await store.users.visible(idOf(actor), [other.id])).length > 0;
  }

  /** Sets whether writing is blocked in the room of two users, if they have one. */
  async function shut(tx: StoreTransaction, actor: Actor, other: User, blocked: boolean): Promise<void> {
    const roomId = await tx.oneToOne(userKey(idOf(actor)), userKey(other.id));
    const [room] = roomId === null ? [] : await tx.lockRooms([roomId]);
    if (room && room.blocked !== blocked) await tx.updateRoom(room.id, { blocked });
  }

  async function change(actor: Actor, other: User, status: ConnectionStatus): Promise<boolean> {
    const id = idOf(actor);
    const colleagues = await areColleagues(actor, other);
    const known = status === "blocked" && (await mayBlock(actor, other));
    let toggled = false;
    const isChanged = await changing(async (tx, put) => {
      toggled = false;
      const { mine: kept, theirs, blocked } = await tx.people.lockConnection(id, other.id);
      const mine = colleagues && kept !== "blocked" ? "accepted" : kept;
      if (mine === null && !known && !(status === "blocked" && theirs !== null)) throw noSuchConnection();
      if (mine === status) return false;
      if (status === "blocked" && blocked >= MAX_BLOCKED) throw tooManyBlocked();
      const { next, others } = changed({ mine, theirs, colleagues }, status);
      toggled = mine === "blocked" || status === "blocked";
      await put(id, other.id, next);
      if (others && theirs !== "blocked") await put(other.id, id, others);
      if (status === "blocked" || mine === "blocked") {
        await shut(tx, actor, other, status === "blocked" || theirs === "blocked");
      }
      if (next === "accepted") await meet(tx, actor, other, theirs !== "blocked");
      if (status === "cancelled") await part(tx, actor, other);
      return true;
    });
    if (toggled) broadcasts.block(id, other.id, status === "blocked");
    return isChanged;
  }

  async function block(actor: Actor, other: User): Promise<void> {
    const { room } = await existing(actor, other);
    if (!room) return;
    await context.bestEffort("Ending the call of two who blocked each other", () => calls.blocked(room));
  }

  return {
    async list(actor, { after, limit }) {
      if (after !== undefined && !UUID.test(after)) throw badField("after", "must be a UUID");
      checkLimit(limit, MAX_PAGE);
      const page = { limit: limit + 1, ...(after !== undefined && { after }) };
      const found = await store.people.connections(idOf(actor), page);
      return { connections: found.slice(0, limit), more: found.length > limit };
    },
    get: async (actor, uuid) => await existing(actor, await peerNamed(uuid)),
    async connect(actor, uuid, { message = null } = {}) {
      const me = await requireUser(actor);
      checkMessage(message);
      const other = await userNamed(uuid);
      if (!other) throw noSuchUser();
      if (other.id === me.id) throw badField("user", "must be somebody else");
      if (await areColleagues(actor, other)) {
        if ((await store.people.connection(me.id, other.id))?.status === "blocked") throw youBlocked();
        const { room } = await oneToOne.open(actor, userActor(other));
        return { connection: unasked(me, other, room), created: false };
      }
      const created = await ask(actor, other, message);
      return { connection: await existing(actor, other), created };
    },
    async update(actor, uuid, status) {
      const other = await peerNamed(uuid);
      if (other.id === idOf(actor)) throw noSuchConnection();
      const changed = await change(actor, other, status);
      if (changed && status === "blocked") await block(actor, other);
      return { connection: await existing(actor, other), changed };
    },
    async connected(actor, uuids) {
      if (actor.kind !== "user") return [];
      if (uuids.length > MAX_NAMED) throw badField("users", "must be at most 1,000");
      const users = await store.people.users({ uuids });
      const ids = users.map(({ id }) => id);
      const connected = new Set(ids.length === 0 ? [] : await store.people.connected(idOf(actor), ids));
      return users.filter(({ id }) => connected.has(id));
    },
    async waiting(_actor, roomIds) {
      return new Set(roomIds.length === 0 ? [] : await store.people.waiting(roomIds));
    },
  };

  async function requireUser(actor: Actor): Promise<User> {
    const user = await store.users.byId(idOf(actor));
    if (!user) throw new DomainError("unauthorized", "The account was deleted");
    return user;
  }
}

/**
 * The new statuses of both sides. After an unblock the connection is accepted if the other had asked or was accepted
 * before; otherwise it is as before the block.
 * @throws DomainError `conflict`
 */
function changed(
  { mine, theirs, colleagues }: Sides,
  status: ConnectionStatus,
): { next: ConnectionStatus; others: ConnectionStatus | undefined } {
  if (mine === null) return { next: status, others: undefined };
  const then = CHANGES[mine]?.[status];
  if (!then) {
    throw new DomainError("conflict", `A connection that is ${mine} can't become ${status}`, {
      field: "status",
    });
  }
  if (mine !== "blocked") return { next: status, others: then.theirs };
  const asked = theirs === "accepted" || theirs === "sent" || (theirs === "blocked" && !colleagues);
  if (asked) return { next: "accepted", others: "accepted" };
  return { next: theirs === "pending" || theirs === "ignored" ? "sent" : "cancelled", others: undefined };
}

/** The connection of users of one organization, which needs no request. */
function unasked(from: User, to: User, room: Room | null): Connection {
  const updatedAt = room?.createdAt ?? Math.max(from.createdAt, to.createdAt);
  return { from, to, status: "accepted", message: null, room, updatedAt };
}

function noSuchUser(): DomainError {
  return new DomainError("not_found", "There is no such user", { field: "user" });
}

function noSuchConnection(): DomainError {
  return new DomainError("not_found", "There is no such connection", { field: "user" });
}

function youBlocked(): DomainError {
  return new DomainError("forbidden", "You blocked this user", { field: "user" });
}

function tooManyBlocked(): DomainError {
  return new DomainError("too_large", "You block 1,000 users already; unblock one first", { field: "user" });
}

function idOf(actor: Actor): number {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users have connections");
  return Number(actor.id);
}

function checkMessage(message: string | null): void {
  if (message === null) return;
  if (codePoints(message) > MESSAGE_CODE_POINTS) {
    throw badField("message", "must be at most 256 characters long");
  }
  checkWellFormed("message", message);
}
