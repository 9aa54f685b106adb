/** Tells listeners what this process committed, after whoever waited for the commit has been answered. */
import type { LoggedEvent } from "../domain/model.ts";
import type { StoreLogger } from "./database.ts";

export interface Publisher {
  /** Hands committed events to the listeners in a later turn of the event loop. */
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
        logger.error({ err: error }, "A listener for committed events failed");
      }
    }
  }

  return {
    publish(events) {
      if (events.length === 0) return;
      if (waiting.length === 0) setImmediate(tell);
      waiting.push(...events);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}
