/**
 * Long polls. Each is one entry in a table. A single timer ends those whose time is over; it does not run while the table is
 * empty. A poll ends at once when its client disconnects or the process stops. When its credential was revoked, it ends
 * within seconds and returns nothing from after the revocation.
 */

import { DomainError } from "../../../domain/errors.ts";
import type { Holder } from "../../../domain/model.ts";
import type { CredentialWatch, Watched } from "../../requests/credential-watch.ts";

/** The waiting client: its connection, and the holder of its credential; null for guests, who have none. */
export interface PollingClient {
  signal: AbortSignal;
  holder: Holder | null;
}

export interface LongPolls {
  /** Begins a long poll. The caller must call `end`. */
  open(options: PollingClient & { timeoutMs: number }): LongPoll;
  /** Finishes all present long polls. */
  finishAll(): void;
  /** The number of present long polls. */
  readonly size: number;
}

export interface LongPoll {
  /** Whether the time is over, the client disconnected, or the process stops. */
  readonly over: boolean;
  /**
   * Call this after the answer was found and before it is returned.
   * @throws DomainError `unauthorized` when the credential was revoked
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
 * @param watchOf makes the watch of the waiting clients' credentials
 * @param stopping ends all long polls
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
