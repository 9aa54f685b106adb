import type { Typing } from "../domain/ports/hot.ts";
import type { RedisClient } from "./redis-client.ts";

export function createRedisTyping(client: RedisClient): Typing {
  const { keys } = client;
  return {
    async set(conversationId, member, on, now, ttlMs) {
      const args = [member, now, on ? now + ttlMs : "", ttlMs];
      return (await client.run<number>("typing-set", [keys.typing(conversationId)], args)) === 1;
    },
    get: (conversationId, now) =>
      client.send<string[]>("zrangebyscore", keys.typing(conversationId), `(${now}`, "+inf"),
  };
}
