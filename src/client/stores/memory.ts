/** A store that lives as long as the program: for tests, and for apps that keep nothing on the device. */
import type { Store } from "./store.ts";
import { Tables } from "./tables.ts";

export function memoryStore(): Store {
  const tables = new Tables();
  return {
    get: async (table, key) => tables.table(table).get(key),
    range: async (table, which = {}) => tables.table(table).range(which),
    batch: async (writes) => tables.apply(writes),
    close: async () => undefined,
  };
}
