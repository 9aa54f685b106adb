import { LRUCache } from "lru-cache";
import type { MemberKey } from "../../domain/model.ts";
import type { UnreadCounters, UnreadEntry } from "../../domain/ports/hot.ts";
import { UNREAD_MS } from "../lifetimes.ts";

/** Members whose counters are cached. The least recently used are dropped, and read from the store again. */
const MAX_MEMBERS = 50_000;

export function createMemoryUnread(now: () => number): UnreadCounters & { sweep(): void; clear(): void } {
  const members = new LRUCache<MemberKey, Map<number, UnreadEntry>>({
    ...{ max: MAX_MEMBERS, ttl: UNREAD_MS, perf: { now }, ttlResolution: 0 },
  });

  return {
    async get(member, roomIds) {
      const rooms = members.get(member);
      return roomIds.map((id) => {
        const entry = rooms?.get(id);
        return entry === undefined ? null : { ...entry };
      });
    },
    async set(member, entries) {
      const rooms = members.get(member) ?? new Map<number, UnreadEntry>();
      for (const { roomId, entry } of entries) {
        const kept = rooms.get(roomId);
        if (kept === undefined || entry.read >= kept.read) rooms.set(roomId, { ...entry });
      }
      members.set(member, rooms);
    },
    async mentioned(roomId, mentioned) {
      for (const member of mentioned) {
        const entry = members.peek(member)?.get(roomId);
        if (entry !== undefined) entry.mentions++;
      }
    },
    async drop(member, roomIds) {
      const rooms = members.peek(member);
      for (const id of roomIds) rooms?.delete(id);
    },
    sweep: () => void members.purgeStale(),
    clear: () => members.clear(),
  };
}
