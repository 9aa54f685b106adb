/** What the types of the SDK know of events: each type that PROTOCOL.md lists, with what is in it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import type {
  EventFrame,
  EventType,
  MessageData,
  RoomEvent,
  ServerFrame,
  WireActor,
} from "../../src/protocol/frames.ts";

/** The compiler wants every type here, and no other. */
const TYPES: Record<EventType, true> = {
  message: true,
  "message.edited": true,
  "message.deleted": true,
  "message.pinned": true,
  "message.unpinned": true,
  "reaction.added": true,
  "reaction.removed": true,
  "member.joined": true,
  "member.left": true,
  "member.changed": true,
  "room.created": true,
  "room.changed": true,
  "room.deleted": true,
  "call.started": true,
  "call.joined": true,
  "call.left": true,
  "call.ended": true,
};

describe("types of events", () => {
  test("every type of event in PROTOCOL.md has a type", () => {
    const document = readFileSync(join(import.meta.dirname, "../../src/protocol/PROTOCOL.md"), "utf8");
    const table = document.slice(document.indexOf("| type  "), document.indexOf("`room.changed` also holds"));
    const listed = [...table.matchAll(/^\| `([a-z.]+)`/gm)].map(([, type]) => type);
    expect(Object.keys(TYPES).sort()).toEqual(listed.sort());
  });

  test("the type of an event tells what is in its data", () => {
    const seen: unknown[] = [];
    const take = (event: RoomEvent) => {
      if (event.type === "message") {
        expectTypeOf(event.data).toEqualTypeOf<MessageData>();
        seen.push(event.data.text);
      } else if (event.type === "message.edited") {
        if (event.data.hidden) expectTypeOf(event.data).not.toHaveProperty("text");
        else expectTypeOf(event.data.text).toEqualTypeOf<string>();
      } else if (event.type === "member.joined") {
        expectTypeOf(event.data.member).toEqualTypeOf<WireActor>();
      }
    };
    const actor: WireActor = { kind: "user", id: "1", name: "Ann" };
    take({ op: "event", room: "r", seq: 1, type: "message", actor, at: 0, data: { text: "Hello" } });
    take({ op: "event", room: "r", seq: 2, type: "room.deleted", actor, at: 0, data: {} });
    expect(seen).toEqual(["Hello"]);
    expectTypeOf<RoomEvent>().toExtend<EventFrame>();
  });

  test("listeners get what their event holds, and frames are told apart by their op", () => {
    const listen = (client: Client) => {
      client.on("event", (event) => expectTypeOf(event).toEqualTypeOf<RoomEvent>());
      client.on("typing", ({ on }) => expectTypeOf(on).toEqualTypeOf<boolean>());
      client.on("left", ({ room }) => expectTypeOf(room).toEqualTypeOf<string>());
    };
    expectTypeOf(listen).toBeFunction();
    expectTypeOf<Extract<ServerFrame, { op: "presence" }>["lastPing"]>().toEqualTypeOf<number>();
  });
});
