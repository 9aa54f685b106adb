/** Who listens to what. Once a turn, for the channels that changed, what is wanted is compared with what was told. */
import type { RedisLogger } from "./connection.ts";
import type { Routes } from "./routes.ts";

type Handler = (message: Uint8Array) => void;

/** Opens the connections that listen. `onGap`: channels are in force again, and messages may have been lost. */
export type OpenRoutes = (listener: {
  onMessage: (channel: string, message: Buffer) => void;
  onGap: () => void;
}) => Routes;

export interface Subscriptions {
  readonly routes: Routes;
  add(channel: string, handler: Handler): Promise<void>;
  remove(channel: string, handler: Handler): Promise<void>;
  /** Takes up the prefix as it is now. Resolves when all channels are in force under it. */
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
  /** What the routes were told to listen to, and when it is in force. */
  const told = new Map<string, Promise<void>>();
  let changed = new Set<string>();
  let turn: Promise<void> | null = null;
  let received = 0;
  let roundTrips = 0;

  function tellLater(channel: string): Promise<void> {
    changed.add(channel);
    turn ??= new Promise((resolve) => process.nextTick(() => resolve(tell())));
    return turn;
  }

  async function tell(): Promise<void> {
    const added = [...changed].filter((channel) => channels.has(channel) && !told.has(channel));
    const removed = [...changed].filter((channel) => !channels.has(channel) && told.has(channel));
    changed = new Set();
    turn = null;
    const work: Promise<void>[] = [];
    if (added.length > 0) {
      const inForce = routes.add(added.map((channel) => prefix + channel));
      for (const channel of added) told.set(channel, inForce);
      work.push(inForce);
      roundTrips++;
    }
    for (const channel of removed) told.delete(channel);
    if (removed.length > 0) work.push(routes.remove(removed.map((channel) => prefix + channel)));
    await Promise.all(work);
  }

  function deliver(prefixed: string, message: Buffer): void {
    // What still comes of another history is nobody's.
    if (!prefixed.startsWith(prefix)) return;
    const channel = prefixed.slice(prefix.length);
    const handlers = channels.get(channel);
    if (handlers === undefined) return;
    received++;
    // A copy: the driver's buffer is a window on a whole chunk of the socket, which a kept message would keep alive.
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
      return told.get(channel) ?? tellLater(channel);
    },
    async remove(channel, handler) {
      const handlers = channels.get(channel);
      if (!handlers?.delete(handler) || handlers.size > 0) return;
      channels.delete(channel);
      await tellLater(channel);
    },
    async renamed() {
      const former = [...told.keys()].map((channel) => prefix + channel);
      prefix = options.prefix();
      told.clear();
      for (const channel of channels.keys()) changed.add(channel);
      await Promise.all([routes.remove(former), tell()]);
    },
    received: () => received,
    roundTrips: () => roundTrips,
  };
}
