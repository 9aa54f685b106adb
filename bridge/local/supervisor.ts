/** Keeps one process running: starts it again when it ends, with growing pauses, until `stop`. */
import { backoffMs } from "../../src/domain/backoff.ts";

export interface Supervised {
  /** Resolves when the process ends, with the reason. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

export interface SupervisorEvents {
  /** The process ended by itself. It will be started again. */
  onEnd(reason: string): void;
  /** The process could not be started. It is tried again. */
  onFailure(error: unknown): void;
  /** The process runs again. */
  onRestart(): void;
}

export interface Supervisor<T> {
  /** The process that runs now; null while there is none. */
  current(): T | null;
  /** Ends the process and starts it again at once. Resolves when it runs; rejects when `stop` is called before. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const PAUSES = { firstMs: 500, maxMs: 30_000 };
/** After running for this long, an end is not counted as a failed start. */
const STABLE_MS = 60_000;

interface Waiter {
  done(): void;
  failed(error: Error): void;
}

/** Supervises `first`, which runs already. `start` gets a signal that aborts on `stop`. */
export function supervise<T extends Supervised>(
  first: T,
  start: (signal: AbortSignal) => Promise<T>,
  events: SupervisorEvents,
): Supervisor<T> {
  const stopping = new AbortController();
  const waiting: Waiter[] = [];
  let current: T | null = first;
  let wanted = false;
  let wake = (): void => undefined;
  let stopped: Promise<void> | null = null;

  const stopRequest = new Promise<string>((resolve) => {
    stopping.signal.addEventListener("abort", () => resolve("stopping"), { once: true });
  });

  async function run(): Promise<void> {
    let failures = 0;
    for (let running: T | null = first; !stopping.signal.aborted; running = await startAgain()) {
      if (running) {
        const since = performance.now();
        const reason = await Promise.race([running.ended, stopRequest]);
        if (stopping.signal.aborted) return;
        current = null;
        if (performance.now() - since > STABLE_MS) failures = 0;
        if (!wanted) events.onEnd(reason);
      }
      await pause(backoffMs(PAUSES, failures++));
    }
  }

  /** Ends early when a restart is wanted or the supervisor stops. */
  async function pause(ms: number): Promise<void> {
    if (wanted || stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function startAgain(): Promise<T | null> {
    if (stopping.signal.aborted) return null;
    wanted = false;
    try {
      current = await start(stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) events.onFailure(error);
      return null;
    }
    for (const waiter of waiting.splice(0)) waiter.done();
    events.onRestart();
    return current;
  }

  const finished = run();

  async function stopAll(): Promise<void> {
    const reason = new Error("it is being stopped");
    stopping.abort(reason);
    wake();
    await finished;
    await current?.end();
    for (const waiter of waiting.splice(0)) waiter.failed(reason);
  }

  return {
    current: () => current,
    restart: async () => {
      const running = new Promise<void>((done, failed) => waiting.push({ done, failed }));
      wanted = true;
      wake();
      await Promise.all([running, current?.end()]);
    },
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  };
}
