/**
 * What nobody caught. Each error has its place to be dealt with; one that reaches the process was forgotten somewhere,
 * and nobody knows what it left half done. So it is logged with its stack, and the process ends in order and with exit
 * code 1, to be started again by whoever runs it: clients are told to come back, what is under way is answered.
 */
import type { Logger } from "../logger.ts";

/** An orderly end may hang on the very thing that failed. */
const END_WITHIN_MS = 30_000;

/** @param end ends everything in order; it is given up after 30 s. */
export function onUncaught(logger: Pick<Logger, "fatal">, end: () => Promise<void>): void {
  let isEnding = false;
  const uncaught = (error: unknown) => {
    logger.fatal({ event: "process.uncaught", err: error }, "no code caught an error; the process stops");
    // What fails on the way out is logged as well, and changes nothing.
    if (isEnding) return;
    isEnding = true;
    const exit = () => process.exit(1);
    setTimeout(exit, END_WITHIN_MS);
    end().then(exit, exit);
  };
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
}

/** Whoever read our output may end before us: its pipe breaks, and that is no reason to end. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
