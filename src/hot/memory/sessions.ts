import type { SessionEntry, SessionRegistry } from "../../domain/ports/hot.ts";

export function createMemorySessions(now: () => number): SessionRegistry & { sweep(at: number): number } {
  const sessions = new Map<string, { entry: SessionEntry; until: number }>();
  const idsByUser = new Map<number, Set<string>>();

  function remove(id: string): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    sessions.delete(id);
    const { userId } = session.entry;
    const ids = idsByUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) idsByUser.delete(userId);
  }

  return {
    async put(entries, ttlMs) {
      const until = now() + ttlMs;
      for (const entry of entries) {
        sessions.set(entry.id, { entry: { ...entry }, until });
        const ids = idsByUser.get(entry.userId) ?? new Set();
        idsByUser.set(entry.userId, ids.add(entry.id));
      }
    },
    async remove(ids) {
      for (const id of ids) remove(id);
    },
    async ofUser(userId) {
      const found = [...(idsByUser.get(userId) ?? [])].map((id) => sessions.get(id));
      return found.flatMap((session) => (session && session.until > now() ? [{ ...session.entry }] : []));
    },
    async count() {
      const at = now();
      let count = 0;
      for (const { until } of sessions.values()) if (until > at) count++;
      return count;
    },
    sweep(at) {
      const before = sessions.size;
      for (const [id, { until }] of sessions) if (until <= at) remove(id);
      return before - sessions.size;
    },
  };
}
