/** How many requests one address and one caller may make. Hot state that is away lets everybody through. */
import { addressBlock } from "../domain/address-block.ts";
import { DomainError } from "../domain/errors.ts";
import type { Principal } from "../domain/model.ts";
import type { RateLimits } from "../domain/ports/hot.ts";

/** Many clients can share an address (offices, proxies), so it may do far more than one caller. */
const PER_ADDRESS = { burst: 5_000, perSecond: 1_000 };
const PER_CALLER = { burst: 1_000, perSecond: 100 };

export interface RequestLimits {
  /** @throws DomainError `rate_limited` with how long to wait */
  byAddress(ip: string): Promise<void>;
  /** @throws DomainError `rate_limited` with how long to wait */
  byCaller(principal: Principal): Promise<void>;
}

export function createRequestLimits(limits: RateLimits, on: boolean): RequestLimits {
  const take = async (key: string, bucket: { burst: number; perSecond: number }) => {
    if (!on) return;
    // Without hot state there is nothing to count with; refusing everybody would be worse.
    const retryAfterMs = await limits.take(key, 1, bucket, Date.now()).catch(() => 0);
    if (retryAfterMs > 0) throw new DomainError("rate_limited", "Too many requests", { retryAfterMs });
  };
  return {
    byAddress: (ip) => take(`http:address:${addressBlock(ip)}`, PER_ADDRESS),
    byCaller: (principal) =>
      principal.kind === "user"
        ? take(`http:user:${principal.user.id}`, PER_CALLER)
        : take(`http:organization:${principal.organization.id}`, PER_CALLER),
  };
}
