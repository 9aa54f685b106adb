/**
 * Errors that no code caught. Such an error is a defect, and may have left work half done. So it is logged with its stack,
 * and the process ends in order with exit code 1, so that its supervisor starts it again: clients are told to reconnect,
 * and requests under way are answered.
 */
import type { Logger } from "../logger.ts";

/** The part that failed may also block the orderly end, so it gets at most this time. */
const MAX_END_MS = 30_000;

/** @param end ends everything in order; it gets 30 s */
export function onUncaught(logger: Pick<Logger, "fatal">, end: () => Promise<void>): void {
  let isEnding = false;
  const uncaught = (error: unknown) => {
    logger.fatal({ event: "process.uncaught", err: error }, "no code caught an error; the process stops");
    // Errors during the end are logged, and change nothing.
    if (isEnding) return;
    isEnding = true;
    const exit = () => process.exit(1);
    setTimeout(exit, MAX_END_MS);
    end().then(exit, exit);
  };
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
}

/** The reader of our output may end first. Its broken pipe must not end this process. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
