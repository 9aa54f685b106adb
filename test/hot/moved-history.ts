/** A database's history that a test replaces. */
import type { History } from "../../src/domain/ports/store/store.ts";

export interface MovedHistory extends History {
  adopt(epoch: string): void;
}

export function movedHistory(first: string): MovedHistory {
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
    hold: () => () => {},
    lost: async () => {},
    adopt(next) {
      epoch = next;
      for (const listener of [...listeners]) listener();
    },
  };
}
