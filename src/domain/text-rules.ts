/** Rules for texts and JSON from any API. Every refusal names the field and the rule. */
import { badField, DomainError } from "./errors.ts";

export const LIMITS = {
  textCodePoints: 16_000,
  longTextCodePoints: 32_000,
  nameCodePoints: 200,
  clientIdCharacters: 64,
  matrixEventIdBytes: 255,
  mentions: 100,
  mentionCharacters: 255,
  emailCharacters: 254,
  passwordCharacters: 1_000,
  statusCodePoints: 140,
} as const;

/** Half of a surrogate pair. UTF-8 can't encode it, and a homeserver answers 500 to it. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/**
 * Only characters without a visible glyph: spaces, controls, direction marks, joiners, variation selectors, noncharacters,
 * and blank signs of Braille, object replacement, Khitan, hieroglyphs and music.
 */
const INVISIBLE =
  /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\uFFF9-\uFFFC\u{16FE4}\u{13441}\u{13442}\u{1D159}]*$/u;
const VARIATION_SELECTOR = /\uFE0F/g;
/**
 * Emoji that are shown as text unless U+FE0F follows (Unicode TR #51). Digits count only in keycaps, and a character before
 * a skin tone does not count.
 */
const PLAIN_EMOJI = /(?![0-9#*](?!\u20E3))(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier}|\uFE0E)/gu;
const HANDLE = /^[A-Za-z0-9_.@-]{1,64}$/;
const EMAIL = /^[^\s@]+@[^\s@]+$/;
const GROUP_ID = /^[A-Za-z0-9_.@-]{1,64}$/;

/** The length of a text in code points: a surrogate pair counts as one. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

/** The start of a text, at most `most` units of UTF-16 long; no surrogate pair is cut in the middle. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
}

/** @throws DomainError `bad_request` on `field` for NUL characters and lone surrogates */
export function checkWellFormed(field: string, text: string): void {
  if (text.includes("\0")) throw badField(field, "must not contain NUL characters");
  if (LONE_SURROGATE.test(text))
    throw badField(field, "must be well-formed Unicode (it has a lone surrogate)");
}

/** Whether a text is empty or has no visible character. */
export function isInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

/** @throws DomainError `bad_request` on `field` for a text without a visible character */
export function checkVisible(field: string, text: string): void {
  if (isInvisible(text))
    throw badField(field, "must have something to see, not only spaces and invisible characters");
}

/**
 * The normal form of a reaction, so that reactions that look the same are the same: composed as in NFC, and with the
 * variation selector U+FE0F exactly where an emoji needs it.
 */
export function reactionName(name: string): string {
  return name.normalize("NFC").replaceAll(VARIATION_SELECTOR, "").replaceAll(PLAIN_EMOJI, "$&\uFE0F");
}

/** A message's text: 1–16,000 code points of well-formed Unicode. @throws DomainError `bad_request` on `field` */
export function checkText(field: string, text: string): void {
  const tooLong =
    text.length > LIMITS.textCodePoints &&
    (text.length > 2 * LIMITS.textCodePoints || codePoints(text) > LIMITS.textCodePoints);
  if (text.length === 0 || tooLong) throw badField(field, "must be 1 to 16,000 characters long");
  checkWellFormed(field, text);
}

/** {@link checkText} with 32,000 code points. @throws DomainError `too_large` beyond that; `bad_request` */
export function checkLongText(field: string, text: string): void {
  if (text.length === 0) throw badField(field, "must not be empty");
  if (codePoints(text) > LIMITS.longTextCodePoints)
    throw new DomainError("too_large", `${field} must be at most 32,000 characters long`, { field });
  checkWellFormed(field, text);
}

/** At most 100 mentions: ids of actors, or "all". @throws DomainError `bad_request` on `mentions` */
export function checkMentions(mentions: readonly string[]): void {
  if (mentions.length > LIMITS.mentions) throw badField("mentions", "must name at most 100 members");
  for (const mention of mentions) {
    if (mention.length === 0 || mention.length > LIMITS.mentionCharacters) {
      throw badField("mentions", 'must be member ids of 1 to 255 characters, or "all"');
    }
    checkWellFormed("mentions", mention);
  }
}

/** A visible name. @returns it trimmed, 1–`most` code points @throws DomainError `bad_request` on `field` */
export function checkName(field: string, name: string, most: number = LIMITS.nameCodePoints): string {
  const trimmed = name.trim();
  if (trimmed.length === 0 || trimmed.length > 2 * most || codePoints(trimmed) > most) {
    throw badField(field, `must be 1 to ${most} characters long, spaces around it not counted`);
  }
  checkWellFormed(field, trimmed);
  checkVisible(field, trimmed);
  return trimmed;
}

/** What somebody says of themselves; empty: nothing. @returns it trimmed @throws DomainError `bad_request` on `status` */
export function checkStatus(status: string): string {
  const trimmed = status.trim();
  if (codePoints(trimmed) > LIMITS.statusCodePoints)
    throw badField("status", "must be at most 140 characters long");
  checkWellFormed("status", trimmed);
  return isInvisible(trimmed) ? "" : trimmed;
}

/** The idempotency key that a client gives a message. Messages from Matrix use their event id, which may be longer. */
export function checkClientId(id: string, fromMatrix: boolean): void {
  if (fromMatrix) {
    if (id.length === 0 || Buffer.byteLength(id) > LIMITS.matrixEventIdBytes) {
      throw badField("id", "must be a Matrix event id of 1 to 255 bytes");
    }
  } else if (id.length === 0 || id.length > LIMITS.clientIdCharacters) {
    throw badField("id", "must be 1 to 64 characters long");
  }
  checkWellFormed("id", id);
}

export function isHandle(text: string): boolean {
  return HANDLE.test(text);
}

export function checkHandle(field: string, handle: string): string {
  if (!isHandle(handle)) throw badField(field, "must be 1 to 64 of the characters A–Z a–z 0–9 _ . @ -");
  return handle;
}

export function checkGroupId(id: string): string {
  if (!GROUP_ID.test(id)) throw badField("groupId", "must be 1 to 64 of the characters A–Z a–z 0–9 _ . @ -");
  return id;
}

export function checkEmail(email: string): string {
  if (email.length > LIMITS.emailCharacters || !EMAIL.test(email)) {
    throw badField("email", "must be an address like name@example.org, at most 254 characters long");
  }
  checkWellFormed("email", email);
  return email;
}

/** An id of the database: an integer from 1 to 2^53 − 1. @throws DomainError `bad_request` on `field` */
export function checkId(field: string, id: number): number {
  if (!Number.isSafeInteger(id) || id < 1) throw badField(field, "must be an integer of at least 1");
  return id;
}

/** A time in the future, ms. @throws DomainError `bad_request` on `field` */
export function checkFuture(field: string, at: number, now: number): number {
  if (!Number.isSafeInteger(at)) throw badField(field, "must be a time in milliseconds since 1970 UTC");
  if (at <= now) throw badField(field, "must lie in the future");
  return at;
}

/** Arrays and objects inside of one another. What is within it can be walked and written by functions that call themselves. */
const MAX_DEPTH = 16;

/** @throws DomainError `bad_request` on `field` */
export function checkNesting(field: string, value: unknown): void {
  if (!nestsWithin(value, MAX_DEPTH)) throw badField(field, `must not nest deeper than ${MAX_DEPTH}`);
}

/** Never goes deeper than `depth` itself. */
export function nestsWithin(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => nestsWithin(each, depth - 1));
}
