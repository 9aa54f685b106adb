/** Finds a Python that can make virtual environments and run Synapse. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const NAMES = ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];
const PROBE_LIMIT_MS = 20_000;
/** Synapse's own minimum. */
const MIN_SQLITE = [3, 37, 2] as const;
const MIN_PYTHON = [3, 10] as const;

/** Prints the interpreter's path, version and modules as JSON. A missing SQLite is null. */
const PROBE = `
import importlib.util, json, sys
try:
    import sqlite3
    sqlite = list(sqlite3.sqlite_version_info)
except ImportError:
    sqlite = None
venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print(json.dumps({"path": sys.executable, "version": list(sys.version_info[:2]), "sqlite": sqlite, "venv": venv}))
`;

interface Interpreter {
  path: string;
  version: number[];
  sqlite: number[] | null;
  venv: boolean;
}

/** Variables that make Python or pip use another place than the given environment. */
const MISLEADING = [
  "PYTHONHOME",
  "PYTHONPATH",
  "PYTHONUSERBASE",
  "VIRTUAL_ENV",
  "PIP_USER",
  "PIP_TARGET",
  "PIP_PREFIX",
];

/** The environment variables for Python, without {@link MISLEADING}. */
export function pythonVariables(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = { ...env };
  for (const name of MISLEADING) delete kept[name];
  return kept;
}

/**
 * Path of the first Python ≥ 3.10 with the needed modules. `only` restricts the search to one command.
 * @throws Error of one line that says what is missing and what to install
 */
export async function findPython(only?: string): Promise<string> {
  const problems: string[] = [];
  for (const name of only === undefined ? NAMES : [only]) {
    const found = await probe(name);
    if (found === null) continue;
    const problem = problemOf(found);
    if (problem === null) return found.path;
    problems.push(`${found.path} ${problem}`);
  }
  const seen = problems.length === 0 ? "" : ` (${[...new Set(problems)].join("; ")})`;
  throw new Error(
    `no Python ≥ ${MIN_PYTHON.join(".")} found${seen}. Install python3 and python3-venv, then start again`,
  );
}

/** Null when the command is missing or fails, as the shims of version managers do. */
async function probe(name: string): Promise<Interpreter | null> {
  try {
    const options = { timeout: PROBE_LIMIT_MS, env: pythonVariables() };
    const { stdout } = await promisify(execFile)(name, ["-c", PROBE], options);
    return JSON.parse(stdout) as Interpreter;
  } catch {
    return null;
  }
}

function problemOf({ version, sqlite, venv }: Interpreter): string | null {
  if (isOlder(version, MIN_PYTHON)) return `is ${version.join(".")}`;
  if (!venv) return "has no venv: install python3-venv";
  if (sqlite === null) return "has no sqlite3 module";
  if (isOlder(sqlite, MIN_SQLITE)) return `has SQLite ${sqlite.join(".")}, ${MIN_SQLITE.join(".")} is needed`;
  return null;
}

function isOlder(version: readonly number[], least: readonly number[]): boolean {
  for (const [i, part] of least.entries()) {
    const difference = (version[i] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
