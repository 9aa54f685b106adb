/** Receiving: every event once, in order, without a gap; and where that can't be, it is said. */
import { describe, expect, test } from "vitest";
import { type Cursor, type CursorStore, webStorageCursors } from "../../src/client/cursors.ts";
import { apps } from "./app.ts";
import { OTHER, type ScriptedServer, scriptedServers } from "./scripted-server.ts";

const start = scriptedServers();
const app = apps();

const upTo = (head: number, from = 1) => Array.from({ length: head - from + 1 }, (_, n) => from + n);

/** Messages that the bus loses. */
function unseen(server: ScriptedServer, room: string, count: number): void {
  server.mute = true;
  for (let n = 0; n < count; n++) server.message(room, `unseen ${n}`);
  server.mute = false;
}

describe("room logs", () => {
  test("an event that comes twice is shown once", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    const first = server.message("r", "one");
    server.announce(first);
    server.message("r", "two");
    server.announce(first);
    server.message("r", "three");
    await ann.until("three", () => ann.texts("r").includes("three"));

    expect(ann.texts("r")).toEqual(["one", "two", "three"]);
    expect(ann.client.duplicates).toBe(2);
  });

  test("a gap is filled from history, page by page, in order with what comes meanwhile", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    unseen(server, "r", 450);
    server.message("r", "after the gap");
    await server.hears("history");
    server.message("r", "while it is filled");
    await ann.until("everything", () => ann.seqs("r").length >= 452);

    expect(ann.seqs("r")).toEqual(upTo(452));
    expect(ann.resets).toEqual([]);
    const pages = server.heard.filter(({ op }) => op === "history").map(({ after }) => after);
    expect(pages).toEqual([0, 200, 400]);
  });

  test("an event that comes while a page is on its way, and is not in it, is fetched too", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    let pages = 0;
    server.script = ({ op }) => {
      if (op !== "history" || ++pages > 1) return undefined;
      const events = [...server.log("r")];
      server.message("r", "on the way");
      return { op: "ok", events, more: false };
    };
    unseen(server, "r", 1);
    server.message("r", "behind the gap");
    await ann.until("all three", () => ann.events.length === 3);
    expect(ann.seqs("r")).toEqual([1, 2, 3]);
  });

  test("events in the wrong order are shown in the right one", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.mute = true;
    const late = [server.message("r", "one"), server.message("r", "two"), server.message("r", "three")];
    server.mute = false;
    for (const event of late.reverse()) server.announce(event);
    await ann.until("three", () => ann.texts("r").length === 3);
    expect(ann.texts("r")).toEqual(["one", "two", "three"]);
  });

  test("a connection lost while a gap is filled: the next session resumes before the gap", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "seen");
    await ann.until("seen", () => ann.events.length === 1);
    server.script = ({ op }) => (op === "history" ? "cut before" : undefined);
    unseen(server, "r", 2);
    server.message("r", "behind the gap");
    await ann.until("everything", () => ann.events.length === 4);

    expect(ann.seqs("r")).toEqual(upTo(4));
    expect(await server.hears("hello", 2)).toMatchObject({ resume: { rooms: { r: { seq: 1 } } } });
  });

  test("a gap that history refuses to fill is resumed in a new session", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.script = ({ op }) =>
      op === "history" ? { op: "error", code: "unavailable", retry: true } : undefined;
    unseen(server, "r", 1);
    server.message("r", "behind the gap");
    await ann.until("everything", () => ann.events.length === 2);
    expect(ann.seqs("r")).toEqual([1, 2]);
  });

  test("what history does not show is passed over, and said", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    unseen(server, "r", 3);
    server.script = ({ op }) =>
      op === "history"
        ? { op: "ok", events: server.log("r").filter(({ seq }) => seq > 2), more: false }
        : undefined;
    server.message("r", "visible");
    await ann.until("the visible ones", () => ann.events.length === 2);

    expect(ann.resets).toEqual([{ room: "r", last: 0, head: 2 }]);
    expect(ann.seqs("r")).toEqual([3, 4]);
  });

  test("what was missed while offline comes once, in order, and is counted as unread once", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "one");
    await ann.until("one", () => ann.events.length === 1);
    server.cutAll();
    for (let n = 0; n < 5; n++) server.message("r", `missed ${n}`);
    await ann.until("the missed ones", () => ann.events.length === 6);
    server.message("r", "live");
    await ann.until("the live one", () => ann.events.length === 7);

    expect(ann.seqs("r")).toEqual(upTo(7));
    expect(ann.client.room("r").getSnapshot()).toMatchObject({
      unread: 7,
      head: 7,
      last: { data: { text: "live" } },
    });
  });

  test("an unprovable resume says where the room stands and goes on from there", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "of the old history");
    await ann.until("it", () => ann.events.length === 1);
    server.epoch = "epoch-2";
    server.cutAll();
    for (let n = 0; n < 4; n++) server.message("r", `new history ${n}`);
    await ann.until("the next session", () => ann.readies.length === 2);
    server.message("r", "live");
    await ann.until("the live one", () => ann.texts("r").includes("live"));

    expect(ann.resets).toEqual([{ room: "r", last: 1, head: 5 }]);
    expect(ann.seqs("r")).toEqual([1, 6]);
  });

  test("a log that was cut and grown anew under the same epoch is told apart by the time of its events", async () => {
    const server = await start();
    server.log("kept");
    server.log("cut");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("kept", "stays");
    server.message("cut", "stays");
    for (let n = 0; n < 3; n++) server.message("cut", `lost ${n}`);
    await ann.until("all", () => ann.events.length === 5);
    server.cutAll();
    // The backup ended with the first message; since then as much was written as before, and more.
    server.log("cut").length = 1;
    for (let n = 0; n < 4; n++)
      server.append("cut", { type: "message", at: Date.now() + 1_000, data: { text: `new ${n}` } });
    await ann.until("the next session", () => ann.readies.length === 2);
    server.message("kept", "live");
    server.message("cut", "live");
    await ann.until("the live ones", () => ann.events.length === 7);

    expect(ann.resets).toEqual([{ room: "cut", last: 4, head: 5 }]);
    expect(ann.texts("kept")).toEqual(["stays", "live"]);
    expect(ann.seqs("cut")).toEqual([1, 2, 3, 4, 6]);
  });

  test("a room that we are brought into while connected starts with our joining", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    await ann.client.connect();
    unseen(server, "new", 7);
    const me = { kind: "user", id: "1", name: "Ann" };
    server.append("new", { type: "member.joined", data: { member: me, role: "moderator" } });
    server.message("new", "welcome");
    await ann.until("the welcome", () => ann.texts("new").includes("welcome"));

    expect(ann.seqs("new")).toEqual([8, 9]);
    expect(ann.resets).toEqual([]);
    ann.client.refresh();
    await ann.until("the next session", () => ann.readies.length === 2);
    server.message("new", "once");
    await ann.until("it", () => ann.texts("new").includes("once"));
    expect(ann.seqs("new")).toEqual([8, 9, 10]);
  });

  test("a room that we leave is gone from the list and from the resume, and may be joined again", async () => {
    const server = await start();
    server.log("r");
    server.log("s");
    const ann = app({ url: server.url });
    await ann.client.connect();
    const me = { kind: "user", id: "1", name: "Ann" };
    server.append("r", { type: "member.left", data: { member: OTHER, role: "user" } });
    server.append("r", { type: "member.left", data: { member: me, role: "user" } });
    await ann.until("the leaving", () => ann.left.length === 1);
    expect(ann.client.rooms.getSnapshot().map(({ room }) => room)).toEqual(["s"]);
    server.cutAll();
    expect((await server.hears("hello", 2)).resume).toEqual({
      epoch: "epoch-1",
      rooms: { s: { seq: 0, at: 0 } },
    });
    await ann.until("the next session", () => ann.readies.length === 2);
    expect(ann.left).toEqual(["r"]);
  });

  test("[GW-12.4] the end of our stay is told although what we waited for in the lobby is missing", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    unseen(server, "r", 2);
    const member = { kind: "user", id: "1", name: "Ann" };
    server.append("r", { type: "member.left", data: { member, role: "user" } });
    await ann.until("the leaving", () => ann.left.length === 1);
    expect(ann.seqs("r")).toEqual([3]);
    expect(ann.resets).toEqual([]);
    expect(ann.readies).toHaveLength(1);
  });

  test("a departure that was followed by another joining while offline does not end the room", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    const member = { kind: "user", id: "1", name: "Ann" };
    server.cutAll();
    server.append("r", { type: "member.left", data: { member, role: "user" } });
    server.append("r", { type: "member.joined", data: { member, role: "user" } });
    await ann.until("both", () => ann.events.length === 2);
    expect(ann.left).toEqual([]);
    expect(ann.client.room("r").getSnapshot()?.name).toBe("Room r");
  });

  test("a room that is gone after a loss is told as left", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.rooms.delete("r");
    server.cutAll();
    await ann.until("the leaving", () => ann.left.length === 1);
    expect(ann.client.rooms.getSnapshot()).toEqual([]);
  });
});

describe("cursors", () => {
  test("a new client with the same store resumes where the old one stopped", async () => {
    const server = await start();
    server.log("r");
    let saved: Cursor | null = null;
    const store: CursorStore = {
      load: () => Promise.resolve(saved),
      save: (cursor) => {
        saved = structuredClone(cursor);
      },
    };
    const before = app({ url: server.url, store });
    await before.client.connect();
    server.message("r", "seen");
    await before.until("it", () => before.events.length === 1);
    before.client.disconnect();
    server.message("r", "missed");
    const after = app({ url: server.url, store });
    await after.client.connect();
    await after.until("the missed one", () => after.events.length === 1);

    expect(after.texts("r")).toEqual(["missed"]);
    expect(saved).toEqual({ epoch: "epoch-1", rooms: { r: { seq: 1, at: server.log("r")[0]?.at } } });
  });

  test("what an earlier version saved, a seq alone, resumes, and is kept with its time from then on", async () => {
    const server = await start();
    const { at } = server.message("r", "seen");
    let saved: Cursor = { epoch: "epoch-1", rooms: { r: 1 } };
    const store: CursorStore = {
      load: () => saved,
      save: (cursor) => {
        saved = structuredClone(cursor);
      },
    };
    const ann = app({ url: server.url, store });
    await ann.client.connect();
    ann.client.disconnect();

    expect(ann.resets).toEqual([]);
    expect(saved).toEqual({ epoch: "epoch-1", rooms: { r: { seq: 1, at } } });
  });

  test("web storage gives back what it was given, and nothing of what is no cursor", async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const store = webStorageCursors(storage, "cursor");
    expect(await store.load()).toBeNull();
    const cursor = { epoch: "e", rooms: { r: { seq: 3, at: 1_760_000_000_000 }, old: 2 } };
    await store.save?.(cursor);
    expect(await store.load()).toEqual(cursor);
    const timeless = '{"epoch":"e","rooms":{"r":{"seq":3}}}';
    for (const bad of [
      "",
      "null",
      "{}",
      timeless,
      '{"epoch":"e","rooms":{"r":"3"}}',
      '{"epoch":"e","rooms":null}',
    ]) {
      kept.set("cursor", bad);
      expect(await store.load(), bad).toBeNull();
    }
  });
});
