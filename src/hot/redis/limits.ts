/** Buckets that all processes share. While Redis is away each process counts in its own memory: nothing is let through. */
import { DomainError } from "../../domain/errors.ts";
import type { RateLimits } from "../../domain/ports/hot.ts";
import type { RedisClient } from "./connection/client.ts";

/** A full bucket is as good as none; it is kept this much longer, for clocks that differ. */
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
