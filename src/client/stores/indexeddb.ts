/** A store in a browser's IndexedDB. */
import type { DatabaseLike, KeyRangeLike, Platform, RequestLike, RowsLike } from "./indexeddb-types.ts";
import { type RangeQuery, type Row, type Store, TABLES, type Table, type Write } from "./store.ts";

/** Counts up when {@link TABLES} grows, so that the browser asks for the new tables to be made. */
const VERSION = 1;

/**
 * Opens the database when it is first used.
 * @param name of the database; one for each person who signs in on the device
 * @param platform the browser's own IndexedDB when unset
 */
export function indexedDbStore(name: string, platform = globalThis as unknown as Platform): Store {
  return new IndexedDbStore(name, platform);
}

class IndexedDbStore implements Store {
  readonly #name: string;
  readonly #platform: Platform;
  #database: Promise<DatabaseLike> | null = null;

  constructor(name: string, platform: Platform) {
    this.#name = name;
    this.#platform = platform;
  }

  async get(table: Table, key: string): Promise<string | undefined> {
    return (await resultOf((await this.#read(table)).get(key))) as string | undefined;
  }

  async range(table: Table, which: RangeQuery = {}): Promise<Row[]> {
    const keys = this.#keys(which);
    if (keys === null) return [];
    const rows = await this.#read(table);
    if (which.reverse) return await walkBack(rows, keys, which.limit ?? Number.POSITIVE_INFINITY);
    const [names, values] = await Promise.all([
      resultOf(rows.getAllKeys(keys, which.limit)),
      resultOf(rows.getAll(keys, which.limit)),
    ]);
    return names.map((key, n) => [key, values[n]] as Row);
  }

  async batch(writes: readonly Write[]): Promise<void> {
    const transaction = (await this.#open()).transaction([...TABLES], "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB gave the write up"));
    });
    try {
      for (const write of writes) this.#write(transaction.objectStore(write.table), write);
    } catch (error) {
      transaction.abort();
      await done.catch(() => undefined);
      throw error;
    }
    await done;
  }

  #write(rows: RowsLike, write: Write): void {
    if ("from" in write) {
      const keys = this.#keys(write);
      if (keys) rows.delete(keys);
    } else if (write.value === null) rows.delete(write.key);
    else rows.put(write.value, write.key);
  }

  async close(): Promise<void> {
    // The browser finishes the transactions that are under way.
    (await this.#database)?.close();
  }

  async #read(table: Table): Promise<RowsLike> {
    return (await this.#open()).transaction(table).objectStore(table);
  }

  /** Undefined for all keys; null where there can be none, which browsers refuse as a range. */
  #keys({ from, to }: RangeQuery): KeyRangeLike | undefined | null {
    const ranges = this.#platform.IDBKeyRange;
    if (from !== undefined && to !== undefined) return from <= to ? ranges.bound(from, to) : null;
    if (from !== undefined) return ranges.lowerBound(from);
    return to === undefined ? undefined : ranges.upperBound(to);
  }

  #open(): Promise<DatabaseLike> {
    this.#database ??= this.#request().catch((error: unknown) => {
      this.#database = null;
      throw error;
    });
    return this.#database;
  }

  async #request(): Promise<DatabaseLike> {
    const request = this.#platform.indexedDB.open(this.#name, VERSION);
    request.onupgradeneeded = () => {
      const { result } = request;
      for (const table of TABLES)
        if (!result.objectStoreNames.contains(table)) result.createObjectStore(table);
    };
    const database = await resultOf(request);
    // Another tab has a newer version of the app, which can't begin before this one lets go.
    database.onversionchange = () => database.close();
    return database;
  }
}

function resultOf<T>(request: RequestLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function walkBack(rows: RowsLike, keys: KeyRangeLike | undefined, limit: number): Promise<Row[]> {
  const found: Row[] = [];
  return new Promise((resolve, reject) => {
    const request = rows.openCursor(keys, "prev");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor && found.length < limit) found.push([cursor.key, cursor.value] as Row);
      if (cursor && found.length < limit) cursor.continue();
      else resolve(found);
    };
  });
}
