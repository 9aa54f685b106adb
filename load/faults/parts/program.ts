/** One Causeway process of the run: started with its own settings and clock, ended in every way, started again. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ServiceCommand, type ServiceProcess, startProcess } from "../../services/service-process.ts";
import { environment } from "../../target/own-causeway.ts";

export interface Program {
  readonly name: string;
  readonly port: number;
  start(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
  /** SIGTERM, as an operator stops it; resolves when it has ended, however long that took. */
  end(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Moves its clock by so many milliseconds; 0 puts it right. */
  shiftClock(ms: number): void;
  /** `/readyz` answers 200. */
  isReady(): Promise<boolean>;
  readonly isRunning: boolean;
  /** The last of what it has written, over all its lives. */
  output(): string;
}

const PROGRAM = resolve(import.meta.dirname, "../../../src/main.js");
const CLOCK = resolve(import.meta.dirname, "./shifted-clock.js");
const READY = /^Causeway ready/m;
const PROBE_LIMIT_MS = 2_000;
const KEPT_OUTPUT = 40_000;

/** @param folder the run's own; the program's clock lies in it */
export function program(
  name: string,
  port: number,
  folder: string,
  settings: Record<string, string>,
): Program {
  const clockFile = join(folder, `${name}.clock`);
  writeFileSync(clockFile, "0");
  const command: ServiceCommand = {
    command: process.execPath,
    args: ["--enable-source-maps", "--import", CLOCK, PROGRAM],
    folder,
    ready: READY,
    endWith: "SIGTERM",
    env: environment({ ...settings, PORT: String(port), FAULTS_CLOCK: clockFile }),
  };
  let running: ServiceProcess | null = null;
  let before = "";

  const signal = (what: NodeJS.Signals) => {
    if (running) process.kill(running.pid, what);
  };
  const gone = (ended: ServiceProcess) => {
    before = (before + ended.output()).slice(-KEPT_OUTPUT);
    if (running === ended) running = null;
  };
  return {
    name,
    port,
    start: async () => {
      const started = await startProcess(command);
      running = started;
      void started.ended.then(() => gone(started));
    },
    kill: async () => running?.kill9(),
    end: async () => running?.end(),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    shiftClock: (ms) => writeFileSync(clockFile, String(ms)),
    isReady: async () => {
      const limit = AbortSignal.timeout(PROBE_LIMIT_MS);
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: limit }).catch(() => null);
      await answer?.arrayBuffer().catch(() => null);
      return answer?.status === 200;
    },
    get isRunning() {
      return running !== null;
    },
    output: () => before + (running?.output() ?? ""),
  };
}
