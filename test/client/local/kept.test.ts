/** What a device keeps beside rooms and messages: how far others have read, and the contact book. */
import { describe, expect, test } from "vitest";
import type { LocalClient } from "../../../src/client/local/local-client.ts";
import type { WireContact } from "../../../src/protocol/frames.ts";
import { type Heard, OTHER, type ScriptedServer, scriptedServers } from "../scripted-server.ts";
import { devices } from "./device.ts";

const NOWHERE = "ws://127.0.0.1:1/ws";
const CARL = { kind: "user", id: "3", name: "Carl" } as const;

const start = scriptedServers();
const device = devices();

/** Resolves as soon as the value is as it should be. */
async function becomes<T>(
  source: { subscribe(listener: () => void): () => void; getSnapshot(): T },
  expected: unknown,
): Promise<void> {
  let off = () => {};
  await new Promise<void>((resolve) => {
    const look = () => JSON.stringify(source.getSnapshot()) === JSON.stringify(expected) && resolve();
    off = source.subscribe(look);
    look();
  }).finally(() => off());
}

describe("how far others have read", () => {
  const bobs = { actor: OTHER, seq: 2 };

  /** A room with three messages, of which Bob has read two and Carl one. */
  async function setting() {
    const server = await start();
    for (const text of ["one", "two", "three"]) server.message("r", text);
    server.script = ({ op }) =>
      op === "open"
        ? { op: "ok", present: [], typing: [], reads: [bobs, { actor: CARL, seq: 1 }] }
        : undefined;
    const phone = device({ url: server.url });
    await phone.client.connect();
    await phone.client.open("r");
    return { server, phone };
  }

  test("is there when the app starts without a network, as it was told last", async () => {
    const { server, phone } = await setting();
    server.announce({ op: "receipt", room: "r", actor: CARL, read: 3, delivered: 3 });
    const told = [bobs, { actor: CARL, seq: 3, delivered: 3 }];
    await becomes(phone.client.room("r").receipts, told);
    await phone.client.disconnect();
    const again = phone.start({ url: NOWHERE });
    await again.load();
    await becomes(again.room("r").receipts, told);
    await again.disconnect();

    // What a session tells takes its place.
    const online = phone.start();
    await online.connect();
    await online.open("r");
    await becomes(online.room("r").receipts, [bobs, { actor: CARL, seq: 1 }]);
  });

  test("is forgotten with another history of the room, and with the room", async () => {
    const { server, phone } = await setting();
    await phone.client.close("r");
    server.epoch = "epoch-2";
    server.cutAll();
    await becomes(phone.client.room("r").receipts, []);
    await phone.client.disconnect();
    const again = phone.start({ url: NOWHERE });
    await again.room("r").live.load();
    expect(again.room("r").receipts.getSnapshot()).toEqual([]);
  });
});

describe("the contact book", () => {
  const person = (n: number, name = `Person ${n}`) => ({
    ...{ id: String(n), uuid: `u-${n}`, publicId: `p-${n}`, handle: `person-${n}`, name },
  });
  const contact = (n: number): WireContact => ({ user: person(n) });

  /** A server with a book, which is told in pages of two. */
  async function setting(...numbers: number[]) {
    const server = await start();
    const book = { contacts: numbers.map(contact) };
    server.script = (frame) => (frame.op === "contacts" ? pageOf(book.contacts, frame) : undefined);
    const phone = device({ url: server.url });
    return { server, book, phone };
  }

  function pageOf(contacts: WireContact[], { after }: Heard) {
    const first = Number(after ?? 0);
    const next = first + 2 < contacts.length ? { next: String(first + 2) } : {};
    return { op: "ok" as const, contacts: contacts.slice(first, first + 2), ...next };
  }

  const asked = (server: ScriptedServer) => server.heard.filter(({ op }) => op === "contacts").length;
  const startOffline = async (phone: { start(options: object): LocalClient }) => {
    const client = phone.start({ url: NOWHERE });
    await client.load();
    return client;
  };

  test("is read when somebody watches it, and is there without a network", async () => {
    const { server, phone } = await setting(2, 3, 4);
    await phone.client.connect();
    await phone.client.ping();
    expect(asked(server)).toBe(0);
    await becomes(phone.client.contactBook, [2, 3, 4].map(contact));
    expect(asked(server)).toBe(2);
    await phone.client.disconnect();
    const again = await startOffline(phone);
    await becomes(again.contactBook, [2, 3, 4].map(contact));
  });

  test("follows what other sessions do, and what the people in it are called", async () => {
    const { server, book, phone } = await setting(2, 3);
    await phone.client.connect();
    const { contactBook } = phone.client;
    await becomes(contactBook, [2, 3].map(contact));
    server.announce({ op: "contact", user: "2", on: true, name: "Bobby" });
    await becomes(contactBook, [{ ...contact(2), name: "Bobby" }, contact(3)]);
    server.announce({ op: "contact", user: "2", on: true });
    await becomes(contactBook, [2, 3].map(contact));
    server.announce({ op: "user", user: person(3, "Carla") });
    await becomes(contactBook, [contact(2), { user: person(3, "Carla") }]);
    server.announce({ op: "contact", user: "3", on: false });
    await becomes(contactBook, [contact(2)]);
    book.contacts = [5, 2].map(contact);
    server.announce({ op: "contact", user: "5", on: true });
    await becomes(contactBook, [5, 2].map(contact));
    await phone.client.disconnect();
    await becomes((await startOffline(phone)).contactBook, [5, 2].map(contact));
  });

  test("is read anew in each session, and what is told meanwhile is not lost", async () => {
    const { server, book, phone } = await setting(2, 3, 4);
    await phone.client.connect();
    const { contactBook } = phone.client;
    await becomes(contactBook, [2, 3, 4].map(contact));
    book.contacts = [6, 3, 4].map(contact);
    let pages = 0;
    server.script = (frame) => {
      if (frame.op !== "contacts") return undefined;
      // The last one goes while the pages before it are on their way.
      if (++pages === 2) {
        server.announce({ op: "contact", user: "4", on: false });
        book.contacts = [6, 3].map(contact);
        return { op: "ok", contacts: [contact(4)] };
      }
      return pageOf(book.contacts, frame);
    };
    server.cutAll();
    await becomes(contactBook, [6, 3].map(contact));
    await phone.client.disconnect();
    await becomes((await startOffline(phone)).contactBook, [6, 3].map(contact));
  });

  test("a device that does not watch it drops from what it has whom another session removed", async () => {
    const { server, phone } = await setting(2, 3);
    await phone.client.connect();
    await becomes(phone.client.contactBook, [2, 3].map(contact));
    await phone.client.disconnect();
    const second = phone.start();
    await second.connect();
    const told = new Promise<void>((resolve) => second.on("contact", () => resolve()));
    server.announce({ op: "contact", user: "2", on: false });
    await told;
    await second.contactBook.take({ user: "nobody", on: false });
    await second.disconnect();
    await becomes((await startOffline(phone)).contactBook, [contact(3)]);
  });

  test("of another person is not shown", async () => {
    const { server, phone } = await setting(2);
    await phone.client.connect();
    await becomes(phone.client.contactBook, [contact(2)]);
    await phone.client.disconnect();
    server.user = { id: "9", uuid: "u-9", handle: "zoe", name: "Zoe" };
    server.script = ({ op }) => (op === "contacts" ? { op: "ok", contacts: [] } : undefined);
    const zoe = phone.start();
    await zoe.load();
    await zoe.connect();
    await zoe.disconnect();
    const again = await startOffline(phone);
    await again.contactBook.load();
    expect(again.contactBook.getSnapshot()).toEqual([]);
  });
});
