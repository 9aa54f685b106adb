/** What the store uses of IndexedDB: programs that are compiled without the types of browsers include it all the same. */

export interface RequestLike<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

export type KeyRangeLike = object;

export interface RowsLike {
  get(key: string): RequestLike<unknown>;
  getAll(keys?: KeyRangeLike, limit?: number): RequestLike<unknown[]>;
  getAllKeys(keys?: KeyRangeLike, limit?: number): RequestLike<unknown[]>;
  openCursor(
    keys: KeyRangeLike | undefined,
    direction: "prev",
  ): RequestLike<{ key: unknown; value: unknown; continue(): void } | null>;
  put(value: string, key: string): unknown;
  delete(keys: string | KeyRangeLike): unknown;
}

export interface TransactionLike {
  readonly error: unknown;
  objectStore(name: string): RowsLike;
  abort(): void;
  oncomplete: ((event: never) => unknown) | null;
  onabort: ((event: never) => unknown) | null;
}

export interface DatabaseLike {
  readonly objectStoreNames: { contains(name: string): boolean };
  createObjectStore(name: string): unknown;
  transaction(names: string | string[], mode?: "readwrite"): TransactionLike;
  close(): void;
  onversionchange: ((event: never) => unknown) | null;
}

/** `globalThis` of a browser, or what stands in for it. */
export interface Platform {
  indexedDB: {
    open(
      name: string,
      version: number,
    ): RequestLike<DatabaseLike> & { onupgradeneeded: ((event: never) => unknown) | null };
  };
  IDBKeyRange: {
    bound(from: string, to: string): KeyRangeLike;
    lowerBound(from: string): KeyRangeLike;
    upperBound(to: string): KeyRangeLike;
  };
}
