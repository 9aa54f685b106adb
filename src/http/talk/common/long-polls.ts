/**
 * Clients that wait for news. Each is one entry of one table: a single timer ends those whose time is over, and it does
 * not run while nobody waits. A client that hangs up is let go at once, and all are when the process stops. Who waits
 * with a credential that ended is let go within seconds, and is given nothing that came after its end.
 */

import { DomainError } from "../../../domain/errors.ts";
import type { Holder } from "../../../domain/model.ts";
import type { CredentialWatch, Watched } from "../../requests/credential-watch.ts";

/** Who waits: their connection, and what proves who they are; null for guests, who have no credential. */
export interface PollingClient {
  signal: AbortSignal;
  holder: Holder | null;
}

export interface LongPolls {
  /** Begins to wait; whoever does must call `end`. */
  open(options: PollingClient & { timeoutMs: number }): LongPoll;
  /** Ends the waiting of all who wait now. */
  finishAll(): void;
  /** How many wait. */
  readonly size: number;
}

export interface LongPoll {
  /** The time is over, the client hung up, or the process stops. */
  readonly over: boolean;
  /**
   * To be called with what the client is about to be told, once it was found.
   * @throws DomainError `unauthorized` when their credential is no longer valid
   */
  requireValid(): Promise<void>;
  /** There may be news. */
  wake(): void;
  /** There will be no more news: it is over. */
  finish(): void;
  /** Resolves when there may be news since it resolved the last time (or since `open`), or when it is over. */
  news(): Promise<void>;
  end(): void;
}

const TICK_MS = 250;

/**
 * @param watchOf how the credentials of those who wait are watched
 * @param stopping aborted when nobody may wait any longer
 */
export function createLongPolls(
  watchOf: (watched: ReadonlySet<Watched>) => CredentialWatch,
  stopping: AbortSignal = new AbortController().signal,
  now: () => number = () => performance.now(),
): LongPolls {
  const watched = new Set<Watched>();
  const watch = watchOf(watched);
  const waiting = new Set<{ deadline: number; finish(): void }>();
  let timer: NodeJS.Timeout | null = null;

  function tick(): void {
    const at = now();
    for (const one of waiting) if (one.deadline <= at) one.finish();
  }

  function finishAll(): void {
    for (const one of waiting) one.finish();
  }
  stopping.addEventListener("abort", finishAll);

  /** @returns how to stop watching */
  function watchHolder(holder: Holder, end: () => void): () => void {
    const one = { ...holder, end };
    watched.add(one);
    watch.changed();
    return () => {
      watched.delete(one);
      watch.changed();
    };
  }

  return {
    finishAll,
    get size() {
      return waiting.size;
    },
    open({ timeoutMs, signal, holder }) {
      let over = signal.aborted || stopping.aborted;
      let woken = false;
      let resume: (() => void) | null = null;
      const wake = () => {
        woken = true;
        resume?.();
      };
      const finish = () => {
        over = true;
        wake();
      };
      const entry = { deadline: now() + timeoutMs, finish };
      waiting.add(entry);
      signal.addEventListener("abort", finish, { once: true });
      const unwatch = holder ? watchHolder(holder, finish) : () => {};
      timer ??= setInterval(tick, TICK_MS).unref();
      return {
        get over() {
          return over || entry.deadline <= now();
        },
        wake,
        finish,
        async requireValid() {
          if (holder && !(await watch.isValid(holder))) throw new DomainError("unauthorized");
        },
        async news() {
          if (!woken && !this.over) {
            await new Promise<void>((resolve) => {
              resume = resolve;
            });
            resume = null;
          }
          woken = false;
        },
        end() {
          signal.removeEventListener("abort", finish);
          waiting.delete(entry);
          unwatch();
          if (waiting.size > 0 || timer === null) return;
          clearInterval(timer);
          timer = null;
        },
      };
    },
  };
}
