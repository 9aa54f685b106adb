/** Connections to Redis. They fail fast while Redis is away, and reconnect by themselves without end. */
import { Cluster, Redis } from "ioredis";
import { backoffMs } from "../../../domain/backoff.ts";
import type { Logger } from "../../../logger.ts";
import { isRefusal } from "./failures.ts";
import { loadScripts } from "./scripts.ts";
import type { RedisAddress, ServerOptions } from "./url.ts";

export type Connection = Redis | Cluster;
export type RedisLogger = Pick<Logger, "info" | "warn" | "error">;

const MIN_VERSION = "6.2";
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that owes an answer for so long counts as dead: its commands fail, and a new connection is made. */
const SILENCE_MS = 3_000;
const CLUSTER_REDIRECTIONS = 5;
const PAUSES = { firstMs: 100, maxMs: 2_000, jitter: 0.5 };

/** Options of every connection: no command is queued while Redis is away, and none is sent twice. */
function commonOptions({ options }: RedisAddress, name: string): ServerOptions {
  return {
    ...options,
    connectionName: name,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    retryStrategy: pause,
    // A master that became a replica behind the same address: the new connection finds the new master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

/** A connection for commands. `whenReady` makes it connect. */
export function commandConnection(address: RedisAddress, name: string): Connection {
  const scripts = loadScripts();
  const options = commonOptions(address, name);
  if (address.cluster === null) return new Redis({ ...options, scripts });
  const { enableOfflineQueue: _queue, retryStrategy: _retry, ...redisOptions } = options;
  return new Cluster(address.cluster, {
    ...{ scripts, redisOptions, lazyConnect: true, clusterRetryStrategy: pause },
    maxRedirections: CLUSTER_REDIRECTIONS,
    // Certificates name hosts, not addresses.
    ...(options.tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  });
}

/** A connection for subscriptions, to the server or to one node of a cluster. Its user subscribes again after a loss. */
export function subscriberConnection(
  address: RedisAddress,
  name: string,
  node: { host?: string; port?: number } = {},
): Redis {
  return new Redis({ ...commonOptions(address, name), ...node, autoResubscribe: false });
}

/** The result of the first attempt to connect. */
export type FirstContact = { version: number } | { version: null; reason: Error };

/**
 * Connects. When the server can't be reached within `limitMs` the connection goes on trying by itself.
 * @returns the server's major version
 * @throws Error when the server answers and can't be used: a wrong password, too old a version
 */
export async function firstContact(connection: Connection, limitMs: number): Promise<FirstContact> {
  try {
    await whenReady(connection, limitMs);
  } catch (error) {
    if (isRefusal(error)) throw error;
    return { version: null, reason: error as Error };
  }
  return { version: await requireVersion(connection) };
}

/** The version of a server that could not be reached at first. A version that is too old is logged, and refused. */
export async function versionWhenReady(connection: Connection, logger: RedisLogger): Promise<number> {
  await new Promise<void>((resolve) => connection.once("ready", () => resolve()));
  try {
    return await requireVersion(connection);
  } catch (error) {
    logger.error(
      { event: "redis.unusable", err: error },
      "the Redis that came up can't be used; hot state fails until it is replaced and the process restarts",
    );
    connection.disconnect();
    throw error;
  }
}

/** Connects. @throws Error with the last reason when that takes longer than `limitMs`; it goes on trying then */
async function whenReady(connection: Connection, limitMs: number): Promise<void> {
  let reason: Error | null = null;
  const note = (error: Error) => {
    reason = rootOf(error);
  };
  connection.on("error", note);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(reason ?? new Error(`no answer in ${limitMs} ms`)), limitMs);
    connection.once("ready", () => {
      clearTimeout(timer);
      resolve();
    });
    connection.connect().catch(note);
  }).finally(() => connection.off("error", note));
}

export interface OutageWatch {
  /** Notes that Redis could not be reached at the start. */
  startsWithout(why: Error): void;
  stop(): void;
}

/** Logs when the connection is lost, with the reason, and when it is back; each once. */
export function watch(connection: Connection, logger: RedisLogger): OutageWatch {
  let reason: Error | null = null;
  let state: "starting" | "here" | "away" = "starting";
  function lost(why: Error | null): void {
    state = "away";
    logger.warn(
      { event: "redis.away", err: why },
      "could not reach Redis; hot state fails and the bus drops messages until it is back",
    );
  }
  const onClose = () => {
    if (state === "here") lost(reason);
  };
  connection.on("error", (error: Error) => {
    reason = rootOf(error);
  });
  connection.on("close", onClose);
  connection.on("ready", () => {
    if (state === "away") logger.info({ event: "redis.back" }, "Redis can be reached again");
    state = "here";
    reason = null;
  });
  return { startsWithout: lost, stop: () => void connection.off("close", onClose) };
}

/** @returns the server's version. @throws Error when it is too old */
async function requireVersion(connection: Connection): Promise<number> {
  const version = /^redis_version:(\S+)/m.exec(await connection.info("server"))?.[1] ?? "0";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new Error(`it is version ${version}, and ${MIN_VERSION} or later is needed`);
  }
  return major;
}

/** @param attempt counted from 1 */
function pause(attempt: number): number {
  return backoffMs(PAUSES, attempt - 1);
}

/** The error of a cluster says only that no node answered; the reason of the last node is inside. */
function rootOf(error: Error & { lastNodeError?: Error | null }): Error {
  return error.lastNodeError ?? error;
}
