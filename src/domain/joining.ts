/**
 * Joining a room to be seen there, and leaving it again. Members come and go as they like; strangers find their way into
 * public rooms, as guests or with their account, and are members for as long as they stay.
 */

import { LRUCache } from "lru-cache";
import { noSuchRoom, refusal } from "./access.ts";
import { addressBlock } from "./address-block.ts";
import type { Context } from "./context.ts";
import { DomainError } from "./errors.ts";
import { named } from "./invitations.ts";
import { type Actor, type Conversation, memberKey, type Role } from "./model.ts";
import type { Passwords } from "./passwords.ts";
import { type Departure, putPeople, removePeople } from "./people.ts";
import { waits } from "./permissions.ts";
import type { NewMember, StoreTransaction } from "./ports/store.ts";
import { TYPING_TTL_MS, unlessAway } from "./presence.ts";
import type { Participants, RoomView } from "./room-use-cases.ts";
import { JOINED_MS } from "./room-views.ts";
import { callSessionOf, createSessions } from "./sessions.ts";
import type { CallUseCases, Messages, PresenceUseCases } from "./use-cases.ts";

/** How long somebody who was lost stays in the call: two long polls of 30 s. */
export const JOINED_CALL_TTL_MS = 60_000;
const MAX_GUESTS = 1_000;
const PING_ACCESS_MS = 5_000;
const PER_PASSWORD = { burst: 10, perSecond: 1 / 6 };
/** Every stranger who comes and goes is two events of the log. */
const PER_STRANGER = { burst: 60, perSecond: 1 };
/** Roles that end with the visit. */
const PASSING: ReadonlySet<Role> = new Set(["guest", "guest_moderator", "self_joined"]);

export interface JoiningParts {
  reading: Pick<Messages, "markRead">;
  calls: CallUseCases;
  presence: PresenceUseCases;
  passwords: Passwords;
  departed: (gone: readonly Departure[]) => Promise<void>;
  view(actor: Actor, token: string): Promise<RoomView>;
}

type JoinInput = NonNullable<Parameters<Participants["join"]>[2]>;

export function createJoining(
  context: Context,
  { reading, calls, presence, passwords, departed, view }: JoiningParts,
): Pick<Participants, "join" | "leave" | "ping" | "typing" | "markRead" | "joinCall" | "leaveCall"> {
  const { store, hot, accesses, news, now } = context;
  const sessions = createSessions(store.secret);
  const stopTyping = createTypingEnds();

  async function locate(actor: Actor, token: string) {
    return /^[a-z0-9]{1,32}$/.test(token) ? await store.rooms.locate({ token }, memberKey(actor)) : null;
  }

  // ── Strangers ──────────────────────────────────────────────────────────────────────────────────────

  async function limit(key: string, bucket: { burst: number; perSecond: number }): Promise<void> {
    if (!context.settings.rateLimits) return;
    const retryAfterMs = await hot.limits.take(key, 1, bucket, now());
    if (retryAfterMs > 0) throw new DomainError("rate_limited", undefined, { retryAfterMs });
  }

  async function checkPassword(room: Conversation, { password = "", from }: JoinInput): Promise<void> {
    if (room.passwordHash === null || passwords.knows(room.passwordHash, password)) return;
    const wrong = new DomainError("forbidden", "The password of the room is wrong", { field: "password" });
    if (password === "") throw wrong;
    if (from !== undefined) await limit(`room-password:${room.id}:${addressBlock(from)}`, PER_PASSWORD);
    if (!(await passwords.verify(room.passwordHash, password, "stranger"))) throw wrong;
  }

  async function newcomer(
    tx: StoreTransaction,
    actor: Actor,
    token: string,
    secret?: string,
  ): Promise<NewMember> {
    if (actor.kind !== "guest") {
      const [member] = await named(tx, [{ member: actor, role: "self_joined" }]);
      return member as NewMember;
    }
    const { id, seed } = sessions.guest(secret ?? "", token);
    if (secret === undefined || id !== actor.id) {
      throw new DomainError("forbidden", "Guests come with their own secret");
    }
    return { member: memberKey(actor), userId: null, name: actor.name, role: "guest", guestSeed: seed };
  }

  /** @returns the room as it is now where its password was changed meanwhile; null once the actor is in it */
  async function enterUnder(
    actor: Actor,
    found: Conversation,
    input: JoinInput,
  ): Promise<Conversation | null> {
    await checkPassword(found, input);
    return await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([found.id]);
      if (room?.type !== "public") throw noSuchRoom();
      if (room.passwordHash !== found.passwordHash) return room;
      const member = await newcomer(tx, actor, room.token, input.secret);
      if (actor.kind === "guest" && (await tx.countMembers(room.id)).guests >= MAX_GUESTS) {
        throw new DomainError("busy", "The room is full of guests; try again later", {
          retryAfterMs: 30_000,
        });
      }
      await putPeople(tx, actor, room, [member], "keep");
      return null;
    });
  }

  async function enter(actor: Actor, found: Conversation, input: JoinInput): Promise<void> {
    if (found.type !== "public" || actor.kind === "matrix") throw noSuchRoom();
    if (input.from !== undefined) await limit(`room-join:${input.from}`, PER_STRANGER);
    let room: Conversation | null = found;
    while (room) room = await enterUnder(actor, room, input);
  }

  async function leavePassing(actor: Actor, roomId: number): Promise<void> {
    const key = memberKey(actor);
    const gone = await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([roomId]);
      const [me] = room ? await tx.members(roomId, [key]) : [];
      return room && me && PASSING.has(me.role) ? await removePeople(tx, null, room, [key]) : [];
    });
    await departed(gone);
  }

  // ── Presence and the call ──────────────────────────────────────────────────────────────────────────

  async function seen(actor: Actor, room: { id: number; token: string }): Promise<void> {
    const fresh = await presence.ping(actor, [room.id]);
    if (fresh.length > 0) news.presence(room, actor, now());
  }

  /** @throws DomainError `not_found` for a member who has not joined */
  async function requireJoined(actor: Actor, roomId: number): Promise<void> {
    const [joined] = await hot.presence.isActive(memberKey(actor), [roomId], now(), JOINED_MS);
    if (!joined) throw new DomainError("not_found", "Join the room first");
  }

  async function endCall(actor: Actor, room: { id: number; token: string }): Promise<void> {
    const before = await hot.calls.get(room.id);
    if (!before.participants.some((one) => memberKey(one.actor) === memberKey(actor))) return;
    await calls.sessionGone(actor, callSessionOf(actor), [room.id]);
    news.call(room, await hot.calls.get(room.id));
  }

  return {
    async join(actor, token, input = {}) {
      const found = await locate(actor, token);
      if (!found) throw noSuchRoom();
      if (!found.membership) await enter(actor, found.conversation, input);
      await seen(actor, found.conversation);
      return await view(actor, token);
    },
    async leave(actor, token) {
      const found = await locate(actor, token);
      if (!found?.membership) return;
      const { conversation, membership } = found;
      await context.bestEffort("Leaving a room", async () => {
        await endCall(actor, conversation);
        await hot.presence.leave(membership.member, [conversation.id]);
      });
      if (PASSING.has(membership.role)) await leavePassing(actor, conversation.id);
    },
    async ping(actor, token) {
      const access = await accesses.require(actor, token, "leave", PING_ACCESS_MS).catch(unlessNotFound);
      if (!access) return false;
      const { conversationId } = access;
      const member = memberKey(actor);
      return await unlessAway(false, async () => {
        const [joined = false] = await hot.presence.isActive(member, [conversationId], now(), JOINED_MS);
        if (!joined) return false;
        const place = [{ conversationId, session: callSessionOf(actor) }];
        await Promise.all([
          hot.presence.ping(member, actor.name, [conversationId], now()),
          hot.calls.refresh(place, now(), JOINED_CALL_TTL_MS),
        ]);
        return true;
      });
    },
    async typing(actor, token, on) {
      if (!(await presence.typing(actor, token, on))) return;
      const { conversationId: id } = await accesses.require(actor, token, "type", PING_ACCESS_MS);
      const end = () => news.typing({ id, token }, actor, false);
      if (on) news.typing({ id, token }, actor, true);
      else end();
      stopTyping(`${id} ${memberKey(actor)}`, on ? end : null);
    },
    async markRead(actor, token, seq) {
      const result = await reading.markRead(actor, token, seq);
      if (result.moved) {
        const { conversationId: id } = await accesses.require(actor, token, "leave", PING_ACCESS_MS);
        news.read({ id, token }, actor, result);
      }
      return result;
    },
    async joinCall(actor, token, flags) {
      const { conversationId: id } = await accesses.require(actor, token, "call");
      await requireJoined(actor, id);
      const call = await calls.join(actor, token, callSessionOf(actor), flags, JOINED_CALL_TTL_MS);
      news.call({ id, token }, call);
      return call;
    },
    async leaveCall(actor, token) {
      const { conversationId: id, membership, rules } = await accesses.member(actor, token);
      if (waits(membership, rules, now())) throw refusal("lobby", "call");
      await requireJoined(actor, id);
      const call = await calls.leave(actor, token, callSessionOf(actor));
      news.call({ id, token }, call);
      return call;
    },
  };
}

function unlessNotFound(error: unknown): null {
  if (error instanceof DomainError && error.code === "not_found") return null;
  throw error;
}

/** Says that somebody stopped typing who said nothing further. One timer for each who types, at most so many. */
function createTypingEnds(): (key: string, end: (() => void) | null) => void {
  const timers = new LRUCache<string, NodeJS.Timeout>({
    max: 10_000,
    dispose: (timer) => clearTimeout(timer),
  });
  return (key, end) => {
    timers.delete(key);
    if (!end) return;
    const timer = setTimeout(() => {
      timers.delete(key);
      end();
    }, TYPING_TTL_MS);
    timers.set(key, timer.unref());
  };
}
