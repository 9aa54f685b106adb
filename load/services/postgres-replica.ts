/**
 * Two PostgreSQL servers on free loopback ports, the second a streaming standby of the first. Tests kill, promote and
 * hold back either; both keep what they acknowledged through kill -9, as in production.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
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
  /** Runs a statement in its database `postgres`. */
  query<T extends object = Record<string, unknown>>(text: string): Promise<T[]>;
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
  /** After `promote`: throws the former primary's data away and makes it a standby of the new one. */
  rejoin(): Promise<void>;
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

  async function caughtUp(): Promise<void> {
    const [row] = await primary.query<{ at: string }>("select pg_current_wal_flush_lsn() as at");
    await until(async () => {
      const [reached] = await standby.query<{ ok: boolean }>(
        `select pg_last_wal_replay_lsn() >= '${row?.at}'::pg_lsn as ok`,
      );
      return reached?.ok === true;
    }, "the standby does not catch up");
  }
  async function join(): Promise<void> {
    await until(
      async () =>
        (await primary.query("select from pg_stat_replication where state = 'streaming'")).length > 0,
      "the standby does not stream",
    );
    if (options.synchronous) await primary.configure("synchronous_standby_names", "*");
  }
  await join();
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
      await join();
    },
    async stop() {
      await Promise.all([first.end(), second.end()]);
      for (const { folder } of [first, second]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface RunServer extends PostgresServer {
  readonly folder: string;
  /** Makes its data anew, as a standby's. It must not run. */
  refill(primary: PostgresServer & { data: string }): Promise<void>;
  readonly data: string;
}

function runServer(cluster: PostgresCluster): RunServer {
  let process: ServiceProcess | null = null;
  const { data } = cluster;
  // Either server may be a standby one day.
  const command = { ...cluster.command, ready: /ready to accept (read-only )?connections/ };
  const url = cluster.url("postgres");
  const run = async (ending: "kill9" | "end") => {
    await process?.[ending]();
    process = null;
  };
  return {
    url: cluster.url,
    port: Number(new URL(url).port),
    folder: command.folder,
    data,
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
    kill9: () => run("kill9"),
    end: () => run("end"),
    async configure(name, value) {
      await this.query(`alter system set ${name} = '${value}'`);
      await this.query("select pg_reload_conf()");
    },
    query: (text) => withConnection(url, async (sql) => (await sql.unsafe(text)) as never),
    async refill(primary) {
      rmSync(data, { recursive: true });
      await copyAsStandby(primary, command.identity, data);
    },
  };
}

async function standbyOf(primary: RunServer): Promise<RunServer> {
  const cluster = await clusterFilledBy(({ identity }, _folder, data) =>
    copyAsStandby(primary, identity, data),
  );
  const standby = runServer(cluster);
  await standby.start();
  return standby;
}

/** A base backup, made as PostgreSQL's manual says (25.3.4), because npm's PostgreSQL has no pg_basebackup. */
async function copyAsStandby(
  primary: PostgresServer & { data: string },
  identity: PostgresBinaries["identity"],
  data: string,
): Promise<void> {
  await withConnection(primary.url("postgres"), async (sql) => {
    await sql`select pg_backup_start('standby', true)`;
    const script = `
      umask 077 && mkdir "$2" && cd "$1" || exit 1
      { tar --exclude='./pg_wal/*' --exclude='./pg_replslot/*' --exclude=./postmaster.pid --exclude=./postmaster.opts -cf - . ||
        [ $? = 1 ]; } | tar -C "$2" -xf -
    `; // tar ends with 1 when a file changed while it was read, which the write-ahead log makes good.
    const copied = spawnSync("sh", ["-c", script, "copy", primary.data, data], {
      encoding: "utf8",
      ...identity,
    });
    const [stopped] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop(false)`;
    if (copied.status !== 0 || !stopped) throw new Error(`the base backup failed: ${copied.stderr}`);
    const write = (name: string, text: string) =>
      spawnSync("tee", ["-a", join(data, name)], { input: text, ...identity });
    write("backup_label", stopped.labelfile);
    write("standby.signal", "");
    write("postgresql.auto.conf", `primary_conninfo = '${connectionTo(primary)}'\n`);
  });
  if (!existsSync(join(data, "standby.signal"))) throw new Error("the standby's folder could not be written");
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

async function withConnection<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
