/** One clock for all processes of the machine, so that a delivery can be timed in another process than its send. */

const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds, with fractions, on the machine's monotonic clock. */
export function now(): number {
  return OFFSET_MS + performance.now();
}
