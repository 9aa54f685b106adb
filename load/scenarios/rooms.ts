import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { now } from "../measuring/clock.ts";
import { generatorLimits } from "../measuring/generator-verdict.ts";
import { createLatency, type Latency, mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import { type OwnLoad, watchOwnLoad } from "../measuring/own-load.ts";
import { bounded } from "../options.ts";
import { percentileChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome } from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { type CausewayTarget, causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, type Plan, type Population } from "../target/target.ts";
import { checkDeliveries, faultsOf, measureSends, openClients, type SendResult } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

export interface RoomsOptions {
  rate: number;
  connects: number;
  size: number;
}

const SIZES = [10, 100, 500];
const WRITER = 0;

export const rooms: Scenario<RoomsOptions> = {
  name: "rooms",
  summary: "room lists of users with 10, 100 and 500 rooms, and unread updates",
  description: `Users with 10, 100 and 500 rooms connect again and again, in turn: time and size of the room list. Then somebody
writes in all 500 rooms, a session marks each message as read, and the user's other session is told the new count.`,
  options: [
    bounded("--connects <n>", "connects of each user", { least: 5, most: 10_000, default: 50 }),
    bounded("--rate <n>", "messages, and so unread updates, a second", {
      least: 1,
      most: 20_000,
      default: 500,
    }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  run: async (stage) => {
    const target = await stage.use(causewayTarget(stage.options));
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const plan = planFor();
    stage.progress.step(`making ${number(plan.rooms.length)} rooms`, plan.people + plan.rooms.length);
    const population = await target.populate(plan, (done) => stage.progress.at(done));
    const lists = await measureLists(stage, target, population);
    const updates = await measureUpdates(stage, target, plan, population);
    return outcomeOf(stage, lists, updates, faultsOf(await checkDeliveries(stage)));
  },
};

/** Person 0 writes everywhere; the others are in the first 10, 100 and 500 rooms. */
function planFor(): Plan {
  const count = Math.max(...SIZES);
  return {
    people: 1 + SIZES.length,
    rooms: Array.from({ length: count }, (_, room) => [
      WRITER,
      ...SIZES.flatMap((size, n) => (room < size ? [n + 1] : [])),
    ]),
  };
}

interface List {
  rooms: number;
  latency: Percentiles;
  bytes: number;
}

async function measureLists(
  stage: Stage<Stage["options"] & RoomsOptions>,
  target: CausewayTarget,
  { tokens }: Population,
): Promise<List[]> {
  const { connects } = stage.options;
  const latencies = SIZES.map(createLatency);
  const bytes = SIZES.map(() => 0);
  stage.progress.step("connecting", connects);
  for (let n = 0; n < connects; n++) {
    for (const at of SIZES.keys()) {
      const since = now();
      const client = await openAskingClient(target.url, tokens[at + 1] as string);
      latencies[at]?.recordMs(now() - since);
      bytes[at] = client.readyBytes;
      client.close();
    }
    stage.progress.at(n + 1);
  }
  return SIZES.map((size, at) => ({
    rooms: size,
    latency: mergeLatencies([(latencies[at] as Latency).encode()]),
    bytes: bytes[at] as number,
  }));
}

interface Updates {
  /** A second. */
  messages: number;
  read: number;
  told: number;
  /** From asking to the answer of `read`. */
  answer: Percentiles;
  /** From asking to the other session's `unread`. */
  push: Percentiles;
  failures: number;
  load: OwnLoad;
  sends: SendResult;
}

async function measureUpdates(
  stage: Stage<Stage["options"] & RoomsOptions>,
  target: CausewayTarget,
  plan: Plan,
  population: Population,
): Promise<Updates> {
  const { rate, size } = stage.options;
  const token = population.tokens.at(-1) as string;
  const writer = clientsOf(plan, population).slice(WRITER, WRITER + 1);
  await openClients(stage, target, writer);
  const [reading, told] = [
    await openAskingClient(target.url, token),
    await openAskingClient(target.url, token),
  ];
  const counts = markEverythingRead(reading, told);
  const load = watchOwnLoad();
  const sends = await measureSends(stage, target, { rate, size });
  const seconds = stage.options.warmup + stage.options.duration;
  await counts.settled();
  reading.close();
  told.close();
  return {
    messages: sends.acked / sends.window,
    read: counts.read / seconds,
    told: counts.told / seconds,
    answer: mergeLatencies([counts.answer.encode()]),
    push: mergeLatencies([counts.push.encode()]),
    failures: counts.failures,
    load: load.read(),
    sends,
  };
}

/** Marks each event as read when it comes, and times how the other session learns of it. */
function markEverythingRead(reading: AskingClient, told: AskingClient) {
  const asked = new Map<string, number>();
  let open = 0;
  const counts = {
    read: 0,
    told: 0,
    failures: 0,
    answer: createLatency(),
    push: createLatency(),
    /** Resolves when all answers are in, or after a while. */
    settled: async () => {
      const deadline = now() + 5_000;
      while ((open > 0 || counts.told < counts.read) && now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
  reading.onEvent(({ room, seq }) => {
    const since = now();
    asked.set(`${room} ${seq}`, since);
    open++;
    reading.ask("read", { room, seq }).then(
      () => {
        open--;
        counts.read++;
        counts.answer.recordMs(now() - since);
      },
      () => {
        open--;
        counts.failures++;
      },
    );
  });
  told.onUnread(({ room, read }) => {
    const since = asked.get(`${room} ${read}`);
    if (since === undefined) return;
    asked.delete(`${room} ${read}`);
    counts.told++;
    counts.push.recordMs(now() - since);
  });
  return counts;
}

function outcomeOf(
  stage: Stage<Stage["options"] & RoomsOptions>,
  lists: readonly List[],
  updates: Updates,
  faults: string[],
): Outcome {
  const { messages, read, told, answer, push, failures, load, sends } = updates;
  const latencyRow = (name: string, { count, p50, p90, p99, max }: Percentiles) => [
    name,
    number(count),
    ...[p50, p90, p99, max].map(milliseconds),
  ];
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: "Room lists: from dialling to ready",
        columns: ["rooms", "connects", "p50", "p99", "max", "size of ready"],
        rows: lists.map(({ rooms: count, latency, bytes }) => [
          number(count),
          number(latency.count),
          ...[latency.p50, latency.p99, latency.max].map(milliseconds),
          `${number(bytes / 1024)} KiB`,
        ]),
      },
      {
        title: "Unread updates in 500 rooms",
        columns: ["measure", "a second"],
        rows: [
          ["messages asked for", number(stage.options.rate)],
          ["messages acknowledged", number(Math.round(messages))],
          ["marked as read (mean over the whole run)", number(Math.round(read))],
          ["told to the other session (mean over the whole run)", number(Math.round(told))],
        ],
      },
      {
        title: "Latency of unread updates",
        columns: ["of", "count", "p50", "p90", "p99", "max"],
        rows: [latencyRow("the answer to read", answer), latencyRow("unread at the other session", push)],
      },
    ],
    charts: [
      percentileChart("unread", "Unread updates", {
        "answer to read": answer,
        "unread at the other session": push,
      }),
    ],
    figures: { lists, messages, read, told, answer, push, sends },
    faults: [...faults, ...(failures > 0 ? [`${number(failures)} reads were refused`] : [])],
    limits: [...generatorLimits({ loads: [load] }), ...sends.limits],
    notes: [
      "a read marker that another has overtaken is not told to the other session: fewer may be told than were marked",
    ],
  };
}
