/** Buckets that all processes share. While Redis is away each process limits with buckets in its own memory. */
import { DomainError } from "../../domain/errors.ts";
import type { RateLimits } from "../../domain/ports/hot.ts";
import type { RedisClient } from "./connection/client.ts";

/** A full bucket needs no key. The key lives this much longer, because clocks differ. */
const GRACE_MS = 1_000;

export function createRedisLimits(client: RedisClient, own: RateLimits): RateLimits {
  const { keys } = client;

  async function orOwn<T>(shared: Promise<T>, alone: () => Promise<T>): Promise<T> {
    try {
      return await shared;
    } catch (error) {
      if (error instanceof DomainError && error.code === "unavailable") return await alone();
      throw error;
    }
  }

  return {
    take(key, cost, bucket, now) {
      const args = [cost, bucket.burst, bucket.perSecond, now, GRACE_MS];
      const shared = client.run<number>("bucket-take", [keys.limit(key)], args);
      return orOwn(shared, () => own.take(key, cost, bucket, now));
    },
    async reset(key) {
      await orOwn(client.send("del", keys.limit(key)), () => own.reset(key));
    },
  };
}
