/** The database's functions are what their files make. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import postgres from "postgres";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { copySchema, OWN_SCHEMA } from "./copied-schema.ts";

const FUNCTIONS = new URL("functions/", OWN_SCHEMA);
/** The advisory lock under which a process works on the schema. */
const LOCK = 4_207_849_263;
/** The last migration that defined functions. */
const LAST_WITH_FUNCTIONS = "0027-repeated-requests.sql";

/** Paths below the folder, `rooms/causeway_pair.sql`, in the order of the files' names. */
const paths = (await readdir(FUNCTIONS, { recursive: true }))
  .filter((path) => path.endsWith(".sql"))
  .sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
const files = paths.map((path) => basename(path));
const textOf = async (path: string) =>
  (await readFile(new URL(path, FUNCTIONS), "utf8")).replaceAll("\r\n", "\n");

describe("the files of functions", () => {
  test("have each of their texts in versions.txt once, the present one last", async () => {
    const lines = (await textOf("versions.txt")).trimEnd().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
    expect(new Set(files).size).toBe(files.length);
    for (const path of paths) {
      const name = basename(path);
      const checksum = createHash("sha256")
        .update(await textOf(path))
        .digest("hex");
      expect(lines.findLast((line) => line.endsWith(` ${name}`))).toBe(`${checksum}  ${name}`);
    }
  });

  test("are the only place that defines functions from now on", async () => {
    const migrations = new URL("migrations/", OWN_SCHEMA);
    for (const name of await readdir(migrations)) {
      if (name <= LAST_WITH_FUNCTIONS) continue;
      const text = await readFile(new URL(name, migrations), "utf8");
      expect(text, name).not.toMatch(/create\s+(or\s+replace\s+)?function|pg_get_functiondef/i);
    }
  });
});

describeWith("postgres", "functions of the database", ({ postgres: server }) => {
  /** A fresh database with all migrations and functions. */
  async function freshDatabase() {
    const schema = await copySchema();
    const url = await server.createDatabase();
    await schema.up(url);
    return { schema, sql: postgres(url, { max: 1, onnotice: () => {} }), up: () => schema.up(url) };
  }

  /** Changes a file, as a newer program's, in a way that leaves a row in `applications` whenever the file is applied. */
  async function change(path: string): Promise<void> {
    await writeFile(path, `${await readFile(path, "utf8")}insert into applications values (1);\n`);
  }

  test("are the ones that the files make, and no others", async () => {
    const { sql } = await freshDatabase();
    expect(await definitions(sql, "public")).toEqual(await made(sql));
    await sql.end();
  });

  test("are those of the files after a start with the database of a program without files", async () => {
    const schema = await copySchema();
    const url = await server.createDatabase();
    await schema.upBefore("9", url);
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    await sql`drop table causeway_functions`;
    await sql`create or replace function causeway_pair(a bigint, b bigint) returns text language sql as 'select null::text'`;
    expect(await definitions(sql, "public")).not.toEqual(await made(sql));
    expect(await schema.up(url)).toEqual({ migrations: [], functions: files });
    expect(await definitions(sql, "public")).toEqual(await made(sql));
    await sql.end();
  });

  test("are applied again once when a file changed and two processes start", async () => {
    const { schema, sql, up } = await freshDatabase();
    await sql`create table applications (n int)`;
    await change(schema.path("functions/rooms/causeway_pair.sql"));
    await sql`select pg_advisory_lock(${LOCK})`;
    const starts = Promise.all([up(), up()]);
    await waiting(sql, 2);
    await sql`select pg_advisory_unlock(${LOCK})`;
    const applied = (await starts).map(({ functions }) => functions);
    expect(applied.filter((names) => names.length > 0)).toEqual([["causeway_pair.sql"]]);
    await up();
    expect(await sql`select n from applications`).toHaveLength(1);
    await sql.end();
  });

  test("stay as they were, with what is known of them, when a file can't be applied", async () => {
    const { schema, sql, up } = await freshDatabase();
    await sql`create table applications (n int)`;
    const remembered = () => sql`select * from causeway_functions order by name`;
    const before = [await definitions(sql, "public"), await remembered()];
    await change(schema.path("functions/messages/causeway_append.sql"));
    const broken = schema.path("functions/messages/causeway_withdraw.sql");
    const text = await readFile(broken, "utf8");
    await writeFile(broken, text.replace("end if;", "end fi;"));
    await expect(up()).rejects.toThrow(/^causeway_withdraw\.sql can't be applied: syntax error/);
    expect([await definitions(sql, "public"), await remembered()]).toEqual(before);
    expect(await sql`select n from applications`).toHaveLength(0);
    await writeFile(broken, text);
    expect((await up()).functions).toEqual(["causeway_append.sql"]);
    await sql.end();
  });

  test("are refused by an older program: a text that it does not know, a file that it does not know", async () => {
    const { sql, up } = await freshDatabase();
    const refusal = (name: string) =>
      `The database's functions are newer than this program, which does not know this text of ${name}`;
    await sql`update causeway_functions set checksum = 'newer' where name = 'causeway_pair.sql'`;
    await expect(up()).rejects.toThrow(refusal("causeway_pair.sql"));
    await sql`delete from causeway_functions where name = 'causeway_pair.sql'`;
    await sql`insert into causeway_functions values ('causeway_future.sql', 'newer', true, 1)`;
    await expect(up()).rejects.toThrow(refusal("causeway_future.sql"));
    await sql.end();
  });

  test("are brought up from every earlier text, and forgotten when their file is gone", async () => {
    const { schema, sql, up } = await freshDatabase();
    const versions = schema.path("functions/versions.txt");
    await writeFile(
      versions,
      `earlier  causeway_pair.sql\nearlier  causeway_former.sql\n${await readFile(versions, "utf8")}`,
    );
    await sql`update causeway_functions set checksum = 'earlier' where name = 'causeway_pair.sql'`;
    await sql`insert into causeway_functions values ('causeway_former.sql', 'earlier', true, 1)`;
    expect((await up()).functions).toEqual(["causeway_pair.sql"]);
    const names = await sql<{ name: string }[]>`select name from causeway_functions order by name`;
    expect(names.map(({ name }) => name)).toEqual(files);
    await sql.end();
  });

  test("are replaced when their text was work in progress, by each later text and by the released one", async () => {
    const { schema, sql, up } = await freshDatabase();
    await sql`create table applications (n int)`;
    const path = schema.path("functions/rooms/causeway_pair.sql");
    const released = await readFile(path, "utf8");
    for (let drafts = 0; drafts < 2; drafts++) {
      await change(path);
      expect((await up()).functions).toEqual(["causeway_pair.sql"]);
    }
    await writeFile(path, released);
    expect((await up()).functions).toEqual(["causeway_pair.sql"]);
    expect(await sql`select name from causeway_functions where not listed`).toHaveLength(0);
    await sql.end();
  });

  test("are the same after a start with other line endings", async () => {
    const { schema, up } = await freshDatabase();
    const path = schema.path("functions/rooms/causeway_pair.sql");
    await writeFile(path, (await readFile(path, "utf8")).replaceAll("\n", "\r\n"));
    expect(await up()).toEqual({ migrations: [], functions: [] });
  });
});

type Definitions = Record<string, string>;

/** The functions of a database's schema: by file name, the statement that makes them. */
async function definitions(sql: postgres.ISql, schema: string): Promise<Definitions> {
  const rows = await sql<{ name: string; text: string }[]>`
    select p.proname as name, pg_get_functiondef(p.oid) as text from pg_proc p
    where p.pronamespace = ${schema}::regnamespace order by 1, 2`;
  const named: Definitions = {};
  for (const { name, text } of rows) {
    const before = named[`${name}.sql`];
    named[`${name}.sql`] = (before ?? "") + text.replace(` ${schema}.`, " public.");
  }
  return named;
}

/** What each file makes, alone in a schema that is rolled back. */
async function made(sql: postgres.Sql): Promise<Definitions> {
  const all: Definitions = {};
  for (const path of paths) {
    const text = await textOf(path);
    await sql.begin(async (tx) => {
      await tx`create schema made`;
      await tx`set local search_path = made, public`;
      await tx.unsafe(text);
      const here = await definitions(tx, "made");
      expect(Object.keys(here)).toEqual([basename(path)]);
      Object.assign(all, here);
      await tx`set local search_path = public`;
      await tx`drop schema made cascade`;
    });
  }
  return all;
}

/** Resolves when so many processes wait for the lock. */
async function waiting(sql: postgres.Sql, count: number): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ n: number }]>`
      select count(*)::int as n from pg_locks
      where locktype = 'advisory' and not granted and objid::bigint = ${LOCK}::bigint & 4294967295
        and database = (select oid from pg_database where datname = current_database())`;
    if (row.n >= count) return;
  }
}
