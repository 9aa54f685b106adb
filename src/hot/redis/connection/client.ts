/**
 * Commands to Redis. All commands of one turn of the event loop travel together, so they cost one round trip. A command
 * without an answer in time is refused.
 */
import { Cluster } from "ioredis";
import { chunksOf } from "../../lists.ts";
import type { Connection } from "./connection.ts";
import { asDomainError, redisAway } from "./failures.ts";
import type { Keys } from "./keys.ts";
import { type ScriptName, scriptCommand } from "./scripts.ts";

export type Argument = string | number | Buffer;

/** Commands reject with `unavailable`: at once while Redis is away, and after a second without an answer. */
export interface Commands {
  /** @typeParam T the answer of Redis, which is not checked */
  send<T>(command: string, ...args: Argument[]): Promise<T>;
  /** The keys of one script must lie in one slot. */
  run<T>(script: ScriptName, keys: string[], args: Argument[]): Promise<T>;
}

export interface RedisClient extends Commands {
  readonly keys: Keys;
  /** The clock that all processes share, ms. */
  now(): number;
  /** The same for work that no caller waits for. It is not counted in `roundTrips`. */
  readonly background: Commands;
  /** Splits keys into lists for one command each: long lists, or in a cluster lists of one. */
  together<T>(items: readonly T[]): T[][];
  ready(): boolean;
  /** Bursts of commands that were sent without waiting in between. */
  roundTrips(): number;
  /** Waits for what was sent. */
  close(): Promise<void>;
}

const ANSWER_MS = 1_000;
const CLOSE_MS = 1_000;
/** Commands under way. More are refused, so that a server that is stuck does not make memory grow. */
const MAX_COMMANDS = 50_000;
/** Keys of one command. A longer list would block the server's other clients. */
const MAX_KEYS = 1_000;

interface Call {
  name: string;
  args: unknown[];
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}
/** The driver's methods by name. */
type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** @param onRoundTrip called with the duration of each burst of commands */
export function createRedisClient(
  connection: Connection,
  { keys, now }: Pick<RedisClient, "keys" | "now">,
  onRoundTrip?: (seconds: number) => void,
): RedisClient {
  let waiting: Call[] = [];
  let underWay = 0;
  let roundTrips = 0;
  let counts = false;

  function ask<T>(name: string, args: unknown[], counted: boolean): Promise<T> {
    if (connection.status !== "ready") return Promise.reject(redisAway(new Error(connection.status)));
    if (underWay >= MAX_COMMANDS) return Promise.reject(redisAway(new Error("too many commands under way")));
    underWay++;
    counts ||= counted;
    // After the promises of this turn, so that commands of several awaiting callers travel together.
    if (waiting.length === 0) process.nextTick(sendWaiting);
    return new Promise<unknown>((resolve, reject) => {
      waiting.push({ name, args, resolve, reject });
    }) as Promise<T>;
  }

  function sendWaiting(): void {
    const calls = waiting;
    waiting = [];
    if (counts) roundTrips++;
    counts = false;
    const since = performance.now();
    const refuse = (error: unknown) => {
      for (const { reject } of calls) reject(asDomainError(error));
    };
    const late = setTimeout(() => {
      // If this process was busy, the answer waits in the socket. It is read before an immediate runs.
      setImmediate(() => refuse(new Error(`no answer in ${ANSWER_MS} ms`)));
    }, ANSWER_MS);
    const settled = connection instanceof Cluster ? eachAlone(connection, calls) : asOne(connection, calls);
    void settled.catch(refuse).finally(() => {
      clearTimeout(late);
      onRoundTrip?.((performance.now() - since) / 1_000);
      underWay -= calls.length;
    });
  }

  const commands = (counted: boolean): Commands => ({
    send: (command, ...args) => ask(command, args, counted),
    run: (script, keys, args) => ask(scriptCommand(script), [keys.length, ...keys, ...args], counted),
  });

  return {
    ...commands(true),
    ...{ keys, now },
    background: commands(false),
    together: (items) => chunksOf(items, connection instanceof Cluster ? 1 : MAX_KEYS),
    ready: () => connection.status === "ready",
    roundTrips: () => roundTrips,
    async close() {
      const quit = connection.quit().catch(() => undefined); // Redis is away, so there is no answer to wait for.
      await Promise.race([quit, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
      connection.disconnect();
    },
  };
}

/** One write to the one server. */
async function asOne(connection: Exclude<Connection, Cluster>, calls: Call[]): Promise<void> {
  const pipeline = connection.pipeline();
  // As one list: a spread of very many arguments overflows the stack.
  for (const { name, args } of calls) void (pipeline as unknown as Methods)[name]?.(args);
  const answers = (await pipeline.exec()) ?? [];
  for (const [i, { resolve, reject }] of calls.entries()) {
    const [error, answer] = answers[i] ?? [new Error("no answer"), null];
    if (error) reject(asDomainError(error));
    else resolve(answer);
  }
}

/** Each command goes to its own node, and waits for no other node. */
async function eachAlone(cluster: Cluster, calls: Call[]): Promise<void> {
  const methods = cluster as unknown as Methods;
  await Promise.all(
    calls.map(async ({ name, args, resolve, reject }) => {
      try {
        resolve(await methods[name]?.(args));
      } catch (error) {
        reject(asDomainError(error));
      }
    }),
  );
}
