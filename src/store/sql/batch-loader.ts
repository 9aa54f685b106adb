/**
 * Look-ups that many callers need at once (ten thousand clients that come back) share statements. One statement takes all
 * keys that were asked for in one turn of the event loop, or while earlier statements were under way. It begins after
 * its keys were asked for, so it sees everything that was committed before.
 */
import { createBatches } from "./batches.ts";

export interface BatchLoaderOptions<Key, Value> {
  /** Statements under way at once. */
  maxStatements: number;
  /** Keys of one statement. */
  maxKeys: number;
  /** One value per key, in order. */
  read: (keys: Key[]) => Promise<Value[]>;
}

/** @returns the look-up of one key; it rejects as `read` does */
export function createBatchLoader<Key, Value>(
  options: BatchLoaderOptions<Key, Value>,
): (key: Key) => Promise<Value> {
  let lane = 0;
  const batches = createBatches<Key, Value>({
    lanes: options.maxStatements,
    laneOf: () => lane++,
    sizeOf: () => 0,
    maxInputs: options.maxKeys,
    maxBytes: Number.POSITIVE_INFINITY,
    // The number of callers is bounded: a session sends hello once.
    maxQueued: Number.POSITIVE_INFINITY,
    commit: options.read,
  });
  return batches.add;
}

/** Groups rows by key and makes one value per key, in the order of `keys`; a key without rows gets an empty group. */
export function byKey<Key, Row, Value>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
  toValue: (rows: Row[]) => Value,
): Value[] {
  const groups = new Map<Key, Row[]>(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(keyOf(row))?.push(row);
  return keys.map((key) => toValue(groups.get(key) as Row[]));
}
