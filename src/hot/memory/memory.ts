/**
 * Hot state and bus of a single process, in its memory. Memory and Redis pass the same tests (test/hot/contract.ts). This
 * folder has one file per noun; each removes its decayed entries in `sweep`.
 */
import type { Bus } from "../../domain/ports/bus.ts";
import type { HotState, SweepResult } from "../../domain/ports/hot.ts";
import type { History } from "../../domain/ports/store/store.ts";
import type { Logger } from "../../logger.ts";
import { SWEEP_MS } from "../lifetimes.ts";
import { createMemoryBus } from "./bus.ts";
import { createMemoryCalls } from "./calls.ts";
import { createMemoryLimits } from "./limits.ts";
import { createMemoryPresence } from "./presence.ts";
import { createMemorySessions } from "./sessions.ts";
import { createMemorySignalingQueues } from "./signaling-queue.ts";
import { createMemoryTokens } from "./tokens.ts";
import { createMemoryTyping } from "./typing.ts";
import { createMemoryUnread } from "./unread.ts";

export interface MemoryHotOptions {
  /** The clock for calls without a time, ms; unset (in tests): the process's own. */
  now?: () => number;
  /** The database's history. When it changes, all hot state is dropped. */
  history?: History;
  /** Logs handlers of the bus that throw. */
  logger?: Pick<Logger, "error">;
}

export function createMemoryHot({ now = Date.now, history, logger }: MemoryHotOptions = {}): {
  hot: HotState;
  bus: Bus;
} {
  const tokens = createMemoryTokens(now);
  const sessions = createMemorySessions(now);
  const presence = createMemoryPresence(now);
  const unread = createMemoryUnread(now);
  const calls = createMemoryCalls(now);
  const limits = createMemoryLimits(now);
  const typing = createMemoryTyping();
  const signalingQueues = createMemorySignalingQueues(now);

  let bornAt = now();

  const sweep = (at: number): SweepResult => {
    for (const part of [tokens, unread, limits, signalingQueues]) part.sweep(at);
    presence.purge();
    return { sessions: sessions.sweep(at) };
  };
  const timer = setInterval(() => sweep(now()), SWEEP_MS);
  timer.unref();
  const unfollow = history?.onChange(() => {
    sweep(Number.POSITIVE_INFINITY);
    for (const part of [presence, unread, calls, typing]) part.clear();
    bornAt = now();
  });

  const hot: HotState = {
    ...{ tokens, sessions, presence, unread, calls, limits, typing, signalingQueues },
    ping: async () => {},
    time: async () => null,
    bornAt: async () => bornAt,
    sweep: async (at) => sweep(at),
    async close() {
      unfollow?.();
      clearInterval(timer);
    },
  };
  return { hot, bus: createMemoryBus(logger) };
}
