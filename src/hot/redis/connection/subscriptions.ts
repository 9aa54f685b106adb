/** The handlers of each channel. Once per turn of the event loop, changed channels are subscribed or unsubscribed. */
import type { RedisLogger } from "./connection.ts";
import type { Routes } from "./routes.ts";

type Handler = (message: Uint8Array) => void;

/** Opens the connections that subscribe. `onGap`: channels are subscribed again, and messages may have been lost. */
export type OpenRoutes = (listener: {
  onMessage: (channel: string, message: Buffer) => void;
  onGap: () => void;
}) => Routes;

export interface Subscriptions {
  readonly routes: Routes;
  add(channel: string, handler: Handler): Promise<void>;
  remove(channel: string, handler: Handler): Promise<void>;
  /** Applies the current prefix. Resolves when all channels are subscribed under it. */
  renamed(): Promise<void>;
  received(): number;
  roundTrips(): number;
}

export function createSubscriptions(options: {
  prefix: () => string;
  logger: RedisLogger;
  openRoutes: OpenRoutes;
  onGap: () => void;
}): Subscriptions {
  const { logger } = options;
  let prefix = options.prefix();
  const routes = options.openRoutes({ onMessage: deliver, onGap: options.onGap });
  const channels = new Map<string, Set<Handler>>();
  /** The subscribed channels; each promise resolves when its channel is subscribed. */
  const subscribed = new Map<string, Promise<void>>();
  let changed = new Set<string>();
  let pending: Promise<void> | null = null;
  let received = 0;
  let roundTrips = 0;

  function updateLater(channel: string): Promise<void> {
    changed.add(channel);
    pending ??= new Promise((resolve) => process.nextTick(() => resolve(update())));
    return pending;
  }

  async function update(): Promise<void> {
    const added = [...changed].filter((channel) => channels.has(channel) && !subscribed.has(channel));
    const removed = [...changed].filter((channel) => !channels.has(channel) && subscribed.has(channel));
    changed = new Set();
    pending = null;
    const work: Promise<void>[] = [];
    if (added.length > 0) {
      const inForce = routes.add(added.map((channel) => prefix + channel));
      for (const channel of added) subscribed.set(channel, inForce);
      work.push(inForce);
      roundTrips++;
    }
    for (const channel of removed) subscribed.delete(channel);
    if (removed.length > 0) work.push(routes.remove(removed.map((channel) => prefix + channel)));
    await Promise.all(work);
  }

  function deliver(prefixed: string, message: Buffer): void {
    // A late message of another history is dropped.
    if (!prefixed.startsWith(prefix)) return;
    const channel = prefixed.slice(prefix.length);
    const handlers = channels.get(channel);
    if (handlers === undefined) return;
    received++;
    // A copy, because the driver's buffer is a view of a whole chunk of the socket, which a stored message would keep alive.
    const bytes = new Uint8Array(message);
    for (const handler of handlers) {
      try {
        handler(bytes);
      } catch (error) {
        logger.error(
          { event: "bus.listener_failed", err: error, channel },
          "a listener of the bus failed; the other listeners go on",
        );
      }
    }
  }

  return {
    routes,
    add(channel, handler) {
      const handlers = channels.get(channel) ?? new Set();
      channels.set(channel, handlers.add(handler));
      return subscribed.get(channel) ?? updateLater(channel);
    },
    async remove(channel, handler) {
      const handlers = channels.get(channel);
      if (!handlers?.delete(handler) || handlers.size > 0) return;
      channels.delete(channel);
      await updateLater(channel);
    },
    async renamed() {
      const former = [...subscribed.keys()].map((channel) => prefix + channel);
      prefix = options.prefix();
      subscribed.clear();
      for (const channel of channels.keys()) changed.add(channel);
      await Promise.all([routes.remove(former), update()]);
    },
    received: () => received,
    roundTrips: () => roundTrips,
  };
}
