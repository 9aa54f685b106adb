/**
 * Whether the store can be written, since when, and what keeps it from it. Statements tell what they meet on their way;
 * while they say nothing, and always while something is wrong, the monitor asks by itself.
 */
import type { StoreCondition, StoreHealth, StoreTrouble } from "../../domain/ports/store/store-health.ts";
import type { StoreLogger } from "./database.ts";
import { troubleOf } from "./failures.ts";

export interface Monitor {
  readonly health: StoreHealth;
  /** A statement was answered: the database is there. */
  answered(): void;
  /** A statement failed. */
  failed(error: unknown): void;
  stop(): void;
}

export interface MonitorOptions {
  /** Asks whether the database takes writes, without writing. */
  check: () => Promise<void>;
  /** Writes, in a way that also fails while its disk is full or commits are not confirmed. */
  write: () => Promise<void>;
  /** False for the embedded database: it is this process, and a vacuum may hold its one connection. */
  watchesAnswers: boolean;
  logger: StoreLogger;
}

const TICK_MS = 1_000;
/** Without any answer for so long the database is slow, */
const SLOW_MS = 3_000;
/** and for so long it is away: sessions had better go elsewhere. */
const AWAY_MS = 5_000;

export function createMonitor({ check, write, watchesAnswers, logger }: MonitorOptions): Monitor {
  const listeners = new Set<() => void>();
  let condition: StoreCondition = { state: "ok", since: Date.now(), detail: null };
  let begun = performance.now();
  let lastAnswer = performance.now();
  let lastTick = performance.now();
  let asking = false;
  let stopped = false;
  let toldAway = false;

  function trouble(state: StoreTrouble, detail: string): void {
    if (condition.state === "ok") {
      begun = performance.now();
      logger.error(
        { event: "store.unwritable", state, cause: detail },
        "the database takes no writes; trying again",
      );
    }
    condition = { state, since: condition.state === state ? condition.since : Date.now(), detail };
  }

  function recovered(): void {
    lastAnswer = performance.now();
    if (condition.state === "ok") return;
    const { state, detail } = condition;
    const seconds = Math.round((performance.now() - begun) / 1_000);
    logger.info(
      { event: "store.writable", state, cause: detail, seconds },
      "the database takes writes again",
    );
    condition = { state: "ok", since: Date.now(), detail: null };
    toldAway = false;
  }

  function failed(error: unknown): void {
    const state = troubleOf(error);
    if (state && !stopped) trouble(state, (error as Error).message);
  }

  /** A check says nothing about a full disk: only a write ends a trouble. */
  async function ask(): Promise<void> {
    asking = true;
    try {
      if (condition.state === "ok") {
        await check();
        lastAnswer = performance.now();
      } else {
        await write();
        recovered();
      }
    } catch (error) {
      failed(error);
    } finally {
      asking = false;
    }
  }

  function lookAtAnswers(unanswered: number): void {
    if (condition.state === "ok" && unanswered >= SLOW_MS)
      trouble("slow", `no answer for ${Math.round(unanswered / 1_000)} s`);
    const isAway = condition.state !== "ok" && unanswered >= AWAY_MS;
    if (isAway && !toldAway) for (const listener of [...listeners]) listener();
    toldAway = isAway;
  }

  function tick(): void {
    const now = performance.now();
    // A process that was itself stopped for a while has not waited for the database in that time.
    const late = now - lastTick - TICK_MS;
    if (late > TICK_MS) lastAnswer += late;
    lastTick = now;
    const unanswered = now - lastAnswer;
    if (watchesAnswers) lookAtAnswers(unanswered);
    if (!asking && (condition.state !== "ok" || (watchesAnswers && unanswered >= TICK_MS))) void ask();
  }
  const timer = setInterval(tick, TICK_MS);
  timer.unref();

  return {
    health: {
      get condition() {
        return condition;
      },
      get isAway() {
        return toldAway;
      },
      onAway(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    answered() {
      lastAnswer = performance.now();
    },
    failed,
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}
