/** The list of rooms: it comes in pages where the app wants that, and a room is in it from its entry on. */
import { describe, expect, test } from "vitest";
import { pagedRooms } from "../../src/client/commands/room-list.ts";
import type { Room } from "../../src/client/rooms.ts";
import { apps } from "./app.ts";
import { devices, until } from "./local/device.ts";
import { type ScriptedServer, scriptedServers } from "./scripted-server.ts";

const start = scriptedServers();
const app = apps();
const device = devices();

const ME = { kind: "user", id: "1", name: "Ann" };
const names = (count: number) => Array.from({ length: count }, (_, n) => `r${n + 1}`);
const namesOf = (rooms: readonly Room[]) => rooms.map(({ room }) => room);

/** Rooms with a message each, the first one active last. */
function fill(server: ScriptedServer, rooms: readonly string[]): void {
  for (const [n, room] of rooms.entries()) server.message(room, `in ${room}`, { at: 1_000_000 - n });
}

describe("pages", () => {
  test("a session begins with the first rooms, and the others come behind it", async () => {
    const server = await start();
    fill(server, names(1_200));
    const ann = app({ url: server.url, rooms: pagedRooms(100) });
    const ready = await ann.client.connect();
    expect(namesOf(ready.rooms)).toEqual(names(100));
    expect(namesOf(ann.client.rooms.getSnapshot())).toEqual(names(100));
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 1_200);
    expect(namesOf(ann.client.rooms.getSnapshot())).toEqual(names(1_200));
    const asked = server.heard.filter(({ op }) => op === "rooms").map(({ after }) => after);
    expect(asked).toEqual(["r100", "r600", "r1100"]);

    server.message("r1100", "later");
    await ann.until("it", () => ann.texts("r1100").includes("later"));
    expect(ann.resets).toEqual([]);
    expect(ann.left).toEqual([]);
  });

  test("a room beyond the page that becomes active meanwhile goes to the front, and is not taken for gone", async () => {
    const server = await start();
    fill(server, names(1_300));
    const ann = app({ url: server.url, rooms: pagedRooms(100) });
    await ann.client.connect();
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 1_300);
    let pages = 0;
    server.script = ({ op }) => {
      if (op !== "rooms" || ++pages > 1) return undefined;
      // Its event is still on the way when the last page comes.
      server.mute = true;
      server.message("r1300", "moved");
      server.mute = false;
      return undefined;
    };
    ann.client.refresh();
    await ann.until("what moved it", () => ann.client.rooms.getSnapshot()[0]?.room === "r1300");
    expect(ann.left).toEqual([]);
    expect(ann.client.rooms.getSnapshot()).toHaveLength(1_300);
    expect(ann.resets).toEqual([{ room: "r1300", last: 1, head: 2 }]);
  });

  test("what moved unseen beyond the page, and did not fit into the resume, is told when its page comes", async () => {
    const server = await start();
    const all = names(1_300);
    fill(server, all);
    const ann = app({ url: server.url, rooms: pagedRooms(100) });
    await ann.client.connect();
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 1_300);
    server.mute = true;
    server.message("r1299", "while she was away", { at: 3 });
    server.mute = false;
    server.rooms.delete("r1300");
    server.cutAll();
    await ann.until("what is gone", () => ann.left.length > 0);
    expect(ann.left).toEqual(["r1300"]);
    expect(ann.resets).toEqual([{ room: "r1299", last: 1, head: 2 }]);
    expect(ann.client.room("r1299").getSnapshot()).toMatchObject({ head: 2 });
  });

  test("an event of a room whose place nothing has proved yet is no gap", async () => {
    const server = await start();
    fill(server, names(1_300));
    const ann = app({ url: server.url, rooms: pagedRooms(100) });
    await ann.client.connect();
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 1_300);
    server.mute = true;
    server.message("r1300", "unseen", { at: 3 });
    server.mute = false;
    server.script = ({ op }) => (op === "rooms" ? "swallow" : undefined);
    server.cutAll();
    await ann.until("the next session", () => ann.readies.length === 2);
    server.message("r1300", "live");
    await ann.until("it", () => ann.texts("r1300").includes("live"));
    expect(ann.resets).toEqual([{ room: "r1300", last: 1, head: 2 }]);
  });

  test("a marker that moved while a page was read stays where it is", async () => {
    const server = await start();
    fill(server, names(3));
    const ann = app({ url: server.url, rooms: pagedRooms(2) });
    await ann.client.connect();
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 3);
    const figures = () => ann.client.room("r3").getSnapshot();
    expect(figures()).toMatchObject({ head: 1, read: 0, unread: 1 });
    server.announce({ op: "unread", room: "r3", read: 1, unread: 0, mention: 0 });
    await ann.until("the marker", () => figures()?.read === 1);
    // What a page of before says arrives behind it.
    server.announce({ op: "room", rev: 9, room: { ...server.listing("r3"), name: "Renamed" } });
    await ann.until("the name", () => figures()?.name === "Renamed");
    expect(figures()).toMatchObject({ head: 1, read: 1, unread: 0 });
  });

  test("a page that is refused is asked for in a new session", async () => {
    const server = await start();
    fill(server, names(300));
    const ann = app({ url: server.url, rooms: pagedRooms(100) });
    server.script = ({ op }) => {
      server.script = op === "rooms" ? () => undefined : server.script;
      return op === "rooms" ? { op: "error", code: "not_found", retry: false } : undefined;
    };
    await ann.client.connect();
    await ann.until("all rooms", () => ann.client.rooms.getSnapshot().length === 300);
    expect(ann.readies).toHaveLength(2);
  });

  test("a device shows all rooms that it has at once, and drops those that are gone when all pages are here", async () => {
    const server = await start();
    fill(server, names(700));
    const phone = device({ url: server.url, rooms: pagedRooms(50) });
    await phone.client.connect();
    await until(phone.client, "r1", "all rooms", () => phone.client.rooms.getSnapshot().length === 700);
    await phone.client.room("r650").messages.load();
    await phone.client.disconnect();
    server.rooms.delete("r700");
    server.message("r650", "while it was off", { at: 5 });

    const again = phone.start();
    await again.load();
    expect(namesOf(again.rooms.getSnapshot())).toEqual(names(700));
    const lengths = new Set<number>();
    again.rooms.subscribe(() => lengths.add(again.rooms.getSnapshot().length));
    await again.connect();
    await until(again, "r650", "what is gone", () => again.rooms.getSnapshot().length === 699);
    expect([...lengths].filter((length) => length < 699)).toEqual([]);
    expect(again.room("r650").getSnapshot()).toMatchObject({ head: 2, name: "Room r650" });
    await again.room("r650").messages.load();
    const shown = again.room("r650").messages.getSnapshot();
    expect(shown.map(({ data }) => (data as { text?: string }).text)).toEqual([
      "in r650",
      "while it was off",
    ]);
  });
});

describe("a room that the user was just added to", () => {
  /** Adds Ann to a room in which something was said, and says something in it; its entry is not told. */
  function add(server: ScriptedServer, room: string): void {
    server.mute = true;
    server.message(room, "before");
    server.mute = false;
    server.append(room, { type: "member.joined", data: { member: ME, role: "user" } });
    server.message(room, "welcome");
  }

  test("is shown from its entry on, with what came before and after it", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    const phone = device({ url: server.url });
    await ann.client.connect();
    await phone.client.connect();
    const seen: Room[] = [];
    for (const { client } of [ann, phone]) {
      client.rooms.subscribe(() => seen.push(...client.rooms.getSnapshot()));
      client.room("new").subscribe(() => seen.push(...[client.room("new").getSnapshot() ?? []].flat()));
      client.on("room", (room) => seen.push(room));
    }
    add(server, "new");
    const entry = server.listing("new");
    server.message("new", "and more");
    await ann.until("the messages", () => ann.texts("new").includes("and more"));
    expect(ann.client.rooms.getSnapshot()).toEqual([]);
    expect(phone.client.rooms.getSnapshot()).toEqual([]);
    server.announce({ op: "room", rev: 3, room: { ...entry, members: 2, unread: 1 } });
    await ann.until("its entry", () => ann.client.rooms.getSnapshot().length === 1);
    await until(phone.client, "new", "its entry", () => phone.client.rooms.getSnapshot().length === 1);
    for (const { client } of [ann, phone]) {
      expect(client.room("new").getSnapshot()).toMatchObject({ head: 4, unread: 2, members: 2 });
    }
    await phone.client.room("new").messages.load();
    expect(phone.client.room("new").messages.getSnapshot()).toHaveLength(4);
    expect(new Set(seen.map(({ name }) => name))).toEqual(new Set(["Room new"]));
  });

  test("is asked for when its entry does not come", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    await ann.client.connect();
    add(server, "new");
    await ann.until("its entry", () => ann.client.room("new").getSnapshot() !== undefined);
    expect(ann.client.room("new").getSnapshot()).toMatchObject({ name: "Room new", head: 3 });
    server.message("new", "later");
    await ann.until("it", () => ann.texts("new").includes("later"));
    expect(ann.seqs("new")).toEqual([2, 3, 4]);
    expect(ann.client.room("new").getSnapshot()).toMatchObject({ head: 4 });
  });

  test("that a device has no entry of when it is killed is shown by the next session", async () => {
    const server = await start();
    const phone = device({ url: server.url });
    await phone.client.connect();
    add(server, "new");
    await new Promise<void>((resolve) => phone.client.on("event", ({ seq }) => seq === 3 && resolve()));
    await phone.client.disconnect();
    const again = phone.start();
    await again.load();
    expect(again.rooms.getSnapshot()).toEqual([]);
    await again.connect();
    expect(again.rooms.getSnapshot()).toMatchObject([{ name: "Room new", head: 3 }]);
  });
});
