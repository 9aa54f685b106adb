/**
 * The bus over Redis's channels. All subscriptions and messages of one turn of the event loop travel together. Messages are
 * lost while Redis is away; `onGap` tells listeners when their channels are subscribed again.
 * It uses subscriptions.ts and publisher.ts, which use routes.ts and subscriber-connection.ts.
 */
import type { Bus } from "../../domain/ports/bus.ts";
import type { RedisClient } from "./connection/client.ts";
import type { RedisLogger } from "./connection/connection.ts";
import { createPublisher } from "./connection/publisher.ts";
import { createSubscriptions, type OpenRoutes } from "./connection/subscriptions.ts";

export interface RedisBusOptions {
  client: RedisClient;
  /** The current prefix of every channel. */
  prefix: () => string;
  /** Whether to publish to the node of the channel's slot, where the routes subscribe. */
  sharded: () => boolean;
  openRoutes: OpenRoutes;
  logger: RedisLogger;
}

export type RedisBus = Bus & {
  /** The prefix changed: subscribes to the channels by their new names, then calls the gap handlers. */
  renamed(): void;
  /** Bursts of subscriptions that were sent. */
  subscribeRoundTrips(): number;
};

const PROBE_MS = 5_000;

export function createRedisBus({ client, prefix, sharded, openRoutes, logger }: RedisBusOptions): RedisBus {
  const gapHandlers: (() => void)[] = [];
  const onGap = () => {
    for (const handler of gapHandlers) {
      try {
        handler();
      } catch (error) {
        logger.error(
          { event: "bus.gap_handler_failed", err: error },
          "a listener for gaps of the bus failed; the other listeners go on",
        );
      }
    }
  };
  const subscriptions = createSubscriptions({ prefix, logger, openRoutes, onGap });
  const publisher = createPublisher({ client, prefix, sharded, logger });
  const { routes } = subscriptions;
  const probe = setInterval(routes.probe, PROBE_MS);
  probe.unref();
  let open = true;

  return {
    publish: publisher.publish,
    subscribe: subscriptions.add,
    unsubscribe: subscriptions.remove,
    onGap: (handler) => void gapHandlers.push(handler),
    stats: () => ({
      ...publisher.stats(),
      received: subscriptions.received(),
      connected: open && client.ready() && routes.ready(),
    }),
    renamed: () => void subscriptions.renamed().then(onGap),
    subscribeRoundTrips: subscriptions.roundTrips,
    async close() {
      open = false;
      clearInterval(probe);
      await publisher.close();
      routes.close();
    },
  };
}
