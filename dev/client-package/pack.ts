/**
 * Builds the package `@causeway/client` in dist/client-package: the compiled files that its entries reach, with their declarations.
 * `npm run pack:client` makes its .tgz there as well.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const SOURCE = "client/package";

/** The entries of the package, as they stand in `exports`. */
const ENTRIES: Record<string, string> = {
  ".": "client/package/index",
  "./msgpack": "client/msgpack",
  "./react": "client/react/index",
  "./local": "client/local/index",
  "./stores/memory": "client/stores/memory",
  "./stores/indexeddb": "client/stores/indexeddb",
  "./stores/sqlite": "client/stores/sqlite",
  "./stores/file": "client/stores/file",
};

/** Packages that an entry other than `.` needs; an app that takes the entry installs them. */
const PEERS = { msgpackr: ">=1.11", react: ">=18" };

/** @param root the repository @param out a folder; what is in it is replaced */
export function buildClientPackage(root: string, out: string): void {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const options = ["-p", join(root, "tsconfig.client.json"), "--outDir", out];
  execFileSync(process.execPath, [compiler, ...options], { stdio: ["ignore", "inherit", "inherit"] });
  cpSync(join(root, "src", SOURCE, "zod.d.ts"), join(out, "protocol/zod.d.ts"));
  const kept = new Set([...reached(out, ".js"), ...reached(out, ".d.ts")]);
  for (const file of filesOf(out)) {
    if (!kept.has(file)) rmSync(file);
    else if (file.endsWith(".d.ts")) writeFileSync(file, asDeclaration(out, file));
  }
  cpSync(join(root, "src", SOURCE, "README.md"), join(out, "README.md"));
  cpSync(join(root, "LICENSE"), join(out, "LICENSE"));
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest(root), null, 2)}\n`);
}

function manifest(root: string): object {
  const { version, license, engines } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as Record<string, unknown>;
  const entry = (path: string) => ({ types: `./${path}.d.ts`, default: `./${path}.js` });
  return {
    ...{ name: "@causeway/client", version, license, engines, type: "module", sideEffects: false },
    description: "Realtime chat over one WebSocket: every event once and in order, every message stored once",
    exports: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, entry(path)])),
    types: `./${ENTRIES["."]}.d.ts`,
    files: ["client", "protocol"],
    peerDependencies: PEERS,
    peerDependenciesMeta: Object.fromEntries(Object.keys(PEERS).map((name) => [name, { optional: true }])),
  };
}

/** The files that entries import, and what these import. @param kind the ending of the files that are looked at */
function reached(out: string, kind: ".js" | ".d.ts"): Set<string> {
  const next = filesOf(out).filter((file) =>
    Object.values(ENTRIES).some((entry) => isEntry(relative(out, file), `${entry}${kind}`)),
  );
  const seen = new Set<string>();
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const [, , target = ""] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      if (target === "zod") next.push(join(out, "protocol/zod.d.ts"));
      if (target.startsWith(".")) next.push(resolve(dirname(file), target.replace(/\.[jt]s$/, kind)));
    }
  }
  return seen;
}

const IMPORT = /((?:from|import)\s*\(?\s*)"([^"]+)"/g;

function isEntry(path: string, entry: string): boolean {
  const [start = "", end] = entry.split("*");
  return end === undefined ? path === start : path.startsWith(start) && path.endsWith(end);
}

/** A declaration as the package has it: it names files as they are there, and the schemas' types without zod. */
function asDeclaration(out: string, file: string): string {
  const types = relative(dirname(file), join(out, "protocol/zod.js"));
  return readFileSync(file, "utf8").replaceAll(IMPORT, (_, head: string, target: string) => {
    if (target === "zod") return `${head}"${types.startsWith(".") ? types : `./${types}`}"`;
    return `${head}"${target.startsWith(".") ? target.replace(/\.ts$/, ".js") : target}"`;
  });
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
