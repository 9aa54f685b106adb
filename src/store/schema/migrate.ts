/** Brings the database to this program's schema; safe when several processes start at once. */
import { type Connection, hostCount, openConnection, statementLanguage } from "../sql/connection.ts";
import type { StoreLogger } from "../sql/database.ts";
import { createHosts, type Hosts } from "../sql/hosts.ts";
import { createSql, type Sql } from "../sql/sql.ts";
import { applyFunctions, readFunctions } from "./functions.ts";
import { applyNextMigration, readMigrations } from "./migrations.ts";

/** The folder of this file, in the sources and in the build: migrations/ and functions/ lie beside it. */
const FOLDER = new URL("./", import.meta.url);
/** Any number that no other program uses for an advisory lock in this database. */
const LOCK = 4_207_849_263;
/** A migration may rewrite tables. Another process waits for the lock as long. */
const MAX_SILENCE_MS = 30 * 60_000;
const OLDEST_SERVER = 140_000;

export interface MigrateOptions {
  url: string;
  /** False behind PgBouncer in transaction mode. */
  sessions: boolean;
  logger: StoreLogger;
}

/**
 * Runs the migrations that the database does not have yet, each in a transaction of its own, in the order of names. Then
 * applies the functions that changed, in one transaction.
 * @param folder where migrations/ and functions/ are; unset: this program's
 * @returns the secret that the database got when it was made
 * @throws Error that says what to do when the server can't be used, or a newer or another program wrote the schema
 */
export async function migrate(
  { url, sessions, logger }: MigrateOptions,
  hosts: Hosts = createHosts(hostCount(url)),
  folder = FOLDER,
): Promise<{ secret: string }> {
  const connection = openConnection({ url, hosts, settings: {}, prepare: false, silenceMs: MAX_SILENCE_MS });
  const sql = createSql(statementLanguage(), connection.run);
  const locked = <T>(work: () => Promise<T>) => lockedTransaction(connection, sql, work);
  try {
    await requireUsableServer(sql);
    if (!sessions) await requireUsableDefaults(sql, logger);
    const known = await readMigrations(new URL("migrations/", folder));
    const migrations: string[] = [];
    const next = () => locked(() => applyNextMigration(connection, sql, known));
    for (let name = await next(); name !== null; name = await next()) migrations.push(name);
    const files = await readFunctions(new URL("functions/", folder));
    const functions = await locked(() => applyFunctions(connection, sql, files));
    if (migrations.length + functions.length > 0)
      logger.info({ event: "store.migrated", migrations, functions }, "migrated the database");
    const [row] = await sql<
      [{ secret: string }]
    >`select value as secret from causeway_meta where key = 'secret'`;
    return row;
  } finally {
    connection.close();
  }
}

/** One process at a time works on the schema. A failure ends the connection, which undoes the transaction. */
async function lockedTransaction<T>(connection: Connection, sql: Sql, work: () => Promise<T>): Promise<T> {
  await connection.script(
    "begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0",
  );
  try {
    await sql`select pg_advisory_xact_lock(${LOCK})`;
    const result = await work();
    await sql`commit`;
    return result;
  } catch (error) {
    connection.kill();
    throw error;
  }
}

async function requireUsableServer(sql: Sql): Promise<void> {
  const [row] = await sql<[{ version: number; encoding: string }]>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`;
  if (row.version < OLDEST_SERVER) throw new Error("DATABASE_URL: PostgreSQL 14 or newer is needed");
  if (row.encoding !== "UTF8") throw new Error("DATABASE_URL: create the database with the encoding UTF8");
}

/** Checks the defaults of the role and the database. Where connections are no sessions, the store can't set them itself. */
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
    const message = `the database has no statement_timeout. ${advice} statement_timeout = '5s'`;
    logger.warn({ event: "store.no_statement_timeout" }, message);
  }
}
