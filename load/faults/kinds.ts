/** What can go wrong, how often it does, and for how long. Carried out by carry-out.ts. */
import type { Random } from "./random.ts";

export const GATEWAYS = ["gateway-1", "gateway-2"] as const;
export const BRIDGES = ["bridge-1", "bridge-2"] as const;
export const PROGRAMS = [...GATEWAYS, ...BRIDGES] as const;
export const SERVICES = ["database", "redis", "synapse"] as const;

export type ProgramName = (typeof PROGRAMS)[number];
export type ServiceName = (typeof SERVICES)[number];
export type LinkName =
  | `${ProgramName}→${ServiceName}`
  | "synapse→bridges"
  | "people→gateway-1"
  | "people→gateway-2";

/** All figures in milliseconds. */
export type Fault =
  | { kind: "kill" | "stop" | "freeze"; part: ProgramName | ServiceName | "standby"; forMs: number }
  | { kind: "kill both"; parts: "gateways" | "bridges"; forMs: number }
  | { kind: "cut" | "stall"; link: LinkName; forMs: number }
  | { kind: "slow"; link: LinkName; byMs: number; forMs: number }
  | { kind: "nonsense"; link: LinkName; answer: Nonsense; forMs: number }
  | { kind: "clock"; part: ProgramName; shiftMs: number; forMs: number }
  | { kind: "read-only" | "full"; forMs: number }
  /** The primary goes this way and stays gone; the standby takes over. */
  | { kind: "promote"; how: "kill" | "stop" | "freeze" }
  /** Back to a backup that is so old. */
  | { kind: "restore"; ageMs: number };

export type FaultKind = Fault["kind"];

/** What proxies say in a homeserver's place. `half`: the homeserver's own answer, cut in the middle. */
export const NONSENSE = ["404", "403", "401", "413", "502", "200", "half"] as const;
export type Nonsense = (typeof NONSENSE)[number];

interface Kind {
  /** Of the plan, next to the others'. */
  weight: number;
  /** It may happen while another fault lasts. */
  isLight: boolean;
  make(random: Random): Fault;
}

const HOUR = 3_600_000;

export const KINDS: Record<FaultKind, Kind> = {
  kill: {
    weight: 18,
    isLight: false,
    make: (random) => ({
      kind: "kill",
      part: random.pick([...PROGRAMS, ...SERVICES, "standby"] as const),
      forMs: random.between(0, 4_000),
    }),
  },
  stop: {
    weight: 12,
    isLight: false,
    make: (random) => ({
      kind: "stop",
      part: random.pick([...PROGRAMS, "database", "redis", "synapse", "standby"] as const),
      forMs: random.between(0, 3_000),
    }),
  },
  freeze: {
    weight: 12,
    isLight: false,
    make: (random) => ({
      kind: "freeze",
      part: random.pick([...PROGRAMS, ...SERVICES, "standby"] as const),
      forMs: random.between(1_000, 7_000),
    }),
  },
  "kill both": {
    weight: 4,
    isLight: false,
    make: (random) => ({
      kind: "kill both",
      parts: random.pick(["gateways", "bridges"] as const),
      forMs: random.between(0, 2_000),
    }),
  },
  cut: {
    weight: 12,
    isLight: true,
    make: (random) => ({ kind: "cut", link: anyLink(random), forMs: random.between(500, 8_000) }),
  },
  stall: {
    weight: 10,
    isLight: true,
    make: (random) => ({ kind: "stall", link: anyLink(random), forMs: random.between(1_000, 8_000) }),
  },
  slow: {
    weight: 10,
    isLight: true,
    make: (random) => ({
      ...{ kind: "slow", link: anyLink(random) },
      ...{ byMs: random.between(20, 400), forMs: random.between(3_000, 10_000) },
    }),
  },
  nonsense: {
    weight: 8,
    isLight: true,
    make: (random) => ({
      kind: "nonsense",
      link: `${random.pick(BRIDGES)}→synapse`,
      answer: random.pick(NONSENSE),
      forMs: random.between(1_000, 10_000),
    }),
  },
  clock: {
    weight: 10,
    isLight: true,
    make: (random) => ({
      kind: "clock",
      part: random.pick(PROGRAMS),
      shiftMs: random.pick([-1, 1]) * random.pick([3_000, 30_000, 90_000, 2 * HOUR, 24 * HOUR]),
      forMs: random.between(3_000, 10_000),
    }),
  },
  "read-only": {
    weight: 5,
    isLight: false,
    make: (random) => ({ kind: "read-only", forMs: random.between(1_000, 8_000) }),
  },
  full: {
    weight: 5,
    isLight: false,
    make: (random) => ({ kind: "full", forMs: random.between(1_000, 8_000) }),
  },
  promote: {
    weight: 9,
    isLight: false,
    make: (random) => ({ kind: "promote", how: random.pick(["kill", "stop", "freeze"] as const) }),
  },
  restore: {
    weight: 5,
    isLight: false,
    make: (random) => ({ kind: "restore", ageMs: random.between(1_000, 5_000) }),
  },
};

/** A fault in one line, as plans and reports show it. */
export function described(fault: Fault): string {
  const { kind, ...rest } = fault;
  const words = Object.entries(rest).map(([name, value]) =>
    typeof value === "number" ? `${name.replace(/Ms$/, "")} ${(value / 1000).toFixed(1)} s` : String(value),
  );
  return [kind, ...words].join(" ");
}

function anyLink(random: Random): LinkName {
  const others = ["synapse→bridges", "people→gateway-1", "people→gateway-2"] as const;
  if (random.chance(0.25)) return random.pick(others);
  const from = random.pick(PROGRAMS);
  return `${from}→${random.pick(SERVICES.filter((to) => to !== "synapse" || from.startsWith("bridge")))}`;
}
