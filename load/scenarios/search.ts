import { setTimeout as delay } from "node:timers/promises";
import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { now } from "../measuring/clock.ts";
import { generatorLimits } from "../measuring/generator-verdict.ts";
import { createLatency, mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import { watchOwnLoad } from "../measuring/own-load.ts";
import { bounded } from "../options.ts";
import { percentileChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome } from "../report/outcome.ts";
import { bulkWord, fillBulk, indexedEvents } from "../services/bulk-messages.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import type { Scenario } from "./scenario.ts";

export interface SearchOptions {
  messages: number;
  probes: number;
}

type SearchStage = Stage<Stage["options"] & SearchOptions>;

/** Rooms in all, and those of each reader. */
const ROOMS = 6_000;
const READERS = [5, 100, 5_000] as const;
/** Events a second that indexing may assume at least, to have an end. */
const MIN_INDEXED_PER_SECOND = 500;

/** What is asked for, by the ranks of the words: the first is the commonest. */
const QUESTIONS: Record<string, () => string[]> = {
  "very common": () => [bulkWord(between(1, 3))],
  medium: () => [bulkWord(between(300, 1_000))],
  rare: () => [bulkWord(between(20_000, 49_000))],
  "common and medium": () => [bulkWord(between(1, 3)), bulkWord(between(300, 1_000))],
  "in no message": () => ["nowhere"],
};

export const search: Scenario<SearchOptions> = {
  name: "search",
  summary: "searching among many messages",
  description: `Writes messages straight into the database of the server that is started, waits until their words are
indexed, and lets readers of 5, 100 and 5,000 rooms search in all their rooms, one question at a time and in turn: for words
that are very common, medium, rare and absent. It does not show searches beside sends.`,
  options: [
    bounded("--messages <n>", "messages in all rooms", {
      least: 10_000,
      most: 10_000_000,
      default: 1_000_000,
    }),
    bounded("--probes <n>", "searches of each kind by each reader", {
      least: 10,
      most: 10_000,
      default: 100,
    }),
  ],
  run: async (stage): Promise<Outcome> => {
    const { messages } = stage.options;
    const target = await stage.use(causewayTarget(stage.options));
    const { databaseUrl } = target;
    if (databaseUrl === null)
      throw new Error("search fills a database of its own: leave --url and --embedded out");
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const { tokens } = await target.populate({ people: READERS.length, rooms: [] }, () => undefined);
    const userIds = await Promise.all(tokens.map((token) => userIdOf(target.url, token)));
    stage.progress.step(`writing ${number(messages)} messages`, 1);
    const readers = READERS.map((rooms, n) => ({ rooms, userId: userIds[n] as number }));
    await fillBulk(databaseUrl, { messages, rooms: ROOMS, readers });
    const indexedPerSecond = await indexed(stage, databaseUrl);
    const clients = await Promise.all(tokens.map((token) => openAskingClient(target.url, token)));
    const load = watchOwnLoad();
    const found = await ask(stage, clients);
    for (const client of clients) client.close();
    return outcomeOf(stage, found, indexedPerSecond, generatorLimits({ loads: [load.read()] }));
  },
};

function between(first: number, last: number): number {
  return first + Math.floor(Math.random() * (last - first + 1));
}

async function userIdOf(url: URL, token: string): Promise<number> {
  const client = await openAskingClient(url, token);
  client.close();
  return Number(client.ready.user.id);
}

/** Resolves when the index knows all messages, with how many events a second it took in. */
async function indexed(stage: SearchStage, databaseUrl: string): Promise<number> {
  const { messages } = stage.options;
  const since = performance.now();
  stage.progress.step("indexing their words", messages);
  for (;;) {
    const count = await indexedEvents(databaseUrl);
    stage.progress.at(Math.min(messages, count));
    const seconds = (performance.now() - since) / 1_000;
    if (count >= messages) return count / seconds;
    if (seconds > 60 + messages / MIN_INDEXED_PER_SECOND)
      throw new Error(`only ${number(count)} of ${number(messages)} messages were indexed in time`);
    await delay(1_000);
  }
}

interface Found {
  rooms: number;
  question: string;
  latency: Percentiles;
  /** Hits of a search, on average. */
  hits: number;
}

/** Every kind of question by every reader in turn, so that what else happens on the machine meets all of them. */
async function ask(stage: SearchStage, clients: readonly AskingClient[]): Promise<Found[]> {
  const { probes } = stage.options;
  const kinds = Object.entries(QUESTIONS).flatMap(([question, words]) =>
    READERS.map((rooms, n) => ({
      question,
      words,
      rooms,
      client: clients[n] as AskingClient,
      hits: 0,
      latency: createLatency(),
    })),
  );
  stage.progress.step("searching", probes);
  for (let probe = 0; probe < probes; probe++) {
    for (const kind of kinds) {
      const since = now();
      const { hits } = await kind.client.ask("search", { text: kind.words().join(" ") });
      kind.latency.recordMs(now() - since);
      kind.hits += hits.length;
    }
    stage.progress.at(probe + 1);
  }
  return kinds.map(({ rooms, question, latency, hits }) => ({
    ...{ rooms, question, hits: hits / probes },
    latency: mergeLatencies([latency.encode()]),
  }));
}

function outcomeOf(stage: SearchStage, found: Found[], indexedPerSecond: number, limits: string[]): Outcome {
  const { messages } = stage.options;
  const worst = found.reduce((most, { latency }) => Math.max(most, latency.p95), 0);
  const curves = found.filter(({ rooms }) => rooms === READERS[2]);
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: `A page of 20 among ${number(messages)} messages`,
        columns: ["rooms", "word", "hits", "p50", "p95", "max"],
        rows: found.map(({ rooms, question, hits, latency: { p50, p95, max } }) => [
          ...[number(rooms), question, number(hits)],
          ...[p50, p95, max].map(milliseconds),
        ]),
      },
    ],
    charts: [
      percentileChart(
        "search",
        `Searches in ${number(READERS[2])} rooms`,
        Object.fromEntries(curves.map(({ question, latency }) => [question, latency])),
      ),
    ],
    figures: { messages, indexedPerSecond, worstP95: worst, found },
    limits,
    notes: [
      `the server indexed ${number(indexedPerSecond)} messages/s`,
      `the highest p95 of all kinds was ${milliseconds(worst)}`,
    ],
  };
}
