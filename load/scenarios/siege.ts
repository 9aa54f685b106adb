import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { now } from "../measuring/clock.ts";
import { createLatency, mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import { processUse } from "../measuring/process-watch.ts";
import { bounded } from "../options.ts";
import { percentileChart, timeChart } from "../report/charts.ts";
import { emptyOutcome, mebibytes, milliseconds, number, type Outcome } from "../report/outcome.ts";
import { startCaddy } from "../services/caddy.ts";
import type { Answers, Attack } from "../siege/attackers.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import { separateRooms, type Target } from "../target/target.ts";
import type { Scenario } from "./scenario.ts";

export interface SiegeOptions {
  sessions: number;
  docs: number;
  spaces: number;
  downloads: number;
  uploads: number;
  junkTokens: number;
  mostPing: number;
  mostRss: number;
}

const ATTACKERS = join(import.meta.dirname, "../siege/attackers.js");
const FILE_BYTES = 16 * 2 ** 20;
const PING_EVERY_MS = 250;
const CALM_SECONDS = 5;

export const siege: Scenario<SiegeOptions> = {
  name: "siege",
  summary: "sessions ping while strangers do what costs a server most, through the proxy of deploy/",
  description: `Many clients on /docs, long runs of spaces in Authorization, downloads that nobody reads, uploads that never end, and
tokens of an issuer whose keys do not come: all at once, through Caddy with deploy/Caddyfile. Meanwhile sessions ping four
times a second. Every ping must stay below its bound, and the server's memory below another.`,
  options: [
    bounded("--sessions <n>", "sessions that ping", { least: 1, most: 1_000, default: 50 }),
    bounded("--docs <n>", "clients on /docs", { least: 0, most: 2_000, default: 300 }),
    bounded("--spaces <n>", "clients with spaces in Authorization", { least: 0, most: 500, default: 20 }),
    bounded("--downloads <n>", "downloads that are hardly read", { least: 0, most: 500, default: 80 }),
    bounded("--uploads <n>", "uploads that stall", { least: 0, most: 500, default: 10 }),
    bounded("--junk-tokens <n>", "hellos with a token of the hanging issuer", {
      least: 0,
      most: 500,
      default: 80,
    }),
    bounded("--most-ping <ms>", "no ping may take longer", { least: 1, most: 60_000, default: 250 }),
    bounded("--most-rss <mib>", "the server may not grow beyond", { least: 100, most: 16_384, default: 512 }),
  ],
  defaults: { duration: 20 },
  run: async (stage) => {
    const issuer = await hangingIssuer();
    try {
      return await besiege(stage, issuer.url);
    } finally {
      issuer.stop();
    }
  },
};

async function besiege(stage: Stage<Stage["options"] & SiegeOptions>, issuerUrl: string): Promise<Outcome> {
  const settings = {
    ...{ RATE_LIMITS: "on", TRUSTED_PROXIES: "127.0.0.1" },
    ...{ AUTH_JWKS_URL: issuerUrl, AUTH_ISSUER: "https://issuer.example.org" },
  };
  const { sessions } = stage.options;
  const target = await stage.use(causewayTarget(stage.options, { settings }));
  const caddy = await startCaddy({ upstream: target.url.host, isPlain: true });
  await stage.use(Promise.resolve({ ...target, stop: caddy.stop }));
  stage.describe(`${target.name} behind Caddy with deploy/Caddyfile, database: ${target.database}`);
  stage.progress.step(`making ${number(sessions)} people`, 1);
  const { tokens } = await target.populate(separateRooms(1, sessions), () => undefined);
  const [first = ""] = tokens;
  const file = await upload(target.url, first);
  const clients = await Promise.all(tokens.map((token) => openAskingClient(new URL(caddy.url), token)));
  const calm = await pingAll(stage, target, clients, "before the siege", CALM_SECONDS);
  const { docs, spaces, downloads, uploads, junkTokens } = stage.options;
  const attackers = startAttackers({
    ...{ url: caddy.url, token: first, file, docs, spaces, downloads, uploads, junkTokens },
  });
  const under = await pingAll(stage, target, clients, "under siege", stage.options.duration);
  const answers = await attackers.end();
  for (const client of clients) client.close();
  return outcomeOf(stage.options, { calm, under, answers });
}

interface Pings {
  latency: Percentiles;
  lost: number;
  /** Resident bytes of the server, over the seconds. */
  rss: [number, number][];
}

/** Every session asks at its own pace, whatever the others wait for; a ping without an answer counts as long as it waited. */
async function pingAll(
  stage: Stage,
  target: Target,
  clients: readonly AskingClient[],
  when: string,
  seconds: number,
): Promise<Pings> {
  const latency = createLatency();
  const bar = stage.progress.overTime(`${number(clients.length)} sessions ping ${when}`, seconds);
  const rss: [number, number][] = [];
  const began = now();
  const endAt = began + seconds * 1000;
  let lost = 0;
  const keepPinging = async (client: AskingClient) => {
    await delay(Math.random() * PING_EVERY_MS);
    while (now() < endAt) {
      const since = now();
      try {
        await client.ask("ping", {});
      } catch {
        lost++;
        return;
      } finally {
        latency.recordMs(now() - since);
      }
      await delay(Math.max(0, since + PING_EVERY_MS - now()));
    }
  };
  const watch = setInterval(() => {
    rss.push([(now() - began) / 1000, processUse(target.pids.server)?.rss ?? 0]);
  }, PING_EVERY_MS);
  await Promise.all(clients.map(keepPinging));
  clearInterval(watch);
  bar.end();
  return { latency: mergeLatencies([latency.encode()]), lost, rss };
}

function startAttackers(attack: Attack) {
  const child = fork(ATTACKERS, { execArgv: ["--enable-source-maps"] });
  child.send(attack);
  return {
    end: async (): Promise<Answers> => {
      const told = once(child, "message");
      child.send("end");
      const [answers] = (await told) as [Answers];
      return answers;
    },
  };
}

async function upload(url: URL, token: string): Promise<string> {
  const form = new FormData();
  form.set("file", new Blob([Buffer.alloc(FILE_BYTES, 1)]), "large.bin");
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(new URL("/v1/attachments", url), { method: "POST", headers, body: form });
  if (!answer.ok) throw new Error(`the upload answered ${answer.status}: ${await answer.text()}`);
  return `/v1/attachments/${((await answer.json()) as { id: string }).id}/file`;
}

/** Takes connections and says nothing. */
async function hangingIssuer(): Promise<{ url: string; stop(): void }> {
  const server = createServer(() => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Siege {
  calm: Pings;
  under: Pings;
  answers: Answers;
}

function outcomeOf({ mostPing, mostRss }: SiegeOptions, { calm, under, answers }: Siege): Outcome {
  const most = (pings: Pings) => Math.max(0, ...pings.rss.map(([, bytes]) => bytes));
  const row = (name: string, pings: Pings) => {
    const { count, p50, p99, max } = pings.latency;
    return [
      name,
      number(count),
      ...[p50, p99, max].map(milliseconds),
      number(pings.lost),
      mebibytes(most(pings)),
    ];
  };
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: "Pings",
        columns: ["when", "pings", "p50", "p99", "p100", "sessions lost", "server's RSS at most"],
        rows: [row("before", calm), row("under siege", under)],
      },
      {
        title: "What the attackers were answered",
        columns: ["kind and answer", "count"],
        rows: Object.entries(answers)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([what, count]) => [what, number(count)]),
      },
    ],
    charts: [
      percentileChart("pings", "Pings", { before: calm.latency, "under siege": under.latency }),
      timeChart(
        "memory",
        "The server under siege",
        [{ name: "RSS", points: under.rss.map(([at, bytes]) => [at, bytes / 2 ** 20]) }],
        "MiB",
      ),
    ],
    figures: { calm, under, answers },
    faults: [
      ...(under.latency.max > mostPing
        ? [`a ping took ${milliseconds(under.latency.max)}, at most ${mostPing} ms are allowed`]
        : []),
      ...(under.lost > 0 ? [`${number(under.lost)} sessions were lost`] : []),
      ...(most(under) > mostRss * 2 ** 20
        ? [`the server took ${mebibytes(most(under))}, at most ${mostRss} MiB are allowed`]
        : []),
    ],
    notes: [
      "attackers, sessions, proxy, server and database share the machine",
      "every attacker has a loopback address of its own",
    ],
  };
}
