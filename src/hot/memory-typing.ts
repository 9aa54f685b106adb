import type { MemberKey } from "../domain/model.ts";
import type { Typing } from "../domain/ports/hot.ts";

export function createMemoryTyping(): Typing & { sweep(at: number): void } {
  const rooms = new Map<number, Map<MemberKey, number>>();

  function trim(conversationId: number, at: number): Map<MemberKey, number> {
    const room = rooms.get(conversationId) ?? new Map<MemberKey, number>();
    for (const [member, until] of room) if (until <= at) room.delete(member);
    if (room.size === 0) rooms.delete(conversationId);
    return room;
  }

  return {
    async set(conversationId, member, on, now, ttlMs) {
      const room = trim(conversationId, now);
      const was = room.has(member);
      if (on) rooms.set(conversationId, room.set(member, now + ttlMs));
      else if (room.delete(member) && room.size === 0) rooms.delete(conversationId);
      return was !== on;
    },
    get: async (conversationId, now) => [...trim(conversationId, now).keys()],
    sweep(at) {
      for (const id of rooms.keys()) trim(id, at);
    },
  };
}
