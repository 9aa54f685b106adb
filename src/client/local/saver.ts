/**
 * Writes to the store what has changed, soon after it changed and together: a batch holds the state of one moment, so that an
 * app that is killed finds its messages and how far it came as they belong together.
 */
import { type KeyRange, type Store, TABLES, type Table, type Write } from "../stores/store.ts";

/** What changes within this time is one batch, ms. */
const DELAY_MS = 20;
/** After a failure of the store the batch is tried again, ms. */
const RETRY_MS = 2_000;

/** A value to write: its text, made when the batch is written; null deletes the value. */
type Text = () => string | null;
/** Changes a value that is in the store; a missing one is left alone. */
type Change = (text: string) => string;
/** What becomes of a value: it is written anew, or changed where it is in the store. */
type Op = Text | Change[];

class Batch {
  readonly clears: ({ table: Table } & KeyRange)[] = [];
  readonly ops = new Map<Table, Map<string, Op>>(TABLES.map((table) => [table, new Map()]));

  get isEmpty(): boolean {
    return this.clears.length === 0 && [...this.ops.values()].every(({ size }) => size === 0);
  }

  isPut(table: Table, key: string): boolean {
    return typeof this.#of(table).get(key) === "function";
  }

  put(table: Table, key: string, text: Text): void {
    this.#of(table).set(key, text);
  }

  change(table: Table, key: string, change: Change): void {
    const ops = this.#of(table);
    const op = ops.get(key);
    if (op === undefined) ops.set(key, [change]);
    else if (typeof op === "function") ops.set(key, changedText(op, change));
    else op.push(change);
  }

  clear(table: Table, from: string, to: string): void {
    const ops = this.#of(table);
    for (const key of ops.keys()) if (key >= from && key <= to) ops.delete(key);
    this.clears.push({ table, from, to });
  }

  /** Adds what happened after this batch. */
  absorb(later: Batch): void {
    for (const { table, from, to } of later.clears) this.clear(table, from, to);
    for (const [table, ops] of later.ops) {
      for (const [key, op] of ops) {
        if (typeof op === "function") this.put(table, key, op);
        else for (const change of op) this.change(table, key, change);
      }
    }
  }

  #of(table: Table): Map<string, Op> {
    return this.ops.get(table) as Map<string, Op>;
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
  readonly #collect: () => void;
  #waiting = new Batch();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is done with the store, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /**
   * @param onError told of each batch that the store did not take; it is tried again
   * @param collect called before something is written or read, to tell what was {@link Saver.plan | planned}
   */
  constructor(store: Store, onError: (error: unknown) => void, collect: () => void) {
    this.#store = store;
    this.#onError = onError;
    this.#collect = collect;
  }

  put(table: Table, key: string, text: Text): void {
    this.#waiting.put(table, key, text);
    this.#plan(DELAY_MS);
  }

  /** Whether a text of this value waits to be made. */
  isPut(table: Table, key: string): boolean {
    return this.#waiting.isPut(table, key);
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

  /** Writes soon; `collect` is asked then for what. */
  plan(): void {
    this.#plan(DELAY_MS);
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
    this.#collect();
    const batch = this.#waiting;
    if (batch.isEmpty) return;
    this.#waiting = new Batch();
    // Before the first wait, so that all texts are of one moment.
    const puts = textsOf(batch);
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
    const isCleared = (table: Table, key: string) =>
      batch.clears.some((clear) => clear.table === table && key >= clear.from && key <= clear.to);
    const changed: Promise<Write | null>[] = [];
    for (const [table, ops] of batch.ops) {
      for (const [key, op] of ops)
        if (typeof op !== "function" && !isCleared(table, key)) changed.push(this.#change(table, key, op));
    }
    return (await Promise.all(changed)).filter((write) => write !== null);
  }

  /** Null where the value is not in the store. */
  async #change(table: Table, key: string, changes: readonly Change[]): Promise<Write | null> {
    const text = await this.#store.get(table, key);
    if (text === undefined) return null;
    return { table, key, value: changes.reduce((before, change) => change(before), text) };
  }
}

function textsOf({ ops }: Batch): Write[] {
  const writes: Write[] = [];
  for (const [table, values] of ops) {
    for (const [key, op] of values) if (typeof op === "function") writes.push({ table, key, value: op() });
  }
  return writes;
}
