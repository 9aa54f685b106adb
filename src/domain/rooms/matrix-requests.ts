/**
 * One-to-one rooms that people of Matrix ask for, and blocking these people. A request is a room in which nobody may write until
 * its user accepts it (`Room.blocked`), so every face refuses what would reach the other.
 */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, type MemberKey, memberKey, type Room, userActor, userKey } from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { MatrixRequests } from "../use-cases/rooms.ts";
import { openPair } from "./one-to-one.ts";
import { changeSettings, removeRoom } from "./rooms.ts";

/** Requests that wait for one user's answer, and for the answers to one person. */
const MAX_WAITING = 50;
const MAX_ASKED = 20;
/** What one person asks for, and what one user is asked, is bounded in time as well: refused requests leave nothing behind. */
const PER_PERSON = { burst: 20, perSecond: 1 / 600 };
const PER_USER = { burst: 50, perSecond: 1 / 300 };
const MAX_BLOCKED = 1_000;
/** `@name:server`, without white space: a pair is written with a space between the two. */
const MATRIX_ID = /^@[^\s:]*:[^\s]+$/;

export function createMatrixRequests(context: Context): MatrixRequests {
  const { store, hot, settings, now, broadcasts } = context;

  async function limit(key: string, bucket: { burst: number; perSecond: number }): Promise<void> {
    if (!settings.rateLimits) return;
    const retryAfterMs = await hot.limits.take(`matrix-request:${key}`, 1, bucket, now());
    if (retryAfterMs > 0) throw new DomainError("rate_limited", undefined, { retryAfterMs });
  }

  /** The room of the two, locked, or null. Holds the pair until the commit. */
  async function roomOf(tx: StoreTransaction, user: MemberKey, matrixId: string): Promise<Room | null> {
    const roomId = await tx.oneToOne(personKey(matrixId), user);
    const [room] = roomId === null ? [] : await tx.lockRooms([roomId]);
    return room ?? null;
  }

  /** Makes the room of the two, or the one that they had, a request. */
  async function open(tx: StoreTransaction, person: Actor, userId: number): Promise<Room> {
    const people = [person, userActor({ id: userId, displayName: "" })].map((member) => ({
      member,
      role: "owner" as const,
    }));
    const made = { organizationId: null, history: "joined" as const, name: person.name };
    const { room } = await openPair(tx, person, people, made);
    await tx.updateRoom(room.id, { blocked: true });
    return (await changeSettings(tx, person, room, { request: true })).room;
  }

  return {
    async ask(person, userId) {
      if (!MATRIX_ID.test(person.id)) throw noSuchUser();
      const isNew = await store.transaction(
        async (tx) => !(await roomOf(tx, userKey(userId), person.id))?.request,
      );
      if (isNew) {
        await limit(`by:${person.id}`, PER_PERSON);
        await limit(`of:${userId}`, PER_USER);
      }
      return await store.transaction(async (tx) => {
        const room = await roomOf(tx, userKey(userId), person.id);
        const { found, blocked, waiting, asked } = await tx.matrixPeople.asking(userId, person.id);
        if (!found || blocked) throw noSuchUser();
        if (room?.request) return room;
        if (room && (await tx.members(room.id)).length > 1)
          throw new DomainError("conflict", "You have a chat with each other");
        if (waiting >= MAX_WAITING || asked >= MAX_ASKED)
          throw new DomainError("too_large", "Too many requests wait for an answer");
        return await open(tx, person, userId);
      });
    },
    async accept(actor, roomId) {
      return await store.transaction(async (tx) => {
        const [room] = await tx.lockRooms([roomId]);
        const [me] = room ? await tx.members(roomId, [memberKey(actor)]) : [];
        if (!room || !me) throw noSuchRoom();
        if (!room.request) return { room, event: null };
        await tx.updateRoom(roomId, { blocked: false });
        return await changeSettings(tx, actor, room, { request: false });
      });
    },
    async block(actor, matrixId) {
      const userId = idOf(actor);
      if (!MATRIX_ID.test(matrixId)) throw noSuchUser();
      const isNew = await store.transaction(async (tx) => {
        const room = await roomOf(tx, userKey(userId), matrixId);
        if ((await tx.matrixPeople.blocked(userId)).length >= MAX_BLOCKED)
          throw new DomainError("too_large", "You block too many", { field: "user" });
        if (!(await tx.matrixPeople.block(userId, matrixId))) return false;
        if (room?.request) await removeRoom(tx, actor, room);
        else if (room) await tx.updateRoom(room.id, { blocked: true });
        return true;
      });
      if (isNew) broadcasts.block(userId, matrixId, true);
      return isNew;
    },
    async unblock(actor, matrixId) {
      const userId = idOf(actor);
      const wasBlocked = await store.transaction(async (tx) => {
        const room = await roomOf(tx, userKey(userId), matrixId);
        if (!(await tx.matrixPeople.unblock(userId, matrixId))) return false;
        if (room && !room.request) await tx.updateRoom(room.id, { blocked: false });
        return true;
      });
      if (wasBlocked) broadcasts.block(userId, matrixId, false);
      return wasBlocked;
    },
    async blocked(actor) {
      const userId = idOf(actor);
      return await store.transaction((tx) => tx.matrixPeople.blocked(userId));
    },
  };
}

function personKey(matrixId: string): MemberKey {
  return memberKey({ kind: "matrix", id: matrixId });
}

function idOf(actor: Actor): number {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users block people of Matrix");
  return Number(actor.id);
}

function noSuchUser(): DomainError {
  return new DomainError("not_found", "There is no such user", { field: "user" });
}
