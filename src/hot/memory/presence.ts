import { LRUCache } from "lru-cache";
import { actorOf, type MemberKey } from "../../domain/model.ts";
import type { FormerParticipant, Presence } from "../../domain/ports/hot.ts";
import { ACTIVE_MS, LAST_PING_MS, MAX_ACTIVE_SESSIONS } from "../lifetimes.ts";

/** Members whose pings are kept; the longest absent are dropped, because the number of guests has no limit. */
const MAX_MEMBERS = 50_000;

interface Active {
  name: string;
  /** The last ping of each session, in the order in which the sessions came. */
  sessions: Map<string, number>;
}

export function createMemoryPresence(now: () => number): Presence & { purge(): void; clear(): void } {
  const rooms = new Map<number, Map<MemberKey, Active>>();
  const pings = new LRUCache<MemberKey, Map<number, number>>({
    ...{ max: MAX_MEMBERS, ttl: LAST_PING_MS, perf: { now }, ttlResolution: 0 },
  });

  /** The member's active sessions in the room. Removes decayed ones. */
  function live(roomId: number, member: MemberKey, at: number): Map<string, number> | undefined {
    const sessions = rooms.get(roomId)?.get(member)?.sessions;
    for (const [session, ping] of sessions ?? []) if (ping <= at - ACTIVE_MS) sessions?.delete(session);
    return sessions;
  }

  function remove(roomId: number, member: MemberKey): void {
    const room = rooms.get(roomId);
    room?.delete(member);
    if (room?.size === 0) rooms.delete(roomId);
  }

  function note(member: MemberKey, roomId: number, at: number): void {
    const own = pings.get(member) ?? new Map<number, number>();
    pings.set(member, own.set(roomId, at));
  }

  /** @returns whether the member was there before */
  function enter(roomId: number, member: MemberKey, session: string, name: string, at: number): boolean {
    const sessions = live(roomId, member, at) ?? new Map<string, number>();
    const before = sessions.size > 0;
    sessions.set(session, at);
    for (const first of sessions.keys()) if (sessions.size > MAX_ACTIVE_SESSIONS) sessions.delete(first);
    const room = rooms.get(roomId) ?? new Map<MemberKey, Active>();
    rooms.set(roomId, room.set(member, { name, sessions }));
    return before;
  }

  return {
    async ping(member, session, name, roomIds, at) {
      return roomIds.filter((id) => {
        note(member, id, at);
        return !enter(id, member, session, name, at);
      });
    },
    async refresh(member, part, roomId, at) {
      const sessions = live(roomId, member, at);
      const mine = [...(sessions?.keys() ?? [])].filter((session) => session.includes(part));
      for (const session of mine) sessions?.set(session, at);
      if (mine.length > 0) note(member, roomId, at);
      return mine;
    },
    async leave(member, session, roomIds, at) {
      return roomIds.filter((id) => {
        const sessions = live(id, member, at);
        if (!sessions?.delete(session) || sessions.size > 0) return false;
        remove(id, member);
        return true;
      });
    },
    async forget(member, roomId, at) {
      const before = (live(roomId, member, at)?.size ?? 0) > 0;
      remove(roomId, member);
      return before;
    },
    async lastPings(member, roomIds) {
      const own = pings.get(member);
      return roomIds.map((id) => own?.get(id) ?? 0);
    },
    async isActive(member, roomIds, at, windowMs) {
      return roomIds.map((id) => latest(rooms.get(id)?.get(member)) > at - windowMs);
    },
    async seen(roomId, members, at, windowMs) {
      return members.map((member) => ({
        lastPing: pings.get(member)?.get(roomId) ?? 0,
        active: latest(rooms.get(roomId)?.get(member)) > at - windowMs,
      }));
    },
    async active(roomId, at, windowMs) {
      return [...(rooms.get(roomId) ?? [])].flatMap(([member, one]) => {
        const lastPing = latest(one);
        if (lastPing <= at - windowMs) return [];
        const sessions = [...one.sessions].flatMap(([session, ping]) =>
          ping > at - windowMs ? [{ session, lastPing: ping }] : [],
        );
        const guest = actorOf(member, one.name).kind === "guest";
        return [{ member, name: one.name, lastPing, guest, sessions }];
      });
    },
    async sweep(at) {
      const gone: FormerParticipant[] = [];
      for (const [roomId, room] of rooms) {
        for (const [member, one] of room) {
          const lastPing = latest(one);
          if (lastPing > at - ACTIVE_MS) continue;
          remove(roomId, member);
          gone.push({ roomId, member, name: one.name, lastPing });
        }
      }
      return gone;
    },
    purge: () => void pings.purgeStale(),
    clear() {
      rooms.clear();
      pings.clear();
    },
  };
}

function latest(one: Active | undefined): number {
  return Math.max(0, ...(one?.sessions.values() ?? []));
}
