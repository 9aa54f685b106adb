/** What an event of the log becomes in Matrix, as outbox entries. Nothing here asks anybody. */
import type { Actor, EventData, LoggedEvent } from "../src/domain/model.ts";
import type { OutboxEntry } from "../src/store/bridge-mail.ts";
import type { Ghosts } from "./ghosts.ts";
import { shownHash } from "./translate.ts";

export type PlannedEntry = Omit<OutboxEntry, "plannedAt">;

/** What is in the outbox as the content: of a message or an edit its text, of a reaction the key. */
export interface Draft {
  text: string;
  mentions: string[];
}

/** The entries of an event, in the order of their parts; none for what Matrix is told in another way, or not at all. */
export function entriesOf(event: LoggedEvent, ghosts: Ghosts): PlannedEntry[] {
  const entry = common(event, ghosts);
  switch (event.type) {
    case "message": {
      const { text, mentions = [], replyTo = null, deleted } = dataOf<"message">(event);
      if (deleted) return [];
      const content = draft(text, mentions);
      return [{ ...entry, op: "message", content, target: replyTo, shown: shownHash(text) }];
    }
    case "message.edited": {
      const { seq: target, text } = dataOf<"message.edited">(event);
      return [{ ...entry, op: "edit", content: draft(text), target, shown: shownHash(text) }];
    }
    case "message.deleted": {
      const { seq: target } = dataOf<"message.deleted">(event);
      return [{ ...entry, op: "redaction", content: draft(""), target, shown: null }];
    }
    case "reaction.added":
    case "reaction.removed": {
      // People of other homeservers react in Matrix alone, and nobody can do it for them.
      if (event.actor.kind === "matrix") return [];
      const { seq: target, name } = dataOf<"reaction.added">(event);
      const op = event.type === "reaction.added" ? "reaction" : "unreaction";
      return [{ ...entry, op, content: draft(name), target, shown: name }];
    }
    default:
      return [];
  }
}

function common({ seq, actor, at }: LoggedEvent, ghosts: Ghosts) {
  const senderName = actor.kind === "system" ? "" : actor.name;
  return { seq, part: 0, rev: 0, sender: senderOf(actor, ghosts), senderName, at, file: null };
}

/** Nobody can act as somebody else's account. */
function senderOf(actor: Actor, ghosts: Ghosts): string {
  return actor.kind === "matrix" ? ghosts.bot : ghosts.ofActor(actor);
}

export function dataOf<T extends LoggedEvent["type"]>(event: LoggedEvent): EventData[T] {
  return JSON.parse(event.dataJson) as EventData[T];
}

function draft(text: string, mentions: string[] = []): string {
  return JSON.stringify({ text, mentions } satisfies Draft);
}
