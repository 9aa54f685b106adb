/** Hands this process's committed events to listeners, after the callers that waited for the commit have gone on. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { StoreLogger } from "../sql/database.ts";

export interface Publisher {
  /** Hands events to the listeners after the callbacks of all promises that are settled now. */
  publish(events: readonly LoggedEvent[]): void;
  listen(listener: (events: LoggedEvent[]) => void): void;
}

export function createPublisher(logger: StoreLogger): Publisher {
  const listeners: ((events: LoggedEvent[]) => void)[] = [];
  let waiting: LoggedEvent[] = [];

  function notify(): void {
    const events = waiting.sort((a, b) => a.roomId - b.roomId || a.seq - b.seq);
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
      // nextTick comes after the promises, so answers and events leave in the same turn of the event loop.
      if (waiting.length === 0) process.nextTick(notify);
      waiting.push(...events);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}
