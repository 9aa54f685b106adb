/**
 * Commands to Redis. What is asked for in one turn of the event loop travels together, so that however many commands
 * a caller needs at once, they cost one round trip. An answer that does not come in time is a refusal, not a wait.
 */
import { Cluster } from "ioredis";
import { chunksOf } from "../../lists.ts";
import type { Connection } from "./connection.ts";
import { asDomainError, redisAway } from "./failures.ts";
import type { Keys } from "./keys.ts";
import { type ScriptName, scriptCommand } from "./scripts.ts";

export type Argument = string | number | Buffer;

/** All reject with `unavailable` at once while Redis is away, and after a second without an answer. */
export interface Commands {
  /** `T` is what Redis is known to answer; nothing checks it. */
  send<T>(command: string, ...args: Argument[]): Promise<T>;
  /** The keys of one script must lie in one slot. */
  run<T>(script: ScriptName, keys: string[], args: Argument[]): Promise<T>;
}

export interface RedisClient extends Commands {
  readonly keys: Keys;
  /** The clock that all processes share, ms. */
  now(): number;
  /** The same for work that no caller waits for; it is not counted as round trips. */
  readonly background: Commands;
  /** Lists of what one command may name at once: many keys, or in a cluster each one alone. */
  together<T>(items: readonly T[]): T[][];
  ready(): boolean;
  /** Bursts of commands that were sent without waiting in between. */
  roundTrips(): number;
  /** Waits for what was sent. */
  close(): Promise<void>;
}

const ANSWER_MS = 1_000;
const CLOSE_MS = 1_000;
/** Commands under way. More are refused: a server that is stuck must not make memory grow. */
const MAX_UNDER_WAY = 50_000;
/** Longer lists would keep the server from its other clients. */
const MAX_KEYS = 1_000;

interface Call {
  name: string;
  args: unknown[];
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}
/** The driver's methods by name. */
type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** @param onRoundTrip is told how long each burst of commands took */
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
    if (underWay >= MAX_UNDER_WAY) return Promise.reject(redisAway(new Error("too many commands under way")));
    underWay++;
    counts ||= counted;
    // After the promises of this turn: what several awaiting callers ask for then still travels together.
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
      // When it was we who were busy, the answer lies in the socket: it is read before an immediate runs.
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
      const quit = connection.quit().catch(() => undefined); // It is away: there is nothing to wait for.
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

/** Each to its own node, and none waits for another's node. */
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
