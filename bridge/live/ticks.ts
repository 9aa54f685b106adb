import { isUnavailable } from "../../src/domain/errors.ts";

/** Work that is done again and again for as long as there is some, one run at a time, with a pause before each. */
export interface Ticks {
  /** Something is to be done: runs the work after a pause, unless that is under way. */
  start(): void;
  /** Resolves when the run under way has ended; no other begins. */
  stop(): Promise<void>;
}

/** @param work returns whether there is more; it never rejects */
export function createTicks(pauseMs: number, work: () => Promise<boolean>): Ticks {
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  function start(): void {
    if (stopped) return;
    timer ??= setTimeout(() => {
      running = work().then((more) => {
        timer = null;
        if (more) start();
      });
    }, pauseMs);
  }

  return {
    start,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}

/** For {@link createTicks}: an outage of the store passes by itself, other failures are told. @param isMore asked after each run */
export function unlessFailed(
  work: () => Promise<void>,
  tellFailure: (error: unknown) => void,
  isMore: () => boolean,
): () => Promise<boolean> {
  return async () => {
    try {
      await work();
    } catch (error) {
      if (!isUnavailable(error)) tellFailure(error);
    }
    return isMore();
  };
}
