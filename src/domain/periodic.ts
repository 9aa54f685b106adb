/** Repeats work in the background, such as sweeps. */
import type { Logger } from "../logger.ts";
import { isUnavailable } from "./errors.ts";

export interface PeriodicOptions {
  logger: Pick<Logger, "info" | "error">;
  /** Begins at once instead of after the first interval. */
  atStart?: boolean;
}

/**
 * Runs `work` every `everyMs`, never twice at the same time. Of failures in a row the first is logged, and then the next
 * success. DomainErrors `unavailable` are not logged: the watch of the part that is away does that.
 * @param name the work's name in the log
 * @returns a function that stops the repetition and waits for work under way
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
