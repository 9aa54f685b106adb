import type { AccessTokens } from "../../domain/ports/hot.ts";
import type { RedisClient } from "./connection/client.ts";

export function createRedisTokens(client: RedisClient): AccessTokens {
  const { keys } = client;
  /** Removes tokens before their index, so that a second call finishes the work of one that failed half-way. */
  async function dropAll(index: string): Promise<void> {
    const hashes = await client.send<string[]>("zrange", index, 0, -1);
    if (hashes.length === 0) return;
    await Promise.all(client.together(hashes.map(keys.token)).map((tokens) => client.send("del", ...tokens)));
    await client.send("zrem", index, ...hashes);
  }

  return {
    async put(hash, { userId, loginId, loginHash, expiresAt }) {
      const now = client.now();
      if (expiresAt <= now) return;
      await Promise.all([
        client.run("token-index", [keys.tokensOfLogin(loginId)], [hash, expiresAt, now]),
        client.run("token-index", [keys.tokensOfUser(userId)], [hash, expiresAt, now]),
        client.send(
          "set",
          keys.token(hash),
          `${userId} ${loginId} ${expiresAt} ${loginHash}`,
          "PX",
          expiresAt - now,
        ),
      ]);
    },
    async get(hash) {
      const kept = await client.send<string | null>("get", keys.token(hash));
      const [userId, loginId, expiresAt, loginHash = ""] = (kept ?? "").split(" ");
      if (!(Number(expiresAt) > client.now())) return null;
      return { userId: Number(userId), loginId: Number(loginId), loginHash, expiresAt: Number(expiresAt) };
    },
    dropLogin: (loginId) => dropAll(keys.tokensOfLogin(loginId)),
    dropUser: (userId) => dropAll(keys.tokensOfUser(userId)),
  };
}
