/**
 * Hot state and bus over Redis ≥ 6.2 or Valkey, shared by all processes. Reading order: this file; redis-client.ts (what
 * a round trip is); redis-keys.ts; one file per noun with its *.lua; redis-deadlines.ts (how the sweeper finds what
 * decayed); redis-bus.ts; below them redis-connection.ts, redis-url.ts and redis-failures.ts.
 *
 * The list of a member's rooms costs three commands: `lastPings` is one HMGET, `unread.get` one HMGET, `calls.flags`
 * one MGET (in a cluster one GET per room, side by side). Asked for in one turn they are one round trip.
 */
import { Cluster } from "ioredis";
import { DomainError } from "../domain/errors.ts";
import type { Bus } from "../domain/ports/bus.ts";
import type { HotState } from "../domain/ports/hot.ts";
import { SWEEP_MS } from "./lifetimes.ts";
import { createRedisBus, type RedisBus } from "./redis-bus.ts";
import { createRedisCalls } from "./redis-calls.ts";
import { createRedisClient, type RedisClient } from "./redis-client.ts";
import {
  type Connection,
  commandConnection,
  type RedisLogger,
  requireVersion,
  subscriberConnection,
  watch,
  whenReady,
} from "./redis-connection.ts";
import { channelPrefix } from "./redis-keys.ts";
import { openLane, slotOf } from "./redis-lane.ts";
import { createRedisLimits } from "./redis-limits.ts";
import { createRedisMailboxes } from "./redis-mailboxes.ts";
import { createRedisPresence } from "./redis-presence.ts";
import { createClusterRoutes } from "./redis-routes.ts";
import { createRedisSessions } from "./redis-sessions.ts";
import type { OpenRoutes } from "./redis-subscriptions.ts";
import { createRedisTokens } from "./redis-tokens.ts";
import { createRedisTyping } from "./redis-typing.ts";
import { createRedisUnread } from "./redis-unread.ts";
import { parseRedisUrl, type RedisAddress } from "./redis-url.ts";

export interface RedisHotOptions {
  /** `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`. */
  url: string;
  logger: RedisLogger;
  /** Names this process in Redis's list of clients. */
  node: string;
  /** How long to wait for Redis at the start. */
  startMs?: number;
}

export interface RedisHot {
  hot: HotState;
  bus: Bus;
  /**
   * `roundTrips`: bursts of commands that callers waited for (the sweeper's and what is published are not counted);
   * `subscribeRoundTrips`: bursts of subscriptions.
   */
  stats(): { roundTrips: number; subscribeRoundTrips: number };
}

const START_MS = 10_000;

/**
 * Connects. A Redis that is just starting is waited for; later it may come and go: then everything rejects with
 * `unavailable` until it is back.
 * @throws Error that says what to do when Redis can't be reached or used
 */
export async function connectRedisHot(options: RedisHotOptions): Promise<RedisHot> {
  const { url, logger, startMs = START_MS } = options;
  const address = parseRedisUrl(url);
  const name = `causeway:${options.node.replace(/[^\x21-\x7e]/g, "_")}`;
  const connection = commandConnection(address, name);
  const unwatch = watch(connection, logger);
  try {
    await whenReady(connection, startMs);
    const major = await requireVersion(connection);
    const client = createRedisClient(connection);
    // Redis 7 brought sharded channels.
    const sharded = connection instanceof Cluster && major >= 7;
    const openRoutes = routesOf({ address, connection, sharded, name: `${name}:bus`, logger });
    const prefix = channelPrefix(address.db);
    const bus = createRedisBus({ client, prefix, sharded, openRoutes, logger });
    return { ...parts(client, bus, logger, unwatch), bus };
  } catch (error) {
    connection.disconnect();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Redis at ${address.shown} can't be used: ${reason}. ` +
        "Start it or correct REDIS_URL; without REDIS_URL one process keeps hot state in its memory",
      { cause: error },
    );
  }
}

function parts(
  client: RedisClient,
  bus: RedisBus,
  logger: RedisLogger,
  unwatch: () => void,
): Omit<RedisHot, "bus"> {
  const sessions = createRedisSessions(client);
  const presence = createRedisPresence(client);
  const calls = createRedisCalls(client);
  const sweep: HotState["sweep"] = async (now) => {
    const [ended, participants, left] = await Promise.all([
      sessions.sweep(now),
      presence.sweep(now),
      calls.sweep(now),
    ]);
    return { sessions: ended, participants, calls: left };
  };
  const stopSweeper = startSweeper(sweep, logger);
  const hot: HotState = {
    ...{ sessions, presence, calls, sweep },
    tokens: createRedisTokens(client),
    unread: createRedisUnread(client),
    limits: createRedisLimits(client),
    typing: createRedisTyping(client),
    mailboxes: createRedisMailboxes(client),
    async ping() {
      await client.background.send("ping");
    },
    async close() {
      unwatch();
      await stopSweeper();
      await client.close();
    },
  };
  const stats = () => ({
    roundTrips: client.roundTrips(),
    subscribeRoundTrips: bus.subscribeRoundTrips(),
  });
  return { hot, stats };
}

/** Every process sweeps; what one has removed the others no longer find. @returns how to stop */
function startSweeper(sweep: HotState["sweep"], logger: RedisLogger): () => Promise<void> {
  let current: Promise<unknown> | null = null;
  const timer = setInterval(() => {
    current ??= sweep(Date.now())
      .catch((error: unknown) => {
        // Redis is away: the next sweep finds what this one did not.
        if (!(error instanceof DomainError)) logger.error({ err: error }, "Sweeping hot state failed");
      })
      .finally(() => {
        current = null;
      });
  }, SWEEP_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await current;
  };
}

function routesOf(options: {
  address: RedisAddress;
  connection: Connection;
  sharded: boolean;
  name: string;
  logger: RedisLogger;
}): OpenRoutes {
  const { address, connection: cluster, sharded, name, logger } = options;
  return ({ onMessage, onGap }) => {
    const open = (node: { host?: string; port?: number }, onLost: () => void) => {
      const connection = subscriberConnection(address, name, node);
      const lane = openLane({ connection, sharded, logger, onMessage, onRestored: onGap, onLost });
      // It goes on trying by itself.
      connection.connect().catch(() => undefined);
      return lane;
    };
    if (!(cluster instanceof Cluster)) return open({}, () => undefined);
    return createClusterRoutes({ cluster, sharded, slotOf, open, onMoved: onGap });
  };
}
