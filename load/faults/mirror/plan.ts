/** What goes wrong between the chat and Matrix, and when: a pure function of the seed and the length. */
import { BRIDGES, type Fault, NONSENSE } from "../kinds.ts";
import type { Step } from "../plan.ts";
import { type Random, seeded } from "../random.ts";

const MIN_GAP_MS = 6_000;
const MAX_GAP_MS = 14_000;

/** Each as often as it stands here. Bridges and homeserver only: what else breaks is the other run's. */
const FAULTS: readonly ((random: Random) => Fault)[] = [
  (random) => ({ kind: "kill", part: random.pick(BRIDGES), forMs: random.between(0, 4_000) }),
  (random) => ({ kind: "kill", part: random.pick(BRIDGES), forMs: random.between(0, 20_000) }),
  (random) => ({ kind: "stop", part: random.pick(BRIDGES), forMs: random.between(0, 3_000) }),
  (random) => ({ kind: "freeze", part: random.pick(BRIDGES), forMs: random.between(1_000, 15_000) }),
  (random) => ({ kind: "kill both", parts: "bridges", forMs: random.between(0, 3_000) }),
  (random) => ({ kind: "kill", part: "synapse", forMs: random.between(0, 5_000) }),
  (random) => ({ kind: "stop", part: "synapse", forMs: random.between(0, 3_000) }),
  (random) => ({ kind: "freeze", part: "synapse", forMs: random.between(1_000, 6_000) }),
  pages,
  pages,
  (random) => ({ kind: "cut", link: anyLink(random), forMs: random.between(500, 8_000) }),
  (random) => ({ kind: "stall", link: anyLink(random), forMs: random.between(1_000, 8_000) }),
  (random) => ({
    ...{ kind: "slow", link: anyLink(random) },
    ...{ byMs: random.between(20, 400), forMs: random.between(2_000, 8_000) },
  }),
];

export function makeMirrorPlan({ seed, seconds }: { seed: number; seconds: number }): Step[] {
  const random = seeded(seed);
  const steps: Step[] = [];
  for (let at = 1_000; at < seconds * 1000; at += random.between(MIN_GAP_MS, MAX_GAP_MS)) {
    steps.push({ at, faults: [random.pick(FAULTS)(random)] });
  }
  return steps;
}

function pages(random: Random): Fault {
  const link = `${random.pick(BRIDGES)}→synapse` as const;
  return { kind: "nonsense", link, answer: random.pick(NONSENSE), forMs: random.between(1_000, 10_000) };
}

function anyLink(random: Random) {
  if (random.chance(0.3)) return "synapse→bridges" as const;
  return `${random.pick(BRIDGES)}→synapse` as const;
}
