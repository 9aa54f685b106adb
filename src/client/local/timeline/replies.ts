/** Messages that answer others show what the other one says now. Live events do not tell it, so it is looked up. */
import type { MessageData, OkFields, RoomEvent } from "../../../protocol/frames.ts";
import { Refused } from "../../failures.ts";
import { itemOf, replyOf, replyText, type StoredItem, withReply } from "./timeline.ts";

type Reply = MessageData["reply"] | null;

export interface ReplySource {
  /** Everything from this seq on is held. 0: the beginning of the log, as far as the user may see it, is held. */
  floor(): number;
  /** A message from the store, or what is known of one that is not held; undefined where nothing is. */
  reply(seq: number): Promise<Reply | undefined>;
  /** A page of history. Rejects with `ConnectionLost` while there is no session. */
  history(page: { before?: number; around?: number; limit: number }): Promise<OkFields["history"]>;
}

/** The items in memory. */
export interface ReplyItems {
  all(): readonly StoredItem[];
  at(seq: number): StoredItem | undefined;
  replace(index: number, item: StoredItem): void;
}

export class Replies {
  readonly #source: ReplySource;
  readonly #items: ReplyItems;
  /** Messages that those in memory answer, and maybe some that others answered. */
  #answered = new Set<number>();
  /** Messages whose answers show what they say. */
  #resolved = new Set<number>();
  /** Messages that are being looked up, unless they changed meanwhile. */
  readonly #lookedUp = new Set<number>();

  constructor(source: ReplySource, items: ReplyItems) {
    this.#source = source;
    this.#items = items;
  }

  /** A live item, with what it answers where that is in memory. */
  appended(item: StoredItem): StoredItem {
    const seq = answeredBy(item);
    if (seq === undefined) return item;
    this.#answered.add(seq);
    const answered = this.#items.at(seq);
    if (answered) return withReply(item, replyOf(answered));
    this.#resolved.delete(seq);
    return item;
  }

  /** Older items, which are in memory now. */
  prepended(items: readonly StoredItem[]): void {
    for (const seq of items.map(answeredBy)) if (seq !== undefined) this.#answered.add(seq);
  }

  /** Items of a page of history, which tells what they answer, or that it is not to be shown. */
  told(items: readonly StoredItem[]): void {
    for (const seq of items.map(answeredBy)) if (seq !== undefined) this.#resolved.add(seq);
  }

  /** A message has changed, which may be in memory or not. */
  changed(event: RoomEvent): void {
    if (event.type !== "message.edited" && event.type !== "message.deleted") return;
    const target = event.data.seq;
    this.#lookedUp.delete(target);
    if (!this.#answered.has(target)) return;
    for (const [index, item] of this.#items.all().entries()) {
      const reply = item.type === "message" && answeredBy(item) === target ? item.data.reply : undefined;
      if (!reply) continue;
      if (event.type === "message.deleted") this.#items.replace(index, withReply(item, null));
      else if (!event.data.hidden) {
        const text = replyText(event.data.text);
        this.#items.replace(index, withReply(item, { ...reply, text }));
      }
    }
  }

  /** The user hid a message. */
  gone(seq: number): void {
    this.#lookedUp.delete(seq);
    if (!this.#answered.has(seq)) return;
    for (const [index, item] of this.#items.all().entries()) {
      if (answeredBy(item) === seq) this.#items.replace(index, withReply(item, null));
    }
  }

  /** The items are others now. */
  reset(): void {
    this.#answered = new Set();
    this.#resolved = new Set();
  }

  /** Looks up what items answer that is not known yet. */
  async resolve(): Promise<void> {
    const resolved = this.#resolved;
    const wanted = new Set(this.#items.all().map(answeredBy));
    for (const seq of wanted) {
      if (seq === undefined || resolved.has(seq)) continue;
      let reply: Reply | undefined;
      do {
        this.#lookedUp.add(seq);
        reply = await this.#lookUp(seq);
      } while (!this.#lookedUp.delete(seq));
      if (this.#resolved !== resolved) return;
      if (reply === undefined) continue;
      resolved.add(seq);
      for (const [index, item] of this.#items.all().entries()) {
        if (answeredBy(item) === seq) this.#items.replace(index, withReply(item, reply));
      }
    }
  }

  /** Undefined when it can't be known now. */
  async #lookUp(seq: number): Promise<Reply | undefined> {
    const inMemory = this.#items.at(seq);
    if (inMemory) return replyOf(inMemory);
    const known = await this.#source.reply(seq).catch(() => undefined);
    if (known !== undefined || seq >= this.#source.floor()) return known ?? null;
    const saved = this.#items.all().find((item) => item.type === "message" && item.data.reply?.seq === seq);
    if (saved?.type === "message") return saved.data.reply;
    try {
      const { events } = await this.#source.history({ around: seq, limit: 1 });
      const event = events.find((one) => one.seq === seq) as RoomEvent | undefined;
      return replyOf((event && itemOf(event)) ?? undefined);
    } catch (error) {
      return error instanceof Refused && error.code === "not_found" ? null : undefined;
    }
  }
}

function answeredBy(item: StoredItem): number | undefined {
  return item.type === "message" && !item.data.deleted ? item.data.replyTo : undefined;
}
