import type { AccessToken, AccessTokens } from "../../domain/ports/hot.ts";

export function createMemoryTokens(now: () => number): AccessTokens & { sweep(at: number): void } {
  const tokens = new Map<string, AccessToken>();

  // A scan is enough: logouts are rare, and an index by login and user would make every token heavier.
  function dropWhere(drops: (entry: AccessToken) => boolean): void {
    for (const [hash, entry] of tokens) if (drops(entry)) tokens.delete(hash);
  }

  return {
    async put(hash, entry) {
      tokens.set(hash, { ...entry });
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
