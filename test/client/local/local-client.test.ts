/** A client with a store: what it shows at once, without a network, after a kill, and after a gap. */
import { describe, expect, test } from "vitest";
import { type ScriptedServer, scriptedServers } from "../scripted-server.ts";
import { devices, shown, until } from "./device.ts";

const startServer = scriptedServers();
const device = devices();

function sentTexts(server: ScriptedServer, room: string): unknown[] {
  return server
    .log(room)
    .filter(({ type }) => type === "message")
    .map(({ data }) => data.text);
}

describe("a client with a store", () => {
  test("shows the last page of a room, and older pages as they are asked for", async () => {
    const server = await startServer();
    for (let n = 1; n <= 120; n++) server.message("r", `message ${n}`);
    const { client } = device({ url: server.url });
    await client.connect();
    const { messages } = client.room("r");
    expect(messages.getSnapshot()).toEqual([]);
    await messages.load();
    expect(shown(client, "r")).toHaveLength(50);
    expect(shown(client, "r")[0]).toBe("message 71");
    const before = messages.getSnapshot();
    expect(messages.getSnapshot()).toBe(before);
    server.message("r", "message 121");
    await until(client, "r", "the message", () => shown(client, "r").at(-1) === "message 121");
    expect(messages.getSnapshot()).not.toBe(before);
    expect(await messages.loadOlder()).toBe(true);
    expect(await messages.loadOlder()).toBe(false);
    expect(shown(client, "r")).toEqual(Array.from({ length: 121 }, (_, n) => `message ${n + 1}`));
    expect(messages.hasOlder).toBe(false);
  });

  test("shows a message that is sent on at once, without a network and after a restart, and sends it once", async () => {
    const server = await startServer();
    server.message("r", "words");
    server.message("home", "hello");
    const ann = device({ url: server.url });
    await ann.client.connect();
    for (const room of ["r", "home"]) await ann.client.room(room).messages.load();
    await ann.client.disconnect();

    const away = ann.start({ url: "ws://127.0.0.1:1/ws" });
    void away.send({ room: "home", id: "on", forward: { room: "r", seq: 1 } });
    void away.edit({ room: "home", id: "on", text: "not mine to say" });
    void away.send("home", "and this");
    await away.room("home").messages.load();
    const [bob] = server.log("r");
    const said = { text: "words", forwarded: { actor: bob?.actor, at: bob?.at } };
    const waits = (client: typeof away) =>
      until(client, "home", "the words", () =>
        client
          .room("home")
          .messages.getSnapshot()
          .some((item) => item.type === "message" && item.data.forwarded !== undefined),
      );
    await waits(away);
    expect(away.room("home").messages.getSnapshot().slice(1)).toMatchObject([
      { id: "on", pending: true, data: { forwarded: said.forwarded } },
      { data: { text: "and this" }, pending: true },
    ]);
    await until(away, "home", "the store", () => away.waiting.length === 2);
    expect(away.waiting[0]).toEqual({ room: "home", id: "on", forward: { room: "r", seq: 1 } });
    const [edit] = away.outbox.getSnapshot().filter(({ op }) => op === "edit");
    away.discard(edit?.id ?? "");
    await away.disconnect();

    const again = ann.start({ url: "ws://127.0.0.1:1/ws" });
    await again.room("home").messages.load();
    expect(again.room("home").messages.getSnapshot()[1]).toMatchObject({
      id: "on",
      pending: true,
      data: said,
    });
    await again.disconnect();

    const back = ann.start();
    await back.room("home").messages.load();
    await back.connect();
    await until(back, "home", "the event", () => back.outbox.getSnapshot().length === 0);
    expect(sentTexts(server, "home")).toEqual(["hello", "words", "and this"]);
    expect(back.room("home").messages.getSnapshot()[1]).toMatchObject({ seq: 2, data: said });
  });

  test("fails a forward of a message whose room was loaded anew: another message may be at its place", async () => {
    const server = await startServer();
    server.message("r", "words");
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    await ann.client.disconnect();
    const away = ann.start({ url: "ws://127.0.0.1:1/ws" });
    void away.send({ room: "home", id: "on", forward: { room: "r", seq: 1 } });
    await until(away, "home", "the forward", () => away.waiting.length === 1);
    await away.disconnect();
    server.epoch = "epoch-2";
    server.rooms.set("r", []);
    server.message("r", "other words");
    const back = ann.start();
    await back.connect();
    await back.send("home", "and this");
    expect(back.outbox.getSnapshot()).toMatchObject([{ id: "on", failed: { code: "conflict" } }]);
    expect(sentTexts(server, "home")).toEqual(["and this"]);
  });

  test("draws what it had without a network, and is where the server is as soon as there is one", async () => {
    const server = await startServer();
    for (let n = 1; n <= 60; n++) server.message("r", `message ${n}`);
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    server.message("r", "last");
    await until(ann.client, "r", "the message", () => shown(ann.client, "r").at(-1) === "last");
    await ann.client.disconnect();

    const away = ann.start({ url: "ws://127.0.0.1:1/ws" });
    await away.load();
    expect(away.rooms.getSnapshot()).toMatchObject([{ room: "r", name: "Room r", unread: 61 }]);
    expect(away.user?.handle).toBe("ann");
    await away.room("r").messages.load();
    expect(shown(away, "r").slice(-2)).toEqual(["message 60", "last"]);
    expect(shown(away, "r")).toHaveLength(50);
    await away.disconnect();

    server.message("r", "meanwhile");
    server.append("r", { type: "message.edited", data: { seq: 60, text: "message sixty" } });
    server.append("r", { type: "reaction.added", data: { seq: 61, name: "👍" } });
    const back = ann.start();
    await back.load();
    await back.room("r").messages.load();
    await back.connect();
    await until(back, "r", "what was missed", () => shown(back, "r").at(-2) === "last 👍1");
    expect(shown(back, "r").slice(-3)).toEqual(["message sixty", "last 👍1", "meanwhile"]);
    expect(server.heard.filter(({ op }) => op === "history")).toHaveLength(1);
  });

  test("changes of messages that are not in memory are there when the room is looked at", async () => {
    const server = await startServer();
    for (let n = 1; n <= 3; n++) server.message("r", `message ${n}`);
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    await ann.client.disconnect();
    const again = ann.start();
    await again.connect();
    server.append("r", { type: "message.edited", data: { seq: 2, text: "edited" } });
    server.append("r", { type: "message.deleted", data: { seq: 3 } });
    await until(again, "s", "the changes", () => again.room("r").getSnapshot()?.head === 5);
    await again.room("r").messages.load();
    expect(shown(again, "r")).toEqual(["message 1", "edited", "(deleted)"]);
  });

  test("what is done without a network is shown as pending, outlives a kill, and is sent once, in order", async () => {
    const server = await startServer();
    server.message("r", "first");
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    server.script = ({ op }) => (op === "send" ? "cut after" : undefined);
    const lost = ann.client.send("r", "a");
    lost.catch(() => undefined);
    void ann.client.send("r", "b");
    await server.hears("send");
    await until(ann.client, "r", "both", () => shown(ann.client, "r").length === 3);
    server.script = ({ op }) => (op === "hello" ? "cut before" : undefined);
    server.cutAll();
    void ann.client.send("r", "c");
    void ann.client.read("r", 1);
    expect(shown(ann.client, "r").at(-1)).toBe("c …");
    await new Promise((resolve) => setTimeout(resolve, 100));
    ann.kill();

    const again = ann.start();
    await again.load();
    await again.room("r").messages.load();
    expect(shown(again, "r")).toEqual(["first", "a …", "b …", "c …"]);
    expect(again.room("r").getSnapshot()).toMatchObject({ read: 1, unread: 0 });
    server.script = () => undefined;
    await again.connect();
    await until(again, "r", "all acknowledged", () => shown(again, "r").every((text) => !text.includes("…")));
    expect(shown(again, "r")).toEqual(["first", "a", "b", "c"]);
    expect(sentTexts(server, "r")).toEqual(["first", "a", "b", "c"]);
    expect(again.outbox.getSnapshot()).toEqual([]);
    await server.hears("read");
  });

  test("[GW-5.10] says to which thread an answer went, by the answer to it and by its event", async () => {
    const server = await startServer();
    server.message("r", "root");
    const { client } = device({ url: server.url });
    await client.connect();
    server.script = ({ op }) =>
      op === "send" ? { op: "ok", room: "r", seq: 2, at: 2, thread: 1 } : undefined;
    expect(await client.send("r", "first", { thread: 1 })).toMatchObject({ seq: 2, thread: 1 });
    server.script = ({ op }) => (op === "send" ? "swallow" : undefined);
    const sent = client.send({ room: "r", id: "second", text: "second", thread: 2 });
    const { user: me } = server;
    await server.hears("send", 2);
    const actor = { kind: "user", id: me.id, name: me.name } as const;
    const { at } = server.append("r", {
      type: "message",
      id: "second",
      actor,
      data: { text: "second", thread: 1 },
    });
    expect(await sent).toEqual({ room: "r", seq: 2, at, thread: 1 });
  });

  test("[GW-6.12] the marker of a thread that is read without a network outlives a kill, and is said once", async () => {
    const server = await startServer();
    server.message("r", "root");
    server.append("r", { type: "message", data: { text: "answer", thread: 1 } });
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    server.append("r", { type: "message", data: { text: "another", thread: 1 } });
    const unread = (client = ann.client) => {
      const [root] = client.room("r").messages.getSnapshot();
      const thread = root?.type === "message" ? root.data.thread : undefined;
      return typeof thread === "object" ? thread.unread : null;
    };
    await until(ann.client, "r", "the answer", () => unread() === 1);
    server.script = ({ op }) => (op === "hello" ? "cut before" : undefined);
    server.cutAll();
    await until(ann.client, "r", "the loss", () => ann.client.state.name !== "online");
    await ann.client.read({ room: "r", thread: 2, seq: 3 });
    expect(unread()).toBe(0);
    await ann.client.disconnect();

    const again = ann.start();
    await again.room("r").messages.load();
    expect(unread(again)).toBe(0);
    server.script = () => undefined;
    await again.connect();
    expect(await server.hears("read")).toMatchObject({ room: "r", thread: 1, seq: 3 });
    await again.history({ room: "r" });
    await again.disconnect();
    const last = ann.start();
    await last.connect();
    await last.history({ room: "r" });
    expect(server.heard.filter(({ op }) => op === "read")).toHaveLength(1);
  });

  test("shows one's own files as long as the message with them is pending, and says their ids", async () => {
    const server = await startServer();
    server.log("r");
    const ann = device({ url: server.url });
    await ann.client.load();
    const file = {
      id: "f1",
      filename: "a.txt",
      type: "text/plain",
      size: 3,
      url: "https://x/f1",
      thumbnails: [],
    };
    void ann.client.send("r", "", { attachments: [file, "f2"] });
    await ann.client.disconnect();
    const again = ann.start();
    await again.load();
    expect(again.room("r").messages.getSnapshot()).toMatchObject([
      { pending: true, data: { text: "", attachments: [file] } },
    ]);
    await again.connect();
    expect(await server.hears("send")).toMatchObject({ attachments: ["f1", "f2"] });
  });

  test("[GW-17.4] knows without a network whom the user blocks, and what the user's name is", async () => {
    const server = await startServer();
    server.log("r");
    const ann = device({ url: server.url });
    await ann.client.connect();
    expect(ann.client.blockedUsers.getSnapshot()).toEqual([]);
    const heard = new Promise((resolve) => ann.client.on("user", resolve));
    server.announce({ op: "block", user: "7", on: true });
    server.announce({ op: "block", user: "8", on: true });
    server.announce({ op: "block", user: "7", on: false });
    server.announce({ op: "user", user: { ...server.user, name: "Anna" } });
    await heard;
    await ann.client.disconnect();
    const away = ann.start({ url: "ws://127.0.0.1:1/ws" });
    await away.load();
    expect(away.blockedUsers.getSnapshot()).toEqual(["8"]);
    expect(away.user?.name).toBe("Anna");
  });

  test("what is sent before the first session outlives the client", async () => {
    const server = await startServer();
    server.log("r");
    const ann = device({ url: server.url });
    await ann.client.load();
    void ann.client.send("r", "first of all");
    await ann.client.disconnect();
    const again = ann.start();
    await again.load();
    expect(shown(again, "r")).toEqual(["first of all …"]);
    await again.connect();
    await until(again, "r", "the acknowledgement", () => again.outbox.getSnapshot().length === 0);
    expect(sentTexts(server, "r")).toEqual(["first of all"]);
  });

  test("a message that was not sent is edited and deleted where it waits", async () => {
    const server = await startServer();
    server.log("r");
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    server.script = ({ op }) => (op === "hello" ? "cut before" : undefined);
    server.cutAll();
    await until(ann.client, "r", "the loss", () => ann.client.state.name !== "online");
    const sent = ann.client.send("r", "frist", { id: "one" });
    void ann.client.react({ room: "r", id: "one", name: "🙂" });
    const gone = ann.client.send("r", "oops", { id: "two" });
    const edit = ann.client.edit({ room: "r", id: "one", text: "first" });
    await expect(ann.client.delete({ room: "r", id: "two" })).resolves.toEqual({
      room: "r",
      duplicate: true,
    });
    await expect(gone).rejects.toMatchObject({ name: "Discarded" });
    expect(shown(ann.client, "r")).toEqual(["first 🙂1 …"]);
    server.script = () => undefined;
    ann.client.wake();
    expect(await sent).toMatchObject({ seq: 1 });
    expect(await edit).toMatchObject({ seq: 1 });
    expect(await server.hears("react")).toMatchObject({ seq: 1, name: "🙂" });
    expect(server.heard.filter(({ op }) => op === "send" || op === "edit")).toMatchObject([
      { text: "first" },
    ]);
  });

  test("what is refused is shown as failed, and tried again or discarded", async () => {
    const server = await startServer();
    server.message("r", "hers");
    server.script = ({ op }) =>
      op === "send" || op === "edit" ? { op: "error", code: "read_only", retry: false } : undefined;
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    await expect(ann.client.send("r", "no", { id: "x" })).rejects.toMatchObject({ code: "read_only" });
    await expect(ann.client.edit({ room: "r", seq: 1, text: "mine" })).rejects.toMatchObject({
      code: "read_only",
    });
    expect(shown(ann.client, "r")).toEqual(["hers ✗ read_only", "no ✗ read_only"]);
    const failedEdit = ann.client.outbox.getSnapshot().find(({ op }) => op === "edit")?.id ?? "";
    ann.client.discard(failedEdit);
    await ann.client.disconnect();

    const again = ann.start();
    await again.connect();
    await again.room("r").messages.load();
    expect(shown(again, "r")).toEqual(["hers", "no ✗ read_only"]);
    server.script = () => undefined;
    await again.retry("x");
    await until(again, "r", "the event", () => again.outbox.getSnapshot().length === 0);
    expect(shown(again, "r")).toEqual(["hers", "no"]);
  });

  test("another history is healed: the app sees the server's messages, and no gap", async () => {
    const server = await startServer();
    for (let n = 1; n <= 80; n++) server.message("r", `old ${n}`);
    const ann = device({ url: server.url });
    await ann.client.connect();
    const { messages } = ann.client.room("r");
    const seen: number[] = [];
    messages.subscribe(() => seen.push(messages.getSnapshot().length));
    await messages.load();
    server.epoch = "epoch-2";
    server.rooms.set("r", []);
    for (let n = 1; n <= 70; n++) server.message("r", `new ${n}`);
    server.cutAll();
    await until(ann.client, "r", "the new log", () => shown(ann.client, "r").at(-1) === "new 70");
    await messages.loadOlder();
    expect(shown(ann.client, "r")).toEqual(Array.from({ length: 70 }, (_, n) => `new ${n + 1}`));
    expect(Math.min(...seen)).toBeGreaterThan(0);
    await ann.client.disconnect();
    const again = ann.start({ url: "ws://127.0.0.1:1/ws" });
    await again.room("r").messages.load();
    expect(shown(again, "r").at(-1)).toBe("new 70");
    expect(shown(again, "r").some((text) => text.startsWith("old"))).toBe(false);
  });

  test("[GW-6.9] says how far the device keeps the messages of others, once for all that came", async () => {
    const server = await startServer();
    server.log("r");
    server.log("s");
    const { client } = device({ url: server.url });
    await client.connect();
    for (let n = 0; n < 5; n++) server.message("r", "hers");
    server.message("s", "hers");
    await client.send("s", "mine");
    expect(await server.hears("delivered")).toMatchObject({ rooms: { r: 5, s: 1 } });
    expect(server.heard.filter(({ op }) => op === "delivered")).toHaveLength(1);
  });

  test("who types, who is there and how far everybody has read is what the open room was told", async () => {
    const server = await startServer();
    server.log("r");
    const bob = { kind: "user", id: "2", name: "Bob" };
    const now = { present: [bob], typing: [], reads: [{ actor: bob, seq: 3 }] };
    server.script = ({ op }) => (op === "open" ? { op: "ok", ...now } : undefined);
    const { client } = device({ url: server.url });
    await client.connect();
    await client.open("r");
    const { presence, typing, receipts } = client.room("r");
    expect(presence.getSnapshot()).toEqual([bob]);
    expect(receipts.getSnapshot()).toEqual([{ actor: bob, seq: 3 }]);
    server.announce({ op: "typing", room: "r", actor: bob, on: true });
    await until(client, "r", "typing", () => typing.getSnapshot().length === 1);
    server.announce({ op: "receipt", room: "r", actor: bob, read: 5, delivered: 7 });
    server.announce({ op: "typing", room: "r", actor: bob, on: false });
    await until(client, "r", "its end", () => typing.getSnapshot().length === 0);
    expect(receipts.getSnapshot()).toEqual([{ actor: bob, seq: 5, delivered: 7 }]);
    server.announce({ op: "presence", room: "r", actor: bob, lastPing: 1, gone: true });
    await until(client, "r", "the leaving", () => presence.getSnapshot().length === 0);
  });

  test("a store of another person is emptied", async () => {
    const server = await startServer();
    server.message("r", "secret");
    const ann = device({ url: server.url });
    await ann.client.connect();
    await ann.client.room("r").messages.load();
    await ann.client.disconnect();
    const other = await startServer();
    other.user = { id: "9", uuid: "u-9", handle: "eve", name: "Eve" };
    const eve = ann.start({ url: other.url });
    await eve.connect();
    expect(eve.rooms.getSnapshot()).toEqual([]);
    await eve.disconnect();
    const away = ann.start({ url: "ws://127.0.0.1:1/ws" });
    await away.load();
    await away.room("r").messages.load();
    expect(shown(away, "r")).toEqual([]);
  });
});
