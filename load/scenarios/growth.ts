import { bounded } from "../options.ts";
import type { ClientSpec } from "../orders.ts";
import { lineChart } from "../report/charts.ts";
import {
  emptyOutcome,
  microseconds,
  milliseconds,
  number,
  type Outcome,
  type Table,
} from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import type { Plan, Target } from "../target/target.ts";
import { clientsOf } from "../target/target.ts";
import { checkDeliveries, faultsOf, measureSends, openClients, type SendResult } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

export interface GrowthOptions {
  online: number;
  rounds: number;
  rate: number;
  size: number;
  most: number;
}

/** Rounds of one size, added up. */
interface Cost {
  members: number;
  online: number;
  rounds: SendResult[];
}

const SIZES = [10, 100, 1_000, 10_000];
/** In the second half all of these are online in the largest room. */
const ONLINE = [10, 100, 1_000];
/** Fan-outs beyond this many deliveries a second would measure something else. */
const DELIVERIES_MOST = 20_000;

export const growth: Scenario<GrowthOptions> = {
  name: "growth",
  summary: "the cost of a send in rooms of 10, 100, 1,000 and 10,000 members",
  description: `First the same few members are online in rooms of growing size: what a send costs must stay the same. Then more
and more members of the largest room are online: what a send costs grows with deliveries only. Sizes take turns, several
rounds each, so that what else happens on the machine meets all of them.`,
  options: [
    bounded("--online <n>", "members online while rooms grow", { least: 1, most: 10, default: 5 }),
    bounded("--rounds <n>", "rounds of each size", { least: 1, most: 100, default: 3 }),
    bounded("--rate <n>", "messages a second while rooms grow", { least: 1, most: 50_000, default: 2_000 }),
    bounded("--most <n>", "members of the largest room", { least: 10, most: 50_000, default: 10_000 }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  defaults: { duration: 5, warmup: 1 },
  run: async (stage) => {
    const target = await stage.use(causewayTarget(stage.options));
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const sizes = SIZES.filter((size) => size <= stage.options.most);
    const plan = planFor(sizes);
    stage.progress.step(`making ${number(plan.people)} people`, plan.people + plan.rooms.length);
    const population = await target.populate(plan, (done) => stage.progress.at(done));
    const everybody = clientsOf(plan, population);

    const few = everybody.slice(0, stage.options.online);
    await openClients(stage, target, few);
    const bySize = sizes.map((members): Cost => ({ members, online: few.length, rounds: [] }));
    for (let round = 0; round < stage.options.rounds; round++) {
      for (const [n, cost] of bySize.entries()) {
        const rooms = [population.rooms[n] as string];
        cost.rounds.push(await measureSends(stage, target, { ...stage.options, rooms }));
      }
    }
    const check = await checkDeliveries(stage);
    const largest = population.rooms.at(-1) as string;
    const byOnline = await measureOnline(
      stage,
      target,
      everybody,
      few.length,
      largest,
      sizes.at(-1) as number,
    );
    return outcomeOf(stage, bySize, byOnline, [
      ...faultsOf(check),
      ...faultsOf(await checkDeliveries(stage)),
    ]);
  },
};

/** The first people are in every room, so that the same clients send to rooms of all sizes. */
function planFor(sizes: readonly number[]): Plan {
  return {
    people: Math.max(...sizes),
    rooms: sizes.map((size) => Array.from({ length: size }, (_, member) => member)),
  };
}

async function measureOnline(
  stage: Stage<Stage["options"] & GrowthOptions>,
  target: Target,
  everybody: readonly ClientSpec[],
  open: number,
  room: string,
  members: number,
): Promise<Cost[]> {
  const costs: Cost[] = [];
  let online = open;
  for (const wanted of ONLINE.filter((count) => count <= members)) {
    await openClients(stage, target, everybody.slice(online, wanted));
    online = Math.max(online, wanted);
    const rate = Math.min(stage.options.rate, Math.floor(DELIVERIES_MOST / online));
    const rounds = [await measureSends(stage, target, { rate, size: stage.options.size, rooms: [room] })];
    costs.push({ members, online, rounds });
  }
  return costs;
}

function outcomeOf(
  stage: Stage<Stage["options"] & GrowthOptions>,
  bySize: Cost[],
  byOnline: Cost[],
  faults: string[],
): Outcome {
  const all = [...bySize, ...byOnline].flatMap(({ rounds }) => rounds);
  return {
    ...emptyOutcome(),
    tables: [
      costTable("The same members online, rooms of growing size", bySize),
      costTable("Ever more members of the largest room online", byOnline),
    ],
    charts: [
      lineChart(
        "growth",
        "Cost of a send over the members of its room",
        [
          {
            name: "server and database CPU per send",
            points: bySize.map((cost) => [cost.members, sendCost(cost) * 1e6]),
          },
          {
            name: "ack p50 (right)",
            points: bySize.map((cost) => [cost.members, ackP50(cost)]),
            right: true,
          },
        ],
        { name: "members", type: "log" },
        { name: "µs" },
        { name: "ms" },
      ),
    ],
    figures: { bySize: bySize.map(figuresOf), byOnline: byOnline.map(figuresOf) },
    faults,
    limits: [...new Set(all.flatMap(({ limits }) => limits))],
    notes: [
      `${number(stage.options.rate)} messages/s while rooms grow, ${stage.options.rounds} rounds of ${stage.options.duration} s for each size`,
    ],
  };
}

function costTable(title: string, costs: readonly Cost[]): Table {
  const base = sendCost(costs[0] as Cost);
  return {
    title,
    columns: [
      "members",
      "online",
      "acked/s",
      "ack p50",
      "ack p99",
      "CPU per send",
      "of the first",
      "server CPU per delivery",
    ],
    rows: costs.map((cost) => [
      number(cost.members),
      number(cost.online),
      number(Math.round(sum(cost, ({ acked }) => acked) / sum(cost, ({ window }) => window))),
      milliseconds(ackP50(cost)),
      milliseconds(Math.max(...cost.rounds.map(({ ack }) => ack.p99))),
      microseconds(sendCost(cost)),
      `${number(sendCost(cost) / base)} ×`,
      microseconds(sum(cost, serverCpu) / sum(cost, ({ delivered }) => delivered)),
    ]),
  };
}

function figuresOf(cost: Cost): Record<string, unknown> {
  return {
    members: cost.members,
    online: cost.online,
    cpuPerSend: sendCost(cost),
    serverCpuPerDelivery: sum(cost, serverCpu) / sum(cost, ({ delivered }) => delivered),
    ackP50: ackP50(cost),
    ackP99: cost.rounds.map(({ ack }) => ack.p99),
  };
}

/** CPU seconds of server and database for each acknowledged send. */
function sendCost(cost: Cost): number {
  const cpu = sum(cost, (round) => serverCpu(round) + (round.database?.cpu ?? 0));
  return cpu / sum(cost, ({ acked }) => acked);
}

function serverCpu({ server }: SendResult): number {
  return server?.cpu ?? Number.NaN;
}

/** The median of the rounds. */
function ackP50(cost: Cost): number {
  const sorted = cost.rounds.map(({ ack }) => ack.p50).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function sum({ rounds }: Cost, value: (round: SendResult) => number): number {
  return rounds.reduce((total, round) => total + value(round), 0);
}
