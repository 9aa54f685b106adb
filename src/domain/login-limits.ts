/** How often a password may be tried: per name and per address. */
import type { Context } from "./context.ts";
import { DomainError } from "./errors.ts";
import { hexHash } from "./secrets.ts";

export interface LoginLimits {
  /** @throws DomainError `rate_limited` with `retryAfterMs` */
  take(login: string, ip: string): Promise<void>;
  /** Whoever knows the password owes the name nothing. The address goes on paying: its owner may be guessing others'. */
  succeeded(login: string): Promise<void>;
}

const PER_NAME = { burst: 10, perSecond: 1 / 6 };
/** Many people may share one address. */
const PER_ADDRESS = { burst: 200, perSecond: 10 };

export function createLoginLimits(context: Context): LoginLimits {
  const { hot, settings, now } = context;
  if (!settings.rateLimits) return { take: async () => {}, succeeded: async () => {} };

  return {
    async take(login, ip) {
      const waits = await Promise.all([
        hot.limits.take(nameKey(login), 1, PER_NAME, now()),
        hot.limits.take(`login:ip:${ip}`, 1, PER_ADDRESS, now()),
      ]);
      const retryAfterMs = Math.max(...waits);
      if (retryAfterMs > 0) {
        throw new DomainError("rate_limited", "Too many logins; wait before the next one", { retryAfterMs });
      }
    },
    succeeded: (login) => context.bestEffort("Limiting logins", () => hot.limits.reset(nameKey(login))),
  };
}

/** Names are chosen by strangers: the hash bounds the key. */
function nameKey(login: string): string {
  return `login:name:${hexHash(login.toLowerCase())}`;
}

/** The same for a wrong password and for a name that nobody has. */
export function wrongCredentials(): DomainError {
  return new DomainError("unauthorized", "The name or the password is wrong");
}
