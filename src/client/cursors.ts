/** Stores how far the app came in each room, so that a restart or a page reload resumes. */

import type { Place } from "../protocol/frames.ts";
import type { Room } from "./rooms.ts";

/**
 * How far the app came in each room, in the history named by `epoch`: the seq and the time of the last event that it got.
 * Only the seq where the time is unknown, as in cursors that earlier versions saved.
 */
export interface Cursor {
  epoch: string;
  rooms: Record<string, Place>;
  /** The rooms' entries, where the store has them: they are shown until those of the session come. */
  entries?: readonly Room[];
}

/**
 * Storage that outlives the client. One store belongs to one person on one device: two clients must not share it. The
 * client saves after the app got the events, so a crash repeats events and never skips one.
 */
export interface CursorStore {
  load(): Cursor | null | Promise<Cursor | null>;
  /** Missing where something else keeps what `load` returns. */
  save?(cursor: Cursor): void | Promise<void>;
}

/** Keeps the cursor in a browser's `sessionStorage` or `localStorage`, under `key`. */
export function webStorageCursors(
  storage: { getItem(key: string): string | null; setItem(key: string, value: string): void },
  key: string,
): CursorStore {
  return {
    load: () => parseCursor(storage.getItem(key)),
    save: (cursor) => storage.setItem(key, JSON.stringify(cursor)),
  };
}

/** Null for a text that is no cursor; the client then starts from the rooms' heads. */
function parseCursor(text: string | null): Cursor | null {
  if (text === null) return null;
  try {
    const { epoch, rooms } = JSON.parse(text) as Partial<Cursor>;
    const whole = typeof epoch === "string" && typeof rooms === "object" && rooms !== null;
    return whole && Object.values(rooms).every(isPlace) ? { epoch, rooms } : null;
  } catch {
    return null;
  }
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== "object" || value === null) return Number.isSafeInteger(value);
  const { seq, at } = value as { seq?: unknown; at?: unknown };
  return Number.isSafeInteger(seq) && Number.isSafeInteger(at);
}

/** At most one save in this time. After a crash the app gets unsaved events again. */
const SAVE_AFTER_MS = 100;

/** Saves the cursor soon after it moved; `flush` saves it at once. */
export class CursorSaver {
  readonly #store: CursorStore | undefined;
  readonly #cursor: () => Cursor | null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: CursorStore | undefined, cursor: () => Cursor | null) {
    this.#store = store;
    this.#cursor = cursor;
  }

  moved(): void {
    if (this.#store?.save && this.#timer === undefined)
      this.#timer = setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const cursor = this.#store?.save ? this.#cursor() : null;
    if (cursor) void this.#save(cursor);
  }

  /** Calls the store before it returns, because the page may be closing. Never rejects. */
  async #save(cursor: Cursor): Promise<void> {
    try {
      await this.#store?.save?.(cursor);
    } catch {
      // The store is full or closed. This session goes on; the next start can't resume.
    }
  }
}
