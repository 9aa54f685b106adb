/** How many requests one address and one caller may make. */
import { addressBlock } from "../domain/address-block.ts";
import { DomainError } from "../domain/errors.ts";
import type { Principal } from "../domain/model.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { RateLimits } from "../domain/ports/hot.ts";

/** Many clients can share an address (offices, proxies), so it may do far more than one caller. */
const PER_ADDRESS = { burst: 5_000, perSecond: 1_000 };
const PER_CALLER = { burst: 1_000, perSecond: 100 };
/** Of a secret that is nobody's in particular. */
const PER_GUESSER = { burst: 10, perSecond: 1 / 6 };

export interface RequestLimits {
  /** @throws DomainError `rate_limited` with how long to wait */
  byAddress(ip: string): Promise<void>;
  /** @throws DomainError `rate_limited` with how long to wait */
  byCaller(principal: Principal): Promise<void>;
  /** Somebody there may be guessing ADMIN_TOKEN. @throws DomainError `rate_limited` with how long to wait */
  byGuess(ip: string): Promise<void>;
}

export function createRequestLimits(limits: RateLimits, clock: Clock, on: boolean): RequestLimits {
  const take = async (key: string, bucket: { burst: number; perSecond: number }) => {
    if (!on) return;
    const retryAfterMs = await limits.take(key, 1, bucket, clock.now());
    if (retryAfterMs > 0) throw new DomainError("rate_limited", "Too many requests", { retryAfterMs });
  };
  return {
    byAddress: (ip) => take(`http:address:${addressBlock(ip)}`, PER_ADDRESS),
    byCaller: (principal) =>
      principal.kind === "user"
        ? take(`http:user:${principal.user.id}`, PER_CALLER)
        : take(`http:organization:${principal.organization.id}`, PER_CALLER),
    byGuess: (ip) => take(`http:guess:${addressBlock(ip)}`, PER_GUESSER),
  };
}
