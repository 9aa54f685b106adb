import type { AccessTokens } from "../domain/ports/hot.ts";

interface Entry {
  userId: number;
  loginId: number;
  expiresAt: number;
}

export function createMemoryTokens(now: () => number): AccessTokens & { sweep(at: number): void } {
  const tokens = new Map<string, Entry>();

  // Logouts are rare beside look-ups, which an index by login and user would only make heavier.
  function dropWhere(drops: (entry: Entry) => boolean): void {
    for (const [hash, entry] of tokens) if (drops(entry)) tokens.delete(hash);
  }

  return {
    async put(hash, { userId, loginId, expiresAt }) {
      tokens.set(hash, { userId, loginId, expiresAt });
    },
    async get(hash) {
      const entry = tokens.get(hash);
      return entry !== undefined && entry.expiresAt > now() ? { ...entry } : null;
    },
    async dropLogin(loginId) {
      dropWhere((entry) => entry.loginId === loginId);
    },
    async dropUser(userId) {
      dropWhere((entry) => entry.userId === userId);
    },
    sweep: (at) => dropWhere((entry) => entry.expiresAt <= at),
  };
}
