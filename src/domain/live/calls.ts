/**
 * Calls. Hot state has the sessions in a call; the log has the call's start and end and who joined and left. Each change is
 * made in hot state first. Then the log follows: under the room's lock the member's place in the call is compared with hot
 * state again. So when two members join at once, or one joins while the last one leaves, there is one `call.started` and one
 * `call.ended`, and nobody joins or leaves twice in a row.
 */

import type { Context } from "../context/context.ts";
import { isHotStateNew } from "../context/hot-age.ts";
import { isJoinedSession } from "../context/session-names.ts";
import { badField } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { type Actor, type MemberKey, memberKey, SYSTEM_ACTOR } from "../model.ts";
import { isModerator, waitsInLobby } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { CallParticipant, CallState } from "../ports/hot.ts";
import type { RunningCall } from "../ports/store/log.ts";
import type { NewEvent } from "../ports/store/transaction.ts";
import type { BringBack } from "../rooms/one-to-one.ts";
import type { CallUseCases } from "../use-cases/live.ts";

/** A participant without a refresh for this long is removed. With the grace below, the call of lost sessions ends in 60 s. */
export const CALL_TTL_MS = 30_000;
/** How long a participant may be missing: after a loss of hot state, gateways put participants back by then. */
const MISSING_GRACE_MS = 9_000;

export interface InternalCalls extends CallUseCases {
  /** The member is no longer in the room: leaves its call with every session. */
  memberGone(room: NamedRoom, member: MemberKey): Promise<void>;
  /** The room's lobby was closed: members who have to wait leave the call. */
  lobbyClosed(room: NamedRoom): Promise<void>;
  /** One member of a one-to-one room blocked the other: both leave its call. */
  blocked(room: NamedRoom): Promise<void>;
}

export function createCalls(context: Context, bringBack: BringBack): InternalCalls {
  const { store, hot, accesses, broadcasts, now } = context;
  /** When a sweep first found somebody, or everybody, missing in a call, ms. */
  const missedSince = new Map<string, number>();

  /**
   * Appends what the log lacks about the actor's place in the call. With `over`, a call without sessions in hot state ends
   * also for participants who did not leave.
   */
  async function follow(roomId: number, actor: Actor, over = false): Promise<void> {
    await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([roomId]);
      if (!room) return;
      const callers = await tx.callers(roomId);
      const { participants } = await hot.calls.get(roomId);
      const ends = over && participants.length === 0;
      const events = isAmong(participants, actor) ? joining(callers, actor) : leaving(callers, actor, ends);
      await tx.appendEvents(roomId, events);
    });
  }

  async function followOrLeave(roomId: number, { actor, session }: CallParticipant): Promise<void> {
    try {
      await follow(roomId, actor);
    } catch (error) {
      const leave = () => hot.calls.remove(roomId, session);
      await context.bestEffort("Leaving a call that was not joined", leave);
      throw error;
    }
  }

  async function isLogged(roomId: number, actor: Actor): Promise<boolean> {
    const [call] = await store.log.runningCalls([roomId]);
    return call?.callers.some((caller) => isSame(caller, actor)) ?? false;
  }

  /** Repairs the log at the participant's next request when an earlier join failed, or the participant counted as gone. */
  async function followIfLost(roomId: number, actor: Actor): Promise<void> {
    if (!(await isLogged(roomId, actor))) await follow(roomId, actor);
  }

  async function remove(room: NamedRoom, session: string, actor: Actor): Promise<CallState> {
    const { removed, last, call } = await hot.calls.remove(room.id, session);
    let changed = removed;
    // If the log can't be reached, a sweep repairs it.
    await context.bestEffort("Leaving a call", async () => {
      if (isJoinedSession(session)) await store.visits.setCall(room.id, session, null);
      if (isAmong(call.participants, actor)) return;
      changed ||= await isLogged(room.id, actor);
      if (changed) await follow(room.id, actor, last);
    });
    if (changed) broadcasts.call(room, call);
    return call;
  }

  async function leaveLobby(room: NamedRoom, of: (member: MemberKey) => boolean): Promise<void> {
    const { participants } = await hot.calls.get(room.id);
    for (const { session, actor } of participants.filter((one) => of(memberKey(one.actor)))) {
      const found = await store.rooms.access(room.token, memberKey(actor));
      if (found && waitsInLobby(found.membership, found.room, now())) await remove(room, session, actor);
    }
  }

  /** Those whose `call.left` says something else than they were told last. */
  async function tell(roomId: number): Promise<void> {
    const token = (await store.rooms.tokens([roomId])).get(roomId);
    if (token) broadcasts.call({ id: roomId, token }, await hot.calls.get(roomId));
  }

  // Whatever the face and the use case: who moderates no more may have to wait from now on.
  store.onCommitted((events) => {
    for (const event of events) {
      if (event.type !== "member.changed") continue;
      const { roomId: id, room: token } = event;
      const { member, role } = dataOf<"member.changed">(event);
      if (isModerator(role)) continue;
      const isThem = (key: MemberKey) => key === memberKey(member);
      void context.bestEffort("Emptying a call", () => leaveLobby({ id, token }, isThem));
    }
  });

  return {
    async join(actor, room, session, flags, ttlMs = CALL_TTL_MS) {
      if (!Number.isInteger(flags) || flags < 1 || flags > 7) {
        throw badField("flags", "must be an integer from 1 to 7 (1 in call, 2 audio, 4 video)");
      }
      const { roomId, peerLeft } = await accesses.require(actor, room, "call");
      if (peerLeft) await bringBack(actor, room, roomId);
      const participant = { session, actor, flags };
      const { added, call } = await hot.calls.put(roomId, participant, now(), ttlMs);
      const others = call.participants.filter((other) => other.session !== session);
      if (added && !isAmong(others, actor)) await followOrLeave(roomId, participant);
      else await context.bestEffort("Joining a call again", () => followIfLost(roomId, actor));
      broadcasts.call({ id: roomId, token: room }, call);
      return call;
    },
    async leave(actor, room, session) {
      const { roomId } = await accesses.member(actor, room);
      return await remove({ id: roomId, token: room }, session, actor);
    },
    async sessionGone(actor, session, rooms) {
      const leave = (room: NamedRoom) =>
        context.bestEffort("Leaving a call", () => remove(room, session, actor));
      await Promise.all(rooms.map(leave));
    },
    async memberGone(room, member) {
      const { participants } = await hot.calls.get(room.id);
      for (const { session, actor } of participants) {
        if (memberKey(actor) === member) await remove(room, session, actor);
      }
    },
    async blocked(room) {
      const { participants } = await hot.calls.get(room.id);
      for (const { session, actor } of participants) await remove(room, session, actor);
    },
    lobbyClosed: (room) => leaveLobby(room, () => true),
    async sweep() {
      if (await isHotStateNew(context)) {
        missedSince.clear();
        return;
      }
      const running = await store.log.runningCalls();
      const states = await Promise.all(running.map((call) => hot.calls.get(call.roomId)));
      const missing = running.flatMap((call, i) => missingIn(call, states[i]?.participants ?? []));
      const keys = new Set(missing.map(({ key }) => key));
      for (const key of missedSince.keys()) if (!keys.has(key)) missedSince.delete(key);
      for (const { key, roomId, actor, over } of missing) {
        const since = missedSince.get(key) ?? now();
        missedSince.set(key, since);
        if (now() - since < MISSING_GRACE_MS) continue;
        await follow(roomId, actor, over);
        await tell(roomId);
      }
    },
  };
}

function isSame(a: Actor, b: Actor): boolean {
  return memberKey(a) === memberKey(b);
}

function isAmong(participants: readonly CallParticipant[], actor: Actor): boolean {
  return participants.some((one) => isSame(one.actor, actor));
}

function joining(callers: readonly Actor[] | null, actor: Actor): NewEvent[] {
  if (callers?.some((caller) => isSame(caller, actor))) return [];
  return [{ type: callers === null ? "call.started" : "call.joined", actor, data: {} }];
}

/** The actor who ends the call leaves last. */
function leaving(callers: readonly Actor[] | null, actor: Actor, ends: boolean): NewEvent[] {
  if (callers === null) return [];
  const others = ends ? callers.filter((caller) => !isSame(caller, actor)) : [];
  const own = callers.filter((caller) => isSame(caller, actor));
  const left = [...others, ...own].map(
    (caller): NewEvent => ({ type: "call.left", actor: caller, data: {} }),
  );
  return ends ? [...left, { type: "call.ended", actor, data: {} }] : left;
}

interface Missing {
  key: string;
  roomId: number;
  actor: Actor;
  over: boolean;
}

/** Participants in the log who are not in hot state: one by one, or as one entry when hot state has none. */
function missingIn({ roomId, callers }: RunningCall, participants: readonly CallParticipant[]): Missing[] {
  if (participants.length === 0) {
    return [{ key: `${roomId}`, roomId, actor: SYSTEM_ACTOR, over: true }];
  }
  return callers
    .filter((caller) => !isAmong(participants, caller))
    .map((actor) => ({ key: `${roomId} ${memberKey(actor)}`, roomId, actor, over: false }));
}
