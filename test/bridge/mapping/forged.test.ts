/** What people can put into a Matrix event is judged before it touches the database or a path. */
import { describe, expect, test } from "vitest";
import { MARK, markOf } from "../../../bridge/mapping/marks.ts";
import { readEvent, redactedBy, relationOf } from "../../../bridge/mapping/matrix-events.ts";

const event = {
  event_id: "$one",
  room_id: "!room:hs.test",
  sender: "@mel:hs.test",
  type: "m.room.message",
  content: {},
};
const mark = { room: "abcd1234", seq: 7, op: "message", rev: 0, run: 1, at: 5, id: "mine", proof: "p_-1" };
const bad = {
  "a zero byte": "a\0b",
  "a lone surrogate": "a\ud800",
  nothing: "",
  "too much": "x".repeat(300),
};

describe.each(Object.entries(bad))("%s", (_, text) => {
  test.each(["event_id", "room_id", "sender"])("as %s makes the event none of ours", (field) => {
    expect(readEvent(event)).not.toBeNull();
    expect(readEvent({ ...event, [field]: text })).toBeNull();
  });

  test("names no event to redact, to answer, to replace or to react to", () => {
    expect(redactedBy({ content: { redacts: text } })).toBeNull();
    expect(readEvent({ ...event, redacts: text })).not.toHaveProperty("redacts", text);
    const relates = (relation: object) => relationOf({ "m.relates_to": relation });
    expect(relates({ "m.in_reply_to": { event_id: text } }).answers).toBeNull();
    expect(relates({ rel_type: "m.replace", event_id: text }).replaces).toBeNull();
    expect(relates({ rel_type: "m.annotation", event_id: text, key: "k" }).annotates).toBeNull();
    expect(relates({ rel_type: "m.thread", event_id: text }).thread).toBeNull();
  });

  test.each(["room", "op", "proof"])("as %s of a mark makes it no mark", (field) => {
    expect(markOf({ [MARK]: mark })).toEqual(mark);
    expect(markOf({ [MARK]: { ...mark, [field]: text } })).toBeNull();
  });
});

test.each([
  ["numbers beyond bigint", { seq: 1e300 }],
  ["numbers that are none", { seq: "7" }],
  ["parts of a number", { at: 0.5 }],
  ["numbers below zero", { rev: -1 }],
  ["an op that nobody sends", { op: "message; drop" }],
  ["an object", { room: {} }],
])("%s make no mark", (_, forged) => {
  expect(markOf({ [MARK]: { ...mark, ...forged } })).toBeNull();
});
