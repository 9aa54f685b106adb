/** A PostgreSQL server of the test's own on a free loopback port, as durable as in production. */
import { existsSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import type { PostgresBinaries } from "../../load/services/postgres-binaries.ts";
import { newPostgresCluster } from "../../load/services/postgres-cluster.ts";
import { type ServiceProcess, startProcess } from "../../load/services/service-process.ts";

export interface PostgresService {
  /** Of the database `postgres`. */
  readonly url: string;
  readonly version: string;
  readonly from: PostgresBinaries["from"];
  /** Of the postmaster that runs now. */
  pid(): number;
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** kill -9 of one backend that serves the database of this URL: PostgreSQL ends all of them and recovers. */
  kill9Backend(databaseUrl: string): Promise<void>;
  /** kill -9 of the postmaster; its backends notice and end. */
  kill9(): Promise<void>;
  /** Starts it again after `kill9`, on the same port, and waits for its recovery. */
  start(): Promise<void>;
  /** Ends it (a fast shutdown) and starts it again; after `kill9` only the latter. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const ORPHANS_LIMIT_MS = 20_000;

export async function startPostgres(): Promise<PostgresService> {
  const cluster = await newPostgresCluster();
  const { data } = cluster;
  const { folder } = cluster.command;
  const url = cluster.url("postgres");
  let process: ServiceProcess | null = null;
  let databases = 0;

  const start = async () => {
    await backendsGone(data);
    process = await startProcess(cluster.command);
  };
  const end = async () => {
    await process?.end();
    process = null;
  };
  const running = () => {
    if (process === null) throw new Error("PostgreSQL does not run: start() it first");
    return process;
  };

  try {
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    version: cluster.version,
    from: cluster.from,
    pid: () => running().pid,
    createDatabase: async () => {
      const name = `test_${++databases}`;
      await withConnection(url, (sql) => sql.unsafe(`CREATE DATABASE ${name}`));
      return cluster.url(name);
    },
    kill9Backend: (databaseUrl) => killBackend(url, new URL(databaseUrl).pathname.slice(1)),
    kill9: async () => {
      await running().kill9();
      process = null;
    },
    start,
    restart: async () => {
      await end();
      await start();
    },
    stop: async () => {
      await end();
      await backendsGone(data);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function withConnection<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function killBackend(url: string, database: string): Promise<void> {
  const [backend] = await withConnection(
    url,
    (sql) => sql<{ pid: number }[]>`
      SELECT pid FROM pg_stat_activity WHERE datname = ${database} AND backend_type = 'client backend'
      ORDER BY query_start DESC NULLS LAST LIMIT 1`,
  );
  if (!backend) throw new Error(`no backend serves ${database}`);
  process.kill(backend.pid, "SIGKILL");
}

/** A new postmaster refuses the data folder while a backend of the killed one still has its shared memory. */
async function backendsGone(data: string): Promise<void> {
  const deadline = Date.now() + ORPHANS_LIMIT_MS;
  while (processesIn(data).length > 0) {
    if (Date.now() > deadline) throw new Error("backends of the killed PostgreSQL do not end");
    await delay(20);
  }
}

/** PostgreSQL's processes work in their data folder. */
function processesIn(data: string): string[] {
  if (!existsSync("/proc")) return [];
  const folder = realpathSync(data);
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && workingFolder(pid) === folder);
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ""; // It ended while we looked, or is another user's.
  }
}
