import { describe, expect, test } from "vitest";
import { parseClientFrame } from "../../src/protocol/frames.ts";

const send = { op: "send", ref: 1, room: "roomroom", id: "a", text: "Hello" };
const refusal = (frame: unknown) => {
  const parsed = parseClientFrame(frame);
  return "refused" in parsed ? parsed.refused : null;
};

test.each([
  { op: "hello", ref: "r", token: "t", device: "phone", resume: { epoch: "e", rooms: { roomroom: 5 } } },
  { ...send, replyTo: 4, mentions: ["1", "all"] },
  { op: "history", ref: 1, room: "r", before: 5, limit: 200 },
  { op: "history", ref: 1, room: "r", after: 0 },
  { op: "read", ref: 1, room: "r", seq: 5 },
  { op: "open", ref: 1, room: "r" },
  { op: "close", ref: 1, room: "r" },
  { op: "typing", ref: 1, room: "r", on: true },
  { op: "ping", ref: 1 },
  { op: "ping", ref: 1, rooms: ["r"] },
  { op: "call.join", ref: 1, room: "r", flags: 7 },
  { op: "call.flags", ref: 1, room: "r", flags: 1 },
  { op: "call.leave", ref: 1, room: "r" },
  { op: "call.signal", ref: 1, room: "r", to: "s", data: { type: "offer" } },
  { op: "call.servers", ref: 1 },
])("$op is taken", (frame) => {
  expect(parseClientFrame(frame)).toMatchObject({ frame });
});

test("[GW-6.2] history without a limit is 50", () => {
  expect(parseClientFrame({ op: "history", ref: 1, room: "r" })).toMatchObject({ frame: { limit: 50 } });
});

describe("[GW-3.4] what breaks a rule is named", () => {
  test.each([
    [{ ...send, op: "shout" }, "op", 1],
    [{ ref: 1 }, "op", 1],
    [{ ...send, op: "toString" }, "op", 1],
    [{ ...send, colour: "red" }, "colour", 1],
    [{ ...send, text: 5 }, "text", 1],
    [{ ...send, text: undefined }, "text", 1],
    [{ ...send, replyTo: -1 }, "replyTo", 1],
    [{ ...send, replyTo: 1.5 }, "replyTo", 1],
    [{ ...send, replyTo: 2 ** 60 }, "replyTo", 1],
    [{ ...send, mentions: ["1", 2] }, "mentions.1", 1],
    [{ op: "history", ref: 1, room: "r", before: 1, after: 1 }, "before", 1],
    [{ op: "history", ref: 1, room: "r", limit: 201 }, "limit", 1],
    [{ op: "history", ref: 1, room: "r", limit: 0 }, "limit", 1],
    [{ op: "call.join", ref: 1, room: "r", flags: 8 }, "flags", 1],
    [{ op: "call.join", ref: 1, room: "r", flags: 0 }, "flags", 1],
    [{ op: "call.signal", ref: 1, room: "r", to: "s", data: "offer" }, "data", 1],
    [{ op: "call.signal", ref: 1, room: "r", to: "s", data: {}, from: "me" }, "from", 1],
    [{ op: "hello", ref: 1, token: "t", resume: { epoch: "e", rooms: { r: "5" } } }, "resume.rooms.r", 1],
    [{ op: "hello", ref: 1, token: "t", resume: { epoch: "e", rooms: {}, more: 1 } }, "resume.more", 1],
  ])("%j: %s", (frame, field, ref) => {
    expect(refusal(frame)).toMatchObject({ field, ref, message: expect.stringContaining(field) });
  });
});

describe("[GW-3.2] a ref that can't be used is answered as null", () => {
  test.each([undefined, null, 1.5, {}, [], true, "x".repeat(65), Number.NaN])("%j", (ref) => {
    expect(refusal({ ...send, ref })).toMatchObject({ field: "ref", ref: null });
  });
  test.each([0, -1, 2 ** 53 - 1, "", "x".repeat(64)])("%j is fine", (ref) => {
    expect(refusal({ ...send, ref })).toBeNull();
  });
});

test.each([null, 5, "hello", [], [send]])("%j is no frame", (frame) => {
  expect(refusal(frame)).toMatchObject({ ref: null, field: undefined });
});
