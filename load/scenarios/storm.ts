import { describeGenerator, generatorLimits } from "../measuring/generator-verdict.ts";
import { mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import { processUse, socketMemory } from "../measuring/process-watch.ts";
import { readMetric } from "../measuring/server-figures.ts";
import { bounded } from "../options.ts";
import type { ClientSpec, Recovery } from "../orders.ts";
import { lineChart } from "../report/charts.ts";
import {
  addCounts,
  emptyOutcome,
  mebibytes,
  milliseconds,
  number,
  type Outcome,
  percent,
  tallied,
} from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { type CausewayTarget, causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, type Plan, type Population } from "../target/target.ts";
import { checkDeliveries, faultsOf, measureSends, openClients } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

export interface StormOptions {
  clients: number;
  roomsEach: number;
  members: number;
  missed: number;
  spread: number;
  size: number;
}

/** How many people write while the others are away. */
const WRITERS = 20;
/** Connections that may wait for their `ready` at once: more would only wait in the kernel for another try. */
const DIALLING_AT_ONCE = 1_000;
const MEMORY_TICK_MS = 100;
/** Messages a second while everybody is away. */
const WRITE_RATE = 2_000;

export const storm: Scenario<StormOptions> = {
  name: "storm",
  summary: "sessions cut at once, resuming at once, with proof",
  description: `All sessions are cut without a goodbye, messages are written in all of their rooms, and all come back and
resume. A session has recovered when the server proved each of its rooms and every missed event came, in order.`,
  options: [
    bounded("--clients <n>", "sessions, each of a person of its own", {
      least: 10,
      most: 50_000,
      default: 10_000,
    }),
    bounded("--rooms-each <n>", "rooms of each session", { least: 1, most: 500, default: 20 }),
    bounded("--members <n>", "members of each room", { least: 2, most: 5_000, default: 200 }),
    bounded("--missed <n>", "messages that each room gets meanwhile", { least: 0, most: 1_000, default: 2 }),
    bounded("--spread <ms>", "time over which the sessions come back", {
      least: 0,
      most: 60_000,
      default: 0,
    }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  defaults: { duration: 60, settle: 10 },
  run: async (stage) => {
    const target = await stage.use(causewayTarget(stage.options));
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const plan = planFor(stage.options);
    stage.progress.step(
      `making ${number(plan.people)} people and ${number(plan.rooms.length)} rooms`,
      plan.people + plan.rooms.length,
    );
    const population = await target.populate(plan, (done) => stage.progress.at(done));
    const clients = markWriters(clientsOf(plan, population), stage.options.clients);
    await target.restart?.();
    await openClients(stage, target, clients);
    await stage.crew().ask("cut", () => null);
    await write(stage, target, population);
    const result = await resume(stage, target);
    return outcomeOf(stage, plan, result, await checkDeliveries(stage));
  },
};

/** Sessions in rooms such that everybody is in as many; the writers come last and share the rooms between them. */
function planFor({ clients, roomsEach, members }: StormOptions): Plan {
  const count = Math.max(roomsEach, Math.ceil((clients * roomsEach) / members));
  const rooms: number[][] = Array.from({ length: count }, () => []);
  for (let client = 0; client < clients; client++) {
    for (let n = 0; n < roomsEach; n++) rooms[(client * roomsEach + n) % count]?.push(client);
  }
  rooms.forEach((room, n) => {
    room.push(clients + (n % WRITERS));
  });
  return { people: clients + WRITERS, rooms };
}

function markWriters(clients: ClientSpec[], sessions: number): ClientSpec[] {
  return clients.map((client, n) => (n < sessions ? client : { ...client, stays: true }));
}

/** Each room gets as many messages as it is to miss. */
async function write(
  stage: Stage<Stage["options"] & StormOptions>,
  target: CausewayTarget,
  { rooms }: Population,
): Promise<void> {
  const { missed, size } = stage.options;
  if (missed === 0) return;
  const count = missed * rooms.length;
  const duration = Math.max(1, Math.ceil(count / WRITE_RATE));
  const options = { ...stage.options, warmup: 0, duration };
  const { unanswered, refused } = await measureSends({ ...stage, options }, target, {
    rate: count / duration,
    size,
  });
  if (unanswered > 0 || Object.keys(refused).length > 0) {
    throw new Error(
      `not all messages could be written: ${tallied({ ...refused, "without an answer": unanswered })}`,
    );
  }
}

/** A storm takes seconds: the generator may add so much of them (it can only make the server look slower). */
const LAG_SHARE = 0.05;

interface StormResult {
  recoveries: Recovery[];
  latency: Percentiles;
  statements: number | null;
  peakRss: number;
  peakKernel: number;
  serverCpu: number;
  memory: [seconds: number, bytes: number][];
}

async function resume(
  stage: Stage<Stage["options"] & StormOptions>,
  target: CausewayTarget,
): Promise<StormResult> {
  const { clients, duration, spread } = stage.options;
  const crew = stage.crew();
  const bar = stage.progress.overTime(`${number(clients)} sessions come back`, duration);
  const statements = () => readMetric(target.url, "causeway_store_statements_total");
  const before = { statements: await statements(), use: processUse(target.pids.server) };
  const since = performance.now();
  const memory: [number, number][] = [];
  let peakKernel = 0;
  const watch = setInterval(() => {
    memory.push([(performance.now() - since) / 1000, processUse(target.pids.server)?.rss ?? 0]);
    peakKernel = Math.max(peakKernel, socketMemory());
  }, MEMORY_TICK_MS);
  const recoveries = await crew.ask("resume", () => ({
    inFlight: Math.ceil(DIALLING_AT_ONCE / crew.size),
    limitMs: duration * 1000,
    spreadMs: spread,
  }));
  clearInterval(watch);
  bar.end();
  const after = { statements: await statements(), use: processUse(target.pids.server) };
  return {
    recoveries,
    latency: mergeLatencies(recoveries.map(({ latency }) => latency)),
    statements:
      before.statements !== null && after.statements !== null ? after.statements - before.statements : null,
    peakRss: Math.max(0, ...memory.map(([, bytes]) => bytes)),
    peakKernel,
    serverCpu: (after.use?.cpu ?? Number.NaN) - (before.use?.cpu ?? Number.NaN),
    memory,
  };
}

function outcomeOf(
  stage: Stage<Stage["options"] & StormOptions>,
  plan: Plan,
  { recoveries, latency, statements, peakRss, peakKernel, serverCpu, memory }: StormResult,
  check: Awaited<ReturnType<typeof checkDeliveries>>,
): Outcome {
  const sum = (count: (one: Recovery) => number) => recoveries.reduce((total, one) => total + count(one), 0);
  const sessions = sum((one) => one.sessions);
  const recovered = sum((one) => one.recovered);
  const lastMs = Math.max(...recoveries.map((one) => one.lastMs));
  const failures = addCounts(recoveries.map((one) => one.failures));
  const figures = {
    sessions,
    recovered,
    share: recovered / sessions,
    lastMs,
    events: sum((one) => one.events),
    statementsPerSession: statements === null ? null : statements / sessions,
    serverCpu,
    peakRss,
    peakKernel,
    latency,
    check,
  };
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: "Recovery",
        columns: ["measure", "value"],
        rows: [
          ["sessions", number(sessions)],
          ["recovered with proof", `${number(recovered)} (${percent(figures.share)})`],
          ["last recovery after", `${number(lastMs / 1000)} s`],
          ["a session's recovery, p50 / p99", `${milliseconds(latency.p50)} / ${milliseconds(latency.p99)}`],
          ["events sent again", number(figures.events)],
          [
            "database statements per session",
            figures.statementsPerSession === null ? "–" : number(figures.statementsPerSession),
          ],
          ["server CPU", `${number(serverCpu)} s`],
          ["peak RSS of the server", mebibytes(peakRss)],
          ["peak of the kernel's socket memory", mebibytes(peakKernel)],
          ["missing / doubled / out of order", `${check.missing} / ${check.doubled} / ${check.disordered}`],
        ],
      },
    ],
    charts: [
      lineChart(
        "recovery",
        "Share of sessions recovered",
        [{ name: "recovered", points: latency.curve.map(([share, ms]) => [ms / 1000, share * 100]) }],
        { name: "s" },
        { name: "%" },
      ),
      lineChart(
        "memory",
        "Memory of the server",
        [
          {
            name: "RSS",
            points: memory.map(([at, bytes]) => [Number(at.toFixed(2)), Math.round(bytes / 2 ** 20)]),
          },
        ],
        { name: "s" },
        { name: "MiB" },
      ),
    ],
    figures,
    faults: [
      ...faultsOf(check),
      ...(recovered < sessions ? [`${number(sessions - recovered)} sessions did not recover`] : []),
      ...(Object.keys(failures).length > 0 ? [`connections did not become ready: ${tallied(failures)}`] : []),
    ],
    limits: generatorLimits({
      loads: recoveries.map(({ load }) => load),
      lagMostMs: lastMs * LAG_SHARE,
    }),
    notes: [
      `${number(plan.rooms.length)} rooms with ${number(stage.options.members)} members each, ${number(stage.options.missed)} messages missed in each`,
      describeGenerator(recoveries.map(({ load }) => load)),
    ],
  };
}
