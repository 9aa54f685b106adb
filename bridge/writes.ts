/** The requests that carry outbox entries to Matrix, as things are at the moment. */
import type { BridgeStore } from "../src/store/bridge.ts";
import type { OutboxEntry } from "../src/store/bridge-mail.ts";
import type { Ghosts } from "./ghosts.ts";
import { MARK, type Mark, transactionId } from "./matrix-events.ts";
import type { Draft } from "./outbox-plan.ts";
import type { OpenRoom } from "./rooms.ts";
import { annotation, replacement, type TextContent, textContent, withReply } from "./translate.ts";

export interface Write {
  sender: string;
  path: string;
  body: object;
  /** Sets the event's time where the homeserver lets us. */
  ts?: number;
  /** The Matrix event that it takes back. */
  redacts?: string;
}

export interface Writes {
  /** The request for an entry, or null when there is nothing left to do in Matrix. */
  of(room: OpenRoom, entry: OutboxEntry): Promise<Write | null>;
  /** Takes an event back as part of `entry`; `suffix` tells several of them apart. */
  redaction(room: OpenRoom, entry: OutboxEntry, eventId: string, suffix: string): Write;
}

type WritesStore = Pick<BridgeStore, "mirroredMessage" | "mirroredReaction">;

export function createWrites(ghosts: Ghosts, store: WritesStore): Writes {
  async function of(room: OpenRoom, entry: OutboxEntry): Promise<Write | null> {
    const target = entry.target === null ? null : await store.mirroredMessage(room.id, entry.target);
    const answered = target?.eventId ?? null;
    if (entry.op === "message") return send(room, entry, withReply(textOf(entry, "message"), answered));
    if (!target || target.redacted) return null;
    switch (entry.op) {
      case "redaction":
        return redaction(room, entry, target.eventId, "");
      case "edit": {
        // Matrix shows this text already: it came from there.
        if (target.shown === entry.shown) return null;
        // An edit counts only from whoever sent the message: the ghost, or the bot in its stead.
        const { sender } = target;
        if (sender !== entry.sender && sender !== ghosts.bot) return null;
        const content = replacement(textOf({ ...entry, sender }, "edit"), target.eventId);
        // At the homeserver's own time: of several edits Matrix shows the latest, and people edit there as well.
        const { path, body } = send(room, entry, content);
        return { sender, path, body };
      }
      case "reaction":
        // One that stands in Matrix came from there, or from an earlier entry.
        if (await standing(room, entry)) return null;
        return send(room, entry, annotation(keyOf(entry), target.eventId), "m.reaction");
      case "unreaction": {
        const reaction = await standing(room, entry);
        return reaction && redaction(room, entry, reaction.eventId, "");
      }
      default:
        return null;
    }
  }

  function standing(room: OpenRoom, entry: OutboxEntry) {
    const { target, sender } = entry;
    return target === null ? null : store.mirroredReaction(room.id, { target, sender, key: keyOf(entry) });
  }

  function textOf(entry: OutboxEntry, op: "message" | "edit"): TextContent {
    const { text, mentions } = JSON.parse(entry.content) as Draft;
    // Where the bot stands in for somebody, it says for whom.
    const said =
      entry.sender === ghosts.bot && entry.senderName !== "" ? `${entry.senderName}: ${text}` : text;
    return textContent(said, mentions, ghosts, { op, rev: entry.rev });
  }

  function send(room: OpenRoom, entry: OutboxEntry, content: object, type = "m.room.message"): Write {
    const txnId = encodeURIComponent(transactionId(markFor(room, entry)));
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/send/${type}/${txnId}`,
      body: { ...content, [MARK]: markFor(room, entry) },
      ts: entry.at,
    };
  }

  function redaction(room: OpenRoom, entry: OutboxEntry, eventId: string, suffix: string): Write {
    const txnId = encodeURIComponent(transactionId(markFor(room, entry)) + suffix);
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/redact/${encodeURIComponent(eventId)}/${txnId}`,
      body: { [MARK]: markFor(room, entry) },
      redacts: eventId,
    };
  }

  return { of, redaction };
}

export function roomPath({ matrixRoomId }: OpenRoom): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}`;
}

export function markFor(room: OpenRoom, { seq, op, rev }: OutboxEntry): Mark {
  return { room: room.token, seq, op, rev };
}

function keyOf({ shown }: OutboxEntry): string {
  return shown ?? "";
}
