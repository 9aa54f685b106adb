/**
 * Looks a stranger's MessagePack over before it is decoded [GW-1.6]: a few bytes can claim an array of a billion
 * elements, nest without end, hold extension types, or hide bytes that are no UTF-8 in a text.
 */
import { LIMITS } from "./limits.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws Error that names the rule when the bytes are not exactly one value within the rules */
export function guardMsgpack(bytes: Uint8Array): void {
  const end = skipValue(bytes, 0, 0);
  if (end !== bytes.length) throw new Error("there are bytes after the value");
}

/** How many bytes follow the head of nil, a boolean, a number; -1 for every other head. */
const SCALAR_BYTES = new Int8Array(256).fill(-1);
for (const head of [0xc0, 0xc2, 0xc3]) SCALAR_BYTES[head] = 0;
for (const head of [0xcc, 0xd0]) SCALAR_BYTES[head] = 1;
for (const head of [0xcd, 0xd1]) SCALAR_BYTES[head] = 2;
for (const head of [0xca, 0xce, 0xd2]) SCALAR_BYTES[head] = 4;
for (const head of [0xcb, 0xcf, 0xd3]) SCALAR_BYTES[head] = 8;

/** Returns where the value that starts at `at` ends. */
function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  const head = bytes[at];
  if (head === undefined) throw new Error("the frame ends too early");
  if (depth > LIMITS.FRAME_DEPTH) throw new Error(`values nest deeper than ${LIMITS.FRAME_DEPTH}`);
  const next = at + 1;
  if (head <= 0x7f || head >= 0xe0) return next;
  if (head <= 0x8f) return skipMap(bytes, next, head & 0x0f, depth);
  if (head <= 0x9f) return skipArray(bytes, next, head & 0x0f, depth);
  if (head <= 0xbf) return skipText(bytes, next, head & 0x1f);
  const size = SCALAR_BYTES[head] as number;
  if (size >= 0) return within(bytes, next + size);
  switch (head) {
    case 0xd9:
      return skipText(bytes, next + 1, lengthAt(bytes, next, 1));
    case 0xda:
      return skipText(bytes, next + 2, lengthAt(bytes, next, 2));
    case 0xdb:
      return skipText(bytes, next + 4, lengthAt(bytes, next, 4));
    case 0xdc:
      return skipArray(bytes, next + 2, lengthAt(bytes, next, 2), depth);
    case 0xdd:
      return skipArray(bytes, next + 4, lengthAt(bytes, next, 4), depth);
    case 0xde:
      return skipMap(bytes, next + 2, lengthAt(bytes, next, 2), depth);
    case 0xdf:
      return skipMap(bytes, next + 4, lengthAt(bytes, next, 4), depth);
    default:
      throw new Error("extension types and byte strings are not used");
  }
}

function skipArray(bytes: Uint8Array, start: number, count: number, depth: number): number {
  let at = start;
  for (let n = 0; n < count; n++) at = skipValue(bytes, at, depth + 1);
  return at;
}

function skipMap(bytes: Uint8Array, start: number, count: number, depth: number): number {
  let at = start;
  for (let n = 0; n < count; n++) {
    const key = bytes[at] ?? 0;
    const isText = (key >= 0xa0 && key <= 0xbf) || (key >= 0xd9 && key <= 0xdb);
    if (!isText) throw new Error("keys must be texts");
    at = skipValue(bytes, skipValue(bytes, at, depth + 1), depth + 1);
  }
  return at;
}

function skipText(bytes: Uint8Array, start: number, length: number): number {
  const end = within(bytes, start + length);
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) > 0x7f) {
      utf8.decode(bytes.subarray(at, end));
      break;
    }
  }
  return end;
}

function lengthAt(bytes: Uint8Array, at: number, size: 1 | 2 | 4): number {
  within(bytes, at + size);
  let length = 0;
  for (let n = 0; n < size; n++) length = length * 256 + (bytes[at + n] as number);
  return length;
}

function within(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw new Error("the frame ends too early");
  return end;
}
