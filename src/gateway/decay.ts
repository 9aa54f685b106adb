/** Tells sessions and followers in time what ended by itself in hot state. */
import type { Decay } from "../domain/use-cases/use-cases.ts";
import type { Logger } from "../logger.ts";

/** Somebody who stopped typing without saying so is shown for so much longer. */
const TYPING_MS = 1_000;
const OTHERS_MS = 5_000;

/** Every gateway looks; each end is told by one of them. @returns how to stop */
export function startDecay(decay: Decay, logger: Pick<Logger, "warn">): () => void {
  const timers = [
    repeat(TYPING_MS, () => decay.typing(), logger),
    repeat(OTHERS_MS, () => Promise.all([decay.presence(), decay.calls()]), logger),
  ];
  return () => timers.forEach(clearInterval);
}

function repeat(everyMs: number, work: () => Promise<unknown>, logger: Pick<Logger, "warn">): NodeJS.Timeout {
  let isRunning = false;
  const run = async () => {
    if (isRunning) return;
    isRunning = true;
    try {
      await work();
    } catch (error) {
      logger.warn({ err: error }, "What ended by itself could not be told; it is tried again");
    } finally {
      isRunning = false;
    }
  };
  return setInterval(() => void run(), everyMs).unref();
}
