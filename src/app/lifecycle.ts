/** Parts that start in order and stop in reverse order, also when a start fails half-way. */
import type { Logger } from "../logger.ts";

export interface Lifecycle {
  /** Remembers how to stop a part that has started. */
  add(name: string, stop: () => Promise<void> | void): void;
  /** Stops all parts, the last started first. A part that fails to stop is logged, and the others stop all the same. */
  stop(): Promise<void>;
}

export function lifecycle(logger: Logger): Lifecycle {
  const parts: { name: string; stop: () => Promise<void> | void }[] = [];
  let stopped: Promise<void> | null = null;

  async function stopAll(): Promise<void> {
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.stop();
      } catch (error) {
        logger.error(
          { event: "process.part_stop_failed", err: error, part: part.name },
          "could not stop a part of the process; the other parts stop all the same",
        );
      }
    }
  }

  return {
    add: (name, stop) => {
      parts.push({ name, stop });
    },
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  };
}
