/** Authentication of the admin API, by ADMIN_TOKEN. Guesses are limited per address. */
import type { MiddlewareHandler } from "hono";
import { LRUCache } from "lru-cache";
import { addressBlock } from "../../domain/auth/address-block.ts";
import { DomainError } from "../../domain/errors.ts";
import { type AuditLog, logAct, whence } from "../face/audit.ts";
import type { HttpContext, HttpEnv } from "../face/face.ts";
import { bearerOf, sameSecret } from "../requests/credentials.ts";
import type { RequestLimits } from "../requests/request-limits.ts";

/** Addresses from which the token was used lately. */
const MAX_KNOWN_ADDRESSES = 1_000;
/** A guessing address is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;

/** @param adminToken null: the API is off */
export function authentication(
  adminToken: string | null,
  limits: Pick<RequestLimits, "byGuess">,
  logger: AuditLog,
): MiddlewareHandler<HttpEnv> {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_ADDRESSES });
  const logged = new LRUCache<string, true>({ max: MAX_KNOWN_ADDRESSES, ttl: LOG_INTERVAL_MS });

  /** @throws DomainError `rate_limited`, before the token is compared */
  async function takeGuess(c: HttpContext, block: string): Promise<void> {
    try {
      await limits.byGuess(c.env.ip);
    } catch (error) {
      if (!logged.has(block))
        logger.warn(
          { event: "admin.limited", ...whence(c) },
          "too many wrong values of ADMIN_TOKEN from one address; its requests are refused for a while",
        );
      logged.set(block, true);
      throw error;
    }
  }

  return async (c, next) => {
    if (!adminToken)
      throw new DomainError("forbidden", "The admin API is off here: set ADMIN_TOKEN to open it");
    const given = bearerOf(c.req.header("Authorization"));
    if (given === null) throw notTheToken();
    const right = sameSecret(given, adminToken);
    const block = addressBlock(c.env.ip);
    // Guesses from an operator's address do not lock the operator out.
    if (!right || !known.has(block)) await takeGuess(c, block);
    if (!right) {
      logger.warn({ event: "admin.refused", ...whence(c) }, "a request with a wrong ADMIN_TOKEN was refused");
      throw notTheToken();
    }
    known.set(block, true);
    await next();
    logAct(logger, c, "ADMIN_TOKEN", c.res.status);
  };
}

function notTheToken(): DomainError {
  return new DomainError("unauthorized", "Send Authorization: Bearer and the ADMIN_TOKEN");
}
