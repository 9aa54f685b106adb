import type { RateLimits } from "../domain/ports/hot.ts";
import type { RedisClient } from "./redis-client.ts";
import { keys } from "./redis-keys.ts";

/** A full bucket is as good as none; it is kept this much longer, for clocks that differ. */
const GRACE_MS = 1_000;

export function createRedisLimits(client: RedisClient): RateLimits {
  return {
    take: (key, cost, { burst, perSecond }, now) =>
      client.run<number>("bucket-take", [keys.limit(key)], [cost, burst, perSecond, now, GRACE_MS]),
    async reset(key) {
      await client.send("del", keys.limit(key));
    },
  };
}
