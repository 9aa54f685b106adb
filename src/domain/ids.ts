/**
 * Names of messages on faces that address them without their room: pure functions of the room and the seq, both ways, so
 * that no table is needed, and a cursor outlives the message it names. Whoever turns a name back still has to ask whether
 * the reader may see that message.
 */
import { createHash, randomBytes } from "node:crypto";

/** A message by its place in a log. */
export interface MessagePlace {
  conversationId: number;
  seq: number;
}

// ── Protocol: 16 characters [A-Za-z0-9], 48 bits of room and 40 bits of seq in base 62 ───────────────

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(DIGITS.length);
const WIDTH = 16;
const SEQ_BITS = 40n;
const MAX_ROOM = 2n ** 48n - 1n;
const MAX_SEQ = 2n ** SEQ_BITS - 1n;

/** Fixed width: ids of one room compare as texts as their seqs do. @throws RangeError beyond 48 and 40 bits */
export function protocolMessageId({ conversationId, seq }: MessagePlace): string {
  const room = BigInt(conversationId);
  const event = BigInt(seq);
  if (room > MAX_ROOM || event > MAX_SEQ) {
    throw new RangeError(`Event ${seq} of room ${conversationId} has no Protocol id`);
  }
  return base62((room << SEQ_BITS) | event);
}

/** The inverse of {@link protocolMessageId}; null for what is no such id. */
export function protocolMessagePlace(id: string): MessagePlace | null {
  if (!isPublicId(id)) return null;
  let value = 0n;
  for (const digit of id) value = value * BASE + BigInt(DIGITS.indexOf(digit));
  const room = value >> SEQ_BITS;
  const event = value & MAX_SEQ;
  if (room === 0n || event === 0n || room > MAX_ROOM) return null;
  return { conversationId: Number(room), seq: Number(event) };
}

/** Whether a text has the form of Protocol's ids. */
export function isPublicId(text: string): boolean {
  return /^[A-Za-z0-9]{16}$/.test(text);
}

/** 16 characters `[A-Za-z0-9]` that nobody can guess: Protocol's ids of users, rooms and files. */
export function newPublicId(): string {
  return publicIdOf(randomBytes(32).toString("hex"));
}

/** An id that is a pure function of `text`: whoever derives it again gets the same. */
export function derivedPublicId(text: string): string {
  return publicIdOf(createHash("sha256").update(text).digest("hex"));
}

/** 256 bits make every id as likely as any other, but for less than 2^-160. */
function publicIdOf(hex: string): string {
  return base62(BigInt(`0x${hex}`) % BASE ** BigInt(WIDTH));
}

function base62(value: bigint): string {
  let text = "";
  for (let rest = value; text.length < WIDTH; rest /= BASE) text = `${DIGITS[Number(rest % BASE)]}${text}`;
  return text;
}
