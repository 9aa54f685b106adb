/**
 * Writes to the store what has changed, soon after it changed and together: a batch holds the state of one moment, so that an
 * app that is killed finds its messages and how far it came as they belong together.
 */
import type { KeyRange, Store, Table, Write } from "../stores/store.ts";

/** What changes within this time is one batch, ms. */
const DELAY_MS = 20;
/** After a failure of the store the batch is tried again, ms. */
const RETRY_MS = 2_000;

/** Makes the text of a value when the batch is written; null deletes the value. */
type Text = () => string | null;
/** Changes a value that is in the store; a missing one is left alone. */
type Change = (text: string) => string;
type Op = { table: Table; key: string } & ({ text: Text } | { changes: Change[] });

class Batch {
  readonly clears: ({ table: Table } & KeyRange)[] = [];
  readonly ops = new Map<string, Op>();

  put(table: Table, key: string, text: Text): void {
    this.ops.set(`${table} ${key}`, { table, key, text });
  }

  change(table: Table, key: string, change: Change): void {
    const name = `${table} ${key}`;
    const op = this.ops.get(name);
    if (op && "changes" in op) op.changes.push(change);
    else if (op) this.put(table, key, changedText(op.text, change));
    else this.ops.set(name, { table, key, changes: [change] });
  }

  clear(table: Table, from: string, to: string): void {
    for (const [name, op] of this.ops) {
      if (op.table === table && op.key >= from && op.key <= to) this.ops.delete(name);
    }
    this.clears.push({ table, from, to });
  }

  /** Adds what happened after this batch. */
  absorb(later: Batch): void {
    for (const { table, from, to } of later.clears) this.clear(table, from, to);
    for (const op of later.ops.values()) {
      if ("text" in op) this.put(op.table, op.key, op.text);
      else for (const change of op.changes) this.change(op.table, op.key, change);
    }
  }
}

function changedText(text: Text, change: Change): Text {
  return () => {
    const before = text();
    return before === null ? null : change(before);
  };
}

export class Saver {
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;
  #waiting = new Batch();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is done with the store, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param onError told of each batch that the store did not take; it is tried again */
  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  put(table: Table, key: string, text: Text): void {
    this.#waiting.put(table, key, text);
    this.#plan(DELAY_MS);
  }

  delete(table: Table, key: string): void {
    this.put(table, key, () => null);
  }

  change(table: Table, key: string, change: Change): void {
    this.#waiting.change(table, key, change);
    this.#plan(DELAY_MS);
  }

  /** Deletes all keys from `from` to `to`. */
  clear(table: Table, from: string, to: string): void {
    this.#waiting.clear(table, from, to);
    this.#plan(DELAY_MS);
  }

  /** Writes what waits as soon as this turn is over. */
  hurry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#plan(0);
  }

  /** Writes now what waits. Rejects when the store does not take it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#inTurn(() => this.#write());
  }

  /** Reads from the store, after what waits was written. */
  read<T>(work: (store: Store) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#write();
      return await work(this.#store);
    });
  }

  /** Writes what waits, and closes the store. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.flush();
    } finally {
      this.#isClosed = true;
      clearTimeout(this.#timer);
      await this.#store.close();
    }
  }

  #plan(ms: number): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.flush().catch(() => {
        // `onError` was told, and the batch waits to be tried again.
      });
    }, ms);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    if (batch.ops.size + batch.clears.length === 0) return;
    this.#waiting = new Batch();
    // Before the first wait, so that all texts are of one moment.
    const puts = [...batch.ops.values()].flatMap((op) =>
      "text" in op ? [{ table: op.table, key: op.key, value: op.text() }] : [],
    );
    try {
      await this.#store.batch([...batch.clears, ...puts, ...(await this.#changed(batch))]);
    } catch (error) {
      batch.absorb(this.#waiting);
      this.#waiting = batch;
      this.#plan(RETRY_MS);
      this.#onError(error);
      throw error;
    }
  }

  async #changed(batch: Batch): Promise<Write[]> {
    const changes = [...batch.ops.values()].flatMap((op) => ("changes" in op ? [op] : []));
    const isCleared = ({ table, key }: Op) =>
      batch.clears.some((clear) => clear.table === table && key >= clear.from && key <= clear.to);
    const found = await Promise.all(
      changes
        .filter((op) => !isCleared(op))
        .map(async (op) => [op, await this.#store.get(op.table, op.key)] as const),
    );
    return found.flatMap(([{ table, key, changes: each }, text]) =>
      text === undefined
        ? []
        : [{ table, key, value: each.reduce((before, change) => change(before), text) }],
    );
  }
}
