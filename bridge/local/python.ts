/**
 * Python virtual environments in the user's cache folder, one per version of its contents, shared by all starts and tests.
 * A lock lets one process at a time change an environment. Marker files tell a finished environment from one whose making
 * was interrupted. (It can't be made elsewhere and then moved, because its scripts contain its path.)
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileLock } from "../../src/file-lock.ts";
import { findPython, pythonVariables } from "./python-interpreter.ts";

export interface PythonRequest {
  /** The name of its folder in the cache, after its contents: `synapse-1.163.2`. */
  name: string;
  /**
   * Every pip requirement that the caller needs, with versions. A later request with more of them adds to the same
   * environment.
   */
  packages: readonly string[];
  /** Gets lines for the terminal while the environment is made or completed. Not called when it is complete. */
  onProgress?: (line: string) => void;
  /** The only Python to consider. Unset: the first complete one on PATH. */
  python?: string | undefined;
  /** Unset: {@link cacheFolder}. */
  cacheDir?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface PythonEnvironment {
  /** Path of the interpreter. */
  python: string;
  /** Folder of the commands. */
  bin: string;
  folder: string;
}

const CHANGING = ".causeway-changing";
const COMPLETE = ".causeway-complete-";
const PROGRESS_EVERY_MS = 2_000;
const KEPT_OUTPUT_LINES = 40;
const UNREACHABLE =
  /NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|Max retries exceeded|Connection (?:refused|reset|broken)/;

/** `configured`, else $CAUSEWAY_CACHE_DIR, else `causeway` in the user's cache folder. */
export function cacheFolder(configured?: string, env: NodeJS.ProcessEnv = process.env): string {
  const own = configured || env.CAUSEWAY_CACHE_DIR;
  return own || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "causeway");
}

/**
 * Returns the environment. Makes or completes it first if needed, which takes about a minute (from PyPI).
 * Safe in several processes at once, and after one of them was killed.
 * @throws Error of one line: no Python, PyPI unreachable, or pip's own error
 */
export async function pythonEnvironment(request: PythonRequest): Promise<PythonEnvironment> {
  const cache = cacheFolder(request.cacheDir);
  const folder = join(cache, request.name);
  const environment = { folder, bin: join(folder, "bin"), python: join(folder, "bin", "python") };
  if (isComplete(environment, request.packages)) return environment;

  mkdirSync(cache, { recursive: true });
  const say = request.onProgress ?? (() => undefined);
  const onWait = () => say(`Waiting for another process that sets up ${request.name}`);
  const lock = await fileLock(join(cache, `${request.name}.lock`), onWait, request.signal);
  try {
    if (!isComplete(environment, request.packages)) await make(environment, request, lock.descriptor, say);
  } finally {
    lock.release();
  }
  return environment;
}

/** Whether {@link pythonEnvironment} would return at once. */
export function hasPythonEnvironment(
  request: Pick<PythonRequest, "name" | "packages" | "cacheDir">,
): boolean {
  const folder = join(cacheFolder(request.cacheDir), request.name);
  const python = join(folder, "bin", "python");
  return isComplete({ folder, bin: join(folder, "bin"), python }, request.packages);
}

async function make(
  environment: PythonEnvironment,
  request: PythonRequest,
  lock: number,
  say: (line: string) => void,
): Promise<void> {
  const since = performance.now();
  const { folder } = environment;
  const log = `${folder}.log`;
  writeFileSync(log, "");
  const run = (command: string, args: string[], onLine?: (line: string) => void) =>
    runLogged(command, args, { log, lock, onLine, signal: request.signal });
  if (isBroken(environment)) {
    const python = await findPython(request.python);
    clear(folder);
    say(`Setting up ${request.name} in ${folder} (once, about a minute)`);
    const made = await run(python, ["-m", "venv", folder]);
    if (made.code !== 0)
      throw new Error(`${python} could not make ${folder}: ${lastLine(made.lines)}. See ${log}`);
  } else {
    say(`Adding to ${request.name}: ${request.packages.join(", ")}`);
    writeFileSync(join(folder, CHANGING), "");
  }
  const installed = await run(environment.python, pipArguments(request.packages), pipProgress(say));
  request.signal?.throwIfAborted();
  if (installed.code !== 0) throw pipError(installed.lines, log);
  const marker = join(folder, COMPLETE + fingerprint(request.packages));
  writeFileSync(marker, realpathSync(environment.python));
  rmSync(join(folder, CHANGING));
  say(`${request.name} is set up (${Math.round((performance.now() - since) / 1000)} s)`);
}

/** Whether all packages are there, no change was interrupted, and the environment's Python is still the same. */
function isComplete({ folder, python }: PythonEnvironment, packages: readonly string[]): boolean {
  const marker = join(folder, COMPLETE + fingerprint(packages));
  if (!existsSync(marker) || !existsSync(python) || existsSync(join(folder, CHANGING))) return false;
  return readFileSync(marker, "utf8") === realpathSync(python);
}

/** Whether it has to be made again: it was never finished, a change was interrupted, or its Python is gone or another. */
function isBroken({ folder, python }: PythonEnvironment): boolean {
  if (!existsSync(python) || existsSync(join(folder, CHANGING))) return true;
  const markers = readdirSync(folder).filter((name) => name.startsWith(COMPLETE));
  const real = realpathSync(python);
  return !markers.some((name) => readFileSync(join(folder, name), "utf8") === real);
}

/** Empties the folder and marks it as unfinished. @throws Error when it is not one of ours */
function clear(folder: string): void {
  if (existsSync(folder)) {
    const names = readdirSync(folder);
    if (names.length > 0 && !names.includes(CHANGING) && !names.includes("pyvenv.cfg")) {
      throw new Error(`${folder} is not a Python environment. Move it away, or set CAUSEWAY_CACHE_DIR`);
    }
    // The marker is written first and stays, so that an interrupted removal is recognized as ours.
    writeFileSync(join(folder, CHANGING), "");
    for (const name of names)
      if (name !== CHANGING) rmSync(join(folder, name), { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, CHANGING), "");
}

function fingerprint(packages: readonly string[]): string {
  return createHash("sha256").update(packages.toSorted().join("\n")).digest("hex").slice(0, 12);
}

function pipArguments(packages: readonly string[]): string[] {
  const quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"];
  // Wheels only: a source package needs compilers, and runs its own code during the installation.
  return ["-m", "pip", "install", ...quiet, "--only-binary", ":all:", ...packages];
}

function pipProgress(say: (line: string) => void): (line: string) => void {
  let fetched = 0;
  let saidAt = performance.now();
  return (line) => {
    const file = /^\s*(?:Downloading|Using cached) (?:\S*\/)?([A-Za-z0-9_.]+)-\d/.exec(line)?.[1];
    if (file) fetched++;
    const count = /^Installing collected packages: (.*)/.exec(line)?.[1]?.split(",").length;
    if (count) say(`… installing ${count} packages`);
    if (!file || performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    say(`… ${fetched} packages fetched, now ${file}`);
  };
}

function pipError(lines: string[], log: string): Error {
  if (lines.some((line) => UNREACHABLE.test(line))) {
    return new Error(`PyPI can't be reached. Check the network or pip's settings; what it said is in ${log}`);
  }
  return new Error(`pip could not install what is needed: ${lastLine(lines)}. See ${log}`);
}

function lastLine(lines: string[]): string {
  const line = lines.findLast((text) => text.startsWith("ERROR:")) ?? lines.at(-1) ?? "it said nothing";
  return line
    .replace(/^ERROR: /, "")
    .trim()
    .replace(/\.$/, "");
}

interface RunOptions {
  log: string;
  /** Descriptor of the lock. The child inherits it, so that the lock stays while the child writes, also if we are killed. */
  lock: number;
  onLine?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

async function runLogged(
  command: string,
  args: string[],
  { log, lock, onLine, signal }: RunOptions,
): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", lock],
    env: pythonVariables(),
    ...(signal && { signal }),
  });
  const lines: string[] = [];
  const collect = (line: string) => {
    appendFileSync(log, `${line}\n`);
    if (line.trim() !== "") lines.push(line);
    if (lines.length > KEPT_OUTPUT_LINES) lines.shift();
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on("line", collect);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, lines };
}
