/** Brings the database to this program's schema; safe when several processes start at once. */
import { readdir, readFile } from "node:fs/promises";
import { Umzug } from "umzug";
import { type Connection, openConnection, statementLanguage } from "./connection.ts";
import type { StoreLogger } from "./database.ts";
import { createSql, type Sql } from "./sql.ts";

/** Beside this file, in the sources and in the build. */
const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^\d{4}-[a-z0-9-]+\.sql$/;
/** Any number that no other program uses for an advisory lock in this database. */
const LOCK = 4_207_849_263;
/** A migration may rewrite tables; whoever waits for the lock waits as long. */
const LIMIT_MS = 30 * 60_000;
const OLDEST_SERVER = 140_000;

/**
 * Runs the migrations that the database does not have yet, each in a transaction of its own, in the order of names.
 * `turn` picks one of the URL's hosts.
 * @returns what the database was given when it was made
 * @throws Error that says what to do when the server can't be used
 */
export async function migrate(
  url: string,
  logger: StoreLogger,
  turn: number,
): Promise<{ epoch: string; secret: string }> {
  const parameters = { application_name: "causeway-migrations", statement_timeout: 0 };
  const connection = openConnection({ url, turn, parameters, silenceMs: LIMIT_MS });
  const sql = createSql(statementLanguage(), connection.run);
  try {
    await requireUsableServer(sql);
    // Held by the session: it goes with the connection, however that ends.
    await sql`select pg_advisory_lock(${LOCK})`;
    await sql`create table if not exists causeway_migrations (name text primary key)`;
    await createUmzug(connection, sql, logger).up();
    const rows = await sql<{ key: string; value: string }[]>`
      select key, value from causeway_meta where key in ('epoch', 'secret')`;
    const meta = new Map(rows.map(({ key, value }) => [key, value]));
    return { epoch: meta.get("epoch") as string, secret: meta.get("secret") as string };
  } finally {
    connection.close();
  }
}

async function requireUsableServer(sql: Sql): Promise<void> {
  const [row] = await sql<[{ version: number; encoding: string; standby: boolean }]>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
           pg_is_in_recovery() as standby`;
  if (row.version < OLDEST_SERVER) throw new Error("DATABASE_URL: PostgreSQL 14 or newer is needed");
  if (row.encoding !== "UTF8") throw new Error("DATABASE_URL: create the database with the encoding UTF8");
  if (row.standby) throw new Error("DATABASE_URL: this is a read-only standby; name the primary server");
}

function createUmzug(connection: Connection, sql: Sql, logger: StoreLogger): Umzug {
  return new Umzug({
    migrations: async () => {
      const names = (await readdir(FOLDER)).filter((name) => FILE_NAME.test(name)).sort();
      return names.map((name) => ({ name, up: () => apply(connection, name) }));
    },
    storage: {
      // Recorded by `apply`, in the migration's own transaction.
      logMigration: async () => {},
      unlogMigration: async () => {},
      executed: async () => {
        const rows = await sql<{ name: string }[]>`select name from causeway_migrations`;
        return rows.map(({ name }) => name);
      },
    },
    logger: {
      info: ({ event, name }) => {
        if (event === "migrated") logger.info({ migration: name }, "The database was migrated");
      },
      warn: () => {},
      error: () => {},
      debug: () => {},
    },
  });
}

async function apply(connection: Connection, name: string): Promise<void> {
  const text = await readFile(new URL(name, FOLDER), "utf8");
  await connection.script(
    `begin;\n${text}\n;insert into causeway_migrations (name) values ('${name}');\ncommit;`,
  );
}
