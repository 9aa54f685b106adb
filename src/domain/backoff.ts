/** Pauses that grow with each failure. All times are milliseconds. */
export interface Backoff {
  /** The pause after the first failure, when `failures` is 0. */
  firstMs: number;
  maxMs: number;
  /** The largest part, 0 to 1, by which chance shortens a pause, so that clients do not retry all at once. Default: 0. */
  jitter?: number;
}

/** @returns `firstMs`, doubled for each of the `failures` and at most `maxMs`, less the jitter */
export function backoffMs(
  { firstMs, maxMs, jitter = 0 }: Backoff,
  failures: number,
  random = Math.random,
): number {
  const pauseMs = Math.min(firstMs * 2 ** failures, maxMs);
  return Math.round(pauseMs * (1 - jitter * random()));
}
