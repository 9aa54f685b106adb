/** Work that is done together: what comes while some of it is under way waits for the next turn. */

/**
 * @param deliver is called with all that came since it was called last, each thing once, and not again before it is done
 * @param failed is told of its error and of what it had been given
 * @returns puts something into the queue
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

/** Those who ask while an answer is under way share the next one, which begins after they asked. */
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
