import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import {
  decodeJson,
  decodeMsgpack,
  encodeJson,
  encodeMsgpack,
  MalformedFrame,
} from "../../src/protocol/codec.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const deep = (depth: number) => Array.from({ length: depth }).reduce((inner) => [inner], 1 as unknown);

const FRAME = {
  op: "send",
  ref: 7,
  text: "ž👋 \u0000 \u2028 long enough to leave the short forms of MessagePack behind",
  at: 1_760_000_000_123,
  negative: -5,
  on: true,
  nothing: null,
  list: [1, 200, 70_000, 2 ** 40, "x"],
  more: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key${n}`, n])),
};

test("both codecs give back what was written", () => {
  expect(decodeJson(encodeJson(FRAME))).toEqual(FRAME);
  expect(decodeJson(Buffer.from(encodeJson(FRAME)))).toEqual(FRAME);
  expect(decodeMsgpack(encodeMsgpack(FRAME))).toEqual(FRAME);
});

test("[GW-1.5] MessagePack's int64 and float64 are the same number", () => {
  const at = 1_760_000_055_419;
  expect(decodeMsgpack(new Packr({}).pack(BigInt(at)))).toBe(at);
  expect(decodeMsgpack(new Packr({}).pack(at))).toBe(at);
});

describe("[GW-1.3] JSON that is refused", () => {
  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["two values", "{}{}"],
    ["invalid UTF-8", bytes(0x22, 0xff, 0x22)],
    ["a cut character", bytes(0x22, 0xf0, 0x9f, 0x91, 0x22)],
    ["a byte order mark", bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d)],
  ])("%s", (_, frame) => {
    expect(() => decodeJson(frame)).toThrow(MalformedFrame);
  });
});

describe("[GW-1.6] MessagePack that is refused", () => {
  test.each([
    ["nothing", bytes(), /ends too early/],
    ["a cut text", bytes(0xa5, 0x61), /ends too early/],
    ["two values", bytes(0x01, 0x02), /after the value/],
    ["an array that claims four billion elements", bytes(0xdd, 0xff, 0xff, 0xff, 0xff), /ends too early/],
    ["a map that claims four billion entries", bytes(0xdf, 0xff, 0xff, 0xff, 0xff), /keys must be texts/],
    ["a timestamp", bytes(0xd6, 0xff, 0, 0, 0, 0), /extension/],
    ["a record of msgpackr", new Packr({ useRecords: true }).pack({ op: "ping", ref: 1 }), /extension/],
    ["a byte string", bytes(0xc4, 1, 0), /byte strings/],
    ["the byte that is never used", bytes(0xc1), /extension/],
    ["a key that is a number", bytes(0x81, 0x01, 0x02), /keys must be texts/],
    ["invalid UTF-8", bytes(0xa2, 0xff, 0xfe), /UTF-8/],
    ["a lone surrogate in UTF-8", bytes(0xa3, 0xed, 0xa0, 0x80), /UTF-8/],
    ["values that nest too deep", new Packr({}).pack(deep(40)), /nest/],
    ["64 KiB of opened arrays", new Uint8Array(65_536).fill(0x91), /nest/],
  ])("%s", (_, frame, reason) => {
    expect(() => decodeMsgpack(frame)).toThrow(MalformedFrame);
    expect(() => decodeMsgpack(frame)).toThrow(reason);
  });
});

test("whatever bytes come, a decoder returns or throws MalformedFrame", () => {
  let seed = 42;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  const valid = encodeMsgpack(FRAME);
  for (let round = 0; round < 20_000; round++) {
    const frame = Uint8Array.from(valid);
    for (let change = 0; change < 3; change++)
      frame[Math.floor(random() * frame.length)] = Math.floor(random() * 256);
    for (const decode of [decodeMsgpack, decodeJson]) {
      try {
        decode(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedFrame);
      }
    }
  }
});

test("msgpack keys can't reach the prototype", () => {
  const frame = decodeMsgpack(
    new Packr({ useRecords: false }).pack(JSON.parse('{"__proto__": {"op": "send"}}')),
  ) as {
    op?: string;
  };
  expect(frame.op).toBeUndefined();
});
