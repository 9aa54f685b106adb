import { describe, expect, test } from "vitest";
import { causeway } from "../../load/dialects/causeway.ts";
import { centrifugo } from "../../load/dialects/centrifugo.ts";
import { type Dialect, READING, type Reading } from "../../load/dialects/dialect.ts";
import { socketIo } from "../../load/dialects/socket-io.ts";
import { fillerFor, stampedText } from "../../load/measuring/stamp.ts";

function readings(dialect: Dialect, frame: string): Reading[] {
  const bytes = Buffer.from(`before${frame}after`);
  const found: Reading[] = [];
  dialect.read(bytes, 6, bytes.length - 5, (reading) => found.push({ ...reading }));
  return found;
}
function reading(dialect: Dialect, frame: string): Reading {
  const [first, ...others] = readings(dialect, frame);
  expect(others).toEqual([]);
  return first as Reading;
}

const TEXT = stampedText(fillerFor(64), 123_456.789);
const EVENT = {
  op: "event",
  room: "abcd1234",
  seq: 42,
  type: "message",
  id: "x-1",
  actor: { kind: "user", id: "7", name: "Zoë ~ Example" },
  at: 1_700_000_000_000,
  data: { text: TEXT },
};
const EXPECTED_EVENT = { kind: READING.event, room: "abcd1234", seq: 42, sentAt: 123_456.789 };

describe("Causeway's dialect", () => {
  test("reads an event where it lies", () => {
    expect(reading(causeway, JSON.stringify(EVENT))).toMatchObject(EXPECTED_EVENT);
  });

  test("reads an event with its fields in another order just the same", () => {
    const { op, data, ...others } = EVENT;
    expect(reading(causeway, JSON.stringify({ data, ...others, op }))).toMatchObject(EXPECTED_EVENT);
  });

  test("reads an event without a time as one that has none", () => {
    const joined = { ...EVENT, type: "member.joined", data: {} };
    expect(reading(causeway, JSON.stringify(joined)).sentAt).toBeNaN();
  });

  test("reads answers of sends and of others", () => {
    const sent = { op: "ok", ref: 1_000_017, room: "abcd1234", seq: 43, at: 1 };
    expect(reading(causeway, JSON.stringify(sent))).toMatchObject({
      kind: READING.answer,
      ref: 1_000_017,
      seq: 43,
    });
    expect(reading(causeway, '{"op":"ok","ref":5,"at":1}')).toMatchObject({
      kind: READING.answer,
      ref: 5,
      seq: 0,
    });
    expect(reading(causeway, '{"seq":9,"room":"r","ref":6,"op":"ok"}')).toMatchObject({ ref: 6, seq: 9 });
  });

  test("reads a refusal with its code", () => {
    const error = { op: "error", ref: 3, code: "busy", message: "later", retry: true };
    expect(reading(causeway, JSON.stringify(error))).toMatchObject({
      kind: READING.refused,
      ref: 3,
      code: "busy",
    });
    expect(reading(causeway, JSON.stringify({ ...error, ref: null })).ref).toBe(-1);
  });

  test("writes frames that are JSON", () => {
    const frame = JSON.parse(causeway.send(7, "abcd1234", "id-7", TEXT)) as object;
    expect(frame).toEqual({ op: "send", ref: 7, room: "abcd1234", id: "id-7", text: TEXT });
  });
});

describe("Socket.IO's dialect", () => {
  test("reads an event, an acknowledgement and a ping", () => {
    expect(reading(socketIo, `42["event",${JSON.stringify(EVENT)}]`)).toMatchObject(EXPECTED_EVENT);
    const ok = { op: "ok", ref: 0, room: "abcd1234", seq: 4, at: 1 };
    expect(reading(socketIo, `43117[${JSON.stringify(ok)}]`)).toMatchObject({
      kind: READING.answer,
      ref: 117,
      seq: 4,
    });
    expect(reading(socketIo, "2")).toMatchObject({ kind: READING.other, reply: "3" });
    expect(reading(socketIo, '0{"sid":"x"}')).toMatchObject({ kind: READING.other, reply: null });
  });
});

describe("Centrifugo's dialect", () => {
  test("reads every line of a frame", () => {
    const push = { push: { channel: "abcd1234", pub: { data: { text: TEXT }, offset: 42 } } };
    const lines = [push, { id: 9, publish: {} }, { id: 10, error: { code: 103, message: "denied" } }, {}];
    const found = readings(centrifugo, lines.map((line) => JSON.stringify(line)).join("\n"));
    expect(found).toHaveLength(4);
    expect(found[0]).toMatchObject(EXPECTED_EVENT);
    expect(found[1]).toMatchObject({ kind: READING.answer, ref: 9 });
    expect(found[2]).toMatchObject({ kind: READING.refused, ref: 10, code: "103 denied" });
    expect(found[3]).toMatchObject({ kind: READING.other, reply: "{}" });
  });

  test("is ready when the last subscription stands", () => {
    const hello = centrifugo.hello({ token: "", rooms: ["a", "b"] }).split("\n");
    const last = (JSON.parse(hello.at(-1) as string) as { id: number }).id;
    expect(reading(centrifugo, JSON.stringify({ id: last, subscribe: {} })).kind).toBe(READING.ready);
  });
});

test("a stamped text has the length that was asked for", () => {
  expect(stampedText(fillerFor(64), 1).length).toBe(64);
  expect(stampedText(fillerFor(16), 1).length).toBe(16);
});
