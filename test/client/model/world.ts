/** A server that may be killed, and people with devices that may be killed and cut off: what the model test drives. */
import { setTimeout as delay } from "node:timers/promises";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { WebSocket } from "ws";
import { createClient } from "../../../src/client/client.ts";
import { pagedRooms } from "../../../src/client/commands/room-list.ts";
import {
  createLocalClient,
  type LocalClient,
  type LocalOptions,
} from "../../../src/client/local/local-client.ts";
import { indexedDbStore } from "../../../src/client/stores/indexeddb.ts";
import type { Platform } from "../../../src/client/stores/indexeddb-types.ts";
import type { Store, Write } from "../../../src/client/stores/store.ts";
import type { EventFrame, RoomEntry } from "../../../src/protocol/frames.ts";
import type { Node, Person, Room, Site } from "../../gateway/fixtures.ts";
import { person, room } from "../../gateway/fixtures.ts";

/** The server's address of now, under which every device finds it. */
export class Server {
  readonly #site: Site;
  #node: Node | null = null;

  constructor(site: Site) {
    this.#site = site;
  }

  get node(): Node {
    if (!this.#node) throw new Error("the server has not been started");
    return this.#node;
  }

  get url(): string {
    return `${this.node.url.replace(/^http/, "ws")}/ws`;
  }

  /** Another process takes over: the one before is gone, and with it what was not in the database. */
  async restart(): Promise<void> {
    const before = this.#node;
    this.#node = await this.#site.node();
    await before?.stop();
  }
}

export class Device {
  readonly person: Person;
  readonly #server: Server;
  readonly #options: Partial<LocalOptions>;
  readonly #platform = { indexedDB: new IDBFactory(), IDBKeyRange } as unknown as Platform;
  readonly #sockets = new Set<WebSocket>();
  /** Ids of messages that the device has written down to send. */
  readonly kept = new Set<string>();
  /** Ids of messages that were deleted before they were sent. */
  readonly discarded = new Set<string>();
  client: LocalClient;
  isCutOff = false;
  #life = { isOver: false };

  constructor(server: Server, owner: Person, options: Partial<LocalOptions> = {}) {
    this.#server = server;
    this.#options = options;
    this.person = owner;
    this.client = this.start();
  }

  /** Starts the app, with what the device has. */
  start(): LocalClient {
    const life = { isOver: false };
    this.#life = life;
    this.client = createLocalClient({
      url: "ws://device/ws",
      token: this.person.token,
      backoff: { baseMs: 2, capMs: 20 },
      WebSocket: this.#network(),
      store: this.#mortal(indexedDbStore("device", this.#platform), life),
      ...this.#options,
    });
    return this.client;
  }

  /** Ends the app as a kill does: nothing that it does after this reaches the device or the server. */
  kill(): void {
    this.#life.isOver = true;
    this.cut();
    void this.client.disconnect().catch(() => undefined);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
  }

  /** Sockets lead to the server of now, or nowhere. */
  #network(): typeof WebSocket {
    const device = this;
    const server = this.#server;
    return class extends WebSocket {
      constructor(_url: string, protocols: string) {
        super(device.isCutOff ? "ws://127.0.0.1:1/ws" : server.url, protocols);
        device.#sockets.add(this);
        this.on("close", () => device.#sockets.delete(this));
      }
    } as unknown as typeof WebSocket;
  }

  #mortal(store: Store, life: { isOver: boolean }): Store {
    const forever = new Promise<never>(() => undefined);
    const alive = <T>(work: () => Promise<T>): Promise<T> => (life.isOver ? forever : work());
    return {
      get: (...what) => alive(() => store.get(...what)),
      range: (...what) => alive(() => store.range(...what)),
      close: () => alive(() => store.close()),
      batch: (writes) =>
        alive(async () => {
          await store.batch(writes);
          for (const id of writes.flatMap(sentId)) this.kept.add(id);
        }),
    };
  }
}

/** The id of the message that a write keeps to be sent. */
function sentId(write: Write): string[] {
  if (write.table !== "outbox" || !("key" in write) || !write.key.startsWith("w:")) return [];
  const kept = JSON.parse(write.value ?? "null") as { op: string; id: string } | null;
  return kept?.op === "send" ? [kept.id] : [];
}

/** Ann's phone, Bob's phone, and Ann's laptop, which reads its rooms in pages; a group, and the room of the two alone. */
export interface World {
  server: Server;
  devices: [Device, Device, Device];
  rooms: [Room, Room];
}

export async function makeWorld(server: Server): Promise<World> {
  const [ann, bob] = [await person(server.node, "Ann"), await person(server.node, "Bob")];
  const group = await room(server.node, [ann, bob]);
  const devices: World["devices"] = [
    new Device(server, ann),
    new Device(server, bob),
    new Device(server, ann, { rooms: pagedRooms(1) }),
  ];
  for (const { client } of devices) await client.connect();
  const direct = await devices[0].client.roomDirect({ user: bob.actor.id });
  return { server, devices, rooms: [group, { token: direct.room.room, id: Number(direct.room.ids.id) }] };
}

/** Everybody is connected, and nothing is under way any more. */
export async function settle({ devices, rooms: both }: World): Promise<void> {
  // Not the end of the history: the user may have hidden that.
  const heads = async () => {
    const { rooms } = await devices[0].client.ask<"rooms">({ op: "rooms" });
    return both.map(({ token }) => rooms.find(({ room }) => room === token)?.head ?? 0);
  };
  for (const device of devices) {
    device.isCutOff = false;
    device.client.wake();
    await device.client.connect();
  }
  for (let tries = 0; tries < 2_000; tries++) {
    const isQuiet = devices.every(({ client }) => client.state.name === "online" && isAtRest(client));
    if (isQuiet) {
      const last = await heads().catch(() => [-1, -1]);
      const isThere = ({ client }: Device) =>
        both.every(({ token }, n) => client.room(token).getSnapshot()?.head === last[n]);
      if (devices.every(isThere)) return;
    }
    await delay(5);
  }
  const left = devices.map(({ client }) => ({
    state: client.state,
    outbox: client.outbox.getSnapshot(),
    entries: client.rooms.getSnapshot(),
  }));
  throw new Error(`it does not come to rest: ${JSON.stringify(left)}`);
}

/** Whether nothing waits for an answer. What was done to a message that was refused waits for that to be tried again. */
function isAtRest({ outbox }: LocalClient): boolean {
  const writes = outbox.getSnapshot();
  const failed = new Set(writes.flatMap(({ id, failed }) => (failed ? [id] : [])));
  return writes.every(
    ({ id, target }) => failed.has(id) || (target && "id" in target && failed.has(target.id)),
  );
}

/** What a new client of this person gets: of each room the entry and the whole history; and whom they block. */
export async function askServer({ server, rooms }: World, { person: { token: password } }: Device) {
  const client = createClient({ url: server.url, token: password, WebSocket });
  try {
    const ready = await client.connect();
    const told: { entry: RoomEntry | undefined; events: EventFrame[] }[] = [];
    for (const { token } of rooms) {
      const pages = [await client.history({ room: token, limit: 200 })];
      for (let page = pages[0]; page?.more; ) {
        page = await client.history({ room: token, limit: 200, before: page.events[0]?.seq ?? 0 });
        pages.unshift(page);
      }
      const entry = ready.rooms.find(({ room: name }) => name === token);
      told.push({ entry, events: pages.flatMap(({ events }) => events) as EventFrame[] });
    }
    return { told, blocked: ready.blocked };
  } finally {
    client.disconnect();
  }
}
