/** The bus within one process. A later microtask hands each message to the listeners that the channel then has. */
import type { Bus } from "../../domain/ports/bus.ts";
import type { Logger } from "../../logger.ts";

type Handler = (message: Uint8Array) => void;

export function createMemoryBus(logger?: Pick<Logger, "error">): Bus {
  const channels = new Map<string, Set<Handler>>();
  const counts = { published: 0, received: 0, dropped: 0 };
  let open = true;

  function deliver(channel: string, message: Uint8Array): void {
    const handlers = channels.get(channel);
    if (handlers === undefined) return;
    counts.received++;
    for (const handler of handlers) {
      try {
        handler(message);
      } catch (error) {
        logger?.error(
          { event: "bus.listener_failed", err: error, channel },
          "a listener of the bus failed; the other listeners go on",
        );
      }
    }
  }

  return {
    publish(channel, message) {
      if (!open) {
        counts.dropped++;
        return;
      }
      counts.published++;
      queueMicrotask(() => deliver(channel, message));
    },
    async subscribe(channel, handler) {
      const handlers = channels.get(channel) ?? new Set();
      channels.set(channel, handlers.add(handler));
    },
    async unsubscribe(channel, handler) {
      const handlers = channels.get(channel);
      handlers?.delete(handler);
      if (handlers?.size === 0) channels.delete(channel);
    },
    onGap() {
      // Memory is never away.
    },
    stats: () => ({ ...counts, connected: open }),
    async close() {
      open = false;
      channels.clear();
    },
  };
}
