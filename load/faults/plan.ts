/** What goes wrong when: a pure function of the seed, the length and the kinds, so that a run can be repeated. */
import { described, type Fault, type FaultKind, KINDS } from "./kinds.ts";
import { type Random, seeded } from "./random.ts";

export interface Step {
  /** Milliseconds since the faults began, at the earliest. */
  at: number;
  /** One, or one and a light one that begins with it. */
  faults: Fault[];
}

export interface PlanOptions {
  seed: number;
  /** Seconds in which the faults happen. */
  seconds: number;
  /** Only these kinds; unset: all. */
  kinds?: readonly FaultKind[] | undefined;
}

const MIN_GAP_MS = 9_000;
const MAX_GAP_MS = 18_000;
const LIGHT_COMPANION = 0.25;

export function makePlan({ seed, seconds, kinds }: PlanOptions): Step[] {
  const random = seeded(seed);
  const all = kinds ?? (Object.keys(KINDS) as FaultKind[]);
  const light = all.filter((kind) => KINDS[kind].isLight);
  const steps: Step[] = [];
  for (let at = 0; at < seconds * 1000; at += random.between(MIN_GAP_MS, MAX_GAP_MS)) {
    const kind = pickKind(random, all);
    const faults = [KINDS[kind].make(random)];
    // A cut log is judged by where it was cut, which nothing may blur.
    if (kind !== "restore" && light.length > 0 && random.chance(LIGHT_COMPANION)) {
      faults.push(KINDS[pickKind(random, light)].make(random));
    }
    steps.push({ at, faults });
  }
  return steps;
}

function pickKind(random: Random, kinds: readonly FaultKind[]): FaultKind {
  let at = random.next() * kinds.reduce((sum, kind) => sum + KINDS[kind].weight, 0);
  for (const kind of kinds) {
    at -= KINDS[kind].weight;
    if (at < 0) return kind;
  }
  return kinds.at(-1) as FaultKind;
}

/** A line for each step. */
export function planText(steps: readonly Step[]): string {
  return steps
    .map(
      ({ at, faults }) => `${(at / 1000).toFixed(1).padStart(7)} s  ${faults.map(described).join("  +  ")}`,
    )
    .join("\n");
}
