/** The hosts of a database URL. They are tried in turn, with growing pauses while all of them fail. */
import { backoffMs } from "../../domain/backoff.ts";

/** One attempt to use a host. */
export interface Attempt {
  /** The host's place in the URL, counted from 0. */
  readonly host: number;
  /** Counts changes of host. The result of an attempt from before the last change is ignored. */
  readonly generation: number;
}

export interface Hosts {
  /** The host to try now; null in the pause after all of them failed. */
  next(): Attempt | null;
  /** The error of the last failed attempt; undefined for none. */
  readonly failure: unknown;
  /** The host was connected to, and takes writes. */
  worked(attempt: Attempt): void;
  /** The host is unusable or takes no writes: the next one is tried. */
  failed(attempt: Attempt, reason: unknown): void;
  /** An open connection broke. The host may be gone: the next one is tried first. */
  lost(attempt: Attempt): void;
}

const PAUSES = { firstMs: 50, maxMs: 1_000, jitter: 0.5 };

/** @param count the number of hosts */
export function createHosts(count: number): Hosts {
  let host = 0;
  let generation = 0;
  let failures = 0;
  let pauseUntil = 0;
  let failure: unknown;

  function moveOn(): void {
    host = (host + 1) % count;
    generation++;
  }

  return {
    next: () => (performance.now() < pauseUntil ? null : { host, generation }),
    get failure() {
      return failure;
    },
    worked(attempt) {
      host = attempt.host;
      failures = 0;
      pauseUntil = 0;
    },
    failed(attempt, reason) {
      if (attempt.generation !== generation) return;
      failure = reason;
      failures++;
      moveOn();
      if (failures < count) return;
      pauseUntil = performance.now() + backoffMs(PAUSES, failures - count);
    },
    lost(attempt) {
      if (attempt.generation === generation) moveOn();
    },
  };
}
