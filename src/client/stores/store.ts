/**
 * Where an app's local data lies. A store is a few tables of texts under keys, sorted by key, and it writes in batches that
 * happen whole or not at all. It belongs to one client of one person: two clients at once must not share it.
 */

/** The tables of a store. A new one is added when a store is next opened. */
export const TABLES = ["meta", "rooms", "messages", "outbox"] as const;
export type Table = (typeof TABLES)[number];

/** The keys from `from` to `to`, both included. They are compared as JavaScript compares texts. */
export interface KeyRange {
  from: string;
  to: string;
}

/** Puts a value, deletes one (`value: null`), or deletes all keys of a range. */
export type Write = { table: Table; key: string; value: string | null } | ({ table: Table } & KeyRange);

export interface Store {
  get(table: Table, key: string): Promise<string | undefined>;
  /**
   * The rows of a range, or of the whole table, in the order of their keys; with `reverse` from the end.
   * @param limit rows at most
   */
  range(table: Table, which?: Partial<KeyRange> & { limit?: number; reverse?: boolean }): Promise<Row[]>;
  /**
   * Carries out writes in their order, all or none of them, also when the app is killed meanwhile. Resolves when that
   * outlives the app.
   */
  batch(writes: readonly Write[]): Promise<void>;
  /** Waits for what is under way. The store can't be used afterwards. */
  close(): Promise<void>;
}

export type Row = [key: string, value: string];
/** What {@link Store.range} is asked for. */
export type RangeQuery = NonNullable<Parameters<Store["range"]>[1]>;
