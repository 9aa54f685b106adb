/** SQL files of this program, with checksums. The database keeps the checksums of the texts that were applied. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

export interface SqlFile {
  name: string;
  text: string;
  /** SHA-256 of the text, as `sha256sum` prints it. */
  checksum: string;
}

/** @returns the files of the folder whose names match, in the order of their names */
export async function readSqlFiles(folder: URL, names: RegExp): Promise<SqlFile[]> {
  const found = (await readdir(folder)).filter((name) => names.test(name)).sort();
  return await Promise.all(
    found.map(async (name) => {
      const text = await readText(new URL(name, folder));
      return { name, text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

/** Reads a text with the line endings of the checksums; a checkout may have others. */
export async function readText(file: URL): Promise<string> {
  return (await readFile(file, "utf8")).replaceAll("\r\n", "\n");
}
