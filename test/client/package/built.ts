/** The package as `npm run pack:client` makes it, and a project that has it installed. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { afterAll } from "vitest";
import { buildClientPackage } from "../../../dev/client-package/pack.ts";

export const root = resolve(import.meta.dirname, "../../..");

export interface Project {
  /** A folder with the package installed from its .tgz. */
  folder: string;
  /** The .tgz. */
  tarball: string;
  /** Writes a file of the project; returns its path. */
  write(name: string, text: string): string;
  /** The text of an entry with everything that it imports, minified unless told otherwise. */
  bundle(text: string, options?: BuildOptions): Promise<string>;
  /** Runs the compiler over the project; returns what it complains about. */
  typeCheck(): string;
}

const TYPE_CHECKING = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    // The package's declarations are checked as well, and know nothing of Node.
    skipLibCheck: false,
    types: [],
    target: "ES2022",
    lib: ["ES2022", "DOM"],
    module: "NodeNext",
    jsx: "react-jsx",
  },
};

/** @param packages packages that the project has besides, as this repository has them */
export function project(packages: readonly string[] = []): Project {
  const folder = mkdtempSync(join(tmpdir(), "causeway-client-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const tarball = packInto(folder);
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  write("package.json", JSON.stringify({ name: "app", private: true, type: "module" }));
  write("tsconfig.json", JSON.stringify(TYPE_CHECKING));
  const install = ["install", "--offline", "--no-audit", "--no-fund", "--omit=peer", tarball];
  execFileSync("npm", install, { cwd: folder, stdio: "pipe" });
  for (const name of packages) {
    cpSync(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
  return {
    ...{ folder, tarball, write },
    bundle: async (text, options) => await bundle(write("entry.ts", text), options),
    typeCheck() {
      try {
        execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
        return "";
      } catch (error) {
        return String((error as { stdout: unknown }).stdout);
      }
    },
  };
}

function packInto(folder: string): string {
  const out = join(folder, "package");
  mkdirSync(out);
  buildClientPackage(root, out);
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: out });
  const report = JSON.parse(packed.toString()) as Record<string, { filename: string }>;
  rmSync(out, { recursive: true });
  return join(folder, Object.values(report)[0]?.filename ?? "");
}

async function bundle(entry: string, options: BuildOptions = {}): Promise<string> {
  const { outputFiles = [] } = await build({
    entryPoints: [entry],
    ...{ bundle: true, minify: true, write: false, format: "esm", target: "es2022", logLevel: "silent" },
    ...options,
  });
  return outputFiles[0]?.text ?? "";
}
