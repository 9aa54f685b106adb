/** The methods of the client for ops: each op has one, and it says what the op's schema takes. */
import { describe, expect, expectTypeOf, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import type { Fields, MethodName } from "../../src/client/commands/command.ts";
import { newMessageId } from "../../src/client/commands/message-id.ts";
import type { ClientOp } from "../../src/protocol/frames.ts";
import { apps } from "./app.ts";
import { scriptedServers } from "./scripted-server.ts";

/** Ops that the client says by itself. */
type OwnOp = "hello";
type AppOp = Exclude<ClientOp, OwnOp>;

describe("ops as methods", () => {
  const server = scriptedServers();
  const app = apps();

  test("every op has a method by its name, which takes one object", () => {
    // A new op is missing here until its noun's file in src/client/commands/ has it.
    expectTypeOf<Exclude<MethodName<AppOp>, keyof Client>>().toEqualTypeOf<never>();
    expectTypeOf<Parameters<Client["edit"]>>().toEqualTypeOf<[Fields<"edit">]>();
    expectTypeOf<Client["ping"]>().toBeCallableWith();
    expectTypeOf<MethodName<"call.join">>().toEqualTypeOf<"callJoin">();
  });

  test("a method says its op and gives the fields of the answer, without op and ref", async () => {
    const { client } = app({ url: (await server()).url });
    await client.connect();
    expect(await client.ping()).toEqual({ at: expect.any(Number) });
  });

  test("ops of a room that apps say often take the room and one more field as well", async () => {
    const scripted = await server();
    scripted.append("r", { type: "message", data: { text: "Hello" } });
    const { client } = app({ url: scripted.url });
    await client.connect();
    await client.open("r");
    await client.open({ room: "r" });
    await client.read("r", 1);
    await client.read({ room: "r", seq: 1 });
    const page = await client.history("r", { limit: 1 });
    expect(await client.history({ room: "r", limit: 1 })).toEqual(page);
    const { seq } = await client.send("r", "One");
    expect(await client.send({ room: "r", text: "Two" })).toMatchObject({ room: "r", seq: seq + 1 });
    const said = scripted.heard.filter(({ op }) => op === "open" || op === "read" || op === "history");
    expect(said.map(({ ref: _, ...frame }) => frame)).toEqual([
      { op: "open", room: "r" },
      { op: "open", room: "r" },
      { op: "read", room: "r", seq: 1 },
      { op: "read", room: "r", seq: 1 },
      { op: "history", room: "r", limit: 1 },
      { op: "history", room: "r", limit: 1 },
    ]);
  });
});

describe("a room's methods", () => {
  const server = scriptedServers();
  const app = apps();

  test("say the ops of their names in the room", async () => {
    const scripted = await server();
    scripted.append("r", { type: "message", data: { text: "Hello" } });
    const { client } = app({ url: scripted.url });
    await client.connect();
    const room = client.room("r");
    const { seq } = await room.send("Hi", { replyTo: 1 });
    await room.edit(seq, "Hi there", { mentions: [] });
    await room.react(1, "👍");
    await room.unreact(1, "👍");
    await room.pin(seq);
    await room.unpin(seq);
    await room.delete(seq);
    await room.open();
    await room.close();
    await room.read(1);
    expect((await room.history({ limit: 1 })).events).toHaveLength(1);
    const ours = scripted.heard.filter(({ op }) => op !== "hello").map(({ ref: _, ...frame }) => frame);
    expect(ours).toEqual([
      { op: "send", room: "r", id: expect.any(String), text: "Hi", replyTo: 1 },
      { op: "edit", room: "r", seq, text: "Hi there", mentions: [] },
      { op: "react", room: "r", seq: 1, name: "👍" },
      { op: "unreact", room: "r", seq: 1, name: "👍" },
      { op: "pin", room: "r", seq },
      { op: "unpin", room: "r", seq },
      { op: "delete", room: "r", seq },
      { op: "open", room: "r" },
      { op: "close", room: "r" },
      { op: "read", room: "r", seq: 1 },
      { op: "history", room: "r", limit: 1 },
    ]);
  });
});

describe("ids of messages", () => {
  const crypto = Object.getOwnPropertyDescriptor(globalThis, "crypto");

  test.each([
    ["with crypto", true],
    ["without crypto, as in Hermes", false],
  ])("%s: 32 digits, and another each time", (_, isThere) => {
    if (!isThere) Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
    try {
      const ids = Array.from({ length: 1_000 }, newMessageId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    } finally {
      Object.defineProperty(globalThis, "crypto", crypto as PropertyDescriptor);
    }
  });
});
