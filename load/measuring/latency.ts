/** Histograms of latencies, kept in microseconds and told in milliseconds. */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

export interface Latency {
  recordMs(ms: number): void;
  /** Text that another process can {@link mergeLatencies}. */
  encode(): string;
  reset(): void;
}

/** What a report tells of a histogram, in ms. */
export interface Percentiles {
  count: number;
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
  /** `[share of all up to here, ms]`, for a picture. */
  curve: [share: number, ms: number][];
}

const MAX_US = 300_000_000;
/** Of the curve: the shares 0, 0.5, 0.75, 0.875 … and steps between them. */
const STEPS_PER_HALVING = 4;
const HALVINGS = 14;

export function createLatency(): Latency {
  const histogram = newHistogram();
  return {
    recordMs: (ms) => histogram.recordValue(Math.min(MAX_US, Math.max(1, Math.round(ms * 1000)))),
    encode: () => encodeIntoCompressedBase64(histogram),
    reset: () => histogram.reset(),
  };
}

export function mergeLatencies(encoded: readonly string[]): Percentiles {
  const all = newHistogram();
  for (const one of encoded) all.add(decodeFromCompressedBase64(one, 32, false));
  return percentilesOf(all);
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
}

function percentilesOf(histogram: Histogram): Percentiles {
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    count: histogram.totalCount,
    mean: histogram.totalCount === 0 ? 0 : histogram.mean / 1000,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
    curve: curveShares(histogram.totalCount).map((share) => [share, at(share * 100)]),
  };
}

function curveShares(count: number): number[] {
  const steps = Array.from(
    { length: STEPS_PER_HALVING * HALVINGS },
    (_, n) => 1 - 0.5 ** (n / STEPS_PER_HALVING),
  );
  return steps.filter((share) => count * (1 - share) >= 1);
}
