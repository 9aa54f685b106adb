/** Batches work: items that come during a batch wait for the next one. */
/**
 * @param deliver is called with all items since the last call, each once, and not again before it has resolved
 * @param failed is called with the error and the items when `deliver` rejects
 * @returns a function that adds an item
 */
export function createQueue<T>(
  deliver: (waiting: readonly T[]) => Promise<void>,
  failed: (error: unknown, waiting: readonly T[]) => void,
): (one: T) => void {
  let waiting = new Set<T>();
  let isScheduled = false;

  function schedule(): void {
    isScheduled = true;
    setImmediate(() => void run());
  }

  async function run(): Promise<void> {
    const taken = [...waiting];
    waiting = new Set();
    try {
      await deliver(taken);
    } catch (error) {
      failed(error, taken);
    }
    isScheduled = false;
    if (waiting.size > 0) schedule();
  }

  return (one) => {
    waiting.add(one);
    if (!isScheduled) schedule();
  };
}

/** Calls during a run share the next run, so that every call gets an answer that was begun after it. */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return () => {
    next ??= running.then(() => {
      next = null;
      const answer = ask();
      running = answer.catch(() => {});
      return answer;
    });
    return next;
  };
}
