/** Rate limits on requests, by address and by caller. */
import { addressBlock } from "../../domain/auth/address-block.ts";
import { hexHash } from "../../domain/auth/secrets.ts";
import { DomainError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/model.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { RateLimits } from "../../domain/ports/hot.ts";

/** Limit of an address, which many clients may share (offices, proxies). */
const PER_ADDRESS = { burst: 5_000, perSecond: 1_000 };
const PER_CALLER = { burst: 1_000, perSecond: 100 };
/** Limit on guesses at ADMIN_TOKEN from one address. */
const PER_GUESSER = { burst: 10, perSecond: 1 / 6 };
/** Long polls at one process: of one caller, and of all guests of an address together. */
const MAX_WAITING = 100;
const MAX_WAITING_GUESTS = 1_000;

export interface RequestLimits {
  /** @throws DomainError `rate_limited` with how long to wait */
  byAddress(ip: string): Promise<void>;
  /** @throws DomainError `rate_limited` with how long to wait */
  byCaller(principal: Principal): Promise<void>;
  /** Counts a wrong ADMIN_TOKEN. @throws DomainError `rate_limited` with how long to wait */
  byGuess(ip: string): Promise<void>;
  /**
   * A guest has the limits of a user. A new cookie makes a new guest, so the writes of all guests of an address together have
   * the limits of one user too.
   * @throws DomainError `rate_limited` with how long to wait
   */
  byGuest(guest: GuestCaller, writes: boolean): Promise<void>;
  /**
   * Counts a request that waits for its answer.
   * @returns a function to call when the wait is over
   * @throws DomainError `rate_limited` when too many requests of the caller wait
   */
  hold(caller: { userId: number } | GuestCaller): () => void;
}

/** A guest. `secret` is null until they join a room. */
export interface GuestCaller {
  secret: string | null;
  ip: string;
}

export function createRequestLimits(limits: RateLimits, clock: Clock, on: boolean): RequestLimits {
  const take = async (key: string, bucket: { burst: number; perSecond: number }) => {
    if (!on) return;
    const retryAfterMs = await limits.take(key, 1, bucket, clock.now());
    if (retryAfterMs > 0) throw new DomainError("rate_limited", "Too many requests", { retryAfterMs });
  };
  const held = createHeld();
  return {
    byAddress: (ip) => take(`http:address:${addressBlock(ip)}`, PER_ADDRESS),
    byCaller: (principal) =>
      principal.kind === "user"
        ? take(`http:user:${principal.user.id}`, PER_CALLER)
        : take(`http:organization:${principal.organization.id}`, PER_CALLER),
    byGuess: (ip) => take(`http:guess:${addressBlock(ip)}`, PER_GUESSER),
    async byGuest({ secret, ip }, writes) {
      if (secret !== null) await take(`http:guest:${hexHash(secret)}`, PER_CALLER);
      if (writes) await take(`http:guests:${addressBlock(ip)}`, PER_CALLER);
    },
    hold(caller) {
      if (!on) return () => {};
      if ("userId" in caller) return held.hold([[`user:${caller.userId}`, MAX_WAITING]]);
      const { secret, ip } = caller;
      return held.hold([
        [`guest:${secret === null ? "" : hexHash(secret)}`, MAX_WAITING],
        [`guests:${addressBlock(ip)}`, MAX_WAITING_GUESTS],
      ]);
    },
  };
}

/** Counts waiting requests by caller. */
function createHeld() {
  const counts = new Map<string, number>();
  const change = (key: string, by: number) => {
    const count = (counts.get(key) ?? 0) + by;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
  };
  return {
    hold(keys: readonly (readonly [key: string, most: number])[]): () => void {
      if (keys.some(([key, most]) => (counts.get(key) ?? 0) >= most)) {
        const message = "Too many of your requests wait already; let some of them end";
        throw new DomainError("rate_limited", message, { retryAfterMs: 1_000 });
      }
      for (const [key] of keys) change(key, 1);
      return () => {
        for (const [key] of keys) change(key, -1);
      };
    },
  };
}
