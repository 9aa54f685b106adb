/** How long a peer may keep us waiting while bytes go one way: waiting uses patience up, and bytes that move earn it back. */

export interface PatienceRule {
  /** How long one may be waited for without a byte, also after many. */
  mostMs: number;
  /** Whoever moves fewer for long runs out of patience. */
  bytesPerSecond: number;
}

export class Patience {
  readonly #rule: PatienceRule;
  readonly #onSpent: () => void;
  #leftMs: number;
  #since = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param onSpent called once, while the peer is waited for */
  constructor(rule: PatienceRule, onSpent: () => void) {
    this.#rule = rule;
    this.#onSpent = onSpent;
    this.#leftMs = rule.mostMs;
  }

  /** From now on the peer is waited for. */
  wait(): void {
    if (this.#timer) return;
    this.#since = performance.now();
    this.#timer = setTimeout(this.#onSpent, this.#leftMs);
  }

  /** The peer sent or took bytes, and is not waited for any more. */
  moved(bytes: number): void {
    if (!this.#timer) return;
    const { mostMs, bytesPerSecond } = this.#rule;
    const waitedMs = performance.now() - this.#since;
    this.stop();
    this.#leftMs = Math.min(mostMs, this.#leftMs - waitedMs + (bytes / bytesPerSecond) * 1_000);
  }

  /** Nobody is waited for. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
