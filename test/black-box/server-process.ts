/**
 * Causeway as its operators run it: the built program in a process of its own, configured by environment variables.
 * `serverFleet()` belongs at the top of a test file or of a `describe`: it ends and deletes whatever is left behind,
 * and shows the servers' output when a test fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach } from "vitest";
import { SETTINGS } from "../../src/config.ts";
import { freePort, processesNaming, signalAll, untilGone } from "./processes.ts";

const PROGRAM = resolve(import.meta.dirname, "../../dist/src/main.js");
/** The Node that runs it; .ci/image-node names another than runs the tests. */
const NODE = process.env.SERVER_NODE ?? process.execPath;
/** The first start on a machine installs Synapse from PyPI. */
const READY_LIMIT_MS = 300_000;
const SHOWN_LINES = 80;

export interface ServerProcess {
  /** `http://…` of the ready line. */
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  /** The settings that it was started with; start again with them to restart it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Everything it has written so far. */
  output(): string;
  /** Resolves when `/readyz` answers 200. */
  untilReady(): Promise<void>;
  kill9(): Promise<void>;
  /** Sends the signal to the process, or as a terminal's Ctrl-C does to its whole group, and awaits the end. */
  stop(signal?: NodeJS.Signals, to?: "process" | "group"): Promise<StopReport>;
}

export interface StopReport {
  code: number | null;
  ms: number;
  /** Processes that still live although they belonged to this server. */
  left: number[];
}

export interface ServerFleet {
  /** An empty folder that only this fleet uses. */
  dataDir(): string;
  /** Starts a server and waits for its ready line. Missing PORT and DATA_DIR are free ones, without a bridge. */
  start(settings?: Record<string, string>): Promise<ServerProcess>;
  /** Starts a server with nothing set but what is given. */
  startBare(settings: Record<string, string>): Promise<ServerProcess>;
}

export const ADMIN_TOKEN = "black-box-admin-token";

export function serverFleet(): ServerFleet {
  const folders: string[] = [];
  const servers: ServerProcess[] = [];
  const dataDir = () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-test-"));
    folders.push(folder);
    return folder;
  };
  const startBare = async (settings: Record<string, string>) => {
    const server = await launch({ DATA_DIR: dataDir(), ...settings });
    servers.push(server);
    return server;
  };
  afterEach((context) => {
    if (context.task.result?.state === "fail") for (const server of servers) show(server);
  });
  afterAll(async () => {
    const left = () => folders.flatMap(processesNaming);
    signalAll(left(), "SIGKILL");
    await untilGone(left, 10_000);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  return {
    dataDir,
    startBare,
    start: async (settings = {}) => startBare({ ...(await standardSettings()), ...settings }),
  };
}

async function standardSettings(): Promise<Record<string, string>> {
  return {
    PORT: String(await freePort()),
    ADMIN_TOKEN,
    MATRIX_HOMESERVER_URL: "off",
    RATE_LIMITS: "off",
    LOG_LEVEL: "warn",
    DEMO: "off",
  };
}

async function launch(settings: Record<string, string>): Promise<ServerProcess> {
  if (!existsSync(PROGRAM)) throw new Error("the program is not built: npm run build");
  const child = spawn(NODE, ["--enable-source-maps", PROGRAM], {
    env: environment(settings),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const url = await readyUrl(child, () => output);
  const dataDir = settings.DATA_DIR ?? "";
  return {
    url,
    pid: child.pid ?? 0,
    dataDir,
    settings,
    output: () => output,
    untilReady: () => untilReady(url, child, () => output),
    kill9: async () => {
      child.kill("SIGKILL");
      await exited(child);
    },
    stop: async (signal = "SIGTERM", to = "process") => {
      const since = Date.now();
      if (to === "group") process.kill(-(child.pid ?? 0), signal);
      else child.kill(signal);
      await exited(child);
      const left = await untilGone(() => processesNaming(dataDir), 500);
      const ms = Date.now() - since;
      // A process that was left behind holds our pipe open.
      if (left.length === 0) await ended;
      return { code: child.exitCode, ms, left };
    },
  };
}

/** Our own environment without any of Causeway's settings: what a developer has set must not change a test. */
function environment(settings: Record<string, string>): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = { ...process.env };
  const kept = new Set(["CAUSEWAY_CACHE_DIR"]);
  for (const { name } of SETTINGS) if (!kept.has(name)) delete env[name];
  for (const name of ["NODE_OPTIONS", "NODE_ENV"]) delete env[name];
  return { ...env, ...settings };
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once("exit", () => done()));
}

async function readyUrl(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => finish(new Error("no ready line")), READY_LIMIT_MS);
    const look = () => {
      const url = /^Causeway ready.*?(https?:\/\/[^\s/]+)/m.exec(output())?.[1];
      if (url) finish(url);
    };
    const ended = () => finish(new Error("the server ended before it was ready"));
    const finish = (result: string | Error) => {
      clearTimeout(timer);
      child.stdout?.off("data", look);
      child.off("exit", ended);
      if (typeof result === "string") return found(result);
      child.kill("SIGKILL");
      failed(new Error(`${result.message}; its output:\n${output()}`));
    };
    child.stdout?.on("data", look);
    child.once("exit", ended);
  });
}

async function untilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MS;
  let last = "";
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`${url}/readyz`).catch((error: unknown) => error as Error);
    if (answer instanceof Error) last = answer.message;
    else {
      last = await answer.text();
      if (answer.status === 200) return;
    }
    await delay(50);
  }
  throw new Error(`/readyz did not turn 200 (${last}); its output:\n${output()}`);
}

function show(server: ServerProcess): void {
  const lines = server.output().trimEnd().split("\n");
  const cut = lines.length - SHOWN_LINES;
  const text = lines.slice(-SHOWN_LINES).map((line) => `  ${line}`);
  console.error(
    [`── server ${server.pid} wrote ──`, ...(cut > 0 ? [`  (${cut} lines before)`] : []), ...text].join("\n"),
  );
}
