/** Brings the database to this program's schema; safe when several processes start at once. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { type Connection, hostCount, openConnection, statementLanguage } from "../connection.ts";
import type { StoreLogger } from "../database.ts";
import { createHosts, type Hosts } from "../hosts.ts";
import { createSql, type Sql } from "../sql.ts";

/** Beside this file, in the sources and in the build. */
const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^\d{4}-[a-z0-9-]+\.sql$/;
/** Any number that no other program uses for an advisory lock in this database. */
const LOCK = 4_207_849_263;
/** A migration may rewrite tables; whoever waits for the lock waits as long. */
const LIMIT_MS = 30 * 60_000;
const OLDEST_SERVER = 140_000;

export interface MigrateOptions {
  url: string;
  /** False behind PgBouncer in transaction mode. */
  sessions: boolean;
  logger: StoreLogger;
}

interface Migration {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Runs the migrations that the database does not have yet, each in a transaction of its own, in the order of names.
 * @param folder where they are; unset: this program's
 * @returns what the database was given when it was made
 * @throws Error that says what to do when the server can't be used, or its schema is not of this program's past
 */
export async function migrate(
  { url, sessions, logger }: MigrateOptions,
  hosts: Hosts = createHosts(hostCount(url)),
  folder = FOLDER,
): Promise<{ secret: string }> {
  const connection = openConnection({ url, hosts, settings: {}, prepare: false, silenceMs: LIMIT_MS });
  const sql = createSql(statementLanguage(), connection.run);
  try {
    await requireUsableServer(sql);
    if (!sessions) await requireUsableDefaults(sql, logger);
    const migrations = await readMigrations(folder);
    const applied: string[] = [];
    for (let name = await applyNext(connection, sql, migrations); name !== null; ) {
      applied.push(name);
      name = await applyNext(connection, sql, migrations);
    }
    if (applied.length > 0)
      logger.info({ event: "store.migrated", migrations: applied }, "The database was migrated");
    const [row] = await sql<
      [{ secret: string }]
    >`select value as secret from causeway_meta where key = 'secret'`;
    return row;
  } finally {
    connection.close();
  }
}

async function requireUsableServer(sql: Sql): Promise<void> {
  const [row] = await sql<[{ version: number; encoding: string }]>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`;
  if (row.version < OLDEST_SERVER) throw new Error("DATABASE_URL: PostgreSQL 14 or newer is needed");
  if (row.encoding !== "UTF8") throw new Error("DATABASE_URL: create the database with the encoding UTF8");
}

/** Where connections are no sessions, what the store's guarantees rest on has to be the role's or the database's default. */
async function requireUsableDefaults(sql: Sql, logger: StoreLogger): Promise<void> {
  const [row] = await sql<[{ commit: string; isolation: string; timeout: string }]>`
    select current_setting('synchronous_commit') as commit, current_setting('statement_timeout') as timeout,
           current_setting('default_transaction_isolation') as isolation`;
  const advice = "With DATABASE_PREPARE=off set it for the role: alter role … set";
  if (row.commit === "off" || row.commit === "local")
    throw new Error(`DATABASE_URL: synchronous_commit is ${row.commit}. ${advice} synchronous_commit = on`);
  if (row.isolation !== "read committed") {
    const wanted = "default_transaction_isolation = 'read committed'";
    throw new Error(`DATABASE_URL: default_transaction_isolation is ${row.isolation}. ${advice} ${wanted}`);
  }
  if (row.timeout === "0") {
    const message = `The database never gives a statement up. ${advice} statement_timeout = '5s'`;
    logger.warn({ event: "store.no_statement_timeout" }, message);
  }
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      // A checkout may have other line endings.
      const text = (await readFile(new URL(name, folder), "utf8")).replaceAll("\r\n", "\n");
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

/**
 * One transaction holds the lock, looks what the database has, and applies the first migration that it has not.
 * @returns its name, or null when there was none
 */
async function applyNext(
  connection: Connection,
  sql: Sql,
  migrations: readonly Migration[],
): Promise<string | null> {
  await connection.script(
    "begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0",
  );
  try {
    await sql`select pg_advisory_xact_lock(${LOCK})`;
    await connection.script(`
      create table if not exists causeway_migrations (name text primary key);
      alter table causeway_migrations add column if not exists checksum text`);
    await requireOwnPast(sql, migrations);
    const applied = await sql<{ name: string }[]>`select name from causeway_migrations`;
    const names = new Set(applied.map(({ name }) => name));
    const next = migrations.find(({ name }) => !names.has(name));
    if (next) {
      await connection.script(next.text);
      await sql`insert into causeway_migrations (name, checksum) values (${next.name}, ${next.checksum})`;
    }
    await sql`commit`;
    return next?.name ?? null;
  } catch (error) {
    connection.kill();
    throw error;
  }
}

/** Takes over databases from before checksums. @throws Error when a newer or another program wrote the schema */
async function requireOwnPast(sql: Sql, migrations: readonly Migration[]): Promise<void> {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  const applied = await sql<{ name: string; checksum: string | null }[]>`
    select name, checksum from causeway_migrations order by name`;
  const newer = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (newer.length > 0) {
    throw new Error(
      `The database's schema is newer than this program, which does not know ${newer.join(", ")}: run a newer Causeway`,
    );
  }
  const changed = applied.filter(({ name, checksum }) => checksum !== null && checksum !== known.get(name));
  if (changed.length > 0) {
    const names = changed.map(({ name }) => name).join(", ");
    throw new Error(
      `The text of ${names} changed after the database was migrated with it: restore the file, and make a new migration`,
    );
  }
  for (const { name, checksum } of applied) {
    if (checksum === null)
      await sql`update causeway_migrations set checksum = ${known.get(name) as string} where name = ${name}`;
  }
}
