/** Tables in memory, for the stores that hold everything there. */
import { type RangeQuery, type Row, TABLES, type Table, type Write } from "./store.ts";

/** Rows sorted by key. */
export class SortedTable {
  readonly #keys: string[] = [];
  readonly #values = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: string): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#indexOf(key), 0, key);
    this.#values.set(key, value);
  }

  delete(from: string, to = from): void {
    const start = this.#indexOf(from);
    let end = start;
    for (let key = this.#keys[end]; key !== undefined && key <= to; key = this.#keys[++end]) {
      this.#values.delete(key);
    }
    this.#keys.splice(start, end - start);
  }

  range({ from, to, limit = Number.POSITIVE_INFINITY, reverse = false }: RangeQuery): Row[] {
    const start = from === undefined ? 0 : this.#indexOf(from);
    const end = to === undefined ? this.#keys.length : this.#indexAfter(to);
    const count = Math.max(0, Math.min(limit, end - start));
    const first = reverse ? end - count : start;
    const rows = this.#keys
      .slice(first, first + count)
      .map((key): Row => [key, this.#values.get(key) as string]);
    return reverse ? rows.reverse() : rows;
  }

  /** The place of the first key that is not before this one. */
  #indexOf(key: string): number {
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) return this.#keys.length;
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #indexAfter(key: string): number {
    const index = this.#indexOf(key);
    return this.#keys[index] === key ? index + 1 : index;
  }
}

/** All tables of a store. */
export class Tables {
  readonly #tables = new Map(TABLES.map((name) => [name as string, new SortedTable()]));

  table(name: Table): SortedTable {
    const table = this.#tables.get(name);
    if (!table) throw new TypeError(`a store has no table "${name}"`);
    return table;
  }

  /** @throws TypeError for a table that there is not, before anything is written */
  check(writes: readonly Write[]): void {
    for (const { table } of writes) this.table(table);
  }

  apply(writes: readonly Write[]): void {
    this.check(writes);
    for (const write of writes) {
      const table = this.table(write.table);
      if ("from" in write) table.delete(write.from, write.to);
      else if (write.value === null) table.delete(write.key);
      else table.set(write.key, write.value);
    }
  }
}
