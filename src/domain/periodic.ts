/** Work that a process repeats in the background, such as sweeps. */
import type { Logger } from "../logger.ts";
import { isUnavailable } from "./errors.ts";

export interface PeriodicOptions {
  logger: Pick<Logger, "info" | "error">;
  /** Begins at once instead of after the first interval. */
  atStart?: boolean;
}

/**
 * Does `work` every `everyMs`, but never twice at the same time. Failures are logged when they begin and when they end.
 * A part that is away is not logged here: its own watch does that.
 * @param name says in the log what the work is for
 * @returns how to stop; it waits for work that is under way
 */
export function periodic(
  name: string,
  everyMs: number,
  work: () => Promise<unknown>,
  { logger, atStart = false }: PeriodicOptions,
): () => Promise<void> {
  let running: Promise<void> | null = null;
  let isFailing = false;

  async function run(): Promise<void> {
    try {
      await work();
      if (isFailing)
        logger.info({ event: "background.recovered", work: name }, "background work succeeds again");
      isFailing = false;
    } catch (error) {
      if (isUnavailable(error)) return;
      if (!isFailing)
        logger.error(
          { event: "background.failed", err: error, work: name },
          "background work failed; retrying",
        );
      isFailing = true;
    }
  }

  const begin = () => {
    running ??= run().finally(() => {
      running = null;
    });
  };
  const timer = setInterval(begin, everyMs);
  timer.unref();
  if (atStart) begin();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
