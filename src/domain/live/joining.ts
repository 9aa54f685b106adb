/**
 * Joining and leaving rooms as in Talk: a joined client is present in the room. People who are not members may join public
 * rooms, as guests or with their account. They become members, until they leave.
 */

import { createSessions, joinedSession, ONLY_CLIENT } from "../auth/sessions.ts";
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, memberKey, type Role, type Room } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { NewMember, StoreTransaction } from "../ports/store/transaction.ts";
import type { Comer, RoomDoor } from "../rooms/admission.ts";
import { named } from "../rooms/invitations.ts";
import { type Departure, putPeople, removePeople } from "../rooms/members.ts";
import type { CallUseCases, PresenceUseCases } from "../use-cases/live.ts";
import type { Joining } from "../use-cases/participants.ts";
import type { Change } from "../use-cases/room-settings.ts";
import type { ClientName, RoomView } from "../use-cases/rooms.ts";
import { JOINED_CALL_TTL_MS, type Visits } from "./visits.ts";

const MAX_GUESTS = 1_000;
const PING_ACCESS_MS = 5_000;
/** Roles that end with the visit. */
const VISITOR_ROLES: ReadonlySet<Role> = new Set(["guest", "guest_moderator", "self_joined"]);

export interface JoiningParts {
  calls: CallUseCases;
  presence: PresenceUseCases;
  visits: Visits;
  door: RoomDoor;
  departed: (gone: readonly Departure[]) => Promise<void>;
  view(actor: Actor, token: string): Promise<RoomView>;
  /** See `MatrixRequests`. */
  accept(actor: Actor, roomId: number): Promise<Change>;
}

/** A stranger who comes in; guests have a secret. */
type Stranger = Comer & { secret?: string };

export function createJoining(
  context: Context,
  { calls, presence, visits, door, departed, view, accept }: JoiningParts,
): Joining {
  const { store, hot, accesses, broadcasts, now } = context;
  const sessions = createSessions(store.secret);

  async function locate(actor: Actor, token: string) {
    return /^[a-z0-9]{1,32}$/.test(token) ? await store.rooms.locate({ token }, memberKey(actor)) : null;
  }

  // ── Strangers ──────────────────────────────────────────────────────────────────────────────────────

  async function newcomer(
    tx: StoreTransaction,
    actor: Actor,
    { id: roomId, token }: NamedRoom,
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
    const member = memberKey(actor);
    const before = await tx.visits.formerGuest(roomId, member);
    if (before?.removed) throw new DomainError("forbidden", "A moderator took you out of this room");
    return { member, userId: null, name: before?.name ?? actor.name, role: "guest", guestSeed: seed };
  }

  /** Adds the actor. @returns the room as it is now, where its password has changed since the check */
  async function enterUnder(actor: Actor, found: Room, input: Stranger): Promise<Room | Change> {
    await door.checkPassword(found.id, found.passwordHash, input);
    return await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([found.id]);
      if (room?.type !== "public") throw noSuchRoom();
      if (room.passwordHash !== found.passwordHash) return room;
      const member = await newcomer(tx, actor, room, input.secret);
      if (actor.kind === "guest" && (await tx.countMembers(room.id)).guests >= MAX_GUESTS) {
        throw new DomainError("busy", "The room is full of guests; try again later", {
          retryAfterMs: 30_000,
        });
      }
      const [event = null] = await putPeople(tx, actor, room, [member], "keep");
      return { room, event };
    });
  }

  async function enter(actor: Actor, found: Room, input: Stranger): Promise<Change> {
    if (found.type !== "public" || actor.kind === "matrix") throw noSuchRoom();
    await door.come(input);
    let room = found;
    for (;;) {
      const entered = await enterUnder(actor, room, input);
      if ("event" in entered) return entered;
      room = entered;
    }
  }

  async function leaveAsVisitor(actor: Actor, roomId: number): Promise<void> {
    const key = memberKey(actor);
    const gone = await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([roomId]);
      const [me] = room ? await tx.members(roomId, [key]) : [];
      return room && me && VISITOR_ROLES.has(me.role) ? await removePeople(tx, null, room, [key]) : [];
    });
    await departed(gone);
  }

  // ── Presence and the call ──────────────────────────────────────────────────────────────────────────

  /** @returns the client's sessions. @throws DomainError `not_found` for one that has not joined */
  async function requireJoined(actor: Actor, room: NamedRoom, client: ClientName): Promise<string[]> {
    const sessions = await visits.refresh(actor, room, client);
    if (sessions.length === 0) throw new DomainError("not_found", "Join the room first");
    return sessions;
  }

  /** The client's session in the call, or else the one that joined last. */
  async function callingSession(room: NamedRoom, sessions: readonly string[]): Promise<string> {
    const inCall = new Set<string>();
    if (sessions.length > 1) {
      for (const { session } of (await hot.calls.get(room.id)).participants) inCall.add(session);
    }
    return (sessions.findLast((session) => inCall.has(session)) ?? sessions.at(-1)) as string;
  }

  return {
    async join(actor, token, input = {}) {
      const found = await locate(actor, token);
      if (!found) throw noSuchRoom();
      if (!found.membership) await enter(actor, found.room, input);
      await visits.begin(actor, found.room, clientOf(actor, input.client));
      broadcasts.signaling(found.room.id);
      return await view(actor, token);
    },
    async enter(actor, token, comer = {}) {
      const found = await locate(actor, token);
      if (!found) throw noSuchRoom();
      return found.membership ? await accept(actor, found.room.id) : await enter(actor, found.room, comer);
    },
    async look(actor, token, limits = {}) {
      const found = await locate(actor, token);
      const isMember = Boolean(found?.membership);
      if (!isMember) await door.come(limits);
      if (!found || !(isMember || found.room.type === "public")) throw noSuchRoom();
      return { room: found.room, member: isMember };
    },
    async leave(actor, token, client) {
      const found = await locate(actor, token);
      if (!found?.membership) return;
      const { room, membership } = found;
      const isGone = await visits.end(actor, room, clientOf(actor, client));
      if (isGone && VISITOR_ROLES.has(membership.role)) await leaveAsVisitor(actor, room.id);
      broadcasts.signaling(room.id);
    },
    async ping(actor, token, client) {
      const access = await accesses.require(actor, token, "leave", PING_ACCESS_MS).catch(unlessNotFound);
      if (!access) return false;
      const room = { id: access.roomId, token };
      return (await visits.refresh(actor, room, clientOf(actor, client))).length > 0;
    },
    async typing(actor, token, on, client) {
      await presence.typing(actor, token, on, joinedSession(actor, clientOf(actor, client).id));
    },
    async joinCall(actor, token, flags, client) {
      const { roomId: id } = await accesses.require(actor, token, "call");
      const room = { id, token };
      const session = await callingSession(room, await requireJoined(actor, room, clientOf(actor, client)));
      const call = await calls.join(actor, token, session, flags, JOINED_CALL_TTL_MS);
      await store.visits.setCall(id, session, flags);
      return call;
    },
    async leaveCall(actor, token, client) {
      const { roomId: id, membership, rules } = await accesses.member(actor, token);
      if (waitsInLobby(membership, rules, now())) throw refusal("lobby", "call");
      const room = { id, token };
      const session = await callingSession(room, await requireJoined(actor, room, clientOf(actor, client)));
      return await calls.leave(actor, token, session);
    },
  };
}

/** The client of an actor. All of a guest's requests count as one client. */
function clientOf({ kind }: Actor, client: ClientName = ONLY_CLIENT): ClientName {
  return kind === "guest" ? ONLY_CLIENT : client;
}

function unlessNotFound(error: unknown): null {
  if (error instanceof DomainError && error.code === "not_found") return null;
  throw error;
}
