/**
 * The public keys of an external issuer. They are fetched in the background: a token with a known key is checked at once,
 * and only tokens with an unknown key wait for an issuer that hangs or is away.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import { DomainError } from "../errors.ts";
import { boundedFetch } from "./bounded-fetch.ts";

const FETCH_WITHIN_MS = 5_000;
/** Keys are fetched again after this time. While the issuer is away, the known keys stay valid. */
const REFRESH_AFTER_MS = 600_000;
/** While there are keys, tokens with an unknown key cause at most one fetch in this time. */
const UNKNOWN_KEY_PAUSE_MS = 60_000;
/** While there are no keys, the issuer is asked again after this time. */
const NO_KEYS_PAUSE_MS = 5_000;
/** Tokens that may wait for a fetch; more are refused. */
const MAX_WAITING = 16;
/** A key takes less than 2 KiB. Longer answers are refused, so that an issuer can't fill this server's memory. */
const MAX_KEYS_BYTES = 256 * 1_024;

/** @returns a key look-up for `jwtVerify`; it throws DomainError `unavailable` when the key can't be fetched now */
export function createIssuerKeys(jwksUrl: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: FETCH_WITHIN_MS,
    [customFetch]: boundedFetch(MAX_KEYS_BYTES),
  });
  let known: ReturnType<typeof createLocalJWKSet> | null = null;
  let startedAt = Number.NEGATIVE_INFINITY;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;
  let failure: unknown;
  let waiting = 0;

  /** Begins a fetch, unless the last one began less than `pauseMs` ago. Never rejects. */
  function fetchKeys(pauseMs: number): void {
    if (underWay || performance.now() - startedAt < pauseMs) return;
    startedAt = performance.now();
    const taken = () => {
      const jwks = remote.jwks();
      if (jwks) known = createLocalJWKSet(jwks);
      fetchedAt = performance.now();
      failure = undefined;
    };
    const failed = (error: unknown) => {
      failure = error;
    };
    underWay = remote
      .reload()
      .then(taken)
      .catch(failed)
      .finally(() => {
        underWay = null;
      });
  }

  async function fetched(): Promise<void> {
    if (!underWay) return;
    if (waiting >= MAX_WAITING) throw away(failure);
    waiting++;
    try {
      await underWay;
    } finally {
      waiting--;
    }
  }

  fetchKeys(0);
  return async (header, token) => {
    if (known && performance.now() - fetchedAt > REFRESH_AFTER_MS) fetchKeys(UNKNOWN_KEY_PAUSE_MS);
    try {
      if (known) return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    fetchKeys(known ? UNKNOWN_KEY_PAUSE_MS : NO_KEYS_PAUSE_MS);
    await fetched();
    if (known) return await known(header, token);
    throw away(failure);
  };
}

function away(cause: unknown): DomainError {
  const refusal = new DomainError(
    "unavailable",
    "The keys of the token's issuer can't be fetched; try again",
    { retryAfterMs: NO_KEYS_PAUSE_MS },
  );
  refusal.cause = cause;
  return refusal;
}
