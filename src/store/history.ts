/** The identity of this database's history, as this process knows it. See `History` in domain/ports/store.ts. */
import type { History } from "../domain/ports/store.ts";

export interface KnownHistory extends History {
  /** The database goes on with another history: everybody who holds something of the one before is told. */
  adopt(epoch: string): void;
}

export function createHistory(first: string): KnownHistory {
  const listeners = new Set<() => void>();
  let epoch = first;
  return {
    get epoch() {
      return epoch;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    adopt(next) {
      if (next === epoch) return;
      epoch = next;
      for (const listener of [...listeners]) listener();
    },
  };
}
