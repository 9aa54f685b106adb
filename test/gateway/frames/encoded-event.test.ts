/** Events as they go over the bus: told apart from other frames, and from what was delivered already. */
import { expect, test } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import {
  busLineSeq,
  busLines,
  EncodedEvent,
  eventFrame,
  eventJson,
  readBusLine,
} from "../../../src/gateway/frames/encoded-event.ts";
import { decodeMsgpack } from "../../../src/protocol/codec.ts";

const event: LoggedEvent = {
  ...{ roomId: 7, room: "a2b3c4d5", seq: 9_007_199_254_740_991, type: "message", id: "k-1", at: 5 },
  actor: { kind: "user", id: "12", name: 'Zoë "\n9' },
  dataJson: '{"text":"two\\nlines"}',
};

/** URLs of the first hour. */
const hour = { now: 1 };
const urls = { file: (id: string) => `/files/${id}?hour=${hour.now}`, period: () => hour.now };

function lineOf(frame: string): Uint8Array {
  return Buffer.from(frame);
}

test("the seq of an event on the bus is told without reading the whole of it", () => {
  for (const seq of [1, 10, 99_999, event.seq]) {
    const line = lineOf(eventJson({ ...event, seq }));
    expect(busLineSeq(line)).toBe(seq);
    expect(readBusLine(line, urls)?.seq).toBe(seq);
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
    expect(readBusLine(lineOf(frame), urls)).toBeNull();
  }
});

test("a message on the bus is taken apart into its lines, whether it has one or more", () => {
  const [one, two] = [eventJson(event), eventJson({ ...event, seq: 2 })];
  const texts = (message: string) => busLines(lineOf(message)).map((line) => Buffer.from(line).toString());
  expect(texts(one)).toEqual([one]);
  expect(texts(`${one}\n${two}`)).toEqual([one, two]);
});

const file = { id: "a1b2c3d4e5f6g7h8", filename: "a.txt", type: "text/plain", size: 5 };
const withFile = (type: LoggedEvent["type"], data: object): LoggedEvent => ({
  ...{ ...event, type },
  dataJson: JSON.stringify({ text: "", ...data }),
});

test("[GW-18.6] files get a URL where sessions are told, whether the event is of this process or from the bus", () => {
  const shown = [{ ...file, url: `/files/${file.id}?hour=1` }];
  for (const type of ["message", "message.edited"] as const) {
    const logged = withFile(type, { attachments: [file] });
    const fromBus = readBusLine(lineOf(eventJson(logged)), urls);
    for (const encoded of [EncodedEvent.of(logged, urls), fromBus as EncodedEvent]) {
      expect(JSON.parse(String(encoded.json)).data.attachments).toEqual(shown);
      expect(decodeMsgpack(encoded.msgpack)).toEqual(JSON.parse(String(encoded.json)));
      expect(encoded.logged(7)).toMatchObject({ dataJson: logged.dataJson });
    }
    expect(eventFrame(logged, urls).data.attachments).toEqual(shown);
  }
});

test("[GW-18.7] an event that is told again in another hour has another URL", () => {
  const encoded = EncodedEvent.of(withFile("message", { attachments: [file] }), urls);
  const told = () => JSON.stringify([JSON.parse(String(encoded.json)), decodeMsgpack(encoded.msgpack)]);
  const first = told();
  expect(told()).toBe(first);
  hour.now = 2;
  expect(told()).toBe(first.replaceAll("hour=1", "hour=2"));
  hour.now = 1;
});

test("an event without files is told as it is, whatever its text or its own data say", () => {
  for (const data of [
    { text: '"attachments":[{"id":"x"}]' },
    { data: { attachments: [{ id: "x" }] } },
    { data: { attachments: "x" } },
  ]) {
    const logged = withFile("message", data);
    const encoded = EncodedEvent.of(logged, urls);
    expect(JSON.parse(String(encoded.json))).toEqual(JSON.parse(eventJson(logged)));
    expect(decodeMsgpack(encoded.msgpack)).toEqual(JSON.parse(eventJson(logged)));
  }
});
