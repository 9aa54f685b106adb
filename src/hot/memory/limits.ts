import { LRUCache } from "lru-cache";
import type { RateLimits } from "../../domain/ports/hot.ts";

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys contain addresses and names that strangers choose. Beyond this number the least used buckets are dropped. */
const MAX_BUCKETS = 50_000;
/** Tolerates the rounding of binary fractions, so that waiting for exactly the answered time is enough. */
const ROUNDING = 1e-6;
/** A full bucket needs no entry. It is kept this much longer, because clocks differ. */
const GRACE_MS = 1_000;

export function createMemoryLimits(now: () => number): RateLimits & { sweep(): void } {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS, perf: { now }, ttlResolution: 0 });

  return {
    async take(key, cost, { burst, perSecond }, at) {
      const kept = buckets.get(key) ?? { tokens: burst, at };
      const refilled = (Math.max(0, at - kept.at) / 1_000) * perSecond;
      let tokens = Math.min(burst, kept.tokens + refilled);
      // A cost above the burst waits for a full bucket, because it would otherwise wait for ever.
      const wanted = Math.min(cost, burst);
      const taken = tokens + ROUNDING >= wanted;
      if (taken) tokens -= wanted;
      const ttl = ((burst - tokens) / perSecond) * 1_000 + GRACE_MS;
      buckets.set(key, { tokens, at: Math.max(at, kept.at) }, { ttl: Math.ceil(ttl) });
      return taken ? 0 : Math.max(1, Math.ceil(((wanted - tokens) / perSecond) * 1_000));
    },
    async reset(key) {
      buckets.delete(key);
    },
    sweep: () => void buckets.purgeStale(),
  };
}
