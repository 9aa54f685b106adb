/** Runs a task when fewer than the bounded number run. Others wait, in their order. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;

/** @param width how many tasks run at once */
export function createSemaphore(width: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= width) await new Promise<void>((enter) => waiting.push(enter));
    else running++;
    try {
      return await task();
    } finally {
      // The next task takes this one's place, so `running` stays the same.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
