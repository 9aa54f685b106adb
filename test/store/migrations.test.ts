/** What a database was migrated with is compared with what this program has. */
import { cp, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import postgres from "postgres";
import { expect, test } from "vitest";
import { migrate } from "../../src/store/migrations.ts";
import { describeWith } from "../services/need.ts";

const logger = { info: () => {}, warn: () => {}, error: () => {} };
const OWN = new URL("../../src/store/migrations/", import.meta.url);

describeWith("postgres", "migrations", ({ postgres: server }) => {
  /** A copy of the migrations that a test may change, and how to migrate a fresh database with it. */
  async function world() {
    const folder = await mkdtemp(join(tmpdir(), "causeway-migrations-"));
    await cp(OWN, folder, { recursive: true });
    const url = await server.createDatabase();
    const up = () => migrate({ url, sessions: true, logger }, undefined, pathToFileURL(`${folder}/`));
    await up();
    const names = (await readdir(folder)).sort();
    return { folder, url, up, first: join(folder, names[0]!), last: names.at(-1)! };
  }

  test("are refused with a changed text, not with other line endings", async () => {
    const { up, first } = await world();
    const text = await readFile(first, "utf8");
    await writeFile(first, text.replaceAll("\n", "\r\n"));
    await up();
    await writeFile(first, `${text}\n-- changed`);
    await expect(up()).rejects.toThrow(/text of 0001-foundation\.sql changed after/);
  });

  test("are refused by a program older than the schema", async () => {
    const { url, up } = await world();
    const sql = postgres(url, { max: 1 });
    await sql`insert into causeway_migrations (name, checksum) values ('9999-future.sql', 'x')`;
    await expect(up()).rejects.toThrow(/newer than this program, which does not know 9999-future\.sql/);
    await sql.end();
  });

  test("are taken over as they are from a database without checksums", async () => {
    const { url, up, last } = await world();
    const sql = postgres(url, { max: 1 });
    await sql`alter table causeway_migrations drop column checksum`;
    await up();
    const rows = await sql<
      { checksum: string | null }[]
    >`select checksum from causeway_migrations where name = ${last}`;
    expect(rows[0]?.checksum).toMatch(/^[0-9a-f]{64}$/);
    await sql.end();
  });
});
