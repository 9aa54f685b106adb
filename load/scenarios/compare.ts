import { Option } from "commander";
import { bounded } from "../options.ts";
import { centrifugo } from "../peers/centrifugo.ts";
import type { Guarantees, Peer } from "../peers/peer.ts";
import { socketIo } from "../peers/socket-io.ts";
import { uws } from "../peers/uws.ts";
import { ws } from "../peers/ws.ts";
import { percentileChart } from "../report/charts.ts";
import {
  emptyOutcome,
  mebibytes,
  microseconds,
  milliseconds,
  number,
  type Outcome,
  percent,
  type Table,
} from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, separateRooms, type Target } from "../target/target.ts";
import { type IdleResult, idleTable, measureIdle } from "./idle.ts";
import {
  type CheckResult,
  checkDeliveries,
  faultsOf,
  measureSends,
  openClients,
  type SendResult,
} from "./measurement.ts";
import type { Scenario } from "./scenario.ts";
import { sendFigures } from "./send-report.ts";

export interface CompareOptions {
  rooms: number;
  members: number;
  rate: number;
  fanoutMembers: number;
  fanoutRate: number;
  clients: number;
  size: number;
  centrifugo?: string;
  redisUrl?: string;
  only?: string[];
}

interface Work {
  title: string;
  rooms: number;
  members: number;
  rate: number;
}
interface Measured {
  result: SendResult;
  check: CheckResult;
}
/** Of one server: by the work's title. */
interface Row {
  sends: Record<string, Measured>;
  idle?: IdleResult;
}

const CAUSEWAY: Guarantees = {
  durable: "yes: committed before the acknowledgement",
  ordered: "gapless seq per room",
  idempotent: "yes: by the client's id",
  resumable: "yes, with proof, any age",
};

export const compare: Scenario<CompareOptions> = {
  name: "compare",
  summary: "the same work on Causeway and on its peers, side by side",
  description: `The work of send, fanout and idle, one server after the other: Causeway, raw uWebSockets.js, ws, Socket.IO with
its Redis adapter, and Centrifugo when --centrifugo names its program. Same payloads, subscribers and clients.
Read the table of guarantees first: most peers keep nothing.`,
  options: [
    bounded("--rooms <n>", "send: rooms", { least: 1, most: 10_000, default: 50 }),
    bounded("--members <n>", "send: members of each room", { least: 1, most: 1_000, default: 5 }),
    bounded("--rate <n>", "send: messages a second", { least: 1, most: 200_000, default: 5_000 }),
    bounded("--fanout-members <n>", "fanout: members of the room", { least: 2, most: 20_000, default: 500 }),
    bounded("--fanout-rate <n>", "fanout: messages a second", { least: 1, most: 50_000, default: 100 }),
    bounded("--clients <n>", "idle: connections; 0 leaves it out", {
      least: 0,
      most: 50_000,
      default: 2_000,
    }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
    new Option("--centrifugo <path>", "Centrifugo's program"),
    new Option(
      "--redis-url <url>",
      "Redis for Socket.IO's adapter; without: one that is started from redis-server on PATH",
    ),
    new Option("--only <names...>", "only these").choices([
      "causeway",
      "uws",
      "ws",
      "socket.io",
      "centrifugo",
    ]),
  ],
  defaults: { duration: 10, warmup: 3 },
  run: async (stage) => {
    if (stage.options.url !== undefined)
      throw new Error("compare starts its servers itself: leave --url out");
    const rows = new Map<string, Row>();
    const guarantees: Record<string, Guarantees> = {};
    for (const { name, guarantees: promised, start } of await contestants(stage)) {
      guarantees[name] = promised;
      rows.set(name, await measureAll(stage, start));
    }
    stage.describe([...rows.keys()].join(", "));
    return outcomeOf(stage, rows, guarantees);
  },
};

async function contestants({
  options,
}: Stage<Parameters<typeof compare.run>[0]["options"]>): Promise<Peer[]> {
  const { only } = options;
  const isWanted = (name: string) => only === undefined || only.includes(name);
  const causeway: Peer = { name: "Causeway", guarantees: CAUSEWAY, start: () => causewayTarget(options) };
  return [
    ...(isWanted("causeway") ? [causeway] : []),
    ...(isWanted("uws") ? [uws] : []),
    ...(isWanted("ws") ? [ws] : []),
    ...(isWanted("socket.io") ? [socketIo(options.redisUrl ?? null)] : []),
    ...(isWanted("centrifugo") && options.centrifugo !== undefined ? [centrifugo(options.centrifugo)] : []),
  ];
}

/** Each work gets a server of its own, so that none pays for the one before. */
async function measureAll(
  stage: Stage<CompareOptions & Stage["options"]>,
  start: Peer["start"],
): Promise<Row> {
  const row: Row = { sends: {} };
  for (const work of worksOf(stage.options)) {
    row.sends[work.title] = await withTarget(stage, start, (target) => measureWork(stage, target, work));
  }
  if (stage.options.clients > 0) {
    row.idle = await withTarget(stage, start, (target) =>
      measureIdle(stage, target, { clients: stage.options.clients, members: 50 }),
    );
  }
  return row;
}

function worksOf({ rooms, members, rate, fanoutMembers, fanoutRate }: CompareOptions): Work[] {
  return [
    { title: "send", rooms, members, rate },
    { title: "fanout", rooms: 1, members: fanoutMembers, rate: fanoutRate },
  ];
}

async function withTarget<T>(
  stage: Stage,
  start: Peer["start"],
  measure: (target: Target) => Promise<T>,
): Promise<T> {
  const target = await stage.use(start());
  try {
    return await measure(target);
  } finally {
    await stage.crew().ask("close", () => null);
    await stage.end(target);
  }
}

async function measureWork(
  stage: Stage<CompareOptions & Stage["options"]>,
  target: Target,
  work: Work,
): Promise<Measured> {
  const plan = separateRooms(work.rooms, work.members);
  stage.progress.step(`${target.name}: making ${number(plan.people)} people`, plan.people);
  const clients = clientsOf(plan, await target.populate(plan, (done) => stage.progress.at(done)));
  await openClients(stage, target, clients);
  const result = await measureSends(stage, target, { rate: work.rate, size: stage.options.size });
  return { result, check: await checkDeliveries(stage) };
}

function outcomeOf(
  stage: Stage<CompareOptions & Stage["options"]>,
  rows: ReadonlyMap<string, Row>,
  guarantees: Record<string, Guarantees>,
): Outcome {
  const works = worksOf(stage.options);
  const idleResults = [...rows].flatMap(([name, { idle }]) => (idle ? [[name, idle] as const] : []));
  const own = rows.get("Causeway");
  return {
    ...emptyOutcome(),
    tables: [
      guaranteesTable(guarantees),
      ...works.map((work) => workTable(work, rows)),
      ...(idleResults.length > 0 ? [idleTable(Object.fromEntries(idleResults))] : []),
    ],
    charts: works.map(({ title }) =>
      percentileChart(
        title,
        `${title}: delivery latency`,
        Object.fromEntries(
          [...rows].map(([name, { sends }]) => [name, (sends[title] as Measured).result.delivery]),
        ),
      ),
    ),
    figures: Object.fromEntries([...rows].map(([name, row]) => [name, figuresOf(row)])),
    faults: own ? faultsOfRow(own) : [],
    // A peer that the generator could not load is told in its row; the run is worth nothing only without our own.
    limits: own ? Object.values(own.sends).flatMap(({ result }) => result.limits) : [],
    notes: [
      "server CPU is that of the server's process; Causeway's database is listed beside it",
      `send: ${number(stage.options.rooms)} rooms × ${number(stage.options.members)} members; texts of ${stage.options.size} characters; one gateway process each`,
      disturbance(rows),
    ],
  };
}

function disturbance(rows: ReadonlyMap<string, Row>): string {
  const results = [...rows.values()].flatMap(({ sends }) => Object.values(sends).map(({ result }) => result));
  const most = Math.max(...results.map(({ othersCpu, window }) => (othersCpu ?? 0) / window));
  return `other programs used at most ${percent(most)} of a core while something was measured`;
}

function faultsOfRow({ sends, idle }: Row): string[] {
  return [...Object.values(sends).flatMap(({ check }) => faultsOf(check)), ...(idle?.faults ?? [])];
}

function guaranteesTable(guarantees: Record<string, Guarantees>): Table {
  return {
    title: "What each guarantees",
    columns: ["server", "durable", "ordered", "idempotent", "resumable"],
    rows: Object.entries(guarantees).map(([name, { durable, ordered, idempotent, resumable }]) => [
      name,
      durable,
      ordered,
      idempotent,
      resumable,
    ]),
  };
}

function workTable({ title, rooms, members, rate }: Work, rows: ReadonlyMap<string, Row>): Table {
  return {
    title: `${title}: ${number(rooms)} × ${number(members)}, ${number(rate)}/s`,
    columns: [
      "server",
      "acked/s",
      "delivered/s",
      "ack p50",
      "ack p99",
      "delivery p50",
      "delivery p99",
      "CPU per send",
      "CPU per delivery",
      "database CPU per send",
      "RSS",
      "missing / doubled",
    ],
    rows: [...rows].map(([name, { sends }]) => [name, ...workCells(sends[title] as Measured)]),
  };
}

function workCells({ result, check }: Measured): string[] {
  const { window, acked, delivered, ack, delivery, server, database, limits } = result;
  if (limits.length > 0)
    return [`generator was the limit: ${limits[0]}`, ...Array.from({ length: 10 }, () => "–")];
  const perSecond = (count: number) => number(Math.round(count / window));
  const cost = (cpu: number | undefined, count: number) =>
    cpu === undefined ? "–" : microseconds(cpu / count);
  return [
    perSecond(acked),
    perSecond(delivered),
    ...[ack.p50, ack.p99, delivery.p50, delivery.p99].map(milliseconds),
    cost(server?.cpu, acked),
    cost(server?.cpu, delivered),
    cost(database?.cpu, acked),
    server ? mebibytes(server.rss) : "–",
    `${number(check.missing)} / ${number(check.doubled)}`,
  ];
}

function figuresOf({ sends, idle }: Row): Record<string, unknown> {
  const told = Object.entries(sends).map(([title, { result, check }]) => [title, sendFigures(result, check)]);
  return { ...Object.fromEntries(told), ...(idle && { idle }) };
}
