/** The hosts of a database URL: tried in turn, and with growing pauses while none of them can be used. */
import { backoffMs } from "../../domain/backoff.ts";

/** One attempt to use a host. */
export interface Attempt {
  /** The host's place in the URL, counted from 0. */
  readonly host: number;
  /** What was known when it began; what an older attempt says later is no news. */
  readonly round: number;
}

export interface Hosts {
  /** The host to try now; null in the pause after all of them failed. */
  next(): Attempt | null;
  /** Why the last attempt failed; undefined: none did. */
  readonly failure: unknown;
  /** The host was connected to, and takes writes. */
  worked(attempt: Attempt): void;
  /** The host can't be used, or not for writing: the next one is tried. */
  failed(attempt: Attempt, reason: unknown): void;
  /** An open connection broke. The host may be gone: the next one is tried first. */
  lost(attempt: Attempt): void;
}

const PAUSES = { firstMs: 50, maxMs: 1_000, jitter: 0.5 };

/** @param count how many hosts there are */
export function createHosts(count: number): Hosts {
  let host = 0;
  let round = 0;
  let failures = 0;
  let pauseUntil = 0;
  let failure: unknown;

  function moveOn(): void {
    host = (host + 1) % count;
    round++;
  }

  return {
    next: () => (performance.now() < pauseUntil ? null : { host, round }),
    get failure() {
      return failure;
    },
    worked(attempt) {
      host = attempt.host;
      failures = 0;
      pauseUntil = 0;
    },
    failed(attempt, reason) {
      if (attempt.round !== round) return;
      failure = reason;
      failures++;
      moveOn();
      if (failures < count) return;
      pauseUntil = performance.now() + backoffMs(PAUSES, failures - count);
    },
    lost(attempt) {
      if (attempt.round === round) moveOn();
    },
  };
}
