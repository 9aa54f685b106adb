/** The waits before a new connection. They are random, so that clients of one lost server do not return all at once. */
import { shouldReconnect } from "../protocol/close-codes.ts";
import type { ConnectionEnd } from "./connection.ts";

export interface Backoff {
  /** The first wait is at most this long, ms; it doubles with each failure. */
  baseMs: number;
  /** No wait is longer, ms. */
  capMs: number;
}

/** [GW-10.2] */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 1_000, capMs: 30_000 };

/** Exponential backoff with full jitter: a random wait between 0 and the exponential bound. */
export function fullJitter({ baseMs, capMs }: Backoff, failures: number, random = Math.random): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** failures));
}

/**
 * The wait before connecting again, ms; null for no new connection [GW-10.1]. A server that names a wait spreads its
 * clients itself, so its number is used as it is [GW-10.2].
 */
export function delayAfter(
  end: ConnectionEnd,
  backoff: Backoff,
  failures: number,
  random = Math.random,
): number | null {
  if (!shouldReconnect(end.code)) return null;
  return end.reconnectMs ?? fullJitter(backoff, failures, random);
}
