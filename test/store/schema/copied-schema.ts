/** A copy of this program's schema files that a test may change, and a database to bring up with them. */
import { cp, mkdir, mkdtemp, readdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { migrate } from "../../../src/store/schema/migrate.ts";

export const OWN_SCHEMA = new URL("../../../src/store/schema/", import.meta.url);

/** What a start applied. */
export interface Applied {
  migrations: string[];
  functions: string[];
}

export async function copySchema() {
  const folder = await mkdtemp(join(tmpdir(), "causeway-schema-"));
  const path = (name: string) => join(folder, name);
  for (const name of ["migrations", "functions"])
    await cp(new URL(`${name}/`, OWN_SCHEMA), path(name), { recursive: true });

  /** Brings the database up, as a starting process does. */
  async function up(url: string): Promise<Applied> {
    let applied: Applied = { migrations: [], functions: [] };
    const info = (fields: object) => {
      const { migrations, functions } = fields as Applied;
      applied = { migrations, functions };
    };
    const logger = { info, warn: () => {}, error: () => {} };
    await migrate({ url, sessions: true, logger }, undefined, pathToFileURL(`${folder}/`));
    return applied;
  }

  /** Brings the database to where it was before this migration, when functions had no files. */
  async function upBefore(migration: string, url: string): Promise<void> {
    const later = (await readdir(path("migrations"))).filter((name) => name >= migration);
    const move = (from: string, to: string) =>
      Promise.all(
        later.map((name) => rename(path(`migrations/${name}${from}`), path(`migrations/${name}${to}`))),
      );
    await move("", ".later");
    await rename(path("functions"), path("functions.later"));
    await mkdir(path("functions"));
    await writeFile(path("functions/versions.txt"), "");
    await up(url);
    await move(".later", "");
    await cp(path("functions.later"), path("functions"), { recursive: true });
  }

  return { path, up, upBefore };
}
