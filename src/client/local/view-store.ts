/** How a view lies in the tables of a store: which keys, which texts. */
import type { MessageData, ReadyFrame, RoomEvent, WireContact } from "../../protocol/frames.ts";
import type { Room } from "../rooms.ts";
import { type Row, type Store, TABLES } from "../stores/store.ts";
import type { ReadPosition } from "./live.ts";
import type { PendingWrite } from "./pending-write.ts";
import { Saver } from "./saver.ts";
import {
  changeItem,
  isChangeOf,
  type Reader,
  replyOf,
  replyText,
  type StoredItem,
} from "./timeline/timeline.ts";

/** Another version's data is not read: the server has all of it. */
const VERSION = 1;
const WRITE = "w:";
const MARKER = "r:";
const THREAD = "t:";
const READS = "reads:";
/** [GW-8.1] Readers of a room that are kept. */
const MAX_READS = 500;
/** Follows all keys. */
const LAST_KEY = "~";
const SEQ_DIGITS = 11;

/** What is known of a room, beside its messages. */
export interface RoomRecord {
  /** As the server has told it; missing until it has. */
  entry?: Room | undefined;
  /** The last event that was applied; `at` is null where its time is unknown. */
  seq: number;
  at: number | null;
  /** Everything from this seq on is in the store. 0: also everything before, as far as the user may see it. */
  floor: number;
}

export interface Meta {
  epoch: string;
  user: ReadyFrame["user"];
  /** The ids of those whom the user blocks. */
  blocked?: readonly string[];
}

/** All but messages. */
export interface Loaded {
  meta: Meta | null;
  /** The number up to which the messages are known that the user hid [GW-13.9]. */
  hidden: number;
  records: Map<string, RoomRecord>;
  markers: Map<string, number>;
  /** By room, and by the seq with which the thread begins. */
  threads: [room: string, root: number, seq: number][];
  writes: [key: string, write: PendingWrite][];
}

type Reply = MessageData["reply"] | null;
/** What became of a message: it is another now, or an event changes it where it is in the store alone. */
type Told = StoredItem | { target: number; event: RoomEvent; reader: Reader };

export class ViewStore {
  readonly #saver: Saver;
  /** What became of messages, in order. Keys and texts are made of it when it is written, which nobody waits for. */
  #told: Told[] = [];

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#saver = new Saver(store, onError, () => this.#collect());
  }

  /** Reads all but messages. What another version wrote, or nobody can read, is deleted. */
  async load(): Promise<Loaded> {
    const [meta, hidden, rooms, outbox] = await this.#saver.read((store) =>
      Promise.all([
        store.get("meta", "state"),
        store.get("meta", "hidden"),
        store.range("rooms"),
        store.range("outbox"),
      ]),
    );
    try {
      return { ...parse(meta, rooms, outbox), hidden: Number(hidden ?? 0) };
    } catch {
      this.clear();
    }
    return { meta: null, hidden: 0, records: new Map(), markers: new Map(), threads: [], writes: [] };
  }

  clear(): void {
    this.#told = [];
    for (const table of TABLES) this.#saver.clear(table, "", LAST_KEY);
  }

  /** Resolves when all that was told is in the store. */
  flush(): Promise<void> {
    return this.#saver.flush();
  }

  close(): Promise<void> {
    return this.#saver.close();
  }

  /** @param meta asked when it is written */
  saveMeta(meta: () => Meta | null): void {
    this.#saver.put("meta", "state", () => JSON.stringify({ version: VERSION, ...meta() }));
  }

  /** @param record asked when it is written; without one the room is deleted */
  saveRecord(room: string, record: () => RoomRecord | undefined): void {
    // Every event changes its room's record.
    if (this.#saver.isPut("rooms", room)) return;
    this.#saver.put("rooms", room, () => {
      const now = record();
      return now ? JSON.stringify(now) : null;
    });
  }

  saveMarker(room: string, seq: number | null): void {
    this.#saver.put("outbox", `${MARKER}${room}`, () => (seq === null ? null : String(seq)));
  }

  saveThread(room: string, root: number, seq: number | null): void {
    const key = `${THREAD}${room}:${root}`;
    this.#saver.put("outbox", key, () => (seq === null ? null : String(seq)));
  }

  saveWrite(key: string, write: PendingWrite | null): void {
    this.#saver.put("outbox", `${WRITE}${key}`, () => write && JSON.stringify(write));
    // The server does not have it yet, so that a kill would lose it.
    if (write && !write.ack) this.#saver.hurry();
  }

  saveItem(item: StoredItem): void {
    this.#told.push(item);
    this.#saver.plan();
  }

  /** Changes an item that is in the store alone. */
  changeItem(target: number, event: RoomEvent, reader: Reader): void {
    this.#told.push({ target, event, reader });
    this.#saver.plan();
  }

  #collect(): void {
    for (const told of this.#told) {
      if ("key" in told) {
        this.#saver.put("messages", itemKey(told.room, told.seq), () => JSON.stringify(told));
        continue;
      }
      const { target, event, reader } = told;
      this.#saver.change("messages", itemKey(event.room, target), (text) =>
        JSON.stringify(changeItem(JSON.parse(text) as StoredItem, event, reader)),
      );
    }
    this.#told = [];
  }

  /** Notes what became of a message that is not held, for those that are and answer it. */
  note(target: number, event: RoomEvent): void {
    if (!isChangeOf(target, event)) return;
    const note = (reply: Reply) =>
      this.#saver.put("messages", replyKey(event.room, target), () => JSON.stringify(reply));
    if (event.type === "message.deleted") note(null);
    if (event.type !== "message.edited" || event.data.hidden) return;
    note({ seq: target, actor: event.actor, text: replyText(event.data.text) });
  }

  /** How far the members of a room have read. */
  async reads(room: string): Promise<ReadPosition[]> {
    const text = await this.#saver.read((store) => store.get("meta", `${READS}${room}`));
    return text === undefined ? [] : (JSON.parse(text) as ReadPosition[]);
  }

  /** @param reads asked when they are written; without it they are deleted */
  saveReads(room: string, reads?: () => readonly ReadPosition[]): void {
    this.#saver.put("meta", `${READS}${room}`, () =>
      reads ? JSON.stringify(reads().slice(0, MAX_READS)) : null,
    );
  }

  /** The contact book as it was kept; undefined where none was. */
  async contacts(): Promise<WireContact[] | undefined> {
    const text = await this.#saver.read((store) => store.get("meta", "contacts"));
    return text === undefined ? undefined : (JSON.parse(text) as WireContact[]);
  }

  saveContacts(contacts: () => readonly WireContact[]): void {
    this.#saver.put("meta", "contacts", () => JSON.stringify(contacts()));
  }

  saveHidden(no: number): void {
    this.#saver.put("meta", "hidden", () => String(no));
  }

  /** A message that is in the store. */
  async item(room: string, seq: number): Promise<StoredItem | undefined> {
    return (await this.items(room, seq + 1, 1)).find((item) => item.seq === seq);
  }

  /** Removes a message that the user hid; those that answer it show nothing of it. */
  removeItem(room: string, seq: number): void {
    this.#collect();
    this.#saver.delete("messages", itemKey(room, seq));
    this.#saver.put("messages", replyKey(room, seq), () => "null");
  }

  /** Removes what is kept of a log that goes on elsewhere, or not at all. */
  clearItems(room: string): void {
    this.saveReads(room);
    this.#collect();
    for (const keyOf of [itemKey, replyKey]) {
      this.#saver.clear("messages", keyOf(room, 0), keyOf(room, Number.MAX_SAFE_INTEGER));
    }
  }

  /** Items before a seq, ascending. */
  async items(room: string, before: number, limit: number): Promise<StoredItem[]> {
    if (before <= 0) return [];
    const which = { from: itemKey(room, 0), to: itemKey(room, before - 1), limit, reverse: true };
    const rows = await this.#saver.read((store) => store.range("messages", which));
    return rows.map(([, text]) => JSON.parse(text) as StoredItem).reverse();
  }

  /** A message as those show it that answer it: null where it is shown no more, undefined where nothing is known. */
  async reply(room: string, seq: number): Promise<Reply | undefined> {
    const [item, note] = await this.#saver.read((store) =>
      Promise.all([store.get("messages", itemKey(room, seq)), store.get("messages", replyKey(room, seq))]),
    );
    if (item !== undefined) return replyOf(JSON.parse(item) as StoredItem) ?? null;
    return note === undefined ? undefined : (JSON.parse(note) as Reply);
  }
}

/**
 * @param text of the meta; missing before the first session, in which something may have been done already
 * @throws where it is not of this version, or no JSON
 */
function parse(text: string | undefined, rooms: Row[], outbox: Row[]): Omit<Loaded, "hidden"> {
  const meta = text === undefined ? null : metaOf(text);
  const loaded: Omit<Loaded, "hidden"> = {
    meta,
    records: new Map(),
    markers: new Map(),
    threads: [],
    writes: [],
  };
  for (const [room, record] of rooms) loaded.records.set(room, JSON.parse(record) as RoomRecord);
  for (const [key, value] of outbox) {
    if (key.startsWith(MARKER)) loaded.markers.set(key.slice(MARKER.length), Number(value));
    else if (key.startsWith(THREAD)) {
      const [room = "", root] = key.slice(THREAD.length).split(":");
      loaded.threads.push([room, Number(root), Number(value)]);
    } else loaded.writes.push([key.slice(WRITE.length), JSON.parse(value) as PendingWrite]);
  }
  return loaded;
}

function metaOf(text: string): Meta {
  const { version, ...meta } = JSON.parse(text) as Meta & { version: number };
  if (version !== VERSION) throw new TypeError(`the store has version ${version}`);
  return meta;
}

function itemKey(room: string, seq: number): string {
  return `${room}:${seq.toString(36).padStart(SEQ_DIGITS, "0")}`;
}

function replyKey(room: string, seq: number): string {
  return `${room}!${seq.toString(36).padStart(SEQ_DIGITS, "0")}`;
}
