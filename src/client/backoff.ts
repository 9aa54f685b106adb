/** When to come back. Many clients lose one server at the same moment; they must not return at the same moment. */
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

/** Exponential backoff with full jitter: anything between nothing and the exponential bound. */
export function fullJitter({ baseMs, capMs }: Backoff, failures: number, random = Math.random): number {
  return Math.round(random() * Math.min(capMs, baseMs * 2 ** failures));
}

/**
 * How long to wait before connecting again, ms; null: not at all [GW-10.1]. A server that names a wait has spread its
 * clients itself, so its number is taken as it is [GW-10.2].
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
