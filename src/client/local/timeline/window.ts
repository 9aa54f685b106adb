/**
 * The part of a room's timeline that is in memory: its end, and as many pages before it as the app has asked for. Older items
 * are in the store, and what is before these on the server.
 */
import type { RoomEvent } from "../../../protocol/frames.ts";
import { Refused } from "../../failures.ts";
import { Replies, type ReplySource } from "./replies.ts";
import { type ThreadSource, Threads } from "./threads.ts";
import {
  changeItem,
  isChangeOf,
  isMe,
  itemOf,
  type Reader,
  readItem,
  type StoredItem,
  targetsOf,
} from "./timeline.ts";

/** Items of a page. */
export const PAGE_ITEMS = 50;
/** Items that stay in memory, unless the app has asked for more. */
const KEPT_ITEMS = 200;

/** Where a window gets items from, and writes them to. */
export interface WindowSource extends ReplySource, ThreadSource {
  /** The user's id. */
  me(): string;
  /** The seq of the last event that was applied. */
  head(): number;
  setFloor(seq: number): void;
  save(item: StoredItem): void;
  /** The user hid the message at this seq. */
  isHidden(seq: number): boolean;
  /** Items in the store before a seq, ascending, `limit` at most. */
  stored(before: number, limit: number): Promise<StoredItem[]>;
  onChange(): void;
  /** Older items are in memory now. */
  onLoaded(): void;
}

export class TimelineWindow {
  readonly #source: WindowSource;
  #items: StoredItem[] = [];
  /** All items from this seq on are in memory. */
  #bottom: number;
  #limit = KEPT_ITEMS;
  /** What was shown before the room had to be loaded anew; null when what is in memory is to be shown. */
  #stale: readonly StoredItem[] | null = null;
  /** Changes of items that are not in memory, while items are being read. */
  #missed: { event: RoomEvent; reader: Reader }[] | null = null;
  /** Counts how often the room was reset. A page that was asked for before counts no more. */
  #generation = 0;
  #loading: Promise<unknown> = Promise.resolve();
  #filling: Promise<void> | null = null;
  readonly #replies: Replies;
  readonly #threads: Threads;

  constructor(source: WindowSource) {
    this.#source = source;
    this.#bottom = source.head() + 1;
    const items = {
      all: () => this.#items,
      at: (seq: number) => this.#itemAt(seq),
      replace: (index: number, item: StoredItem) => this.#replace(index, item),
    };
    this.#replies = new Replies(source, items);
    this.#threads = new Threads(source, items);
  }

  /** Ascending. */
  get items(): readonly StoredItem[] {
    return this.#stale ?? this.#items;
  }

  /** Whether there are items before those in memory. */
  get hasOlder(): boolean {
    return this.#bottom > 0;
  }

  /** Messages of others after a seq; undefined where not all of them are in memory. */
  unreadAfter(seq: number): number | undefined {
    if (this.#bottom > seq + 1) return undefined;
    const me = this.#source.me();
    const after = this.#items.slice(this.#indexOf(seq + 1));
    return after.filter((item) => item.type === "message" && !item.data.deleted && !isMe(item.actor, me))
      .length;
  }

  /** Takes an item that follows all others. */
  append(item: StoredItem): void {
    this.#items.push(this.#replies.appended(item));
    // While older items are being read, they have to fit to those that are here.
    if (this.#missed === null && this.#items.length > this.#limit + PAGE_ITEMS) {
      this.#items.splice(0, this.#items.length - this.#limit);
      this.#bottom = (this.#items[0] as StoredItem).seq;
    }
    this.#source.onChange();
    if (item.type === "message" && item.data.replyTo !== undefined) void this.#replies.resolve();
  }

  /** Applies a change. @returns whether the item was in memory; it is saved then */
  change(target: number, event: RoomEvent, reader: Reader): boolean {
    this.#missed?.push({ event, reader });
    if (isChangeOf(target, event)) this.#replies.changed(event);
    const index = this.#indexOf(target);
    const item = this.#items[index];
    if (item?.seq !== target) return target >= this.#bottom;
    const changed = changeItem(item, event, reader);
    this.#replace(index, changed);
    if (changed.type === "message" && changed.stale) void this.#threads.resolve();
    return true;
  }

  /** The user has read on, in the room or in a thread. */
  moved(): void {
    this.#threads.moved();
    void this.#threads.resolve();
  }

  /**
   * Removes items that the user has hidden; those that answer them show nothing of them.
   * @returns those that were in memory
   */
  remove(seqs: readonly number[]): StoredItem[] {
    const gone = new Set(seqs);
    const isLeft = ({ seq }: StoredItem) => !gone.has(seq);
    const removed = this.#items.filter((item) => !isLeft(item));
    this.#items = this.#items.filter(isLeft);
    this.#stale = this.#stale?.filter(isLeft) ?? null;
    for (const seq of seqs) this.#replies.gone(seq);
    this.#source.onChange();
    return removed;
  }

  /** The room begins anew after its head. What was shown stays until there is something to show instead. */
  reset(): void {
    this.#stale ??= this.#items;
    this.#items = [];
    this.#bottom = this.#source.head() + 1;
    this.#generation++;
    this.#replies.reset();
  }

  /** The user is in the room no more. */
  empty(): void {
    this.reset();
    this.#stale = null;
    this.#bottom = 0;
    this.#source.onChange();
  }

  /** Loads the last page, unless it is here. Resolves also when there is no session to load it in. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    try {
      while (this.#stale !== null || (this.hasOlder && this.#items.length < PAGE_ITEMS)) {
        if (!(await this.loadOlder())) break;
      }
    } catch (error) {
      // Without a session the next one fills it. What was refused is not to be shown either.
      if (error instanceof Refused) this.#shown();
    }
    await this.#replies.resolve();
    await this.#threads.resolve();
  }

  /**
   * Loads a page more, one at a time. Resolves with whether there is still more. Rejects with `ConnectionLost` when it has to come
   * from the server and there is no session.
   */
  loadOlder(): Promise<boolean> {
    const loaded = this.#loading.then(() => this.#load());
    this.#loading = loaded.catch(() => undefined);
    return loaded;
  }

  async #load(): Promise<boolean> {
    const generation = this.#generation;
    this.#missed = [];
    try {
      let loaded = 0;
      // A page may hold nothing but changes of messages.
      while (this.hasOlder && loaded === 0 && generation === this.#generation) {
        const isStored = this.#bottom > this.#source.floor();
        loaded = isStored ? await this.#loadStored(generation) : await this.#loadHistory(generation);
      }
    } finally {
      this.#missed = null;
    }
    if (generation === this.#generation) this.#shown();
    void this.#replies.resolve();
    void this.#threads.resolve();
    return this.hasOlder;
  }

  #shown(): void {
    this.#stale = null;
    this.#limit = Math.max(KEPT_ITEMS, this.#items.length);
    this.#source.onChange();
    this.#source.onLoaded();
  }

  /** @returns the number of items that were added */
  async #loadStored(generation: number): Promise<number> {
    const stored = await this.#source.stored(this.#bottom, PAGE_ITEMS);
    // The user may have read on since they were stored.
    const items = stored.map((item) => readItem(item, this.#source.readIn(item.seq)));
    if (generation !== this.#generation) return 0;
    const bottom = items.length < PAGE_ITEMS ? this.#source.floor() : (items[0] as StoredItem).seq;
    return this.#prepend(items, bottom).length;
  }

  /** @returns the number of items that were added */
  async #loadHistory(generation: number): Promise<number> {
    const floor = this.#source.floor();
    const { events, more } = await this.#source.history({ before: floor, limit: PAGE_ITEMS });
    if (generation !== this.#generation) return 0;
    const [first] = events;
    const items = events.flatMap((event) => itemOf(event as RoomEvent) ?? []);
    const bottom = more && first ? first.seq : 0;
    this.#source.setFloor(bottom);
    this.#replies.told(items);
    const added = this.#prepend(items, bottom);
    for (const item of added) this.#source.save(item);
    return added.length;
  }

  /** Puts items before the others, with the changes that came meanwhile. */
  #prepend(items: StoredItem[], bottom: number): StoredItem[] {
    const missed = this.#missed ?? [];
    const shown = items.filter(({ seq }) => !this.#source.isHidden(seq));
    const changed = shown.map((item) =>
      missed
        .filter(({ event }) => targetsOf(event).includes(item.seq))
        .reduce((before, { event, reader }) => changeItem(before, event, reader), item),
    );
    this.#items = [...changed, ...this.#items];
    this.#bottom = bottom;
    this.#replies.prepended(changed);
    for (const { event } of missed) this.#replies.changed(event);
    return changed;
  }

  // ── Places ───────────────────────────────────────────────────────────────────────────────────────────

  #replace(index: number, item: StoredItem): void {
    if (this.#items[index] === item) return;
    this.#items[index] = item;
    this.#source.save(item);
    this.#source.onChange();
  }

  #itemAt(seq: number): StoredItem | undefined {
    const item = this.#items[this.#indexOf(seq)];
    return item?.seq === seq ? item : undefined;
  }

  /** The place of the first item that is not before this seq. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as StoredItem).seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
