/** Plans the outbox entries of an event of the log. Pure functions. */

import { dataOf } from "../../src/domain/event-data.ts";
import {
  type Actor,
  type LoggedEvent,
  type ShownAttachment,
  shownAttachment,
} from "../../src/domain/model.ts";
import type { OutboxEntry } from "../store/queues.ts";
import type { Ghosts } from "./ghosts.ts";
import { fitsInEvent, shownHash } from "./translate.ts";

export type PlannedEntry = Omit<OutboxEntry, "plannedAt">;

/**
 * The content of an outbox entry, as JSON. It does not hold the texts of messages and edits: these are read from the log
 * when they are sent, so that the outbox keeps no text that was deleted or edited before.
 */
export interface Draft {
  /** The key of a reaction, or the line instead of a message or file that Matrix refuses. */
  text?: string;
  /** The file to send. Unset: the text is sent. */
  file?: ShownAttachment;
  /** The `mxc:` address of the file, once it was uploaded. */
  url?: string;
  /** The idempotency key that the sender's client gave a message. */
  id?: string;
  /** The seq with which the thread of a message begins. */
  thread?: number;
  /** The whole text is sent as a file, because the message shows its beginning alone. */
  whole?: true;
  /** In an edit that changed the files: the ids of all files of the message now. */
  files?: string[];
}

/** The entries of an event, by part. Events that change the room itself, or are not mirrored, have none. */
export function entriesOf(event: LoggedEvent, ghosts: Ghosts): PlannedEntry[] {
  const entry = common(event, ghosts);
  switch (event.type) {
    case "message":
      return messageOf(entry, event, ghosts);
    case "message.edited": {
      const data = dataOf<"message.edited">(event);
      // The text is hidden because a later event edited or deleted the message.
      if ("hidden" in data) return [];
      const { seq: target, text, attachments } = data;
      const content = draft(attachments && { files: attachments.map(({ id }) => id) });
      const edit = { ...entry, op: "edit", content, target, shown: shownHash(text) } as const;
      const files = filesOf(entry, target, attachments ?? []);
      return [
        edit,
        ...files,
        ...wholeOf(entry, { target, part: files.length + 1, said: data, op: "edit" }, ghosts),
      ];
    }
    case "message.deleted": {
      const { seq: target } = dataOf<"message.deleted">(event);
      return [{ ...entry, op: "redaction", content: draft(), target, shown: null }];
    }
    case "reaction.added":
    case "reaction.removed": {
      // The bridge can't act as an account of another homeserver, and the bot can't react for it.
      if (event.actor.kind === "matrix") return [];
      const { seq: target, name } = dataOf<"reaction.added">(event);
      const op = event.type === "reaction.added" ? "reaction" : "unreaction";
      return [{ ...entry, op, content: draft({ text: name }), target, shown: name }];
    }
    default:
      return [];
  }
}

type Common = ReturnType<typeof common>;

/** A message with its files. Without a text the first file is the message. */
function messageOf(entry: Common, event: LoggedEvent, ghosts: Ghosts): PlannedEntry[] {
  const said = dataOf<"message">(event);
  const { text, replyTo = null, thread, deleted, attachments = [] } = said;
  if (deleted) return [];
  const [file, rest] = text.trim() === "" ? [attachments[0], attachments.slice(1)] : [undefined, attachments];
  const id = event.id === null ? {} : { id: event.id };
  const inThread = thread === undefined ? {} : { thread };
  const content = draft({ ...id, ...inThread, ...(file && { file }) });
  const message = {
    ...entry,
    ...({ op: "message", content, target: replyTo } as const),
    ...{ shown: shownHash(text), file: file?.id ?? null },
  };
  const whole = { target: event.seq, part: rest.length + 1, said, op: "message", inThread } as const;
  return [message, ...filesOf(entry, event.seq, rest, inThread), ...wholeOf(entry, whole, ghosts)];
}

/** The file with the whole text of a message or an edit that Matrix does not hold in one event. */
function wholeOf(
  entry: Common,
  { target, part, said, op, inThread = {} }: Whole,
  ghosts: Ghosts,
): PlannedEntry[] {
  const { text, mentions = [] } = said;
  if (fitsInEvent(text, mentions, ghosts, op)) return [];
  const content = draft({ whole: true, ...inThread });
  return [{ ...entry, part, op: `file:${part}`, target, shown: null, content, file: wholeTextId(text) }];
}

interface Whole {
  /** The seq of the message. */
  target: number;
  part: number;
  said: { text: string; mentions?: readonly string[] };
  op: "message" | "edit";
  inThread?: Pick<Draft, "thread">;
}

/** What stands for an attachment's id where the file is a text. An edit of the text takes it back, as it does other files. */
export function wholeTextId(text: string): string {
  return `text:${shownHash(text)}`;
}

function filesOf(
  entry: Common,
  target: number,
  files: readonly ShownAttachment[],
  inThread: Pick<Draft, "thread"> = {},
): PlannedEntry[] {
  return files.map((file, i) => ({
    ...{ ...entry, part: i + 1, op: `file:${i + 1}`, target, shown: null },
    ...{ content: draft({ file: shownAttachment(file), ...inThread }), file: file.id },
  }));
}

function common({ seq, actor, at }: LoggedEvent, ghosts: Ghosts) {
  const senderName = actor.kind === "system" ? "" : actor.name;
  return { seq, part: 0, rev: 0, sender: senderOf(actor, ghosts), senderName, at, file: null };
}

/** The Matrix id that sends for an actor. For an account that is not ours the bot sends. */
function senderOf(actor: Actor, ghosts: Ghosts): string {
  return actor.kind === "matrix" ? ghosts.bot : ghosts.ofActor(actor);
}

function draft(content: Draft = {}): string {
  return JSON.stringify(content);
}

/** The draft with a line of text instead of its file, for files that Matrix refuses. */
export function insteadOfFile({ file, url: _url, ...draft }: Draft): Draft {
  return file ? { ...draft, text: `${file.filename} (${sizeText(file.size)})` } : draft;
}

/** What Matrix shows instead of a message that it refuses, under the name of its author. */
const REFUSED_MESSAGE = "wrote something that Matrix did not take; it can be read in Causeway";

/** The draft with a line instead of a message that Matrix refuses; null when it has one already. */
export function insteadOfMessage(draft: Draft): Draft | null {
  return draft.text === undefined ? { ...draft, text: REFUSED_MESSAGE } : null;
}

function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kilobytes = bytes / 1_024;
  return kilobytes < 1_024 ? `${Math.round(kilobytes)} KB` : `${(kilobytes / 1_024).toFixed(1)} MB`;
}
