/**
 * Connections let two users who share no organization see each other. Each side has its own status. The request makes their
 * one-to-one room, in which the requester is alone until the other accepts. Users of one organization are connected without
 * a request; they have rows only if one blocks the other.
 */
import type { Context } from "../context/context.ts";
import { checkLimit } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import { numberOfId } from "../ids.ts";
import type { InternalCalls } from "../live/calls.ts";
import { type Actor, type ConnectionStatus, type User, userActor } from "../model.ts";
import type { StoredConnection } from "../ports/store/accounts/people.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Connection, Connections } from "../use-cases/people.ts";
import type { OneToOne } from "../use-cases/rooms.ts";
import { meet, part, shut } from "./connection-room.ts";
import {
  changed,
  checkMessage,
  MAX_BLOCKED,
  MAX_SENT,
  noSuchConnection,
  noSuchUser,
  tooManyBlocked,
  unasked,
  youBlocked,
} from "./connection-rules.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_PAGE = 500;
const MAX_NAMED = 1_000;

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
  async function changing<T>(
    work: (tx: StoreTransaction, put: StoreTransaction["people"]["putConnection"]) => Promise<T>,
  ): Promise<T> {
    const { result, puts } = await store.transaction(async (tx) => {
      const puts: { userId: number; peerId: number; at: number }[] = [];
      const result = await work(tx, async (userId, peerId, ...rest) => {
        const at = await tx.people.putConnection(userId, peerId, ...rest);
        puts.push({ userId, peerId, at });
        return at;
      });
      return { result, puts };
    });
    for (const { userId, peerId, at } of puts) {
      broadcasts.connection(userId, at, await sideOf(userId, peerId));
    }
    return result;
  }

  /** How the user stands to the other; null where that can't be read now. */
  async function sideOf(userId: number, peerId: number): Promise<StoredConnection | null> {
    const found: (StoredConnection | null)[] = [];
    await context.bestEffort("Reading a connection to tell it", async () => {
      found.push(await store.people.connection(userId, peerId));
    });
    return found[0] ?? null;
  }

  async function userNamed(uuid: string): Promise<User | undefined> {
    return UUID.test(uuid) ? (await store.people.users({ uuids: [uuid] }))[0] : undefined;
  }

  /** Refuses unknown users like users without a connection, so that a refusal does not reveal who exists. */
  async function peerNamed(name: string): Promise<User> {
    const id = numberOfId(name);
    const user = id > 0 ? await store.users.byId(id) : await userNamed(name);
    if (!user) throw noSuchConnection();
    return user;
  }

  async function existing(actor: Actor, user: User): Promise<Connection> {
    const found = await store.people.connection(idOf(actor), user.id);
    if (found) return found;
    if (await areColleagues(actor, user)) return unasked(await requireUser(actor), user, null);
    throw noSuchConnection();
  }

  async function ask(actor: Actor, other: User, message: string | null) {
    const id = idOf(actor);
    return await changing(async (tx, put) => {
      const { mine, theirs, waiting } = await tx.people.lockConnection(id, other.id);
      if (mine === "blocked") throw youBlocked();
      if (mine === "accepted" || mine === "sent") return { created: false, changed: false };
      const accepts = theirs === "sent" || theirs === "accepted";
      if (!accepts && waiting >= MAX_SENT) {
        throw new DomainError("too_large", "Too many of your connections wait for an answer");
      }
      await put(id, other.id, accepts ? "accepted" : "sent", message);
      // A user who blocks the actor does not get the request.
      if (accepts) await put(other.id, id, "accepted");
      else if (theirs !== "blocked") await put(other.id, id, "pending", message);
      await meet(tx, actor, other, accepts);
      return { created: mine === null || mine === "cancelled", changed: true };
    });
  }

  /** A user may block, without a request, any user whom they may see. */
  async function mayBlock(actor: Actor, other: User): Promise<boolean> {
    return (await store.users.visible(idOf(actor), [other.id])).length > 0;
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
    get: async (actor, user) => await existing(actor, await peerNamed(user)),
    async connect(actor, uuid, { message = null } = {}) {
      const me = await requireUser(actor);
      checkMessage(message);
      const other = await userNamed(uuid);
      if (!other) throw noSuchUser();
      if (other.id === me.id) throw badField("user", "must be somebody else");
      if (await areColleagues(actor, other)) {
        if ((await store.people.connection(me.id, other.id))?.status === "blocked") throw youBlocked();
        const { room } = await oneToOne.open(actor, userActor(other));
        return { connection: unasked(me, other, room), created: false, changed: false };
      }
      const made = await ask(actor, other, message);
      return { connection: await existing(actor, other), ...made };
    },
    async update(actor, user, status) {
      const other = await peerNamed(user);
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

function idOf(actor: Actor): number {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users have connections");
  return Number(actor.id);
}
