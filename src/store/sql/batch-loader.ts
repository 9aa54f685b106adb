/**
 * Look-ups that many ask for at once (ten thousand clients that come back) share statements: what is asked in one turn
 * of the event loop, or while the statements before are under way, goes as one. A statement never begins before it was
 * asked for, so it sees whatever was committed by then.
 */
import { createBatches } from "./batches.ts";

export interface GatheredOptions<Key, Value> {
  /** Statements under way at once. */
  lanes: number;
  /** Keys of one statement. */
  most: number;
  /** One value per key, in order. */
  read: (keys: Key[]) => Promise<Value[]>;
}

/** @returns the look-up of one key, which rejects as `read` does */
export function gathered<Key, Value>(options: GatheredOptions<Key, Value>): (key: Key) => Promise<Value> {
  let turn = 0;
  const batches = createBatches<Key, Value>({
    lanes: options.lanes,
    laneOf: () => turn++,
    sizeOf: () => 0,
    maxInputs: options.most,
    maxBytes: Number.POSITIVE_INFINITY,
    // Whoever asks is bounded: a session says hello once.
    maxQueued: Number.POSITIVE_INFINITY,
    commit: options.read,
  });
  return batches.add;
}

/** Rows by the key that they were read for, for as many keys as were asked. */
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
