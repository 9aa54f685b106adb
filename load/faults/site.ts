/** What a run breaks: two gateways and two bridges over PostgreSQL with a standby, Redis and Synapse, all on loopback. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../services/free-port.ts";
import { type RedisService, startRedis } from "../services/redis.ts";
import { type SynapseService, startSynapse } from "../services/synapse.ts";
import { environment } from "../target/own-causeway.ts";
import { BRIDGES, GATEWAYS, type LinkName, PROGRAMS, type ProgramName } from "./kinds.ts";
import { type Database, startDatabase } from "./parts/database.ts";
import { type Link, openLink } from "./parts/link.ts";
import { type Program, program } from "./parts/program.ts";

export interface Site {
  readonly adminToken: string;
  readonly database: Database;
  readonly redis: RedisService;
  readonly synapse: SynapseService;
  program(name: ProgramName): Program;
  readonly programs: readonly Program[];
  /** The connections that this name stands for. */
  links(name: LinkName): readonly Link[];
  /** Cuts every program off the database, or lets all back. */
  setDatabaseLinks(state: "cut" | "open"): void;
  /** Where people connect: `ws://…/ws`, any gateway. */
  readonly chatUrl: string;
  /** What the parts wrote last, for whoever wants to know why. */
  outputs(): Record<string, string>;
  stop(): Promise<void>;
}

export interface SiteOptions {
  isSynchronous: boolean;
  /** Says what is being started. */
  onStep(what: string): void;
}

const REGISTRATION = resolve(import.meta.dirname, "../../bridge/registration-cli.js");
const HEARTBEAT_MS = 5_000;
const DRAIN_MS = 1_000;

export async function openSite(options: SiteOptions): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  const enders: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async () => {
    for (let end = enders.pop(); end; end = enders.pop()) await end();
  };
  try {
    return await build(options, folder, enders, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  { isSynchronous, onStep }: SiteOptions,
  folder: string,
  enders: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<Site> {
  onStep("starting PostgreSQL with its standby, and Redis");
  const database = await startDatabase(isSynchronous);
  enders.push(() => database.pair.stop());
  const redis = await startRedis();
  enders.push(() => redis.stop());

  const adminToken = randomBytes(24).toString("base64url");
  const ports = Object.fromEntries(
    await Promise.all(PROGRAMS.map(async (name) => [name, await freePort()] as const)),
  ) as Record<ProgramName, number>;
  const programs = new Map<ProgramName, Program>();
  const links = new Map<LinkName, Link[]>();
  const link = async (name: LinkName, target: () => number | null) => {
    const opened = await openLink(name, target);
    enders.push(opened.stop);
    links.set(name, [...(links.get(name) ?? []), opened]);
    return opened.port;
  };
  const running = (names: readonly ProgramName[]) =>
    names.filter((name) => programs.get(name)?.isRunning).map((name) => ports[name]);

  const appservicePort = await link("synapse→bridges", () => running(BRIDGES)[0] ?? null);
  const common: Record<string, string> = {
    ADMIN_TOKEN: adminToken,
    DATA_DIR: join(folder, "data"),
    DEMO: "off",
    LOG_LEVEL: "warn",
    RATE_LIMITS: "off",
    HEARTBEAT_MS: String(HEARTBEAT_MS),
    DRAIN_MS: String(DRAIN_MS),
    MATRIX_REGISTRATION: join(folder, "registration.yaml"),
    MATRIX_APPSERVICE_URL: `http://127.0.0.1:${appservicePort}`,
  };
  await promisify(execFile)(process.execPath, [REGISTRATION], { env: environment(common) });
  onStep("starting Synapse");
  const registrationPath = common.MATRIX_REGISTRATION as string;
  const synapse = await startSynapse({ registrationPath });
  enders.push(() => synapse.stop());
  const homeserverPort = Number(new URL(synapse.url).port);

  onStep("starting two gateways and two bridges");
  const { pair } = database;
  const databasePorts = [pair.primary.port, pair.standby.port];
  for (const name of PROGRAMS) {
    const databases: number[] = [];
    for (const port of databasePorts) databases.push(await link(`${name}→database`, () => port));
    const redisPort = await link(`${name}→redis`, () => Number(new URL(redis.url).port));
    const hosts = databases.map((port) => `127.0.0.1:${port}`).join(",");
    const made = program(name, ports[name], folder, {
      ...common,
      ROLE: name.startsWith("bridge") ? "bridge" : "gateway",
      DATABASE_URL: pair.url(database.name).replace(/@[^/]+/, `@${hosts}`),
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      MATRIX_HOMESERVER_URL: `http://127.0.0.1:${await link(`${name}→synapse`, () => homeserverPort)}`,
      MATRIX_PUBLIC_URL: synapse.url,
    });
    programs.set(name, made);
    enders.push(() => made.kill());
    await made.start();
  }
  const doors: number[] = [];
  for (const name of GATEWAYS) doors.push(await link(`people→${name}`, () => running([name])[0] ?? null));
  // One that is down is passed over, as a proxy does that looks at /healthz.
  let turn = 0;
  const front = await openLink("people", () => {
    const up = doors.filter((_, index) => programs.get(GATEWAYS[index] as ProgramName)?.isRunning);
    return up[turn++ % up.length] ?? null;
  });
  enders.push(front.stop);
  return {
    ...{ adminToken, database, redis, synapse, stop },
    program: (name) => programs.get(name) as Program,
    programs: [...programs.values()],
    links: (name) => links.get(name) ?? [],
    setDatabaseLinks: (state) => {
      for (const name of PROGRAMS)
        for (const one of links.get(`${name}→database`) ?? []) one.set({ name: state });
    },
    chatUrl: `ws://127.0.0.1:${front.port}/ws`,
    outputs: () => Object.fromEntries([...programs].map(([name, { output }]) => [name, output()])),
  };
}
