/** Keeps one thing running: starts it again when it ends, with growing pauses, until it is told to stop. */
import { backoffMs } from "../../src/domain/backoff.ts";

export interface Supervised {
  /** Resolves with what is known about its end. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

export interface SupervisorEvents {
  /** It ended although nobody asked for it; it will be started again. */
  onEnd(reason: string): void;
  /** It could not be started; that is tried again. */
  onFailure(error: unknown): void;
  /** It runs again. */
  onRestart(): void;
}

export interface Supervisor<T> {
  /** What runs now; null in between. */
  current(): T | null;
  /** Ends it and starts it again without a pause. Resolves when it runs; rejects when it is stopped instead. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const PAUSES = { firstMs: 500, maxMs: 30_000 };
/** Having lived for this long, it did not die of its start. */
const STABLE_MS = 60_000;

interface Waiter {
  done(): void;
  failed(error: Error): void;
}

/** Supervises `first`, which runs already. `start` gets a signal that aborts when it is no longer wanted. */
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

  /** Ends early when a restart is wanted or we are stopped. */
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
