/**
 * Clients that wait for news. Each is one entry of one table: a single timer ends those whose time is over, and it does
 * not run while nobody waits. A client that hangs up is let go at once, and all are when the process stops.
 */
export interface LongPolls {
  /** Begins to wait; whoever does must call `end`. */
  open(options: { timeoutMs: number; signal: AbortSignal }): LongPoll;
  /** Ends the waiting of all who wait now. */
  finishAll(): void;
  /** How many wait. */
  readonly size: number;
}

export interface LongPoll {
  /** The time is over, the client hung up, or the process stops. */
  readonly over: boolean;
  /** There may be news. */
  wake(): void;
  /** There will be no more news: it is over. */
  finish(): void;
  /** Resolves when there may be news since it resolved the last time (or since `open`), or when it is over. */
  news(): Promise<void>;
  end(): void;
}

const TICK_MS = 250;

/** @param stopping aborted when nobody may wait any longer */
export function createLongPolls(
  stopping: AbortSignal = new AbortController().signal,
  now: () => number = () => performance.now(),
): LongPolls {
  const waiting = new Set<{ deadline: number; finish(): void }>();
  let timer: NodeJS.Timeout | null = null;

  function tick(): void {
    const at = now();
    for (const one of waiting) if (one.deadline <= at) one.finish();
  }

  function finishAll(): void {
    for (const one of waiting) one.finish();
  }
  stopping.addEventListener("abort", finishAll);

  return {
    finishAll,
    get size() {
      return waiting.size;
    },
    open({ timeoutMs, signal }) {
      let over = signal.aborted || stopping.aborted;
      let woken = false;
      let resume: (() => void) | null = null;
      const wake = () => {
        woken = true;
        resume?.();
      };
      const finish = () => {
        over = true;
        wake();
      };
      const entry = { deadline: now() + timeoutMs, finish };
      waiting.add(entry);
      signal.addEventListener("abort", finish, { once: true });
      timer ??= setInterval(tick, TICK_MS).unref();
      return {
        get over() {
          return over || entry.deadline <= now();
        },
        wake,
        finish,
        async news() {
          if (!woken && !this.over) {
            await new Promise<void>((resolve) => {
              resume = resolve;
            });
            resume = null;
          }
          woken = false;
        },
        end() {
          signal.removeEventListener("abort", finish);
          waiting.delete(entry);
          if (waiting.size > 0 || timer === null) return;
          clearInterval(timer);
          timer = null;
        },
      };
    },
  };
}
