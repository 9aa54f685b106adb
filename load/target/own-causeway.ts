/** A Causeway of the run's own: the built program on a free loopback port, with a database that goes with it. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SETTINGS } from "../../src/config.ts";
import { freePort } from "../services/free-port.ts";
import { newPostgresCluster } from "../services/postgres-cluster.ts";
import { type ServiceCommand, type ServiceProcess, startProcess } from "../services/service-process.ts";

export interface OwnCauseway {
  url: URL;
  adminToken: string;
  /** Of the process that runs now. */
  pid(): number;
  /** Of the throw-away PostgreSQL; null with another database. */
  databasePid: number | null;
  /** In words, for the report. */
  database: string;
  /** Of its PostgreSQL; null with the embedded database. */
  databaseUrl: string | null;
  /** Ends it and starts it afresh on the same port and database: nothing of what it did before is in its memory. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface OwnCausewayOptions {
  /** `embedded`, a PostgreSQL URL, or null: a throw-away PostgreSQL. */
  database: "embedded" | string | null;
  /** Set over the load's own settings. */
  settings?: Record<string, string>;
  /** Writes a CPU profile into this folder when it ends. */
  cpuProfile?: string | undefined;
  /** A start that installs and starts a homeserver takes longer. */
  startLimitMs?: number;
}

const PROGRAM = resolve(import.meta.dirname, "../../src/main.js");
const READY = /^Causeway ready.*?(https?:\/\/[^\s/]+)/m;

export async function startOwnCauseway(options: OwnCausewayOptions): Promise<OwnCauseway> {
  if (!existsSync(PROGRAM)) throw new Error("the program is not built: npm run build");
  const postgres = options.database === null ? await startPostgres() : null;
  const folder = mkdtempSync(join(tmpdir(), "causeway-load-"));
  const end = async (server: ServiceProcess | null) => {
    await server?.end();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const adminToken = randomBytes(24).toString("base64url");
  const command: ServiceCommand = {
    command: process.execPath,
    args: [...nodeArguments(options.cpuProfile), PROGRAM],
    folder,
    ready: READY,
    endWith: "SIGTERM",
    env: environment({
      PORT: String(await freePort()),
      ADMIN_TOKEN: adminToken,
      DATA_DIR: join(folder, "data"),
      DEMO: "off",
      LOG_LEVEL: "warn",
      MATRIX_HOMESERVER_URL: "off",
      RATE_LIMITS: "off",
      ...databaseSetting(postgres?.url ?? options.database),
      ...options.settings,
    }),
    ...(options.startLimitMs !== undefined && { startLimitMs: options.startLimitMs }),
  };
  try {
    let server = await startProcess(command);
    return {
      url: new URL(READY.exec(server.output())?.[1] as string),
      adminToken,
      pid: () => server.pid,
      databasePid: postgres?.pid ?? null,
      databaseUrl: postgres?.url ?? (options.database === "embedded" ? null : options.database),
      database: databaseWords(options.database, postgres?.version),
      restart: async () => {
        await server.end();
        server = await startProcess(command);
      },
      stop: () => end(server),
    };
  } catch (error) {
    await end(null);
    throw error;
  }
}

function databaseWords(database: string | null, version: string | undefined): string {
  if (version !== undefined) return `throw-away PostgreSQL ${version}, synchronous_commit=on`;
  return database === "embedded" ? "embedded" : "PostgreSQL of --database-url";
}

async function startPostgres() {
  const cluster = await newPostgresCluster();
  const process = await startProcess(cluster.command);
  return {
    url: cluster.url("postgres"),
    pid: process.pid,
    version: cluster.version,
    stop: async () => {
      await process.end();
      rmSync(cluster.command.folder, { recursive: true, force: true });
    },
  };
}

function nodeArguments(cpuProfile: string | undefined): string[] {
  if (cpuProfile === undefined) return ["--enable-source-maps"];
  mkdirSync(cpuProfile, { recursive: true });
  return ["--enable-source-maps", "--cpu-prof", "--cpu-prof-dir", resolve(cpuProfile)];
}

function databaseSetting(database: string | null): Record<string, string> {
  return database === null || database === "embedded" ? {} : { DATABASE_URL: database };
}

/** Our own environment without Causeway's settings: what a developer has set must not change a measurement. */
export function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const env = { ...process.env };
  const kept = new Set(["CAUSEWAY_CACHE_DIR"]);
  for (const { name } of SETTINGS) if (!kept.has(name)) delete env[name];
  delete env.NODE_OPTIONS;
  return { ...env, ...settings };
}
