/** Events as they go over the bus: told apart from other frames, and from what was delivered already. */
import { expect, test } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import { busLineSeq, busLines, eventJson, readBusLine } from "../../../src/gateway/frames/encoded-event.ts";

const event: LoggedEvent = {
  ...{ roomId: 7, room: "a2b3c4d5", seq: 9_007_199_254_740_991, type: "message", id: "k-1", at: 5 },
  actor: { kind: "user", id: "12", name: 'Zoë "\n9' },
  dataJson: '{"text":"two\\nlines"}',
};

function lineOf(frame: string): Uint8Array {
  return Buffer.from(frame);
}

test("the seq of an event on the bus is told without reading the whole of it", () => {
  for (const seq of [1, 10, 99_999, event.seq]) {
    const line = lineOf(eventJson({ ...event, seq }));
    expect(busLineSeq(line)).toBe(seq);
    expect(readBusLine(line)?.seq).toBe(seq);
  }
});

test("a frame on the bus that is no event has no seq", () => {
  for (const frame of [
    '{"op":"typing","room":"a2b3c4d5","on":true}',
    '{"op":"event","room":"a2b3',
    '{"op":"event"',
    "",
  ]) {
    expect(busLineSeq(lineOf(frame))).toBe(0);
    expect(readBusLine(lineOf(frame))).toBeNull();
  }
});

test("a message on the bus is taken apart into its lines, whether it has one or more", () => {
  const [one, two] = [eventJson(event), eventJson({ ...event, seq: 2 })];
  const texts = (message: string) => busLines(lineOf(message)).map((line) => Buffer.from(line).toString());
  expect(texts(one)).toEqual([one]);
  expect(texts(`${one}\n${two}`)).toEqual([one, two]);
});
