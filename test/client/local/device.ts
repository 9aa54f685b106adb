/** A device of a person as tests use it: its store outlives the client, which may be killed at any moment. */
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import {
  createLocalClient,
  type LocalClient,
  type LocalOptions,
} from "../../../src/client/local/local-client.ts";
import type { TimelineItem } from "../../../src/client/local/timeline/timeline.ts";
import { indexedDbStore } from "../../../src/client/stores/indexeddb.ts";
import type { Platform } from "../../../src/client/stores/indexeddb-types.ts";
import type { Store } from "../../../src/client/stores/store.ts";

export interface Device {
  /** The client that runs now. */
  client: LocalClient;
  /** Ends the client as a kill does: its connection is gone, and nothing more is written. */
  kill(): void;
  /** Starts a client with what the device has. */
  start(options?: Partial<LocalOptions>): LocalClient;
}

/** A store that takes nothing more once its program is dead; what it was writing is written or not. */
function mortal(store: Store): { store: Store; kill(): void } {
  let isDead = false;
  const forever = new Promise<never>(() => undefined);
  const alive = <T>(work: () => Promise<T>): Promise<T> => (isDead ? forever : work());
  return {
    store: {
      get: (...what) => alive(() => store.get(...what)),
      range: (...what) => alive(() => store.range(...what)),
      batch: (...what) => alive(() => store.batch(...what)),
      close: () => alive(() => store.close()),
    },
    kill: () => {
      isDead = true;
    },
  };
}

/** Makes devices whose clients end with the test. */
export function devices(): (options: Partial<LocalOptions> & { url: string }) => Device {
  const made: Device[] = [];
  afterEach(() => {
    for (const device of made.splice(0)) device.kill();
  });
  return (first) => {
    const platform = { indexedDB: new IDBFactory(), IDBKeyRange } as unknown as Platform;
    let killStore = () => {};
    const device: Device = {
      client: undefined as unknown as LocalClient,
      kill: () => {
        killStore();
        void device.client.disconnect();
      },
      start: (options) => {
        const { store, kill } = mortal(indexedDbStore("device", platform));
        killStore = kill;
        const backoff = { baseMs: 5, capMs: 40 };
        device.client = createLocalClient({
          token: "token",
          WebSocket,
          backoff,
          ...first,
          ...options,
          store,
        });
        return device.client;
      },
    };
    device.client = device.start();
    made.push(device);
    return device;
  };
}

/** Resolves as soon as `check` holds; looked at after changes of rooms, of this room, and of what is not acknowledged. */
export async function until(
  client: LocalClient,
  room: string,
  what: string,
  check: () => boolean,
): Promise<void> {
  const { messages, typing, presence } = client.room(room);
  const sources = [client.rooms, client.room(room), client.outbox, messages, typing, presence];
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (check()) finish(resolve);
    };
    const finish = (end: () => void) => {
      clearTimeout(timer);
      for (const off of offs) off();
      end();
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`waited in vain for ${what}`))), 20_000);
    const offs = sources.map((source) => source.subscribe(look));
    look();
  });
}

/** The messages that are shown, each with what is said of it. */
export function shown(client: LocalClient, room: string): string[] {
  return client
    .room(room)
    .messages.getSnapshot()
    .map((item) => describeItem(item));
}

function describeItem(item: TimelineItem): string {
  if (item.type !== "message") return item.type;
  const { data, pending, failed } = item;
  const reactions = (data.reactions ?? []).map(({ name, count }) => ` ${name}${count}`).join("");
  const state = `${pending ? " …" : ""}${failed ? ` ✗ ${failed.code}` : ""}`;
  return `${data.deleted ? "(deleted)" : data.text}${reactions}${state}`;
}
