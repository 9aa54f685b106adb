/**
 * Ids of messages for APIs that address a message without its room. An id is a pure function of room and seq and can be
 * read back, so it needs no table, and stays valid as a cursor after the message is deleted. Reading an id back checks no
 * permission.
 */
import { createHash, randomBytes } from "node:crypto";

/** The room and seq of a message. */
export interface MessagePlace {
  roomId: number;
  seq: number;
}

/** The number that an id of the WebSocket stands for (of a user, a login, …); 0: nothing has this id. */
export function numberOfId(id: string): number {
  const number = /^[1-9][0-9]{0,15}$/.test(id) ? Number(id) : 0;
  return Number.isSafeInteger(number) ? number : 0;
}

// ── Protocol: 16 characters [A-Za-z0-9], 48 bits of room and 40 bits of seq in base 62 ───────────────

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(DIGITS.length);
const WIDTH = 16;
const SEQ_BITS = 40n;
const MAX_ROOM = 2n ** 48n - 1n;
const MAX_SEQ = 2n ** SEQ_BITS - 1n;

/** Protocol's id of a message. Ids of one room sort as texts like their seqs. @throws RangeError beyond 48 and 40 bits */
export function protocolMessageId({ roomId, seq }: MessagePlace): string {
  const room = BigInt(roomId);
  const event = BigInt(seq);
  if (room > MAX_ROOM || event > MAX_SEQ) {
    throw new RangeError(`Event ${seq} of room ${roomId} has no Protocol id`);
  }
  return base62((room << SEQ_BITS) | event);
}

/** The inverse of {@link protocolMessageId}; null when the text is no such id. */
export function protocolMessagePlace(id: string): MessagePlace | null {
  if (!isPublicId(id)) return null;
  let value = 0n;
  for (const digit of id) value = value * BASE + BigInt(DIGITS.indexOf(digit));
  const room = value >> SEQ_BITS;
  const event = value & MAX_SEQ;
  if (room === 0n || event === 0n || room > MAX_ROOM) return null;
  return { roomId: Number(room), seq: Number(event) };
}

/** Whether a text has the form of Protocol's ids. */
export function isPublicId(text: string): boolean {
  return /^[A-Za-z0-9]{16}$/.test(text);
}

/** A random id of 16 characters `[A-Za-z0-9]`: Protocol's ids of users, rooms and files. */
export function newPublicId(): string {
  return publicIdOf(randomBytes(32).toString("hex"));
}

/** The id that belongs to `text`: the same text gives the same id. */
export function derivedPublicId(text: string): string {
  return publicIdOf(createHash("sha256").update(text).digest("hex"));
}

/** Reduces 256 bits modulo 62^16, so the probabilities of two ids differ by less than 2^-160. */
function publicIdOf(hex: string): string {
  return base62(BigInt(`0x${hex}`) % BASE ** BigInt(WIDTH));
}

function base62(value: bigint): string {
  let text = "";
  for (let rest = value; text.length < WIDTH; rest /= BASE) text = `${DIGITS[Number(rest % BASE)]}${text}`;
  return text;
}
