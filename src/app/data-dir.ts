/** DATA_DIR, and the secrets that Causeway makes itself and stores there. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Makes the folder (readable by its owner only) and returns its absolute path. */
export function openDataDir(path: string): string {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Reads the text in the file `name`; if there is none, stores the result of `make`. Only the owner can read the file. */
export function keptText(dataDir: string, name: string, make: () => string): { text: string; path: string } {
  const path = join(dataDir, name);
  if (!existsSync(path)) {
    writeFileSync(path, `${make()}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(path, 0o600);
  }
  return { text: readFileSync(path, "utf8").trim(), path };
}

export function newSecret(bytes = 24): string {
  return randomBytes(bytes).toString("base64url");
}
