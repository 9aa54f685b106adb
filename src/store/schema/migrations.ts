/** The numbered migrations of migrations/. Each is applied once, and its text never changes afterwards. */
import type { Connection } from "../sql/connection.ts";
import type { Sql } from "../sql/sql.ts";
import { readSqlFiles, type SqlFile } from "./sql-files.ts";

const FILE_NAME = /^\d{4}-[a-z0-9-]+\.sql$/;

export function readMigrations(folder: URL): Promise<SqlFile[]> {
  return readSqlFiles(folder, FILE_NAME);
}

/**
 * Applies the first migration that the database does not have. The caller holds the lock and the transaction.
 * @returns its name, or null when there was none
 * @throws Error when a newer or another program wrote the schema
 */
export async function applyNextMigration(
  connection: Connection,
  sql: Sql,
  migrations: readonly SqlFile[],
): Promise<string | null> {
  await connection.script(`
    create table if not exists causeway_migrations (name text primary key);
    alter table causeway_migrations add column if not exists checksum text`);
  await requireOwnPast(sql, migrations);
  const applied = await sql<{ name: string }[]>`select name from causeway_migrations`;
  const names = new Set(applied.map(({ name }) => name));
  const next = migrations.find(({ name }) => !names.has(name));
  if (!next) return null;
  await connection.script(next.text);
  await sql`insert into causeway_migrations (name, checksum) values (${next.name}, ${next.checksum})`;
  return next.name;
}

/** Adds the checksums that older databases lack. @throws Error when a newer or another program wrote the schema */
async function requireOwnPast(sql: Sql, migrations: readonly SqlFile[]): Promise<void> {
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
