/** What an event of the log becomes in Matrix, as outbox entries. Nothing here asks anybody. */

import { dataOf } from "../../src/domain/event-data.ts";
import {
  type Actor,
  type LoggedEvent,
  type ShownAttachment,
  shownAttachment,
} from "../../src/domain/model.ts";
import type { OutboxEntry } from "../store/queues.ts";
import type { Ghosts } from "./ghosts.ts";
import { shownHash } from "./translate.ts";

export type PlannedEntry = Omit<OutboxEntry, "plannedAt">;

/**
 * What is in the outbox as the content. The texts of messages and edits are not: they are read from the log when they are
 * sent, so that what was taken back meanwhile is kept nowhere.
 */
export interface Draft {
  /** Of a reaction the key; what is said instead of a file that Matrix does not take. */
  text?: string;
  /** The file to send; without it the text is sent. */
  file?: ShownAttachment;
  /** Where Matrix has the file, once it was uploaded. */
  url?: string;
  /** Of a message the id that its sender's client gave it. */
  id?: string;
  /** Of an edit that changed the files: ids of all that the message now has. */
  files?: string[];
}

/** The entries of an event, in the order of their parts; none for what Matrix is told in another way, or not at all. */
export function entriesOf(event: LoggedEvent, ghosts: Ghosts): PlannedEntry[] {
  const entry = common(event, ghosts);
  switch (event.type) {
    case "message": {
      const { text, replyTo = null, deleted, attachments = [] } = dataOf<"message">(event);
      if (deleted) return [];
      // Without a text the first file is the message.
      const [file, rest] =
        text.trim() === "" ? [attachments[0], attachments.slice(1)] : [undefined, attachments];
      const id = event.id === null ? {} : { id: event.id };
      const content = draft({ ...id, ...(file && { file }) });
      const message = {
        ...entry,
        ...({ op: "message", content, target: replyTo } as const),
        ...{ shown: shownHash(text), file: file?.id ?? null },
      };
      return [message, ...filesOf(entry, event.seq, rest)];
    }
    case "message.edited": {
      const data = dataOf<"message.edited">(event);
      // A later event of the log says what became of the message.
      if ("hidden" in data) return [];
      const { seq: target, text, attachments } = data;
      const content = draft(attachments && { files: attachments.map(({ id }) => id) });
      const edit = { ...entry, op: "edit", content, target, shown: shownHash(text) } as const;
      return [edit, ...filesOf(entry, target, attachments ?? [])];
    }
    case "message.deleted": {
      const { seq: target } = dataOf<"message.deleted">(event);
      return [{ ...entry, op: "redaction", content: draft(), target, shown: null }];
    }
    case "reaction.added":
    case "reaction.removed": {
      // People of other homeservers react in Matrix alone, and nobody can do it for them.
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

function filesOf(entry: Common, target: number, files: readonly ShownAttachment[]): PlannedEntry[] {
  return files.map((file, i) => ({
    ...{ ...entry, part: i + 1, op: `file:${i + 1}`, target, shown: null },
    ...{ content: draft({ file: shownAttachment(file) }), file: file.id },
  }));
}

function common({ seq, actor, at }: LoggedEvent, ghosts: Ghosts) {
  const senderName = actor.kind === "system" ? "" : actor.name;
  return { seq, part: 0, rev: 0, sender: senderOf(actor, ghosts), senderName, at, file: null };
}

/** Nobody can act as somebody else's account. */
function senderOf(actor: Actor, ghosts: Ghosts): string {
  return actor.kind === "matrix" ? ghosts.bot : ghosts.ofActor(actor);
}

function draft(content: Draft = {}): string {
  return JSON.stringify(content);
}

/** What is said of a file that Matrix does not take. */
export function insteadOfFile({ file, url: _url, ...draft }: Draft): Draft {
  return file ? { ...draft, text: `${file.filename} (${sizeText(file.size)})` } : draft;
}

function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kilobytes = bytes / 1_024;
  return kilobytes < 1_024 ? `${Math.round(kilobytes)} KB` : `${(kilobytes / 1_024).toFixed(1)} MB`;
}
