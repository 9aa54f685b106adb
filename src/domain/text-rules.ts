/** What texts may look like, wherever they come from. Every refusal names the field and the rule. */
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
} as const;

/** A surrogate without its other half: UTF-8 has no form for it, and a homeserver answers 500 to it. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/**
 * Spaces, controls, marks of direction, joiners, variation selectors, what is no character, and signs that fill a place
 * without a picture: of Braille, objects, Khitan, hieroglyphs and music.
 */
const INVISIBLE =
  /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\uFFF9-\uFFFC\u{16FE4}\u{13441}\u{13442}\u{1D159}]*$/u;
const VARIATION_SELECTOR = /\uFE0F/g;
/** What is a picture only with a variation selector after it; digits are only in keycaps, and hands not with a skin tone. */
const PLAIN_EMOJI = /(?![0-9#*](?!\u20E3))(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier}|\uFE0E)/gu;
const HANDLE = /^[A-Za-z0-9_.@-]{1,64}$/;
const EMAIL = /^[^\s@]+@[^\s@]+$/;
const GROUP_ID = /^[A-Za-z0-9_.@-]{1,64}$/;

/** The length of a text as people count it: an emoji outside of the basic plane is one. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

export function checkWellFormed(field: string, text: string): void {
  if (text.includes("\0")) throw badField(field, "must not contain NUL characters");
  if (LONE_SURROGATE.test(text))
    throw badField(field, "must be well-formed Unicode (it has a lone surrogate)");
}

/** Whether nothing of a text can be seen. */
export function isInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

export function checkVisible(field: string, text: string): void {
  if (isInvisible(text))
    throw badField(field, "must have something to see, not only spaces and invisible characters");
}

/**
 * A reaction by its one name: what looks the same is the same, however its characters are composed, and with or without
 * the selector that makes a picture of a sign.
 */
export function reactionName(name: string): string {
  return name.normalize("NFC").replaceAll(VARIATION_SELECTOR, "").replaceAll(PLAIN_EMOJI, "$&\uFE0F");
}

/** A message: 1–16,000 code points of well-formed Unicode. */
export function checkText(field: string, text: string): void {
  const tooLong =
    text.length > LIMITS.textCodePoints &&
    (text.length > 2 * LIMITS.textCodePoints || codePoints(text) > LIMITS.textCodePoints);
  if (text.length === 0 || tooLong) throw badField(field, "must be 1 to 16,000 characters long");
  checkWellFormed(field, text);
}

/** As {@link checkText}, where clients were promised twice as much. @throws DomainError `too_large` beyond that */
export function checkLongText(field: string, text: string): void {
  if (text.length === 0) throw badField(field, "must not be empty");
  if (codePoints(text) > LIMITS.longTextCodePoints)
    throw new DomainError("too_large", `${field} must be at most 32,000 characters long`, { field });
  checkWellFormed(field, text);
}

/** Whom a message mentions: ids of actors, or "all". */
export function checkMentions(mentions: readonly string[]): void {
  if (mentions.length > LIMITS.mentions) throw badField("mentions", "must name at most 100 members");
  for (const mention of mentions) {
    if (mention.length === 0 || mention.length > LIMITS.mentionCharacters) {
      throw badField("mentions", 'must be member ids of 1 to 255 characters, or "all"');
    }
    checkWellFormed("mentions", mention);
  }
}

/** A name that people see: something of it can be seen. @returns it without the spaces around it, 1–`most` code points */
export function checkName(field: string, name: string, most: number = LIMITS.nameCodePoints): string {
  const trimmed = name.trim();
  if (trimmed.length === 0 || trimmed.length > 2 * most || codePoints(trimmed) > most) {
    throw badField(field, `must be 1 to ${most} characters long, spaces around it not counted`);
  }
  checkWellFormed(field, trimmed);
  checkVisible(field, trimmed);
  return trimmed;
}

/** The client's own id of a message. Events from Matrix bring their event id, which is longer. */
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

/** A whole number that the database's ids can be: 1 to 2^53 − 1. */
export function checkId(field: string, id: number): number {
  if (!Number.isSafeInteger(id) || id < 1) throw badField(field, "must be an integer of at least 1");
  return id;
}

/** A time to come, ms. */
export function checkFuture(field: string, at: number, now: number): number {
  if (!Number.isSafeInteger(at)) throw badField(field, "must be a time in milliseconds since 1970 UTC");
  if (at <= now) throw badField(field, "must lie in the future");
  return at;
}
