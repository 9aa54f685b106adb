/**
 * The database's functions: one file each in functions/, in a folder for each noun. A file is applied again when its text differs from the text that
 * was applied last. Numbered migrations define no functions; the files are applied after them.
 *
 * versions.txt lists every text that a file ever had, so a program can tell an older text from one of a newer program.
 * A text that is not listed is work in progress: every program replaces it. CONTRIBUTING.md says how to change a function.
 */
import { readdir } from "node:fs/promises";
import type { Connection } from "../sql/connection.ts";
import { isAway, isCrossed } from "../sql/failures.ts";
import type { Sql } from "../sql/sql.ts";
import { readSqlFiles, readText, type SqlFile } from "./sql-files.ts";

const FILE_NAME = /^[a-z_]+\.sql$/;
const VERSIONS = "versions.txt";

export interface Functions {
  files: readonly SqlFile[];
  /** Names and checksums of the texts in versions.txt. */
  listed: ReadonlySet<string>;
}

interface Applied {
  name: string;
  checksum: string;
  /** Whether the program that applied the text had it in its versions.txt. */
  listed: boolean;
}

export async function readFunctions(folder: URL): Promise<Functions> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nouns = entries.filter((entry) => entry.isDirectory());
  const found = await Promise.all(
    nouns.map(({ name }) => readSqlFiles(new URL(`${name}/`, folder), FILE_NAME)),
  );
  const files = found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = (await readText(new URL(VERSIONS, folder))).trimEnd().split("\n");
  const listed = lines.map((line) => {
    const [checksum = "", name = ""] = line.split("  ");
    return version({ name, checksum });
  });
  return { files, listed: new Set(listed) };
}

/**
 * Applies the files that differ from what was applied last. The caller holds the lock and the transaction.
 * @returns the names of the files that were applied
 * @throws Error when a newer program wrote the functions, or a file can't be applied
 */
export async function applyFunctions(
  connection: Connection,
  sql: Sql,
  { files, listed }: Functions,
): Promise<string[]> {
  await connection.script(`
    create table if not exists causeway_functions (
      name text primary key, checksum text not null, listed boolean not null, applied_at bigint not null)`);
  const applied = await sql<Applied[]>`select name, checksum, listed from causeway_functions order by name`;
  requireKnown(applied, listed);
  const last = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  const changed = files.filter(({ name, checksum }) => last.get(name) !== checksum);
  for (const file of changed) await apply(connection, sql, file, listed.has(version(file)));
  await sql`delete from causeway_functions where name <> all (${files.map(({ name }) => name)}::text[])`;
  return changed.map(({ name }) => name);
}

async function apply(connection: Connection, sql: Sql, file: SqlFile, listed: boolean): Promise<void> {
  const { name, text, checksum } = file;
  try {
    await connection.script(text);
  } catch (error) {
    if (isAway(error) || isCrossed(error)) throw error;
    throw new Error(`${name} can't be applied: ${(error as Error).message}`, { cause: error });
  }
  await sql`
    insert into causeway_functions (name, checksum, listed, applied_at)
    values (${name}, ${checksum}, ${listed}, causeway_now())
    on conflict (name) do update
    set checksum = excluded.checksum, listed = excluded.listed, applied_at = excluded.applied_at`;
}

function requireKnown(applied: readonly Applied[], listed: ReadonlySet<string>): void {
  const newer = applied.filter((file) => file.listed && !listed.has(version(file))).map(({ name }) => name);
  if (newer.length === 0) return;
  throw new Error(
    `The database's functions are newer than this program, which does not know this text of ${newer.join(", ")}: run a newer Causeway`,
  );
}

function version({ name, checksum }: { name: string; checksum: string }): string {
  return `${name} ${checksum}`;
}
