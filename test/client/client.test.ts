/** The SDK's sessions: how it connects, comes back, and ends. */
import { describe, expect, test } from "vitest";
import { SignedOut } from "../../src/client/failures.ts";
import { msgpackCodec } from "../../src/client/msgpack.ts";
import { apps } from "./app.ts";
import { scriptedServers } from "./scripted-server.ts";

const start = scriptedServers();
const app = apps();

describe("client: connecting", () => {
  test("says hello with its token and device, and tells the rooms as they stand", async () => {
    const server = await start();
    server.message("r", "before");
    const { client, events } = app({ url: server.url, device: "phone" });
    const ready = await client.connect();

    expect(server.heard[0]).toEqual({ op: "hello", ref: 1, token: "token", device: "phone" });
    expect(ready.rooms.map(({ room, head }) => ({ room, head }))).toEqual([{ room: "r", head: 1 }]);
    expect(client.user?.handle).toBe("ann");
    expect(client.room("r").getSnapshot()).toMatchObject({
      name: "Room r",
      unread: 1,
      last: { data: { text: "before" } },
    });
    expect(events).toEqual([]);
    expect(client.state).toEqual({ name: "online" });
  });

  test("talks msgpack", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url, codec: msgpackCodec });
    await ann.client.connect();
    const ack = await ann.client.send("r", "žluťoučký 👋");
    await ann.until("its own event", () => ann.events.length > 0);

    expect(ack.seq).toBe(1);
    expect(ann.texts("r")).toEqual(["žluťoučký 👋"]);
  });

  test("says pings more often than the server wants to hear from it", async () => {
    const server = await start();
    server.heartbeatMs = 200;
    await app({ url: server.url }).client.connect();
    expect(await server.hears("ping", 3)).toMatchObject({ op: "ping" });
  });

  test("a second connect gives the same session", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    const ready = await client.connect();
    expect(await client.connect()).toBe(ready);
    expect(server.heard.length).toBe(1);
  });
});

describe("client: coming back", () => {
  test("resumes after a loss with the epoch and the last seq of each room", async () => {
    const server = await start();
    server.log("r");
    server.message("s", "old");
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("r", "one");
    await ann.until("one", () => ann.texts("r").length === 1);
    server.cutAll();
    await ann.until("the next session", () => ann.readies.length === 2);

    const hello = await server.hears("hello", 2);
    const place = { seq: 1, at: expect.any(Number) };
    expect(hello.resume).toEqual({ epoch: "epoch-1", rooms: { r: place, s: place } });
    expect(ann.resets).toEqual([]);
  });

  test("[GW-1.4] names no more rooms than fit into a frame, and resets those of the others that moved", async () => {
    const server = await start();
    for (let n = 0; n < 2_500; n++) server.log(`room-${n}`);
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.message("room-2400", "the latest");
    await ann.until("the message", () => ann.events.length === 1);
    server.mute = true;
    server.message("room-2000", "missed");
    server.message("room-2400", "caught up");
    server.cutAll();
    await ann.until("the next session", () => ann.readies.length === 2);

    const { resume } = await server.hears("hello", 2);
    const { rooms } = resume as { rooms: object };
    expect(Object.keys(rooms).length).toBe(1_000);
    expect(rooms).toHaveProperty("room-2400");
    await ann.until("what was missed", () => ann.texts("room-2400").length === 2);
    expect(ann.resets).toEqual([{ room: "room-2000", last: 0, head: 1 }]);
  });

  test("[GW-10.2] waits exactly as long as the server dictated", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.announce({ op: "bye", code: 4000, reconnectMs: 37 });
    server.closeAll(4000, "draining");
    await ann.until("the next session", () => ann.readies.length === 2);

    const waits = ann.states.filter((state) => state.name === "waiting");
    expect(waits).toEqual([{ name: "waiting", retryInMs: 37, code: 4000, reason: "draining" }]);
  });

  test("an attempt that fails is followed by the next, until one succeeds", async () => {
    const server = await start();
    let hellos = 0;
    server.script = ({ op }) => (op === "hello" && ++hellos < 5 ? "cut before" : undefined);
    const { client, states } = app({ url: server.url });
    await client.connect();

    expect(hellos).toBe(5);
    expect(states.filter(({ name }) => name === "waiting").length).toBe(4);
  });

  test("a hello that may be retried is retried, after the wait that it was told", async () => {
    const server = await start();
    let hellos = 0;
    server.script = ({ op }) =>
      op === "hello" && ++hellos === 1
        ? { op: "error", code: "unavailable", retry: true, retryAfterMs: 60 }
        : undefined;
    const { client, states } = app({ url: server.url });
    await client.connect();

    const waits = states.flatMap((state) => (state.name === "waiting" ? [state.retryInMs] : []));
    expect(waits).toEqual([60]);
  });

  test("a token function that fails is asked again", async () => {
    const server = await start();
    let asked = 0;
    const token = () => (++asked < 3 ? Promise.reject(new Error("offline")) : "late");
    await app({ url: server.url, token }).client.connect();
    expect(server.heard[0]).toMatchObject({ op: "hello", token: "late" });
  });

  test("wake() ends a long wait", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.announce({ op: "bye", code: 4000, reconnectMs: 3_600_000 });
    server.closeAll(4000);
    await ann.until("waiting", () => ann.client.state.name === "waiting");
    ann.client.wake();
    await ann.until("the next session", () => ann.readies.length === 2);
  });
});

describe("client: ending", () => {
  test("a close code from 4500 on ends it", async () => {
    const server = await start();
    const ann = app({ url: server.url });
    await ann.client.connect();
    server.closeAll(4567, "enough");
    await ann.until("the end", () => ann.client.state.name === "ended");

    expect(ann.client.state).toEqual({ name: "ended", code: 4567, reason: "enough" });
    await expect(ann.client.send("r", "late")).rejects.toThrow("enough");
    await expect(ann.client.connect()).rejects.toThrow("enough");
  });

  test("a refused fixed token ends it", async () => {
    const server = await start();
    server.script = () => ({ op: "error", code: "unauthorized", retry: false });
    const { client } = app({ url: server.url });
    await expect(client.connect()).rejects.toThrow("4501");
  });

  test("a token that ends in a session is replaced by the function's next one, and the session resumes", async () => {
    const server = await start();
    server.log("r");
    const ann = app({ url: server.url, token: (refused) => (refused ? "second" : "first") });
    await ann.client.connect();
    server.closeAll(4501, "expired");
    await ann.until("the next session", () => ann.readies.length === 2);
    expect(await server.hears("hello", 2)).toMatchObject({
      token: "second",
      resume: { rooms: { r: { seq: 0 } } },
    });
  });

  test("two refused tokens in a row end it", async () => {
    const server = await start();
    server.script = () => ({ op: "error", code: "unauthorized", retry: false });
    const { client } = app({ url: server.url, token: () => "bad" });
    await expect(client.connect()).rejects.toThrow("4501");
    expect(server.heard.length).toBe(2);
  });

  test("a token function that says signed out ends it", async () => {
    const server = await start();
    const token = () => Promise.reject(new SignedOut());
    const { client } = app({ url: server.url, token });
    await expect(client.connect()).rejects.toThrow("Sign in again");
    expect(server.heard).toEqual([]);
  });

  test("disconnect() ends it and gives up what was not acknowledged", async () => {
    const server = await start();
    server.script = ({ op }) => (op === "send" ? "swallow" : undefined);
    const { client } = app({ url: server.url });
    await client.connect();
    const sent = client.send("r", "hello?");
    await server.hears("send");
    client.disconnect();
    await expect(sent).rejects.toThrow("disconnected");
  });

  test("a listener of ready may end it at once", async () => {
    const server = await start();
    const { client, states } = app({ url: server.url });
    client.on("ready", () => client.disconnect());
    await client.connect().catch(() => undefined);
    expect(states.map(({ name }) => name)).toEqual(["connecting", "ended"]);
  });

  test("a cursor store that fails fails the connect, which may be tried again", async () => {
    const server = await start();
    let loads = 0;
    const load = () => (++loads === 1 ? Promise.reject(new Error("locked")) : null);
    const { client } = app({ url: server.url, store: { load, save: () => undefined } });
    await expect(client.connect()).rejects.toThrow("locked");
    await client.connect();
  });

  test("a URL that is none ends it with the reason", async () => {
    const { client } = app({ url: "not a url" });
    await expect(client.connect()).rejects.toThrow(/Invalid URL/);
  });
});
