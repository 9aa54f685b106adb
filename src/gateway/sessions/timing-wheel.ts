/**
 * One timer for all connections: each stands in one slot, a tick visits one slot, and every connection is visited once
 * per turn. What a connection has to do at some time is looked at then, so no connection has a timer of its own.
 */
export interface TimingWheel<T> {
  /** Returns the slot, which `remove` wants back. */
  add(item: T): number;
  remove(item: T, slot: number): void;
  stop(): void;
}

const SLOTS = 8;

/** `visit` gets the items of one slot and `performance.now()`; `turnMs` is the time between two visits of the same item. */
export function startTimingWheel<T>(
  turnMs: number,
  visit: (items: ReadonlySet<T>, now: number) => void,
): TimingWheel<T> {
  const slots = Array.from({ length: SLOTS }, () => new Set<T>());
  let filled = 0;
  let current = 0;
  const timer = setInterval(() => {
    current = (current + 1) % SLOTS;
    visit(slots[current] as Set<T>, performance.now());
  }, turnMs / SLOTS);
  timer.unref();
  return {
    add(item) {
      const slot = filled++ % SLOTS;
      slots[slot]?.add(item);
      return slot;
    },
    remove(item, slot) {
      slots[slot]?.delete(item);
    },
    stop: () => clearInterval(timer),
  };
}
