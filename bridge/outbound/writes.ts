/** Builds the request for an outbox entry, from the message and its Matrix events as they are now. */
import type { ShownAttachment } from "../../src/domain/model.ts";
import type { MessageStore } from "../../src/domain/ports/store/messages.ts";
import type { Mentioned } from "../formatting/pills.ts";
import { htmlOf } from "../formatting/to-html.ts";
import type { Media } from "../homeserver/media.ts";
import { fileContent } from "../mapping/files.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { type Marked, placeOf, voiceOf } from "../mapping/kinds.ts";
import { MARK, type MarkedWrite, type Marks } from "../mapping/marks.ts";
import { mentionsOf, newContentOf } from "../mapping/matrix-events.ts";
import { type Draft, wholeTextId } from "../mapping/outbox-plan.ts";
import { newestOf, standingEdits } from "../mapping/replacements.ts";
import {
  annotation,
  captioned,
  type MatrixMentions,
  mentionsIn,
  type Related,
  replacement,
  shownHash,
  type TextContent,
  textContent,
  WHOLE_TEXT,
  withRelation,
} from "../mapping/translate.ts";
import type { EventLookup } from "../rooms/event-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { MirroredEvent } from "../store/events.ts";
import type { OutboxEntry } from "../store/queues.ts";

export interface Write {
  sender: string;
  path: string;
  /** A function where the body needs an upload, which the sender makes once it is in the room. */
  body: object | (() => Promise<object>);
  /** The event's time in ms; the homeserver may ignore it. */
  ts?: number;
  /** The Matrix event that it redacts. */
  redacts?: string;
}

/** The request that redacts an event. */
export interface Redaction {
  path: string;
  body: object;
}

/** An entry with what its message says now. Only messages and edits use it. */
export interface EntryWithText extends OutboxEntry {
  current: Marked & {
    text: string;
    mentions: readonly string[];
    format?: "markdown" | undefined;
    /** The mentioned people whom the text may name. */
    mentioned: readonly Mentioned[];
  };
}

export interface Writes {
  /** The request for an entry; null when Matrix already shows it, or its target is gone. */
  of(room: OpenRoom, entry: EntryWithText): Promise<Write | null>;
  /** The redaction of an event on behalf of `entry`. `part` gives each of several redactions its own transaction id. */
  redaction(room: OpenRoom, entry: OutboxEntry, eventId: string, part: string): Write & Redaction;
}

export interface WritesOptions {
  ghosts: Ghosts;
  events: Pick<EventLookup, "get">;
  media: Pick<Media, "upload" | "uploadText">;
  marks: Marks;
  store: Pick<
    BridgeStore,
    | "mirroredMessage"
    | "lastAnswer"
    | "mirroredParts"
    | "mirroredReaction"
    | "revise"
    | "mediaUrl"
    | "putMediaUrl"
  >;
  attachments: Pick<MessageStore, "attachments">;
}

export function createWrites({ ghosts, events, media, marks, store, attachments }: WritesOptions): Writes {
  async function of(room: OpenRoom, entry: EntryWithText): Promise<Write | null> {
    const target = entry.target === null ? null : await store.mirroredMessage(room.id, entry.target);
    if ((JSON.parse(entry.content) as Draft).whole) return target && wholeText(room, entry, target);
    const isGone = entry.file !== null && (await attachments.attachments([entry.file])).length === 0;
    if (entry.op === "message") {
      const related = { answers: target?.eventId ?? null, thread: await threadOf(room, entry) };
      return message(room, isGone ? withoutFile(entry) : entry, related);
    }
    if (!target || target.redacted) return null;
    switch (entry.op) {
      case "redaction":
        return redaction(room, entry, target.eventId, "");
      case "edit": {
        // Matrix takes an edit only from the sender of the message: the ghost, or the bot if it stood in.
        const { sender } = target;
        if (sender !== entry.sender && sender !== ghosts.bot) return null;
        const isShown = target.shown === shownHash(entry.current.text);
        const added = await addedMentions(room, entry, { target, isShown });
        // It came from Matrix, which shows it already.
        if (isShown && added === null) return null;
        const edited = await editedContent(room, { ...entry, sender }, target);
        const content = replacement(edited, target.eventId, added ?? {});
        // Without a time of ours: of several edits Matrix shows the latest, and people edit there as well.
        const { path, body } = send(room, { ...entry, sender }, content);
        return { sender, path, body };
      }
      case "reaction":
        // The reaction is in Matrix already, made there or by an earlier entry.
        if (await existingReaction(room, entry)) return null;
        return send(room, entry, annotation(keyOf(entry), target.eventId), "m.reaction");
      case "unreaction": {
        const reaction = await existingReaction(room, entry);
        return reaction && redaction(room, entry, reaction.eventId, "");
      }
      default:
        if (isGone || (await isFileSent(room, entry, target))) return null;
        return message(room, entry, { answers: null, thread: await threadOf(room, entry) });
    }
  }

  /** The thread that a message or a file goes to; null where its first message is not in Matrix. */
  async function threadOf(room: OpenRoom, { seq, content }: OutboxEntry): Promise<Related["thread"]> {
    const { thread } = JSON.parse(content) as Draft;
    const root = thread === undefined ? null : await store.mirroredMessage(room.id, thread);
    if (thread === undefined || !root) return null;
    const last = await store.lastAnswer(room.id, { root: thread, before: seq });
    return { root: root.eventId, last: last ?? root.eventId };
  }

  function message(room: OpenRoom, entry: EntryWithText, related: Related): Write {
    const draft = JSON.parse(entry.content) as Draft;
    const { file } = draft;
    if (!file) return send(room, entry, withRelation(textOf(entry, "message"), related));
    const write = send(room, entry, {});
    const body = async () => {
      const url = draft.url ?? (await upload(room, entry, draft, file));
      const said = entry.sender === ghosts.bot ? entry.senderName : "";
      const content = { ...fileContent(file, url, said), ...voiceOf(entry.current, file.type) };
      return { ...withRelation(content, related), ...write.body };
    };
    return { ...write, body };
  }

  /** The file with the whole text; null where the message was taken back, or says something else meanwhile. */
  async function wholeText(
    room: OpenRoom,
    entry: EntryWithText,
    target: MirroredEvent,
  ): Promise<Write | null> {
    const { text } = entry.current;
    if (target.redacted || entry.file !== wholeTextId(text)) return null;
    const thread = await threadOf(room, entry);
    const write = send(room, entry, {});
    const file = { id: "", filename: WHOLE_TEXT, type: "text/plain", size: Buffer.byteLength(text) };
    const body = async () => {
      const url = await media.uploadText(entry.sender, { ...file, text });
      const said = entry.sender === ghosts.bot ? entry.senderName : "";
      return { ...withRelation(fileContent(file, url, said), { answers: null, thread }), ...write.body };
    };
    return { ...write, body };
  }

  /**
   * Uploads the file, unless another one with the same bytes was, and stores its address, so that a repeated send does not
   * upload again.
   */
  async function upload(room: OpenRoom, entry: OutboxEntry, draft: Draft, file: ShownAttachment) {
    const [stored] = await attachments.attachments([file.id]);
    const bytes = stored?.content ?? file.id;
    let url = await store.mediaUrl(bytes);
    if (url === null) {
      url = await media.upload(entry.sender, { ...file, content: bytes });
      await store.putMediaUrl(bytes, url);
    }
    const content = JSON.stringify({ ...draft, url } satisfies Draft);
    await store.revise(room.id, entry, { rev: entry.rev, sender: entry.sender, content });
    return url;
  }

  /** Whether the file was sent before: an edit lists all files of the message, old ones included. */
  async function isFileSent(room: OpenRoom, { file }: OutboxEntry, target: MirroredEvent): Promise<boolean> {
    const parts = [target, ...(await store.mirroredParts(room.id, target.seq))];
    return parts.some((part) => part.file === file && !part.redacted);
  }

  /** The new content of an edited message. Where the message is a file, the text becomes its caption. */
  async function editedContent(room: OpenRoom, entry: EntryWithText, { file, eventId }: MirroredEvent) {
    const text = textOf(entry, "edit");
    if (file === null) return text;
    const original = await events.get(room, eventId);
    return original ? captioned(contentOf(original), text) : text;
  }

  /** Whom an edit mentions that what Matrix shows now does not; null for nobody. */
  async function addedMentions(
    room: OpenRoom,
    entry: EntryWithText,
    { target, isShown }: { target: MirroredEvent; isShown: boolean },
  ): Promise<MatrixMentions | null> {
    const { user_ids = [], room: everybody } = mentionsIn(entry.current.mentions, ghosts);
    if (user_ids.length === 0 && !everybody) return null;
    const parts = await store.mirroredParts(room.id, target.seq);
    const shows = newestOf(standingEdits(parts)) ?? target;
    const event = await events.get(room, shows.eventId);
    const content = event && contentOf(event);
    const before = content && (newContentOf({ content }) ?? content);
    // A client that writes no mentions wrote this text, and names people in it alone.
    if (isShown && before?.["m.mentions"] === undefined) return null;
    const known = mentionsOf(before ?? {});
    const added = user_ids.filter((id) => !known.userIds.includes(id));
    const adds = everybody === true && !known.room;
    if (added.length === 0 && !adds) return null;
    return { ...(added.length > 0 && { user_ids: added }), ...(adds && { room: true as const }) };
  }

  function existingReaction(room: OpenRoom, entry: OutboxEntry) {
    const { target, sender } = entry;
    return target === null ? null : store.mirroredReaction(room.id, { target, sender, key: keyOf(entry) });
  }

  function textOf(entry: EntryWithText, op: "message" | "edit"): TextContent {
    const { current, senderName, rev } = entry;
    const { text: instead } = JSON.parse(entry.content) as Draft;
    const { text, mentions } = instead === undefined ? current : { text: instead, mentions: [] };
    // Where the bot stands in for an author, the text begins with the author's name.
    const said = entry.sender === ghosts.bot && senderName !== "" ? `${senderName}: ` : "";
    const html = instead === undefined ? htmlOf(text, current) : null;
    const formatted = html === null ? null : said.replaceAll("&", "&amp;").replaceAll("<", "&lt;") + html;
    const content = textContent(said + text, mentions, ghosts, { op, rev, html: formatted });
    return { ...content, ...placeOf(current) };
  }

  function send(room: OpenRoom, entry: OutboxEntry, content: object, type = "m.room.message"): Write {
    const write = writeOf(room, entry);
    const txnId = encodeURIComponent(marks.transactionId(write));
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/send/${type}/${txnId}`,
      body: { ...content, [MARK]: marks.mark(write) },
      ts: entry.at,
    };
  }

  function redaction(room: OpenRoom, entry: OutboxEntry, eventId: string, part: string): Write & Redaction {
    const write = writeOf(room, entry);
    const txnId = encodeURIComponent(marks.transactionId(write, part));
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/redact/${encodeURIComponent(eventId)}/${txnId}`,
      body: { [MARK]: marks.mark(write) },
      redacts: eventId,
    };
  }

  return { of, redaction };
}

export function roomPath({ matrixRoomId }: OpenRoom): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}`;
}

function writeOf(
  { token: room, run }: OpenRoom,
  { seq, op, rev, at, sender, content }: OutboxEntry,
): MarkedWrite {
  const { id } = JSON.parse(content) as Draft;
  return { room, run, seq, op, rev, at, sender, id };
}

/** The message without its deleted file. It is sent anyway: its other files, and replies to it, refer to it. */
function withoutFile(entry: EntryWithText): EntryWithText {
  const { file: _file, url: _url, ...draft } = JSON.parse(entry.content) as Draft;
  return { ...entry, content: JSON.stringify(draft satisfies Draft) };
}

function contentOf({ content }: Record<string, unknown>): Record<string, unknown> {
  return typeof content === "object" && content !== null ? (content as Record<string, unknown>) : {};
}

function keyOf({ shown }: OutboxEntry): string {
  return shown ?? "";
}
