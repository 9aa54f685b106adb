import { describe, expect, test } from "vitest";
import { encodeFrame, FrameReader, OPCODE } from "../../load/websocket/frames.ts";
import { serverFrame } from "./meddling-proxy.ts";

/** Reads the stream in pieces of `size` bytes, as a network may cut it. */
function readIn(stream: Buffer, size: number): string[] {
  const reader = new FrameReader();
  const frames: string[] = [];
  for (let at = 0; at < stream.length; at += size) {
    const piece = Buffer.from(stream.subarray(at, at + size));
    reader.read(piece, 0, piece.length, (opcode, bytes, start, end) => {
      frames.push(`${opcode}:${bytes.toString("utf8", start, end)}`);
    });
    piece.fill(0);
  }
  return frames;
}

describe("the reader of frames", () => {
  const payloads = ["a", "", "é".repeat(60), "x".repeat(126), "y".repeat(70_000), "end"];
  const stream = Buffer.concat(payloads.map((payload) => serverFrame(payload)));

  test.each([1, 2, 3, 7, 128, 65_536, 1_000_000])("finds the same frames in pieces of %i bytes", (size) => {
    expect(readIn(stream, size)).toEqual(payloads.map((payload) => `${OPCODE.text}:${payload}`));
  });

  test("joins fragments, also around a ping", () => {
    const fragments = [
      serverFrame("one ", OPCODE.text, false),
      serverFrame("?", OPCODE.ping),
      serverFrame("two ", OPCODE.continuation, false),
      serverFrame("three", OPCODE.continuation),
      serverFrame("four"),
    ];
    expect(readIn(Buffer.concat(fragments), 5)).toEqual(["9:?", "1:one two three", "1:four"]);
  });

  test("refuses a masked frame, which no server may send", () => {
    const frame = encodeFrame(OPCODE.text, "masked");
    expect(() => new FrameReader().read(frame, 0, frame.length, () => undefined)).toThrow(/masked/);
  });
});

test.each([0, 125, 126, 65_535, 65_536])(
  "a frame of %i bytes is written with its length and a mask",
  (length) => {
    const frame = encodeFrame(OPCODE.text, "z".repeat(length));
    expect(frame.length).toBe((length < 126 ? 2 : length < 65_536 ? 4 : 10) + 4 + length);
    expect((frame[1] as number) & 0x80).toBe(0x80);
    expect(frame.toString("utf8", frame.length - length)).toBe("z".repeat(length));
  },
);
