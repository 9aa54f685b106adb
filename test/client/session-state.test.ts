/** What stands across connections: open rooms, read markers, calls; and the figures of the room list. */
import { describe, expect, test } from "vitest";
import { apps } from "./app.ts";
import { OTHER, scriptedServers } from "./scripted-server.ts";

const start = scriptedServers();
const app = apps();

describe("session state", () => {
  test("open rooms and calls are told to every new session, closed ones are not", async () => {
    const server = await start();
    server.log("r");
    server.log("s");
    const ann = app({ url: server.url });
    await ann.client.connect();
    await ann.client.open("r");
    await ann.client.open("s");
    await ann.client.close("s");
    await ann.client.callJoin({ room: "r", flags: 3 });
    expect(ann.client.room("r").getSnapshot()?.call).toBe(3);
    server.cutAll();

    expect(await server.hears("open", 3)).toMatchObject({ room: "r" });
    expect(await server.hears("call.join", 2)).toMatchObject({ room: "r", flags: 3 });
    expect(server.heard.filter(({ op }) => op === "open").length).toBe(3);
  });

  test("a read marker that got lost is said again; only the highest matters", async () => {
    const server = await start();
    for (const text of ["one", "two", "three"]) server.message("r", text);
    let reads = 0;
    server.script = ({ op }) => (op === "read" && ++reads === 1 ? "cut before" : undefined);
    const ann = app({ url: server.url });
    await ann.client.connect();
    await ann.client.read("r", 3);
    await ann.client.read("r", 2);
    await ann.until("the marker", () => ann.client.room("r").getSnapshot()?.read === 3);

    expect(await server.hears("read", 2)).toMatchObject({ seq: 3 });
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ unread: 0, mention: 0 });
  });

  test("a read marker that a busy server refused can be said again", async () => {
    const server = await start();
    server.message("r", "one");
    let reads = 0;
    server.script = ({ op }) =>
      op === "read" && ++reads === 1 ? { op: "error", code: "unavailable", retry: true } : undefined;
    const ann = app({ url: server.url });
    await ann.client.connect();
    await ann.client.read("r", 1);
    expect(ann.client.room("r").getSnapshot()?.read).toBe(0);
    await ann.client.read("r", 1);
    expect(ann.client.room("r").getSnapshot()?.read).toBe(1);
  });

  test("what is refused is told, and not said again", async () => {
    const server = await start();
    server.script = ({ op }) =>
      op === "open" ? { op: "error", code: "not_found", retry: false } : undefined;
    const ann = app({ url: server.url });
    await ann.client.connect();
    await expect(ann.client.open("foreign")).rejects.toMatchObject({ code: "not_found" });
    server.cutAll();
    await ann.until("the next session", () => ann.readies.length === 2);
    await ann.client.open("another").catch(() => undefined);
    expect(server.heard.filter(({ op }) => op === "open").map(({ room }) => room)).toEqual([
      "foreign",
      "another",
    ]);
  });

  test("typing and history need a session; typing is dropped without one, history says so", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    client.typing("r", true);
    await expect(client.history("r")).rejects.toMatchObject({ name: "ConnectionLost" });
  });

  test("history gives a page", async () => {
    const server = await start();
    for (let n = 1; n <= 10; n++) server.message("r", `message ${n}`);
    const { client } = app({ url: server.url });
    await client.connect();
    const { events, more } = await client.history("r", { before: 9, limit: 3 });
    expect(events.map(({ seq }) => seq)).toEqual([6, 7, 8]);
    expect(more).toBe(true);
  });
});

describe("room list", () => {
  test("counts unread and mentions as they come, and follows markers from elsewhere", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "hello");
    server.message("r", "Ann!", { data: { text: "Ann!", mentions: ["1"] } });
    server.message("r", "everybody!", { data: { text: "everybody!", mentions: ["all"] } });
    server.message("r", "Bob!", { data: { text: "Bob!", mentions: ["2"] } });
    await ann.until("them", () => ann.events.length === 4);
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ unread: 4, mention: 2 });

    server.announce({ op: "unread", room: "r", read: 3, unread: 1, mention: 0 });
    await ann.until("the marker", () => ann.client.room("r").getSnapshot()?.read === 3);
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ unread: 1, mention: 0 });
  });

  test("[GW-15.4] counts members and keeps pins, also when an entry comes that is behind", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    const snapshot = () => ann.client.room("r").getSnapshot();
    const figures = { head: 0, at: 0, read: 0, unread: 0, mention: 0, last: null, lastPing: 0, call: 0 };
    const entry = {
      room: "r",
      name: "Room",
      type: "group",
      role: "user",
      ...figures,
      members: 2,
      pinned: [],
    };
    server.announce({ op: "room", rev: 1, room: { ...entry, rev: 1 } });
    await ann.until("the entry", () => snapshot()?.members === 2);
    const member = { kind: "user", id: "3", name: "Cid" };
    server.message("r", "hello");
    server.append("r", { type: "member.joined", data: { member, role: "user" } });
    server.append("r", { type: "member.changed", data: { member, role: "moderator" } });
    server.append("r", { type: "message.pinned", data: { seq: 1 } });
    server.append("r", { type: "message.pinned", data: { seq: 0, hidden: true } });
    await ann.until("the events", () => snapshot()?.head === 5);
    expect(snapshot()).toMatchObject({ members: 3, pinned: [1] });
    server.announce({ op: "room", rev: 2, room: { ...entry, rev: 2, name: "Renamed" } });
    await ann.until("the name", () => snapshot()?.name === "Renamed");
    expect(snapshot()).toMatchObject({ members: 3, pinned: [1], head: 5 });
    server.append("r", { type: "message.unpinned", data: { seq: 1 } });
    server.append("r", { type: "member.left", data: { member, role: "moderator" } });
    await ann.until("the last", () => snapshot()?.head === 7);
    expect(snapshot()).toMatchObject({ members: 2, pinned: [] });
  });

  test("one's own message, from any device, leaves nothing unread", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "hello");
    server.message("r", "mine", { actor: { kind: "user", id: "1", name: "Ann" } });
    await ann.until("both", () => ann.events.length === 2);
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ read: 2, unread: 0 });
  });

  test("what was deleted is unread no more, and what was read or is told again takes nothing away", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "read");
    server.message("r", "Ann!", { data: { text: "Ann!", mentions: ["1"] } });
    server.message("r", "hello");
    server.announce({ op: "unread", room: "r", read: 1, unread: 2, mention: 1 });
    await ann.until("them", () => ann.client.room("r").getSnapshot()?.read === 1);
    server.append("r", { type: "message.deleted", data: { seq: 1 } });
    server.append("r", { type: "message.deleted", data: { seq: 3 } });
    await ann.until("the deletions", () => ann.client.room("r").getSnapshot()?.head === 5);
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ unread: 1, mention: 1 });

    // [GW-6.6] The figures may come before the event that they count already.
    server.announce({ op: "unread", room: "r", read: 1, unread: 0, mention: 0, head: 6 });
    await ann.until("the figures", () => ann.client.room("r").getSnapshot()?.unread === 0);
    server.append("r", { type: "message.deleted", data: { seq: 2 } });
    server.message("r", "new");
    await ann.until("the new one", () => ann.client.room("r").getSnapshot()?.head === 7);
    expect(ann.client.room("r").getSnapshot()).toMatchObject({ unread: 1, mention: 0 });
  });

  test("[GW-4.4] an event that is hidden says nothing", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "as it is by now");
    server.append("r", { type: "message.edited", data: { seq: 1, hidden: true } });
    await ann.until("the edit", () => ann.client.room("r").getSnapshot()?.head === 2);
    expect(ann.client.room("r").getSnapshot()?.last?.data).toEqual({ text: "as it is by now" });
  });

  test("follows names, edits and deletions", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "helo");
    server.append("r", { type: "message.edited", data: { seq: 1, text: "hello" } });
    server.append("r", { type: "room.changed", actor: OTHER, data: { name: "Harbour" } });
    await ann.until("the name", () => ann.client.room("r").getSnapshot()?.name === "Harbour");
    expect(ann.client.room("r").getSnapshot()?.last?.data).toEqual({ text: "hello" });

    server.append("r", { type: "message.edited", data: { seq: 1, text: "*hello*", format: "markdown" } });
    server.append("r", { type: "message.edited", data: { seq: 1, text: "hello" } });
    await ann.until("the last edit", () => ann.client.room("r").getSnapshot()?.head === 5);
    expect(ann.client.room("r").getSnapshot()?.last?.data).toEqual({ text: "hello" });

    server.append("r", { type: "message.deleted", data: { seq: 1 } });
    await ann.until("the deletion", () => ann.client.room("r").getSnapshot()?.head === 6);
    expect(ann.client.room("r").getSnapshot()?.last?.data).toEqual({ text: "", deleted: true });
  });
});
