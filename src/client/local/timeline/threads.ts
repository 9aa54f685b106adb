/** What messages tell of their threads is counted from events. Where it can't be, it is asked of the server. */
import type { RoomEvent } from "../../../protocol/frames.ts";
import { Refused } from "../../failures.ts";
import type { ReplyItems, ReplySource } from "./replies.ts";
import { itemOf, readItem, type StoredItem } from "./timeline.ts";

export interface ThreadSource extends Pick<ReplySource, "history"> {
  /** How far the user has read in the thread that begins at a seq. */
  readIn(root: number): number;
}

export class Threads {
  readonly #source: ThreadSource;
  readonly #items: Pick<ReplyItems, "all" | "replace">;
  #resolving: Promise<void> | null = null;

  constructor(source: ThreadSource, items: Pick<ReplyItems, "all" | "replace">) {
    this.#source = source;
    this.#items = items;
  }

  /** The user has read on, in the room or in a thread. */
  moved(): void {
    for (const [index, item] of this.#items.all().entries()) {
      this.#items.replace(index, readItem(item, this.#source.readIn(item.seq)));
    }
  }

  /** Asks for what is stale in memory. Resolves also when that is not possible now. */
  resolve(): Promise<void> {
    this.#resolving ??= this.#resolve().finally(() => {
      this.#resolving = null;
    });
    return this.#resolving;
  }

  async #resolve(): Promise<void> {
    for (;;) {
      const item = this.#items.all().find((one) => one.type === "message" && one.stale);
      if (!item) return;
      let now: StoredItem | null;
      try {
        now = await this.#ask(item.seq);
      } catch {
        return;
      }
      // One that has changed meanwhile is asked for again.
      const index = this.#items.all().indexOf(item);
      if (index !== -1) this.#items.replace(index, this.#fresh(item, now));
    }
  }

  /** Null where the message is not shown any more. Rejects when the server can't be asked. */
  async #ask(seq: number): Promise<StoredItem | null> {
    try {
      const { events } = await this.#source.history({ around: seq, limit: 1 });
      const event = events.find((one) => one.seq === seq) as RoomEvent | undefined;
      return event ? itemOf(event) : null;
    } catch (error) {
      if (error instanceof Refused && error.code === "not_found") return null;
      throw error;
    }
  }

  #fresh(item: StoredItem, now: StoredItem | null): StoredItem {
    if (item.type !== "message") return item;
    const { stale: _, data, ...fields } = item;
    const { thread, ...others } = data;
    const told = now?.type === "message" ? now.data.thread : thread;
    const fresh = {
      ...fields,
      data: told === undefined ? others : { ...others, thread: told },
    } as StoredItem;
    const read = readItem(fresh, this.#source.readIn(item.seq));
    // The server has counted what is unread.
    return read.type === "message" && read.stale ? fresh : read;
  }
}
