import { generatorLimits } from "../measuring/generator-verdict.ts";
import { processUse, socketMemory } from "../measuring/process-watch.ts";
import { bounded } from "../options.ts";
import type { ClientSpec } from "../orders.ts";
import {
  emptyOutcome,
  mebibytes,
  microseconds,
  milliseconds,
  number,
  type Outcome,
  type Table,
} from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, type Plan, type Target } from "../target/target.ts";
import { checkDeliveries, faultsOf, openClients } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

export interface IdleOptions {
  clients: number;
  members: number;
}

export interface IdleResult {
  connections: number;
  /** Bytes of the server's resident memory per connection. */
  rss: number;
  /** Bytes that the kernel held for all TCP sockets of the machine, per connection: both ends, where both are here. */
  kernel: number;
  /** CPU seconds of the server per connection and minute. */
  cpuPerMinute: number;
  /** Resident bytes of the server with all connections. */
  total: number;
  /** ms from dialling to ready. */
  ready: { p50: number; p99: number };
  faults: string[];
  limits: string[];
}

/** Memory of what was done before settles: the server gives back what it can once it is quiet. */
const QUIET_MS = 8_000;
/**
 * Share of the connections that are there before memory is looked at: code is loaded and pools have grown by then, and the
 * server gave back what greeting them left, as it will for the others.
 */
const FIRST = 0.5;

export const idle: Scenario<IdleOptions> = {
  name: "idle",
  summary: "authenticated connections that only send heartbeats",
  description: `Every connection is a person of its own who is in one room. What a connection costs in memory and CPU, with
the kernel's socket memory beside it (which counts both ends when the clients are on the same machine).`,
  options: [
    bounded("--clients <n>", "connections", { least: 100, most: 50_000, default: 10_000 }),
    bounded("--members <n>", "members of each room", { least: 1, most: 1_000, default: 50 }),
  ],
  defaults: { duration: 30 },
  run: async (stage): Promise<Outcome> => {
    const target = await stage.use(causewayTarget(stage.options));
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const result = await measureIdle(stage, target, stage.options);
    return {
      ...emptyOutcome(),
      tables: [idleTable({ [target.name]: result })],
      figures: { ...result },
      faults: result.faults,
      limits: result.limits,
      notes: [
        `heartbeats as the server asks for them, over ${stage.options.duration} s`,
        "memory of a connection: what the second half of them added, once the server was quiet",
      ],
    };
  },
};

export async function measureIdle(
  stage: Stage,
  target: Target,
  { clients, members }: IdleOptions,
): Promise<IdleResult> {
  const plan = planFor(clients, members);
  stage.progress.step(`${target.name}: making ${number(clients)} people`, clients);
  const everybody = clientsOf(plan, await target.populate(plan, (done) => stage.progress.at(done)));
  await target.restart?.();
  const first = Math.ceil(clients * FIRST);
  await openClients(stage, target, everybody.slice(0, first));
  await quiet();
  const before = { use: processUse(target.pids.server), kernel: socketMemory() };
  const rest: ClientSpec[] = everybody.slice(first);
  const ready = await openClients(stage, target, rest);
  await quiet();
  const bar = stage.progress.overTime(`${target.name}: ${number(clients)} idle`, stage.options.duration);
  const start = processUse(target.pids.server);
  const loads = await stage.crew().ask("watch", () => ({ durationMs: stage.options.duration * 1000 }));
  const end = processUse(target.pids.server);
  bar.end();
  const check = await checkDeliveries(stage);
  const cpu = (end?.cpu ?? Number.NaN) - (start?.cpu ?? Number.NaN);
  return {
    connections: clients,
    rss: ((end?.rss ?? Number.NaN) - (before.use?.rss ?? Number.NaN)) / rest.length,
    kernel: (socketMemory() - before.kernel) / rest.length,
    cpuPerMinute: (cpu / stage.options.duration / clients) * 60,
    total: end?.rss ?? Number.NaN,
    ready: { p50: ready.p50, p99: ready.p99 },
    faults: faultsOf(check),
    limits: generatorLimits({ loads }),
  };
}

function planFor(people: number, members: number): Plan {
  const rooms: number[][] = [];
  for (let first = 0; first < people; first += members) {
    rooms.push(Array.from({ length: Math.min(members, people - first) }, (_, n) => first + n));
  }
  return { people, rooms };
}

/** One row for each server. */
export function idleTable(results: Record<string, IdleResult>): Table {
  return {
    title: "Idle connections",
    columns: [
      "server",
      "connections",
      "RSS each",
      "kernel each",
      "CPU each and minute",
      "RSS in all",
      "ready p50",
      "ready p99",
    ],
    rows: Object.entries(results).map(([name, { connections, rss, kernel, cpuPerMinute, total, ready }]) => [
      name,
      number(connections),
      `${number(rss / 1024)} KiB`,
      `${number(kernel / 1024)} KiB`,
      microseconds(cpuPerMinute),
      mebibytes(total),
      milliseconds(ready.p50),
      milliseconds(ready.p99),
    ]),
  };
}

function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}
