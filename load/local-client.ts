/**
 * Figures of the SDK's client with a store, on this machine: how long it takes to apply events, and to open a store.
 *
 *     npm run load:client
 */
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { pagedRooms } from "../src/client/commands/room-list.ts";
import { createLocalClient, type LocalClient } from "../src/client/local/local-client.ts";
import type { SocketConstructor } from "../src/client/socket.ts";
import { indexedDbStore } from "../src/client/stores/indexeddb.ts";
import type { Platform } from "../src/client/stores/indexeddb-types.ts";
import type { EventFrame, RoomEntry } from "../src/protocol/frames.ts";

const EVENTS = 10_000;
const ROOMS = 1_000;
const MESSAGES = 100;
/** The rooms of a user who has many, and how many of them a session begins with. */
const MANY_ROOMS = 5_000;
const PAGE = 100;
const RUNS = 9;

const ME = { kind: "user", id: "1", name: "Ann" } as const;
const BOB = { kind: "user", id: "2", name: "Bob" } as const;
const START = 1_760_000_000_000;

type Database = InstanceType<typeof IDBFactory>;
type Listener = (event: { data?: unknown }) => void;

/** The server's end of a socket that leads nowhere. */
interface ServerEnd {
  say(text: string): void;
}

/** A socket class whose server answers hello with these rooms, or a page of them, and everything else with `ok`. */
function socketsTo(rooms: RoomEntry[], onOpen: (end: ServerEnd) => void): SocketConstructor {
  class LocalSocket {
    binaryType = "arraybuffer";
    readonly #listeners = new Map<string, Listener[]>();

    constructor() {
      onOpen({ say: (text) => this.#emit("message", { data: text }) });
      setImmediate(() => this.#emit("open", {}));
    }
    addEventListener(name: string, listener: Listener): void {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    }
    send(data: string): void {
      const { op, ref, rooms: page, after, limit } = JSON.parse(data) as Said;
      const user = { id: ME.id, uuid: "u", publicId: "p", handle: "ann", name: ME.name };
      const ready = { op: "ready", ref, session: "s", user, epoch: "e", heartbeatMs: 60_000 };
      const listed = pageOf(rooms, after, page?.limit ?? limit);
      const frame =
        op === "hello" ? { ...ready, ...listed } : { op: "ok", ref, events: [], more: false, ...listed };
      setImmediate(() => this.#emit("message", { data: JSON.stringify(frame) }));
    }
    close(): void {}
    #emit(name: string, event: { data?: unknown }): void {
      for (const listener of this.#listeners.get(name) ?? []) listener(event);
    }
  }
  return LocalSocket as unknown as SocketConstructor;
}

interface Said {
  op: string;
  ref: number;
  rooms?: { limit: number };
  after?: string;
  limit?: number;
}

function pageOf(rooms: RoomEntry[], after = "", limit = rooms.length): { rooms: RoomEntry[]; more?: true } {
  const first = rooms.findIndex(({ room }) => room === after) + 1;
  const more = first + limit < rooms.length;
  return { rooms: rooms.slice(first, first + limit), ...(more && { more: true }) };
}

function entryOf(room: string, head: number): RoomEntry {
  return {
    ...{
      room,
      name: `Room ${room}`,
      type: "group",
      role: "user",
      members: 5,
      rev: head,
      head,
      at: START + head,
    },
    ...{
      ids: { id: "1", uuid: "u", publicId: "p" },
      read: 0,
      unread: head,
      mention: 0,
      lastPing: 0,
      call: 0,
    },
    ...{ readOnly: false, posting: "all", lobby: false, hasPassword: false, pinned: [] },
    settings: { muted: false, pinned: false, archived: false, favorite: false, notify: "mentions" },
    last: head === 0 ? null : message(room, head),
  };
}

function message(room: string, seq: number): EventFrame {
  const data = { text: `Message ${seq} of a room, about as long as people write them.` };
  return { op: "event", room, seq, type: "message", id: `${room}-${seq}`, actor: BOB, at: START + seq, data };
}

/** Of ten events seven are messages, one an edit, one a reaction, one a deletion. */
function event(room: string, seq: number): EventFrame {
  const { id: _, ...frame } = message(room, seq);
  if (seq % 10 === 7) return { ...frame, type: "message.edited", data: { seq: seq - 3, text: "Edited" } };
  if (seq % 10 === 8) return { ...frame, type: "reaction.added", data: { seq: seq - 2, name: "👍" } };
  if (seq % 10 === 9) return { ...frame, type: "message.deleted", data: { seq: seq - 8 } };
  return message(room, seq);
}

function token(n: number): string {
  return `r${String(n).padStart(7, "0")}`;
}

function openStore(indexedDB: Database) {
  return indexedDbStore("chat", { indexedDB, IDBKeyRange } as unknown as Platform);
}

function clientOf(indexedDB: Database, WebSocket: SocketConstructor, page?: number): LocalClient {
  return createLocalClient({
    ...{ url: "ws://nowhere/ws", token: "t", WebSocket, store: openStore(indexedDB) },
    ...(page !== undefined && { rooms: pagedRooms(page) }),
  });
}

/**
 * Milliseconds for {@link EVENTS} frames from text to what is shown, of the clock and of the processor, and until they are in
 * the store.
 */
async function applyEvents(rooms: number): Promise<{ applied: number; processor: number; stored: number }> {
  let end: ServerEnd | undefined;
  const entries = Array.from({ length: rooms }, (_, n) => entryOf(token(n), 0));
  const sockets = socketsTo(entries, (opened) => {
    end = opened;
  });
  const client = clientOf(new IDBFactory(), sockets);
  await client.connect();
  const { messages } = client.room(token(0));
  await messages.load();
  const frames = Array.from({ length: EVENTS }, (_, n) =>
    JSON.stringify(event(token(n % rooms), Math.floor(n / rooms) + 1)),
  );
  const used = process.cpuUsage();
  const before = performance.now();
  for (const frame of frames) end?.say(frame);
  client.rooms.getSnapshot();
  messages.getSnapshot();
  const applied = performance.now() - before;
  const { user, system } = process.cpuUsage(used);
  await client.disconnect();
  return { applied, processor: (user + system) / 1_000, stored: performance.now() - before };
}

/** Milliseconds until the rooms of a full store can be drawn, and until a room's last page can. */
async function open(indexedDB: Database): Promise<{ rooms: number; page: number }> {
  const client = clientOf(
    indexedDB,
    socketsTo([], () => undefined),
  );
  const before = performance.now();
  await client.load();
  const shown = client.rooms.getSnapshot().length;
  const rooms = performance.now() - before;
  if (shown !== ROOMS) throw new Error(`${shown} rooms were read`);
  const { messages } = client.room(token(7));
  await messages.load();
  const page = performance.now() - before - rooms;
  if (messages.getSnapshot().length !== 50) throw new Error("the page is not whole");
  await client.disconnect();
  return { rooms, page };
}

/** Milliseconds until a user of {@link MANY_ROOMS} rooms sees rooms: the first page of a new device, and all of one that has them. */
async function openMany(): Promise<{ page: number; stored: number }> {
  const indexedDB = new IDBFactory();
  const entries = Array.from({ length: MANY_ROOMS }, (_, n) => entryOf(token(n), 1)).reverse();
  const sockets = socketsTo(entries, () => undefined);
  const client = clientOf(indexedDB, sockets, PAGE);
  const before = performance.now();
  await client.connect();
  if (client.rooms.getSnapshot().length !== PAGE) throw new Error("the first page is not whole");
  const page = performance.now() - before;
  await new Promise<void>((resolve) => {
    client.rooms.subscribe(() => client.rooms.getSnapshot().length === MANY_ROOMS && resolve());
  });
  await client.disconnect();
  const again = clientOf(indexedDB, sockets, PAGE);
  const start = performance.now();
  await again.load();
  if (again.rooms.getSnapshot().length !== MANY_ROOMS) throw new Error("not all rooms were kept");
  const stored = performance.now() - start;
  await again.disconnect();
  return { page, stored };
}

/** A store with {@link ROOMS} rooms of {@link MESSAGES} messages, as a client wrote it. */
async function fullStore(): Promise<Database> {
  const indexedDB = new IDBFactory();
  let end: ServerEnd | undefined;
  const entries = Array.from({ length: ROOMS }, (_, n) => entryOf(token(n), 0));
  const client = clientOf(
    indexedDB,
    socketsTo(entries, (opened) => {
      end = opened;
    }),
  );
  await client.connect();
  for (let room = 0; room < ROOMS; room++) {
    for (let seq = 1; seq <= MESSAGES; seq++) end?.say(JSON.stringify(message(token(room), seq)));
  }
  await client.disconnect();
  return indexedDB;
}

function median(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const worst = sorted.at(-1) ?? 0;
  return `${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1)} ms median, ${worst.toFixed(1)} ms at most`;
}

async function repeated<T>(work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < RUNS; run++) results.push(await work());
  return results;
}

for (const rooms of [1, 100]) {
  const runs = await repeated(() => applyEvents(rooms));
  console.log(`${EVENTS} events in ${rooms} rooms are shown: ${median(runs.map(({ applied }) => applied))}`);
  console.log(`  of the processor's time: ${median(runs.map(({ processor }) => processor))}`);
  console.log(`  and stored (fake-indexeddb): ${median(runs.map(({ stored }) => stored))}`);
}
const store = await fullStore();
const opened = await repeated(() => open(store));
console.log(`${ROOMS} rooms x ${MESSAGES} messages open: ${median(opened.map(({ rooms }) => rooms))}`);
console.log(`  and a room's last page: ${median(opened.map(({ page }) => page))}`);
const many = await repeated(openMany);
console.log(`${MANY_ROOMS} rooms, the first ${PAGE} of a session: ${median(many.map(({ page }) => page))}`);
console.log(`  all of them from the store: ${median(many.map(({ stored }) => stored))}`);
