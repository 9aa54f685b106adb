/**
 * Hot state and bus of a single process, in its memory. It is also what the Redis twin is measured against: both pass
 * test/hot/contract.ts. One file per noun beside this one; each forgets what decayed when `sweep` tells it to.
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
import { createMemoryMailboxes } from "./signaling-queue.ts";
import { createMemoryTokens } from "./tokens.ts";
import { createMemoryTyping } from "./typing.ts";
import { createMemoryUnread } from "./unread.ts";

export interface MemoryHotOptions {
  /** The clock of what is not told the time, ms; unset, for tests: the process's own. */
  now?: () => number;
  /** Of the database: when it changes, everything is forgotten. */
  history?: History;
  /** Hears of bus handlers that throw. */
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
  const mailboxes = createMemoryMailboxes(now);

  let bornAt = now();

  const sweep = (at: number): SweepResult => {
    for (const part of [tokens, unread, limits, mailboxes]) part.sweep(at);
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
    ...{ tokens, sessions, presence, unread, calls, limits, typing, mailboxes },
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
