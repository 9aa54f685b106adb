/**
 * One Synapse process. It has a process group of its own, so that Ctrl-C in a terminal reaches only Causeway, and is ended
 * with its whole group. `running.json` in its folder names its pid and settings, so that the next start finds it again when
 * Causeway was killed.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { pythonVariables } from "./python-interpreter.ts";
import type { SynapseFiles } from "./synapse-config.ts";

export interface SynapseProcess {
  readonly pid: number;
  /** Whether an earlier Causeway, which is gone, has started it. */
  readonly adopted: boolean;
  alive(): boolean;
  /** Resolves when the process ends, with the reason. */
  readonly ended: Promise<string>;
}

interface Running {
  pid: number;
  fingerprint: string;
  python: string;
}

/** How long a process may take to end after SIGTERM, and then after SIGKILL. Together under 4 s. */
const TERM_LIMIT_MS = 3_000;
const KILL_LIMIT_MS = 700;
const END_POLL_MS = 25;
const LIFE_POLL_MS = 500;
const SERVING_POLL_MS = 100;
const ANSWER_LIMIT_MS = 2_000;

/**
 * Starts Synapse, and does not wait until it answers: see {@link untilServing}.
 * @throws Error when something else listens on its port
 */
export async function launchSynapse(files: SynapseFiles, python: string): Promise<SynapseProcess> {
  await requireFreePort(Number(new URL(files.url).port));
  const output = openSync(files.output, "w", 0o600);
  const child = spawn(python, ["-m", "synapse.app.homeserver", "--config-path", files.config], {
    cwd: files.folder,
    detached: true,
    stdio: ["ignore", output, output],
    env: pythonVariables(),
  });
  closeSync(output);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `code ${code}` : signal));
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`Synapse could not be started with ${python}: ${await ended}`);
  const running: Running = { pid, fingerprint: files.fingerprint, python };
  writeFileSync(files.running, JSON.stringify(running), { mode: 0o600 });
  child.unref();
  return { pid, adopted: false, ended, alive: () => child.exitCode === null && child.signalCode === null };
}

/** The process that a killed Causeway left behind, if it runs with the same settings; with others it is ended. */
export async function findLeftoverSynapse(
  files: SynapseFiles,
  python: string,
): Promise<SynapseProcess | null> {
  const running = readRunning(files.running);
  if (running === null || !isRunningWith(running.pid, files.config)) return null;
  const process = adopt(running.pid, files.config);
  if (running.fingerprint === files.fingerprint && running.python === python) return process;
  await endSynapse(process);
  return null;
}

/**
 * Resolves when Synapse answers.
 * @throws Error with the reason from its log when it ended, or did not answer within `limitMs`
 */
export async function untilServing(
  files: SynapseFiles,
  process: SynapseProcess,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    if (await answers(files.url, signal)) return;
    signal.throwIfAborted();
    if (!process.alive()) {
      throw new Error(`Synapse ended while starting (${await process.ended}): ${lastLogLine(files)}`);
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Synapse did not answer on ${files.url} within ${limitMs / 1000} s: ${lastLogLine(files)}`,
      );
    }
    await delay(SERVING_POLL_MS);
  }
}

/** Ends the process and its group: SIGTERM, then SIGKILL. Takes 4 s at most. */
export async function endSynapse(process: SynapseProcess, first: NodeJS.Signals = "SIGTERM"): Promise<void> {
  signalGroup(process.pid, first);
  if (await hasEnded(process, TERM_LIMIT_MS)) return;
  signalGroup(process.pid, "SIGKILL");
  await hasEnded(process, KILL_LIMIT_MS);
}

/** Removes `running.json` after the process has ended. */
export function removeRunningFile(files: SynapseFiles): void {
  rmSync(files.running, { force: true });
}

function adopt(pid: number, config: string): SynapseProcess {
  const alive = () => isRunningWith(pid, config);
  const ended = (async () => {
    // It is no child of this process, so its end has to be polled. The timer must not keep this process alive.
    while (alive()) await delay(LIFE_POLL_MS, undefined, { ref: false });
    return "it is gone";
  })();
  return { pid, adopted: true, alive, ended };
}

async function hasEnded(process: SynapseProcess, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (process.alive()) {
    if (performance.now() > deadline) return false;
    await delay(END_POLL_MS);
  }
  return true;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether the process runs and its command line names the file. The pid alone is no proof: pids are used again. */
function isRunningWith(pid: number, path: string): boolean {
  try {
    if (process.platform === "linux") {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(path);
    }
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).includes(path);
  } catch {
    return false; // There is no such process.
  }
}

function readRunning(path: string): Running | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Running;
  } catch {
    return null; // A kill interrupted the write.
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const limit = AbortSignal.any([AbortSignal.timeout(ANSWER_LIMIT_MS), signal]);
    return (await fetch(`${url}/_matrix/client/versions`, { signal: limit })).ok;
  } catch {
    return false; // It does not listen yet, or is too busy to answer.
  }
}

async function requireFreePort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(`port ${port} is in use by another program. Stop that one, or set MATRIX_PORT`);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** The last line of output or log, with the paths of both. */
function lastLogLine({ output, log }: SynapseFiles): string {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").trim() : "");
  const text = read(output) || read(log);
  return `${text.split("\n").at(-1)?.trim() || "it said nothing"} (see ${output} and ${log})`;
}
