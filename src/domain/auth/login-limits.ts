/**
 * Limits on password attempts, as token buckets. There is a bucket for each name and address, and one for each address.
 * Guesses at one name from many addresses are slowed, not refused, so that they can't lock the user out. Attempts from an
 * address from which the user signed in before are neither slowed nor counted for that address.
 */
import { setTimeout as delay } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { addressBlock } from "./address-block.ts";
import { hexHash } from "./secrets.ts";

export interface Attempt {
  /** The handle or e-mail address as given. */
  login: string;
  /** The user with this handle or e-mail address, which share a bucket; null when there is none. */
  userId: number | null;
  ip: string;
  /** Whether the user signed in from this address before. */
  known: boolean;
}

export interface LoginLimits {
  /** Resolves when the attempt may go on. @throws DomainError `rate_limited` with `retryAfterMs`; `busy` */
  take(attempt: Attempt): Promise<void>;
  /** After a correct password: refills the name's bucket, but not the address's, which may be guessing other names. */
  succeeded(attempt: Attempt): Promise<void>;
}

/** Attempts at one name from one address. */
const PER_NAME = { burst: 10, perSecond: 1 / 6 };
/** Attempts from one address, which many people may share. */
const PER_ADDRESS = { burst: 200, perSecond: 10 };
/** Attempts at one name from all addresses that are not known for it. */
const FROM_ANYWHERE = { burst: 30, perSecond: 1 / 2 };
const SLOWEST_MS = 4_000;
/** Attempts that may wait at the same time. */
const MAX_SLOWED = 1_000;
/** A lockout is told of once in this time. */
const LOG_INTERVAL_MS = 60_000;
const MAX_LOGGED = 10_000;

/** @param pause stands in for waiting; for tests */
export function createLoginLimits(
  context: Context,
  pause: (ms: number) => Promise<unknown> = delay,
): LoginLimits {
  const { hot, settings, logger, now } = context;
  const logged = new LRUCache<string, true>({ max: MAX_LOGGED, ttl: LOG_INTERVAL_MS });
  let slowed = 0;
  if (!settings.rateLimits) return { take: async () => {}, succeeded: async () => {} };

  function tell({ userId, ip }: Attempt, key: string): void {
    if (logged.has(key)) return;
    logged.set(key, true);
    logger.warn(
      { event: "login.limited", userId, ip },
      "too many logins failed; more are refused for a while",
    );
  }

  async function slow(attempt: Attempt): Promise<void> {
    const waitMs = await hot.limits.take(`login:${nameOf(attempt)}`, 1, FROM_ANYWHERE, now());
    if (waitMs === 0) return;
    if (slowed >= MAX_SLOWED) {
      throw new DomainError("busy", "Too many logins wait; try again", { retryAfterMs: SLOWEST_MS });
    }
    slowed++;
    await pause(Math.min(waitMs, SLOWEST_MS)).finally(() => slowed--);
  }

  return {
    async take(attempt) {
      const block = addressBlock(attempt.ip);
      const key = nameAt(attempt, block);
      const [ofName, ofAddress] = await Promise.all([
        hot.limits.take(key, 1, PER_NAME, now()),
        attempt.known ? 0 : hot.limits.take(`login:address:${block}`, 1, PER_ADDRESS, now()),
      ]);
      const retryAfterMs = Math.max(ofName, ofAddress);
      if (retryAfterMs > 0) {
        tell(attempt, ofName > 0 ? key : block);
        throw new DomainError("rate_limited", "Too many logins; wait before the next one", { retryAfterMs });
      }
      if (!attempt.known) await slow(attempt);
    },
    succeeded: (attempt) =>
      context.bestEffort("Limiting logins", () =>
        hot.limits.reset(nameAt(attempt, addressBlock(attempt.ip))),
      ),
  };
}

function nameAt(attempt: Attempt, block: string): string {
  return `login:${nameOf(attempt)}:${block}`;
}

/** A hash, because names come from strangers and may be long. */
function nameOf({ login, userId }: Attempt): string {
  return userId === null ? `name:${hexHash(login.toLowerCase())}` : `user:${userId}`;
}

/** The same error for a wrong password and an unknown name. */
export function wrongCredentials(): DomainError {
  return new DomainError("unauthorized", "The name or the password is wrong");
}
