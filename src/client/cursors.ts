/** Where the client keeps how far it has read, so that a restart or a page reload resumes. */

import type { Place } from "../protocol/frames.ts";

/**
 * How far the app came in each room, in the history named by `epoch`: the seq of the last event that it was given and
 * that event's time. The seq alone where the time is not known, as in what earlier versions saved.
 */
export interface Cursor {
  epoch: string;
  rooms: Record<string, Place>;
}

/**
 * A place that outlives the client. One store belongs to one person on one device: two clients must not share it.
 * Saved after the events were delivered, so a crash repeats events to the restarted app and never skips one.
 */
export interface CursorStore {
  load(): Cursor | null | Promise<Cursor | null>;
  save(cursor: Cursor): void | Promise<void>;
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

/** Null for whatever is not a cursor: then the client starts from the rooms' heads. */
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

/** One save at most in this time; what is not saved in a crash is told again. */
const SAVE_AFTER_MS = 100;

/** Saves the cursor soon after it moved, and at once when asked to. */
export class CursorSaver {
  readonly #store: CursorStore | undefined;
  readonly #cursor: () => Cursor | null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: CursorStore | undefined, cursor: () => Cursor | null) {
    this.#store = store;
    this.#cursor = cursor;
  }

  moved(): void {
    if (this.#store && this.#timer === undefined) this.#timer = setTimeout(() => this.flush(), SAVE_AFTER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const cursor = this.#cursor();
    if (cursor) void this.#save(cursor);
  }

  /** Calls the store before it returns, for a page that is about to be gone. Never rejects. */
  async #save(cursor: Cursor): Promise<void> {
    try {
      await this.#store?.save(cursor);
    } catch {
      // A store that is full or closed costs the next start its resume; nothing is wrong with this session.
    }
  }
}
