/**
 * A store in a file, for programs on Node. Its rows are in memory; the file is a log of batches, a line each with its
 * checksum. A line that was cut by a kill is dropped when the file is next opened, and with it the whole of its batch.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { type RangeQuery, type Row, type Store, TABLES, type Table, type Write } from "./store.ts";
import { Tables } from "./tables.ts";

/** The file is written anew when it is this much longer than what it holds was when it was last written anew. */
const GROWTH = 4;
/** A shorter file is left alone. */
const MIN_COMPACTED_BYTES = 1024 * 1024;
/** Rows in a line of a file that is written anew. */
const ROWS_PER_LINE = 500;

/**
 * Opens the file when it is first used, and makes it where there is none. One program at a time may use it.
 * @param minCompactedBytes a file below this length is never written anew
 */
export function fileStore(path: string, minCompactedBytes = MIN_COMPACTED_BYTES): Store {
  return new FileStore(path, minCompactedBytes);
}

class FileStore implements Store {
  readonly #path: string;
  readonly #minCompactedBytes: number;
  readonly #tables = new Tables();
  #file: FileHandle | null = null;
  /** The length of the whole lines, bytes. */
  #length = 0;
  /** The length at which the file is next written anew. */
  #compactAt = 0;
  /** What is done with the file, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(path: string, minCompactedBytes: number) {
    this.#path = path;
    this.#minCompactedBytes = minCompactedBytes;
  }

  get(table: Table, key: string): Promise<string | undefined> {
    return this.#inTurn(() => this.#tables.table(table).get(key));
  }

  range(table: Table, which: RangeQuery = {}): Promise<Row[]> {
    return this.#inTurn(() => this.#tables.table(table).range(which));
  }

  batch(writes: readonly Write[]): Promise<void> {
    return this.#inTurn(async (file) => {
      this.#tables.check(writes);
      const line = lineOf(writes);
      try {
        await file.write(line, 0, line.length, this.#length);
      } catch (error) {
        // Part of a line may be there. The next one is written over it.
        await file.truncate(this.#length).catch(() => undefined);
        throw error;
      }
      this.#length += line.length;
      this.#tables.apply(writes);
      if (this.#length < this.#compactAt) return;
      // The batch is written, whatever becomes of this; the disk may be full.
      await this.#compact().catch(() => {
        this.#compactAt = this.#length * 2;
      });
    });
  }

  close(): Promise<void> {
    const closed = this.#turn.then(async () => {
      this.#isClosed = true;
      await this.#file?.close();
    });
    this.#turn = closed.catch(() => undefined);
    return closed;
  }

  #inTurn<T>(work: (file: FileHandle) => T | Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      if (this.#isClosed) throw new Error("The store is closed");
      return work(this.#file ?? (await this.#open()));
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #open(): Promise<FileHandle> {
    const content = await readFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return Buffer.alloc(0);
      throw error;
    });
    let start = 0;
    for (let end = content.indexOf(10); end !== -1; end = content.indexOf(10, start)) {
      const writes = writesOf(content.subarray(start, end));
      if (!writes) break;
      this.#tables.apply(writes);
      start = end + 1;
    }
    const file = await open(this.#path, start === 0 ? "w" : "r+");
    await file.truncate(start);
    this.#file = file;
    this.#length = start;
    this.#compactAt = Math.max(this.#minCompactedBytes, start * GROWTH);
    return file;
  }

  /** Writes what the store holds to a new file, which takes the place of the old one once it is on the disk. */
  async #compact(): Promise<void> {
    const path = `${this.#path}.new`;
    const file = await open(path, "w");
    let length = 0;
    try {
      for (const line of this.#lines()) {
        await file.write(line, 0, line.length, length);
        length += line.length;
      }
      await file.datasync();
      await rename(path, this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
    const before = this.#file;
    this.#file = file;
    this.#length = length;
    await before?.close();
    this.#compactAt = Math.max(this.#minCompactedBytes, length * GROWTH);
  }

  *#lines(): Generator<Buffer> {
    for (const table of TABLES) {
      const rows = this.#tables.table(table).range({});
      for (let n = 0; n < rows.length; n += ROWS_PER_LINE) {
        yield lineOf(rows.slice(n, n + ROWS_PER_LINE).map(([key, value]) => ({ table, key, value })));
      }
    }
  }
}

function lineOf(writes: readonly Write[]): Buffer {
  const text = JSON.stringify(writes);
  return Buffer.from(`${checksum(text)} ${text}\n`);
}

/** Null for a line that is not whole. */
function writesOf(line: Buffer): Write[] | null {
  const text = line.toString();
  const space = text.indexOf(" ");
  const json = text.slice(space + 1);
  return text.slice(0, space) === checksum(json) ? (JSON.parse(json) as Write[]) : null;
}

function checksum(text: string): string {
  return createHash("md5").update(text).digest("base64url");
}
