/**
 * Hot state and bus over Redis ≥ 6.2 or Valkey, shared by all processes. Reading order: this file; client.ts (round
 * trips); keys.ts; one file per noun with its *.lua; deadlines.ts (how the sweeper finds decayed entries); bus.ts; below them connection.ts, url.ts and failures.ts.
 *
 * The list of a member's rooms costs three commands: `lastPings` is one HMGET, `unread.get` one HMGET, `calls.flags`
 * one MGET (in a cluster one GET per room, in parallel). Commands of one turn of the event loop are one round trip.
 */
import { Cluster } from "ioredis";
import { periodic } from "../../domain/periodic.ts";
import type { Bus } from "../../domain/ports/bus.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { HotState } from "../../domain/ports/hot.ts";
import type { History } from "../../domain/ports/store/store.ts";
import { INDEX_MS, SWEEP_MS } from "../lifetimes.ts";
import { createMemoryLimits } from "../memory/limits.ts";
import { createRedisBus, type RedisBus } from "./bus.ts";
import { createRedisCalls } from "./calls.ts";
import { createRedisClient, type RedisClient } from "./connection/client.ts";
import {
  type Connection,
  commandConnection,
  firstContact,
  type RedisLogger,
  subscriberConnection,
  versionWhenReady,
  watch,
} from "./connection/connection.ts";
import { channelPrefix, createKeys, historyName } from "./connection/keys.ts";
import { createClusterRoutes, createLateRoutes, type Routes } from "./connection/routes.ts";
import { openSubscriberConnection, slotOf } from "./connection/subscriber-connection.ts";
import type { OpenRoutes } from "./connection/subscriptions.ts";
import { parseRedisUrl, type RedisAddress } from "./connection/url.ts";
import { createRedisLimits } from "./limits.ts";
import { createRedisPresence } from "./presence.ts";
import { createRedisSessions } from "./sessions.ts";
import { createRedisSignalingQueues } from "./signaling-queue.ts";
import { createRedisTokens } from "./tokens.ts";
import { createRedisTyping } from "./typing.ts";
import { createRedisUnread } from "./unread.ts";

export interface RedisHotOptions {
  /** `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`. */
  url: string;
  logger: RedisLogger;
  /** Names this process in Redis's list of clients. */
  node: string;
  clock: Clock;
  /** The database's history. Hot state belongs to it, and is abandoned when it changes. */
  history: History;
  /** The longest wait for Redis at the start. */
  startMs?: number;
  /** Called with the duration of each burst of commands. For metrics. */
  onRoundTrip?: ((seconds: number) => void) | undefined;
}

export interface RedisHot {
  hot: HotState;
  bus: Bus;
  /**
   * `roundTrips`: bursts of commands that callers waited for (those of the sweeper and of publishing are not counted);
   * `subscribeRoundTrips`: bursts of subscriptions.
   */
  stats(): { roundTrips: number; subscribeRoundTrips: number };
}

const START_MS = 3_000;

/**
 * Connects. Redis may be away at any time, also at the start. While it is away everything but `limits` rejects with
 * `unavailable`.
 * @throws Error that says what to do when Redis answers and can't be used
 */
export async function connectRedisHot(options: RedisHotOptions): Promise<RedisHot> {
  const { url, logger, clock, history, startMs = START_MS } = options;
  const address = parseRedisUrl(url);
  const name = `causeway:${options.node.replace(/[^\x21-\x7e]/g, "_")}`;
  const connection = commandConnection(address, name);
  const outages = watch(connection, logger);
  const contact = await firstContact(connection, startMs).catch((error: Error) => {
    connection.disconnect();
    throw unusable(address, error);
  });
  let { version } = contact;
  let routesWait: Promise<unknown> | null = null;
  if (contact.version === null) {
    outages.startsWithout(contact.reason);
    const later = versionWhenReady(connection, logger).then((found) => {
      version = found;
    });
    later.catch(() => undefined); // The log has the reason.
    if (connection instanceof Cluster) routesWait = later;
  }
  let named = historyName(history.epoch);
  const client = createRedisClient(
    connection,
    { keys: createKeys(() => named), now: clock.now },
    options.onRoundTrip,
  );
  // Redis 7 brought sharded channels.
  const sharded = () => connection instanceof Cluster && (version ?? 0) >= 7;
  const openRoutes: OpenRoutes = (listener) => {
    const open = () =>
      openRoutesOf({ address, connection, sharded: sharded(), name: `${name}:bus`, logger }, listener);
    return routesWait === null ? open() : createLateRoutes(routesWait.then(open), listener.onGap);
  };
  const prefix = () => channelPrefix(address.db, named);
  const bus = createRedisBus({ client, prefix, sharded, openRoutes, logger });
  const unfollow = history.onChange(() => {
    named = historyName(history.epoch);
    bus.renamed();
  });
  const stop = () => {
    unfollow();
    outages.stop();
  };
  let connectedAt = clock.now();
  connection.on("ready", () => {
    connectedAt = clock.now();
  });
  const bornAt = createBirth(client, () => connectedAt);
  return { ...parts(client, bus, logger, { stop, bornAt }), bus };
}

function unusable({ shown }: RedisAddress, cause: Error): Error {
  return new Error(
    `Redis at ${shown} can't be used: ${cause.message}. ` +
      "Correct it or REDIS_URL; without REDIS_URL one process keeps hot state in its memory",
    { cause },
  );
}

/**
 * The birth of hot state. Its key is lost together with all other keys of the server.
 * @param connectedAt the time of the last connect, ms
 */
function createBirth(client: RedisClient, connectedAt: () => number): HotState["bornAt"] {
  return async () => {
    const born = client.keys.born();
    const [, at] = await Promise.all([
      client.background.send("set", born, client.now(), "PX", INDEX_MS, "NX"),
      client.background.send<string | null>("get", born),
      client.background.send("pexpire", born, INDEX_MS),
    ]);
    return Math.max(Number(at), connectedAt());
  };
}

function parts(
  client: RedisClient,
  bus: RedisBus,
  logger: RedisLogger,
  { stop, bornAt }: { stop: () => void; bornAt: HotState["bornAt"] },
): Omit<RedisHot, "bus"> {
  const sessions = createRedisSessions(client);
  const sweep: HotState["sweep"] = async (now) => ({ sessions: await sessions.sweep(now) });
  // Every process sweeps. A process finds only entries that no other has removed.
  const stopSweeping = periodic("hot state", SWEEP_MS, () => sweep(client.now()), { logger });
  const hot: HotState = {
    ...{ sessions, sweep, bornAt },
    presence: createRedisPresence(client),
    calls: createRedisCalls(client),
    tokens: createRedisTokens(client),
    unread: createRedisUnread(client),
    limits: createRedisLimits(client, createMemoryLimits(client.now)),
    typing: createRedisTyping(client),
    signalingQueues: createRedisSignalingQueues(client),
    async ping() {
      await client.background.send("ping");
    },
    async time() {
      const [seconds, micros] = await client.background.send<[string, string]>("time");
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    },
    async close() {
      stop();
      await stopSweeping();
      await client.close();
    },
  };
  const stats = () => ({
    roundTrips: client.roundTrips(),
    subscribeRoundTrips: bus.subscribeRoundTrips(),
  });
  return { hot, stats };
}

interface RoutesOptions {
  address: RedisAddress;
  connection: Connection;
  sharded: boolean;
  name: string;
  logger: RedisLogger;
}

function openRoutesOf(
  { address, connection: cluster, sharded, name, logger }: RoutesOptions,
  { onMessage, onGap }: Parameters<OpenRoutes>[0],
): Routes {
  const open = (node: { host?: string; port?: number }, onLost: () => void) => {
    const connection = subscriberConnection(address, name, node);
    const subscriber = openSubscriberConnection({
      connection,
      sharded,
      logger,
      onMessage,
      onRestored: onGap,
      onLost,
    });
    // The driver goes on trying by itself.
    connection.connect().catch(() => undefined);
    return subscriber;
  };
  if (!(cluster instanceof Cluster)) return open({}, () => undefined);
  return createClusterRoutes({ cluster, sharded, slotOf, open, onMoved: onGap });
}
