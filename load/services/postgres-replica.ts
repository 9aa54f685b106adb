/**
 * Two PostgreSQL servers on free loopback ports, the second a streaming standby of the first. Tests kill, promote and
 * hold back either; both keep what they acknowledged through kill -9, as in production.
 */
import { existsSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyRunning, run, withConnection, write } from "./postgres-backup.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { clusterFilledBy, newPostgresCluster, type PostgresCluster } from "./postgres-cluster.ts";
import { type ServiceProcess, startProcess } from "./service-process.ts";

export interface PostgresServer {
  url(database: string): string;
  readonly port: number;
  /** Starts it again after `kill9` or `end`. */
  start(): Promise<void>;
  /** kill -9 of the postmaster; its backends notice and end. */
  kill9(): Promise<void>;
  /** A fast shutdown. */
  end(): Promise<void>;
  /** Changes a setting; new statements of every connection see it. */
  configure(name: string, value: string): Promise<void>;
  /** Its postmaster and all that it started. */
  pids(): number[];
  /** Runs statements, in its database `postgres` unless told. */
  query<T extends object = Record<string, unknown>>(text: string, database?: string): Promise<T[]>;
}

export interface PostgresPair {
  /** The server that was made to take writes last. */
  readonly primary: PostgresServer;
  /** The other one: a standby, or after `promote` a former primary that still believes in itself when it runs. */
  readonly standby: PostgresServer;
  /** Makes an empty database, which the standby has when this resolves, and returns its name. */
  createDatabase(): Promise<string>;
  /** Both servers as a list of hosts, in the order in which they were made. */
  url(database: string): string;
  /** The standby gets nothing more of what the primary writes. Never together with `synchronous`: commits would wait. */
  pauseReplication(): Promise<void>;
  resumeReplication(): Promise<void>;
  /** Resolves when the standby has applied all that the primary wrote until now. */
  caughtUp(): Promise<void>;
  /** Makes the standby the primary and resolves when it takes writes. The former primary is not touched: end it first. */
  promote(): Promise<void>;
  /** After `promote` or `restore`: throws the other server's data away and makes it a standby of the primary. */
  rejoin(): Promise<void>;
  /** Copies what the primary has now, as operators make their base backups, and returns the copy's folder. */
  backUp(): Promise<string>;
  /**
   * Ends both servers and starts the primary from a backup, which can be taken again. What was written since is gone;
   * the standby stays down until `rejoin`.
   */
  restore(backup: string): Promise<void>;
  stop(): Promise<void>;
}

const LIMIT_MS = 20_000;

/** @param options.synchronous the primary acknowledges what the standby has on disk, too */
export async function startPostgresPair(options: { synchronous: boolean }): Promise<PostgresPair> {
  const first = runServer(await newPostgresCluster());
  await first.start();
  const second = await standbyOf(first);
  let [primary, standby] = [first, second];
  let databases = 0;
  let backups = 0;

  async function caughtUp(): Promise<void> {
    const [row] = await primary.query<{ at: string }>("select pg_current_wal_flush_lsn() as at");
    await until(async () => {
      const [reached] = await standby.query<{ ok: boolean }>(
        `select pg_last_wal_replay_lsn() >= '${row?.at}'::pg_lsn as ok`,
      );
      return reached?.ok === true;
    }, "the standby does not catch up");
  }
  async function attach(): Promise<void> {
    await until(
      async () =>
        (await primary.query("select from pg_stat_replication where state = 'streaming'")).length > 0,
      "the standby does not stream",
    );
    if (options.synchronous) await primary.configure("synchronous_standby_names", "*");
  }
  await attach();
  return {
    get primary() {
      return primary;
    },
    get standby() {
      return standby;
    },
    async createDatabase() {
      const name = `test_${++databases}`;
      await primary.query(`create database ${name}`);
      await caughtUp();
      return name;
    },
    url: (database) =>
      primary.url(database).replace(/@[^/]+/, `@127.0.0.1:${first.port},127.0.0.1:${second.port}`),
    async pauseReplication() {
      await standby.configure("primary_conninfo", "");
      await until(
        async () => (await standby.query("select from pg_stat_wal_receiver")).length === 0,
        "the standby goes on streaming",
      );
    },
    resumeReplication: () => standby.configure("primary_conninfo", connectionTo(primary)),
    caughtUp,
    async promote() {
      // Whether it waits for a standby of its own is decided when it has one.
      await standby.query("alter system reset synchronous_standby_names");
      await standby.query("select pg_promote(true)");
      [primary, standby] = [standby, primary];
    },
    async rejoin() {
      await standby.end();
      await standby.refill(primary);
      await standby.start();
      await attach();
    },
    async backUp() {
      const folder = join(primary.folder, `backup-${++backups}`);
      await copyRunning(primary, folder, "with log");
      return folder;
    },
    async restore(backup) {
      await Promise.all([primary.end(), standby.end()]);
      await primary.fill(backup);
      await primary.start();
    },
    async stop() {
      await Promise.all([first.end(), second.end()]);
      for (const { folder } of [first, second]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface RunServer extends PostgresServer {
  readonly folder: string;
  readonly data: string;
  readonly identity: PostgresBinaries["identity"];
  /** Makes its data anew, as a standby's. It must not run. */
  refill(primary: RunServer): Promise<void>;
  /** Makes its data anew from a backup. It must not run. */
  fill(backup: string): Promise<void>;
}

function runServer(cluster: PostgresCluster): RunServer {
  let process: ServiceProcess | null = null;
  const { data } = cluster;
  // Either server may be a standby one day.
  const command = { ...cluster.command, ready: /ready to accept (read-only )?connections/ };
  const url = cluster.url("postgres");
  const finish = async (ending: "kill9" | "end") => {
    await process?.[ending]();
    process = null;
  };
  return {
    url: cluster.url,
    port: Number(new URL(url).port),
    folder: command.folder,
    data,
    identity: command.identity,
    pids: () => processesIn(data),
    async start() {
      // Backends of a killed postmaster notice its end; until they did, a new one refuses the folder.
      const deadline = Date.now() + LIMIT_MS;
      while (process === null) {
        process = await startProcess(command).catch(async (error: Error) => {
          if (!/pre-existing shared memory|is already in use/.test(error.message) || Date.now() > deadline)
            throw error;
          await delay(50);
          return null;
        });
      }
    },
    kill9: () => finish("kill9"),
    end: () => finish("end"),
    async configure(name, value) {
      await this.query(`alter system set ${name} = '${value}'`);
      await this.query("select pg_reload_conf()");
    },
    query: (text, database = "postgres") =>
      withConnection(cluster.url(database), async (sql) => (await sql.unsafe(text)) as never),
    async refill(primary) {
      await withoutProcesses(data);
      rmSync(data, { recursive: true });
      await copyAsStandby(primary, data);
    },
    async fill(backup) {
      await withoutProcesses(data);
      rmSync(data, { recursive: true });
      await run("cp", ["-a", backup, data], command.identity);
    },
  };
}

async function standbyOf(primary: RunServer): Promise<RunServer> {
  const cluster = await clusterFilledBy((_binaries, _folder, data) => copyAsStandby(primary, data));
  const standby = runServer(cluster);
  await standby.start();
  return standby;
}

async function copyAsStandby(primary: RunServer, data: string): Promise<void> {
  await copyRunning(primary, data, "without log");
  await write(data, "standby.signal", "", primary.identity);
  await write(
    data,
    "postgresql.auto.conf",
    `primary_conninfo = '${connectionTo(primary)}'\n`,
    primary.identity,
  );
}

/** PostgreSQL's processes work in their data folder. */
function processesIn(data: string): number[] {
  if (!existsSync("/proc") || !existsSync(data)) return [];
  const folder = realpathSync(data);
  const isThere = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false; // It ended while we looked, or is another user's.
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isThere(name))
    .map(Number);
}

/** Backends of a killed postmaster write to its folder until they notice. */
async function withoutProcesses(data: string): Promise<void> {
  await until(async () => processesIn(data).length === 0, "processes of the ended PostgreSQL stay");
}

function connectionTo(primary: PostgresServer): string {
  const { hostname, port, username } = new URL(primary.url("postgres"));
  return `host=${hostname} port=${port} user=${username}`;
}

async function until(isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await delay(20);
  }
}
