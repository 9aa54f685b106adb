/** What a scenario found out, before it is written down. */

export interface Outcome {
  /** The figures as people read them. */
  tables: Table[];
  charts: Chart[];
  /** The figures as programs read them; part of report.json. */
  figures: Record<string, unknown>;
  /** What the server did wrong. Any makes the run fail. */
  faults: string[];
  /** Why the generator, and not the server, set the limit. Any withholds tables, charts and figures. */
  limits: string[];
  /** What a reader has to know beside the figures. */
  notes: string[];
}

export interface Table {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

export interface Chart {
  /** Without its ending. */
  file: string;
  title: string;
  svg: string;
}

export function emptyOutcome(): Outcome {
  return { tables: [], charts: [], figures: {}, faults: [], limits: [], notes: [] };
}

/** `1234567` as `1,234,567`; small numbers keep as many digits as tell something. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function milliseconds(value: number): string {
  return `${number(value)} ms`;
}

/** Of seconds. */
export function microseconds(value: number): string {
  return `${number(value * 1e6)} µs`;
}

/** Of bytes. */
export function mebibytes(value: number): string {
  return `${number(value / 2 ** 20)} MiB`;
}

export function percent(share: number): string {
  return `${number(share * 100)} %`;
}

/** `3 × 4002 too slow, 1 × …` */
export function tallied(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${number(count)} × ${what}`)
    .join(", ");
}

/** Adds counts up by their names. */
export function addCounts(all: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [what, count] of Object.entries(counts)) sum[what] = (sum[what] ?? 0) + count;
  }
  return sum;
}
