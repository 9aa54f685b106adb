/** Tells listeners what this process committed, after whoever waited for the commit has been answered. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { StoreLogger } from "../sql/database.ts";

export interface Publisher {
  /** Hands committed events to the listeners once all promises that are settled now have been heard of. */
  publish(events: readonly LoggedEvent[]): void;
  listen(listener: (events: LoggedEvent[]) => void): void;
}

export function createPublisher(logger: StoreLogger): Publisher {
  const listeners: ((events: LoggedEvent[]) => void)[] = [];
  let waiting: LoggedEvent[] = [];

  function tell(): void {
    const events = waiting.sort((a, b) => a.conversationId - b.conversationId || a.seq - b.seq);
    waiting = [];
    for (const listener of listeners) {
      try {
        listener(events);
      } catch (error) {
        logger.error(
          { event: "commits.listener_failed", err: error },
          "a listener for committed events failed; the other listeners go on",
        );
      }
    }
  }

  return {
    publish(events) {
      if (events.length === 0) return;
      // After the promises: answers and events then leave in the same turn of the event loop.
      if (waiting.length === 0) process.nextTick(tell);
      waiting.push(...events);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}
