/** Pauses that grow with each failure. All figures are milliseconds. */
export interface Backoff {
  firstMs: number;
  lastMs: number;
}

/** `firstMs` before anything failed, twice as long after each failure, `lastMs` at most. */
export function backoffMs({ firstMs, lastMs }: Backoff, failures: number): number {
  return Math.min(firstMs * 2 ** failures, lastMs);
}
