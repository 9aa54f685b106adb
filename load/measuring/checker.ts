/**
 * What a client must have seen of a room: every seq from its start to the head, each once. Exact whatever the order in
 * which events come, and a comparison and an addition per event while all is well.
 */

export interface SeqFaults {
  missing: number;
  doubled: number;
  /** Came after a later one; delivery has to be in order, so this is a fault of its own. */
  disordered: number;
}

export class SeqChecker {
  #next: number;
  #gaps: Set<number> | null = null;
  #doubled = 0;
  #disordered = 0;

  /** @param seen the last seq that the client has already */
  constructor(seen: number) {
    this.#next = seen + 1;
  }

  /** The highest seq seen so far. */
  get last(): number {
    return this.#next - 1;
  }

  /** Takes an event. Returns false when it was there before. */
  take(seq: number): boolean {
    if (seq === this.#next) {
      this.#next++;
      return true;
    }
    if (seq > this.#next) {
      this.#gaps ??= new Set();
      for (let missed = this.#next; missed < seq; missed++) this.#gaps.add(missed);
      this.#next = seq + 1;
      return true;
    }
    if (this.#gaps?.delete(seq)) {
      this.#disordered++;
      return true;
    }
    this.#doubled++;
    return false;
  }

  /** The server said that it will not send what lies before: the client starts anew after `seen`. */
  restart(seen: number): void {
    this.#next = seen + 1;
    this.#gaps = null;
  }

  /** Whether everything up to `head` was seen. */
  isComplete(head: number): boolean {
    return this.#next > head && (this.#gaps === null || this.#gaps.size === 0);
  }

  faults(head: number): SeqFaults {
    const tail = Math.max(0, head + 1 - this.#next);
    return {
      missing: (this.#gaps?.size ?? 0) + tail,
      doubled: this.#doubled,
      disordered: this.#disordered,
    };
  }
}

export function addFaults(all: readonly SeqFaults[]): SeqFaults {
  const sum = { missing: 0, doubled: 0, disordered: 0 };
  for (const one of all) {
    sum.missing += one.missing;
    sum.doubled += one.doubled;
    sum.disordered += one.disordered;
  }
  return sum;
}
