/** A PostgreSQL server of the test's own on a free loopback port, as durable as in production. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { freePort } from "../black-box/processes.ts";
import { dataFolder, findPostgres, type PostgresBinaries } from "./postgres-binaries.ts";
import { type ServiceProcess, startProcess } from "./service-process.ts";

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

const USER = "causeway";
const ORPHANS_LIMIT_MS = 20_000;

export async function startPostgres(): Promise<PostgresService> {
  const binaries = findPostgres();
  const folder = dataFolder(binaries.identity);
  const data = join(folder, "data");
  const port = await freePort();
  const url = `postgres://${USER}@127.0.0.1:${port}/postgres`;
  let process: ServiceProcess | null = null;
  let databases = 0;

  const start = async () => {
    await backendsGone(data);
    process = await startProcess({
      command: join(binaries.bin, "postgres"),
      args: ["-D", data, ...settings(port)],
      folder,
      ready: /database system is ready to accept connections/,
      endWith: "SIGINT",
      identity: binaries.identity,
    });
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
    initialise(binaries, folder, data);
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    version: binaries.version,
    from: binaries.from,
    pid: () => running().pid,
    createDatabase: async () => {
      const name = `test_${++databases}`;
      await withConnection(url, (sql) => sql.unsafe(`CREATE DATABASE ${name}`));
      return `postgres://${USER}@127.0.0.1:${port}/${name}`;
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

function initialise(binaries: PostgresBinaries, folder: string, data: string): void {
  const { identity } = binaries;
  chmodSync(folder, 0o700);
  if (identity) chownSync(folder, identity.uid, identity.gid);
  const args = ["-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
  const made = spawnSync(join(binaries.bin, "initdb"), args, { cwd: folder, encoding: "utf8", ...identity });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
}

function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    // What is acknowledged must survive kill -9: the tests are about that.
    fsync: "on",
    synchronous_commit: "on",
    logging_collector: "off",
    timezone: "UTC",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
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
