/**
 * Watches whether the database takes writes, since when, and what the trouble is. Statements report their answers and
 * failures. The monitor asks the database itself when no statement was answered for a second, and while there is a trouble.
 */
import type { StoreCondition, StoreHealth, StoreTrouble } from "../../domain/ports/store-health.ts";
import type { StoreLogger } from "./database.ts";
import { troubleOf } from "./failures.ts";

export interface Monitor {
  readonly health: StoreHealth;
  /** A statement was answered. */
  answered(): void;
  /** A statement failed. */
  failed(error: unknown): void;
  stop(): void;
}

export interface MonitorOptions {
  /** Asks whether the database takes writes, without writing. */
  check: () => Promise<void>;
  /** Writes, so that a full disk and an unconfirmed commit are noticed. */
  write: () => Promise<void>;
  /** False for the embedded database: it runs in this process, and a vacuum may hold its one connection. */
  watchesAnswers: boolean;
  logger: StoreLogger;
}

const TICK_MS = 1_000;
/** Without any answer for so long the database counts as slow. */
const SLOW_MS = 3_000;
/** Without any answer for so long it counts as away, and listeners of `onAway` are called. */
const AWAY_MS = 5_000;

export function createMonitor({ check, write, watchesAnswers, logger }: MonitorOptions): Monitor {
  const listeners = new Set<() => void>();
  let condition: StoreCondition = { state: "ok", since: Date.now(), detail: null };
  let troubleSince = performance.now();
  let lastAnswer = performance.now();
  let lastTick = performance.now();
  let asking = false;
  let stopped = false;
  let isAway = false;

  function trouble(state: StoreTrouble, detail: string): void {
    if (condition.state === "ok") {
      troubleSince = performance.now();
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
    const seconds = Math.round((performance.now() - troubleSince) / 1_000);
    logger.info(
      { event: "store.writable", state, cause: detail, seconds },
      "the database takes writes again",
    );
    condition = { state: "ok", since: Date.now(), detail: null };
    isAway = false;
  }

  function failed(error: unknown): void {
    const state = troubleOf(error);
    if (state && !stopped) trouble(state, (error as Error).message);
  }

  /** A check does not notice a full disk, so only a write ends a trouble. */
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

  function checkAnswers(unanswered: number): void {
    if (condition.state === "ok" && unanswered >= SLOW_MS)
      trouble("slow", `no answer for ${Math.round(unanswered / 1_000)} s`);
    const wasAway = isAway;
    isAway = condition.state !== "ok" && unanswered >= AWAY_MS;
    if (isAway && !wasAway) for (const listener of [...listeners]) listener();
  }

  function tick(): void {
    const now = performance.now();
    // While this process itself stood still it did not wait for the database.
    const late = now - lastTick - TICK_MS;
    if (late > TICK_MS) lastAnswer += late;
    lastTick = now;
    const unanswered = now - lastAnswer;
    if (watchesAnswers) checkAnswers(unanswered);
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
        return isAway;
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
