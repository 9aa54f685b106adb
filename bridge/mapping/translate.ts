/** Translates messages to contents of Matrix events and back. Pure functions. */
import { createHash } from "node:crypto";
import { MENTION_ALL } from "../../src/domain/model.ts";
import { isInvisible } from "../../src/domain/text-rules.ts";
import { chatTextOf } from "../formatting/to-markdown.ts";
import { type FileStanding, fileText } from "./files.ts";
import type { Ghosts } from "./ghosts.ts";
import { lineOf } from "./kinds.ts";
import { MARK } from "./marks.ts";
import { cleanText, type MatrixEvent, mentionsOf, relationOf } from "./matrix-events.ts";

/** A text message without its relation. */
export interface TextContent {
  msgtype: "m.text" | "m.location";
  body: string;
  format?: typeof HTML;
  /** The same text as HTML, where that says more. */
  formatted_body?: string;
  "m.mentions": MatrixMentions;
}

/** Empty: nobody. */
export interface MatrixMentions {
  user_ids?: string[];
  room?: true;
}

/** Any message without its relation. */
interface Content {
  body: string;
  formatted_body?: string;
}

const HTML = "org.matrix.custom.html";

/**
 * Bytes of a message's content as JSON. Matrix allows 65,536 bytes for an event, signatures included, and an edit holds its
 * text twice. When the homeserver refuses an event as too large, the limit is divided by four.
 */
const MAX_BYTES = { message: 50_000, edit: 24_000 };
/** Causeway's limit on a message's text, in code points. */
const MAX_TEXT = 16_000;
const CUT = "… [shortened: the whole text is in Matrix]";
/** The name of the file that has the whole of a text which is too long for the other side. */
export const WHOLE_TEXT = "message.txt";
const SHORTENED = "… [shortened: the whole text is in Causeway]";
/** Bytes for the name of an author for whom the bot stands in. */
const NAME_BYTES = 1_000;
const CUT_WITH_FILE = `… [shortened: ${WHOLE_TEXT} has the whole text]`;

// ── To Matrix ────────────────────────────────────────────────────────────────────────────────────────

/**
 * The content of a text message. `rev` 0 is the first try; each later one cuts the text shorter, and is without `html`, as is
 * a text that does not fit beside it.
 */
export function textContent(
  text: string,
  mentions: readonly string[],
  ghosts: Ghosts,
  { op, rev, html = null }: { op: "message" | "edit"; rev: number; html?: string | null },
): TextContent {
  const mentioned = mentionsIn(mentions, ghosts);
  const room = MAX_BYTES[op] / 4 ** Math.min(rev, 2) - jsonBytes(mentioned);
  // A homeserver that takes less than Matrix allows learns of no file: that was planned before it was asked.
  const suffix = fitsInEvent(text, mentions, ghosts, op) ? SHORTENED : CUT_WITH_FILE;
  const body = withinBytes(text, Math.max(room, 1_000), suffix);
  const fits = html !== null && rev === 0 && jsonBytes(body) + jsonBytes(html) <= room;
  const formatted = fits ? ({ format: HTML, formatted_body: html } as const) : {};
  return { msgtype: "m.text", body, ...formatted, "m.mentions": mentioned };
}

/** Whether a text goes to Matrix whole. If not, the event has its beginning, and a file has all of it. */
export function fitsInEvent(
  text: string,
  mentions: readonly string[],
  ghosts: Ghosts,
  op: "message" | "edit",
): boolean {
  return jsonBytes(text) <= MAX_BYTES[op] - jsonBytes(mentionsIn(mentions, ghosts)) - NAME_BYTES;
}

/** The mentions of the chat as the field `m.mentions`. Guests have none: nobody reads as them in Matrix. */
export function mentionsIn(mentions: readonly string[], ghosts: Ghosts): MatrixMentions {
  const userIds = mentions.flatMap((mention) => matrixIdOf(mention, ghosts));
  return {
    ...(userIds.length > 0 && { user_ids: userIds }),
    ...(mentions.includes(MENTION_ALL) && { room: true as const }),
  };
}

function matrixIdOf(mention: string, ghosts: Ghosts): string[] {
  if (/^[1-9]\d{0,15}$/.test(mention)) return [ghosts.ofActor({ kind: "user", id: mention })];
  return /^@[^:]+:.+$/.test(mention) ? [mention] : [];
}

/** A file's content under another caption (Matrix v1.10). A sticker has no `msgtype`, and an edit needs one: it is a picture. */
export function captioned(original: MatrixEvent["content"], caption: TextContent): Content {
  const { "m.relates_to": _relation, [MARK]: _mark, body, filename = body, ...rest } = original;
  const { format: _format, formatted_body: _formatted, ...file } = rest;
  const { msgtype: _msgtype, ...said } = caption;
  return { msgtype: "m.image", ...file, filename, ...said } as Content;
}

/** The Matrix events to which a message relates. */
export interface Related {
  /** The message that it answers. */
  answers: string | null;
  /** The message with which its thread begins, and the last one in the thread, for clients without threads. */
  thread: { root: string; last: string } | null;
}

export function withRelation(content: Content, { answers, thread }: Related): object {
  if (thread === null && answers === null) return content;
  const reply = { "m.in_reply_to": { event_id: answers ?? thread?.last } };
  if (thread === null) return { ...content, "m.relates_to": reply };
  const relation = { rel_type: "m.thread", event_id: thread.root, is_falling_back: answers === null };
  return { ...content, "m.relates_to": { ...relation, ...reply } };
}

/**
 * The content of an edit. Its fallback for clients without edits starts with a star.
 * @param added whom it mentions that the message did not: the others are not told again (Client-Server API, "Event replacements")
 */
export function replacement(content: Content, replaces: string, added: MatrixMentions): object {
  return {
    ...content,
    body: `* ${content.body}`,
    ...(content.formatted_body !== undefined && { formatted_body: `* ${content.formatted_body}` }),
    "m.mentions": added,
    "m.new_content": content,
    "m.relates_to": { rel_type: "m.replace", event_id: replaces },
  };
}

/** The content of a reaction. `annotates` is the id of the message's own event, not of an edit. */
export function annotation(key: string, annotates: string): object {
  return { "m.relates_to": { rel_type: "m.annotation", event_id: annotates, key } };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function withinBytes(text: string, bytes: number, suffix: string): string {
  if (jsonBytes(text) <= bytes) return text;
  const points = [...text];
  let fits = 0;
  for (let tooMany = points.length; tooMany - fits > 1; ) {
    const half = (fits + tooMany) >> 1;
    if (jsonBytes(points.slice(0, half).join("") + suffix) <= bytes) fits = half;
    else tooMany = half;
  }
  return points.slice(0, fits).join("") + suffix;
}

/** A hash of a text, to compare texts without keeping them. */
export function shownHash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

// ── From Matrix ──────────────────────────────────────────────────────────────────────────────────────

/** A message from Matrix as the chat keeps it. */
export interface ChatMessage {
  text: string;
  format?: "markdown";
  /** Whom the text names by links, for clients that do not write mentions. */
  pills: string[];
  /** What was written, where the text is only its beginning. */
  whole?: string;
}

/** The text of a message from Matrix; null without visible text. */
export function chatText(
  event: Pick<MatrixEvent, "type" | "content">,
  senderName: string,
  file: FileStanding = "named",
): ChatMessage | null {
  const { text, ...more } = writtenIn(event, senderName, file);
  const clean = cleanText(text);
  if (isInvisible(clean)) return null;
  const points = clean.length <= MAX_TEXT ? [] : [...clean];
  if (points.length <= MAX_TEXT) return { ...more, text: clean };
  return { ...more, text: points.slice(0, MAX_TEXT - CUT_WITH_FILE.length).join("") + CUT, whole: clean };
}

/** The beginning of a text whose whole is in a file beside it. */
export function besideWhole(text: string): string {
  return text.slice(0, -CUT.length) + CUT_WITH_FILE;
}

function writtenIn(
  { type, content }: Pick<MatrixEvent, "type" | "content">,
  senderName: string,
  file: FileStanding,
): ChatMessage {
  const body = typeof content.body === "string" ? content.body : "";
  const plain = (text: string) => ({ text, pills: [] });
  if (type !== "m.room.message" && type !== "m.sticker") return plain(lineOf({ type, content }) ?? "");
  switch (type === "m.sticker" ? "m.image" : content.msgtype) {
    case "m.emote":
      return plain(`* ${senderName} ${body}`);
    case "m.image":
    case "m.file":
    case "m.audio":
    case "m.video":
      return plain(fileText(content, body, file));
    case "m.location":
      return plain(typeof content.geo_uri === "string" ? `${body} (${content.geo_uri})` : body);
    default:
      return (
        formattedText(content) ?? plain(relationOf(content).answers === null ? body : withoutQuote(body))
      );
  }
}

function formattedText({ format, formatted_body: html }: MatrixEvent["content"]): ChatMessage | null {
  return format === HTML && typeof html === "string" && html.trim() !== "" ? chatTextOf(html) : null;
}

/**
 * Removes the quote that clients before Matrix v1.13 put at the start of a reply: `> <@author:server> …`, further lines with
 * `> `, then an empty one. Whatever else begins with `> ` is the sender's own.
 */
function withoutQuote(body: string): string {
  if (!/^> (?:\* )?<@/.test(body)) return body;
  const lines = body.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("> "));
  return end > 0 && lines[end] === "" ? lines.slice(end + 1).join("\n") : body;
}

/**
 * The mentions of a message, as Causeway names them; at most 100.
 * @param pills whom the text names by links: they count where the sender's client writes no mentions
 */
export function chatMentions(
  content: MatrixEvent["content"],
  ghosts: Ghosts,
  pills: readonly string[] = [],
): string[] {
  const isSilent = content["m.mentions"] === undefined;
  const { userIds, room } = isSilent ? { userIds: pills, room: false } : mentionsOf(content);
  const ids = userIds.flatMap((matrixId) => {
    const ghost = ghosts.read(matrixId);
    if (ghost?.kind === "user") return [String(ghost.userId)];
    return ghost === null && matrixId.length <= 255 && matrixId !== "" ? [cleanText(matrixId)] : [];
  });
  return [...new Set(room ? [MENTION_ALL, ...ids] : ids)].slice(0, 100);
}
