/**
 * Causeway's protocol v1 in JSON. The two frames that come by the ten thousand each second, events and answers to sends,
 * are read where they lie, as long as they look as expected; anything else is parsed. Both ways read the same.
 */
import type { ErrorFrame, EventFrame, OkFrame, ReadyFrame, ServerFrame } from "../../src/protocol/frames.ts";
import { SUBPROTOCOLS } from "../../src/protocol/subprotocols.ts";
import { readStamp, stampOf } from "../measuring/stamp.ts";
import { type Dialect, emptyReading, READING, type Reading } from "./dialect.ts";

const EVENT_START = Buffer.from('{"op":"event","room":"');
const OK_START = Buffer.from('{"op":"ok","ref":');
const OK_ROOM = Buffer.from(',"room":"');
const AFTER_ROOM = Buffer.from('","seq":');
const QUOTE = 0x22;
const ZERO = 0x30;
/** Tokens of rooms have 8 characters; names of a peer's rooms may be longer. */
const ROOM_LIMIT = 40;
/** Heartbeats are answered, and nobody waits for it. */
const HELLO_REF = 0;

const reading = emptyReading();
/** Where {@link readNumber} stopped. */
let stop = 0;

export const causeway: Dialect = {
  path: "/ws",
  protocol: SUBPROTOCOLS.json,
  hello: ({ token, resume }) =>
    JSON.stringify({ op: "hello", ref: HELLO_REF, token, ...(resume && { resume }) }),
  send: (ref, room, id, text) => `{"op":"send","ref":${ref},"room":"${room}","id":"${id}","text":"${text}"}`,
  ping: (ref) => `{"op":"ping","ref":${ref}}`,
  read: (bytes, start, end, take) => {
    if (!readEvent(bytes, start, end) && !readOk(bytes, start, end)) {
      interpret(JSON.parse(bytes.toString("utf8", start, end)) as ServerFrame);
    }
    take(reading);
  },
};

/** Reads a parsed frame. Exported for dialects that wrap these frames. */
export function interpret(frame: ServerFrame, into: Reading = reading): void {
  switch (frame.op) {
    case "event":
      event(frame, into);
      break;
    case "ok":
      ok(frame, into);
      break;
    case "error":
      refused(frame, into);
      break;
    case "ready":
      ready(frame, into);
      break;
    default:
      into.kind = READING.other;
      into.reply = null;
  }
}

function event(frame: EventFrame, into: Reading): void {
  into.kind = READING.event;
  into.room = frame.room;
  into.seq = frame.seq;
  into.sentAt = stampOf(frame.data.text);
}

function ok(frame: OkFrame, into: Reading): void {
  into.kind = READING.answer;
  into.ref = Number(frame.ref);
  into.seq = "seq" in frame ? frame.seq : 0;
}

function refused(frame: ErrorFrame, into: Reading): void {
  into.kind = READING.refused;
  into.ref = frame.ref === null ? -1 : Number(frame.ref);
  into.code = frame.code;
}

function ready({ epoch, heartbeatMs, rooms, resumed }: ReadyFrame, into: Reading): void {
  into.kind = READING.ready;
  into.ready = { epoch, heartbeatMs, rooms, ...(resumed && { resumed }) };
}

function readEvent(bytes: Buffer, start: number, end: number): boolean {
  if (!startsWith(bytes, start, end, EVENT_START)) return false;
  const room = start + EVENT_START.length;
  const roomEnd = endOfRoom(bytes, room, end);
  if (!startsWith(bytes, roomEnd, end, AFTER_ROOM)) return false;
  reading.kind = READING.event;
  reading.room = bytes.toString("latin1", room, roomEnd);
  reading.seq = readNumber(bytes, roomEnd + AFTER_ROOM.length);
  reading.sentAt = readStamp(bytes, stop, end);
  return !Number.isNaN(reading.sentAt);
}

function readOk(bytes: Buffer, start: number, end: number): boolean {
  if (!startsWith(bytes, start, end, OK_START)) return false;
  const digit = (bytes[start + OK_START.length] as number) - ZERO;
  if (digit < 0 || digit > 9) return false;
  reading.kind = READING.answer;
  reading.ref = readNumber(bytes, start + OK_START.length);
  reading.seq = 0;
  if (!startsWith(bytes, stop, end, OK_ROOM)) return true;
  const roomEnd = endOfRoom(bytes, stop + OK_ROOM.length, end);
  if (startsWith(bytes, roomEnd, end, AFTER_ROOM))
    reading.seq = readNumber(bytes, roomEnd + AFTER_ROOM.length);
  return true;
}

function startsWith(bytes: Buffer, at: number, end: number, expected: Buffer): boolean {
  if (at + expected.length > end) return false;
  for (let n = 0; n < expected.length; n++) if (bytes[at + n] !== expected[n]) return false;
  return true;
}

function endOfRoom(bytes: Buffer, start: number, end: number): number {
  const limit = Math.min(end, start + ROOM_LIMIT);
  let at = start;
  while (at < limit && bytes[at] !== QUOTE) at++;
  return at;
}

/** Sequence numbers and references are plain integers. */
function readNumber(bytes: Buffer, start: number): number {
  let value = 0;
  let at = start;
  for (;;) {
    const digit = (bytes[at] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
    at++;
  }
  stop = at;
  return value;
}
