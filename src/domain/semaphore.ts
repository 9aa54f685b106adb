/** Lets a bounded number of tasks run at once; the others wait in the order in which they came. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;

export function createSemaphore(width: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= width) await new Promise<void>((enter) => waiting.push(enter));
    else running++;
    try {
      return await task();
    } finally {
      // The place is handed on, so `running` stays.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
