import { LRUCache } from "lru-cache";
import { actorOf, type MemberKey } from "../domain/model.ts";
import type { ActiveParticipant, Presence } from "../domain/ports/hot.ts";
import { ACTIVE_MS, LAST_PING_MS } from "./lifetimes.ts";

/** Beyond so many members (guests come without limit) the pings of those who were away longest are forgotten. */
const MAX_MEMBERS = 50_000;

export function createMemoryPresence(
  now: () => number,
): Presence & { sweep(at: number): number; clear(): void } {
  const active = new Map<number, Map<MemberKey, ActiveParticipant>>();
  const pings = new LRUCache<MemberKey, Map<number, number>>({
    ...{ max: MAX_MEMBERS, ttl: LAST_PING_MS, perf: { now }, ttlResolution: 0 },
  });

  function remove(conversationId: number, member: MemberKey): void {
    const room = active.get(conversationId);
    room?.delete(member);
    if (room?.size === 0) active.delete(conversationId);
  }

  return {
    async ping(member, name, conversationIds, at) {
      if (conversationIds.length === 0) return [];
      const own = pings.get(member) ?? new Map<number, number>();
      pings.set(member, own);
      return conversationIds.filter((id) => {
        own.set(id, at);
        const room = active.get(id) ?? new Map<MemberKey, ActiveParticipant>();
        active.set(id, room);
        const before = room.get(member);
        room.set(member, { member, name, lastPing: at, guest: actorOf(member, name).kind === "guest" });
        return before === undefined || before.lastPing <= at - ACTIVE_MS;
      });
    },
    async leave(member, conversationIds) {
      for (const id of conversationIds) remove(id, member);
    },
    async lastPings(member, conversationIds) {
      const rooms = pings.get(member);
      return conversationIds.map((id) => rooms?.get(id) ?? 0);
    },
    async isActive(member, conversationIds, at, windowMs) {
      return conversationIds.map((id) => (active.get(id)?.get(member)?.lastPing ?? 0) > at - windowMs);
    },
    async active(conversationId, at, windowMs) {
      const room = [...(active.get(conversationId)?.values() ?? [])];
      return room
        .filter(({ lastPing }) => lastPing > at - windowMs)
        .map((participant) => ({ ...participant }));
    },
    clear() {
      active.clear();
      pings.clear();
    },
    sweep(at) {
      pings.purgeStale();
      let removed = 0;
      for (const [id, room] of active) {
        for (const { member, lastPing } of room.values()) {
          if (lastPing > at - ACTIVE_MS) continue;
          remove(id, member);
          removed++;
        }
      }
      return removed;
    },
  };
}
