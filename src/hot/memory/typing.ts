import type { MemberKey } from "../../domain/model.ts";
import type { Typing } from "../../domain/ports/hot.ts";

interface Typed {
  name: string;
  /** The time at which each session's typing ends. */
  sessions: Map<string, number>;
}

export function createMemoryTyping(): Typing & { clear(): void } {
  const rooms = new Map<number, Map<MemberKey, Typed>>();

  /** Removes a member who types in no session any more. @returns whether the member was removed */
  function settle(roomId: number, member: MemberKey): boolean {
    const room = rooms.get(roomId);
    if (room?.get(member)?.sessions.size !== 0) return false;
    room.delete(member);
    if (room.size === 0) rooms.delete(roomId);
    return true;
  }

  return {
    async set(roomId, { member, session, name }, on, now, ttlMs) {
      const known = rooms.get(roomId)?.get(member);
      if (!on) {
        known?.sessions.delete(session);
        return settle(roomId, member);
      }
      const room = rooms.get(roomId) ?? new Map<MemberKey, Typed>();
      const sessions = (known?.sessions ?? new Map<string, number>()).set(session, now + ttlMs);
      rooms.set(roomId, room.set(member, { name, sessions }));
      return known === undefined;
    },
    async forget(roomId, member) {
      rooms.get(roomId)?.get(member)?.sessions.clear();
      return settle(roomId, member);
    },
    get: async (roomId, now) =>
      [...(rooms.get(roomId) ?? [])].flatMap(([member, { name, sessions }]) =>
        [...sessions.values()].some((until) => until > now) ? [{ member, name }] : [],
      ),
    async sweep(now) {
      const ended: Awaited<ReturnType<Typing["sweep"]>> = [];
      for (const [roomId, room] of rooms) {
        for (const [member, { name, sessions }] of room) {
          for (const [session, until] of sessions) if (until <= now) sessions.delete(session);
          if (settle(roomId, member)) ended.push({ roomId, member, name });
        }
      }
      return ended;
    },
    clear: () => rooms.clear(),
  };
}
