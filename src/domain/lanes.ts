/**
 * A bounded number of tasks at once, from two lanes: those in `known` go first, and what comes by the lane of strangers
 * is paced as well. So many strangers may come that they wait for each other; nobody else waits for them.
 */
import { DomainError } from "./errors.ts";

export type Lane = "known" | "stranger";

export interface LaneOptions {
  /** Tasks that run at once. */
  parallel: number;
  /** Tasks that may wait in each lane. */
  maxWaiting: number;
  /** How fast strangers' tasks are begun; null: as fast as they can be. */
  pace: { burst: number; perSecond: number } | null;
}

/** @throws DomainError `busy` when too many wait in the lane */
export type RunInLane = <T>(lane: Lane, task: () => Promise<T>) => Promise<T>;

export function createLanes({ parallel, maxWaiting, pace }: LaneOptions): RunInLane {
  const waiting: Record<Lane, (() => void)[]> = { known: [], stranger: [] };
  const delayOf = pace ? createPace(pace) : () => 0;
  let running = 0;
  let timer: NodeJS.Timeout | null = null;

  function nextStranger(): (() => void) | undefined {
    if (waiting.stranger.length === 0 || timer !== null) return undefined;
    const delayMs = delayOf();
    if (delayMs === 0) return waiting.stranger.shift();
    timer = setTimeout(() => {
      timer = null;
      begin();
    }, delayMs);
    return undefined;
  }

  function begin(): void {
    while (running < parallel) {
      const enter = waiting.known.shift() ?? nextStranger();
      if (enter === undefined) return;
      running++;
      enter();
    }
  }

  return async (lane, task) => {
    if (waiting[lane].length >= maxWaiting) {
      throw new DomainError("busy", "Too many passwords are being checked; try again", {
        retryAfterMs: 1_000,
      });
    }
    await new Promise<void>((enter) => {
      waiting[lane].push(enter);
      begin();
    });
    try {
      return await task();
    } finally {
      running--;
      begin();
    }
  };
}

/** @returns 0, and takes one, or how long to wait before asking again, ms */
function createPace({ burst, perSecond }: { burst: number; perSecond: number }): () => number {
  let tokens = burst;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - at) / 1_000) * perSecond);
    at = now;
    if (tokens < 1) return Math.ceil(((1 - tokens) / perSecond) * 1_000);
    tokens--;
    return 0;
  };
}
