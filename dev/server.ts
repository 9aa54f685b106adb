/**
 * One running server, and a spare process that has loaded the packages already and waits to become the next.
 * A server that is replaced is killed, not stopped: it loses nothing by that, and a local Synapse stays for the next.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface KeptServer {
  /** @param since when the change was seen, by `performance` */
  restart(since: number): void;
  /** Resolves when the server has stopped as after Ctrl-C. */
  stop(): Promise<void>;
}

const SPARE = fileURLToPath(new URL("./spare.js", import.meta.url));
const READY = /^Causeway ready/m;

export function keepServer(env: NodeJS.ProcessEnv): KeptServer {
  const prepare = () => fork(SPARE, { env, execArgv: ["--enable-source-maps"], silent: true });
  let spare: ChildProcess | null = prepare();
  let running: ChildProcess | null = null;
  let replacing = Promise.resolve();
  let asked = 0;
  let ready = false;
  let stopped = false;

  const replace = async (since: number) => {
    const previous = running;
    running = null;
    ready = false;
    await killed(previous);
    const next = spare ?? prepare();
    spare = null;
    running = next;
    next.once("exit", (code) => {
      if (running === next && !stopped)
        say(`the server ended (code ${code}); the next change starts it again`);
    });
    next.stderr?.pipe(process.stderr, { end: false });
    next.stdout?.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk);
      if (stopped || !READY.test(chunk.toString())) return;
      ready = true;
      say(`ready after ${((performance.now() - since) / 1000).toFixed(1)} s`);
      spare ??= prepare();
    });
    next.send("start");
  };
  return {
    restart: (since) => {
      const number = ++asked;
      // Of several changes during a start, the last one counts.
      replacing = replacing.then(() => (number === asked && !stopped ? replace(since) : undefined));
    },
    stop: async () => {
      stopped = true;
      await replacing;
      await killed(spare);
      // One that still loads does not listen to signals yet.
      if (!ready) await killed(running);
      if (!running || hasEnded(running)) return;
      const ended = once(running, "exit");
      running.kill("SIGINT");
      await ended;
    },
  };
}

async function killed(child: ChildProcess | null): Promise<void> {
  if (!child || hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

const say = (line: string) => process.stdout.write(`dev: ${line}\n`);
