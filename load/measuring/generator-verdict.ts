/** Whether a run was limited by the generator: then its figures say nothing about the server and are withheld. */
import type { Percentiles } from "./latency.ts";
import type { OwnLoad } from "./own-load.ts";

/** Beyond this share of a core a process has no room left to do more, or to be on time. */
const BUSY_MOST = 0.95;
/** Beyond these the generator's own delays would be told as the server's. */
const LAG_MOST_MS = 60;
const LATENESS_MOST_MS = 60;
/** The schedule has to be over when its time is over. */
const OVERTIME_MOST = 1.03;

export interface GeneratorFacts {
  loads: readonly OwnLoad[];
  /** How late sends went out. */
  lateness?: Percentiles;
  /** How much longer than asked the measured window took. */
  overtime?: number;
  /** How late its event loops may be, ms, where that is more than single messages allow. */
  lagMostMs?: number;
}

/** How busy the generator was, for the report; it is told also when all else is withheld. */
export function describeGenerator(loads: readonly OwnLoad[]): string {
  const each = loads.map(({ cpu, utilization, lagP99, lagMax }) => {
    const share = (value: number) => `${Math.round(value * 100)} %`;
    return `${share(cpu)} of a core, loop busy ${share(utilization)} and late ${lagP99.toFixed(1)} ms (p99), ${lagMax.toFixed(0)} ms (most)`;
  });
  return `the generator's workers: ${each.join("; ")}`;
}

/** Returns the reasons why the generator was the limit; none: it was not. */
export function generatorLimits(facts: GeneratorFacts): string[] {
  const { loads, lateness, overtime = 1, lagMostMs = 0 } = facts;
  const lagMost = Math.max(LAG_MOST_MS, lagMostMs);
  const limits = loads.flatMap(({ cpu, utilization, lagP99 }, index) => {
    const worker = `worker ${index + 1} of ${loads.length}`;
    const share = (value: number) => `${Math.round(value * 100)} %`;
    if (cpu > BUSY_MOST) return [`${worker} used ${share(cpu)} of a core: give it more --workers or cores`];
    if (utilization > BUSY_MOST)
      return [`the event loop of ${worker} was busy ${share(utilization)} of the time`];
    return lagP99 > lagMost ? [`the event loop of ${worker} was ${Math.round(lagP99)} ms late (p99)`] : [];
  });
  if (lateness && lateness.p99 > LATENESS_MOST_MS) {
    limits.push(`sends went out ${Math.round(lateness.p99)} ms late (p99): lower --rate or add --workers`);
  }
  if (overtime > OVERTIME_MOST) {
    limits.push(`the schedule took ${Math.round((overtime - 1) * 100)} % longer than its time`);
  }
  return limits;
}
