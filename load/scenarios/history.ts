import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { now } from "../measuring/clock.ts";
import { generatorLimits } from "../measuring/generator-verdict.ts";
import { createLatency, mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import { watchOwnLoad } from "../measuring/own-load.ts";
import { bounded } from "../options.ts";
import { lineChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome } from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, type Population, separateRooms } from "../target/target.ts";
import { openClients } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

export interface HistoryOptions {
  messages: number;
  limit: number;
  probes: number;
  size: number;
}

/** Of a stretch of the walk back, or of the probes at one depth. */
interface Pages {
  /** Messages between the head and the pages. */
  depth: number;
  latency: Percentiles;
}

const WRITERS = 4;
/** Unanswered sends of each worker while the room is filled. */
const FILL_WINDOW = 400;
/** Sends a second that filling may assume at least, to have an end. */
const FILL_RATE_LEAST = 1_000;
const STRETCHES = 10;

export const history: Scenario<HistoryOptions> = {
  name: "history",
  summary: "paging back through a long room",
  description: `Fills a room, walks back through it page by page (every seq must come once, descending), and then asks for
pages at the head and at the far end in turn: the two must cost the same. --duration bounds the walk.`,
  options: [
    bounded("--messages <n>", "messages in the room", { least: 1_000, most: 10_000_000, default: 1_000_000 }),
    bounded("--limit <n>", "messages of a page", { least: 1, most: 200, default: 50 }),
    bounded("--probes <n>", "pages at each depth after the walk", { least: 10, most: 10_000, default: 500 }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  defaults: { duration: 120 },
  run: async (stage): Promise<Outcome> => {
    const { messages, limit } = stage.options;
    const target = await stage.use(causewayTarget(stage.options));
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const plan = separateRooms(1, WRITERS * stage.options.workers);
    const population = await target.populate(plan, () => undefined);
    const room = population.rooms[0] as string;
    await openClients(stage, target, clientsOf(plan, population));
    const filled = await fill(stage, room);
    await stage.crew().ask("close", () => null);

    const client = await openAskingClient(target.url, tokenOf(population));
    const head = client.ready.rooms.find((one) => one.room === room)?.head ?? 0;
    const load = watchOwnLoad();
    const walk = await walkBack(stage, client, room, head);
    const [near, far] = await probe(stage, client, room, [
      head + 1,
      Math.max(limit + 1, head - messages + limit),
    ]);
    client.close();
    return outcomeOf(stage, {
      filled,
      head,
      walk,
      near,
      far,
      limits: generatorLimits({ loads: [load.read()] }),
    });
  },
};

function tokenOf({ tokens }: Population): string {
  return tokens[0] as string;
}

/** Returns the messages a second at which the room was filled. */
async function fill(stage: Stage<Stage["options"] & HistoryOptions>, room: string): Promise<number> {
  const { messages, size } = stage.options;
  const crew = stage.crew();
  stage.progress.step(`writing ${number(messages)} messages`, messages);
  crew.onSample(({ acked }) => stage.progress.at(Math.min(acked, messages)));
  const since = performance.now();
  const idPrefix = Date.now().toString(36);
  const parts = await crew.ask("fill", (worker) => ({
    room,
    count: Math.ceil(messages / crew.size),
    window: FILL_WINDOW,
    size,
    idPrefix: `${idPrefix}-${worker}-`,
    limitMs: (messages / FILL_RATE_LEAST) * 1000 + 60_000,
  }));
  crew.onSample(null);
  const acked = parts.reduce((sum, part) => sum + part.acked, 0);
  if (acked < messages)
    throw new Error(`only ${number(acked)} of ${number(messages)} messages could be written in time`);
  return (acked * 1000) / (performance.now() - since);
}

interface Walk {
  stretches: Pages[];
  pages: number;
  /** Messages that were seen, of those that there are. */
  seen: number;
  faults: string[];
}

/** From the head to the first event, or until the time is over. */
async function walkBack(
  stage: Stage<Stage["options"] & HistoryOptions>,
  client: AskingClient,
  room: string,
  head: number,
): Promise<Walk> {
  const { limit, duration } = stage.options;
  const latencies = Array.from({ length: STRETCHES }, createLatency);
  const deadline = now() + duration * 1000;
  stage.progress.step("paging back", head);
  let before = head + 1;
  let pages = 0;
  const faults: string[] = [];
  for (let more = true; more && now() < deadline && faults.length === 0; pages++) {
    const since = now();
    const page = await client.ask("history", { room, before, limit });
    const stretch = Math.min(STRETCHES - 1, Math.floor(((head + 1 - before) / head) * STRETCHES));
    latencies[stretch]?.recordMs(now() - since);
    const expected = Array.from({ length: page.events.length }, (_, n) => before - page.events.length + n);
    if (page.events.some(({ seq }, n) => seq !== expected[n]))
      faults.push(`the page before seq ${before} is not whole`);
    before -= page.events.length;
    more = page.more && page.events.length > 0;
    stage.progress.at(head + 1 - before);
  }
  const stretches = latencies.map((latency, n) => ({
    depth: Math.round((head * n) / STRETCHES),
    latency: mergeLatencies([latency.encode()]),
  }));
  return {
    stretches: stretches.filter(({ latency }) => latency.count > 0),
    pages,
    seen: head + 1 - before,
    faults,
  };
}

/** Pages before each of two seqs, in turn, so that what else happens on the machine meets both. */
async function probe(
  stage: Stage<Stage["options"] & HistoryOptions>,
  client: AskingClient,
  room: string,
  befores: [number, number],
): Promise<[Percentiles, Percentiles]> {
  const { probes, limit } = stage.options;
  const latencies = befores.map(createLatency);
  stage.progress.step("pages at both ends in turn", probes);
  for (let n = 0; n < probes; n++) {
    for (const [at, before] of befores.entries()) {
      const since = now();
      await client.ask("history", { room, before, limit });
      latencies[at]?.recordMs(now() - since);
    }
    stage.progress.at(n + 1);
  }
  const [near, far] = latencies.map((latency) => mergeLatencies([latency.encode()]));
  return [near as Percentiles, far as Percentiles];
}

interface HistoryResult {
  filled: number;
  head: number;
  walk: Walk;
  near: Percentiles;
  far: Percentiles;
  limits: string[];
}

function outcomeOf(
  stage: Stage<Stage["options"] & HistoryOptions>,
  { filled, head, walk, near, far, limits }: HistoryResult,
): Outcome {
  const { limit } = stage.options;
  const row = (name: string, { count, p50, p99, max }: Percentiles) => [
    name,
    number(count),
    ...[p50, p99, max].map(milliseconds),
  ];
  const columns = ["depth", "pages", "p50", "p99", "max"];
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: `Pages of ${limit}, asked for in turn`,
        columns,
        rows: [
          row("0", near),
          row(number(head), far),
          ["ratio", "", `${number(far.p50 / near.p50)} ×`, `${number(far.p99 / near.p99)} ×`, ""],
        ],
      },
      {
        title: "The walk back",
        columns,
        rows: walk.stretches.map(({ depth, latency }) => row(`${number(depth)} …`, latency)),
      },
    ],
    charts: [
      lineChart(
        "history",
        `A page of ${limit} over its depth`,
        (["p50", "p99"] as const).map((name) => ({
          name,
          points: walk.stretches.map(({ depth, latency }) => [depth, latency[name]]),
        })),
        { name: "depth" },
        { name: "ms" },
      ),
    ],
    figures: { head, filledPerSecond: filled, near, far, ratioP50: far.p50 / near.p50, walk },
    faults: walk.faults,
    limits,
    notes: [
      `the room was filled at ${number(filled)} messages/s, by a window of unanswered sends`,
      `the walk saw ${number(walk.seen)} of ${number(head)} events in ${number(walk.pages)} pages`,
    ],
  };
}
