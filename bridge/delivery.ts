/**
 * One outbox entry on its way: the request that carries it, and what to do when the homeserver does not take it. An
 * entry ends up in Matrix once, or, when nothing helps, is given up: it must never block its room for ever.
 */
import type { Actor } from "../src/domain/model.ts";
import type { Logger } from "../src/logger.ts";
import type { BridgeStore } from "../src/store/bridge.ts";
import type { MirroredEvent, OutboxEntry } from "../src/store/bridge-mail.ts";
import type { GhostAccounts } from "./ghost-accounts.ts";
import type { Ghosts } from "./ghosts.ts";
import { HomeserverError } from "./homeserver.ts";
import { MARK, type Mark, markOf, transactionId } from "./matrix-events.ts";
import type { Members } from "./members.ts";
import type { BridgeCounts } from "./metrics.ts";
import type { OpenRoom } from "./rooms.ts";
import { replacement, type TextContent, textContent, withReply } from "./translate.ts";

export interface Delivery {
  /** Resolves when the entry is in Matrix and stored as such, or will never be. @throws HomeserverError to try again */
  deliver(room: OpenRoom, entry: OutboxEntry, actor: Actor): Promise<void>;
}

export interface DeliveryOptions {
  accounts: GhostAccounts;
  ghosts: Ghosts;
  members: Members;
  store: Pick<BridgeStore, "mirroredMessage" | "mirroredEdits" | "revise" | "delivered" | "dropped">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn" | "error">;
  /** Milliseconds since 1970 UTC; for tests. */
  now?: (() => number) | undefined;
}

/** What is in the outbox as the content of a message or an edit. */
export interface Draft {
  text: string;
  mentions: string[];
}

interface Write {
  sender: string;
  path: string;
  body: object;
  /** Sets the event's time where the homeserver lets us. */
  ts?: number;
}

/** Homeservers remember transaction ids for a day; before that is over we look for ourselves. */
const FORGOTTEN_MS = 20 * 60 * 60_000;
const SEARCH_PAGES = 20;
/** An event at which the homeserver itself fails so often will not get through as it is. */
const HOPELESS_TRIES = 6;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { accounts, ghosts, members, store, counts, logger, now = Date.now } = options;
  const startedAt = now();

  function mark(room: OpenRoom, { seq, op, rev }: OutboxEntry): Mark {
    return { room: room.token, seq, op, rev };
  }

  /** The request for an entry as things are now, or null when there is nothing left to do in Matrix. */
  async function writeOf(room: OpenRoom, entry: OutboxEntry): Promise<Write | null> {
    const target = entry.target === null ? null : await store.mirroredMessage(room.id, entry.target);
    if (entry.op === "message") return messageWrite(room, entry, target);
    if (!target || target.redacted) return null;
    if (entry.op === "redaction") return redactionWrite(room, entry, target.eventId, "");
    // Matrix shows this text already: it came from there.
    if (target.shown === entry.shown) return null;
    // An edit counts only from whoever sent the message: the ghost, or the bot in its stead.
    const { sender } = target;
    if (sender !== entry.sender && sender !== ghosts.bot) return null;
    const content = replacement(contentOf({ ...entry, sender }, "edit"), target.eventId);
    // At the homeserver's own time: of several edits Matrix shows the latest, and people edit there as well.
    const { path, body } = sendWrite(room, entry, content);
    return { sender, path, body };
  }

  function messageWrite(room: OpenRoom, entry: OutboxEntry, target: MirroredEvent | null): Write {
    return sendWrite(room, entry, withReply(contentOf(entry, "message"), target?.eventId ?? null));
  }

  function contentOf(entry: OutboxEntry, op: "message" | "edit"): TextContent {
    const { text, mentions } = JSON.parse(entry.content) as Draft;
    // Where the bot stands in for somebody, it says for whom.
    const said =
      entry.sender === ghosts.bot && entry.senderName !== "" ? `${entry.senderName}: ${text}` : text;
    return textContent(said, mentions, ghosts, { op, rev: entry.rev });
  }

  function sendWrite(room: OpenRoom, entry: OutboxEntry, content: object): Write {
    const txnId = encodeURIComponent(transactionId(mark(room, entry)));
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/send/m.room.message/${txnId}`,
      body: { ...content, [MARK]: mark(room, entry) },
      ts: entry.at,
    };
  }

  function redactionWrite(room: OpenRoom, entry: OutboxEntry, eventId: string, suffix: string): Write {
    const txnId = encodeURIComponent(transactionId(mark(room, entry)) + suffix);
    return {
      sender: entry.sender,
      path: `${roomPath(room)}/redact/${encodeURIComponent(eventId)}/${txnId}`,
      body: { [MARK]: mark(room, entry) },
    };
  }

  async function put(room: OpenRoom, actor: Actor, write: Write): Promise<string> {
    const { sender, path, body, ts } = write;
    const request = () =>
      accounts.request<{ event_id: string }>(sender, "PUT", path, { body, query: { ts } });
    if (sender === ghosts.bot) return (await request()).event_id;
    await members.join(room, actor);
    try {
      return (await request()).event_id;
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.status !== 403) throw error;
      // It may not be in the room, whatever we believe.
      await members.join(room, actor, true);
      return (await request()).event_id;
    }
  }

  /** Sends, with less and less of what was wanted. @returns null when the homeserver takes it in no form */
  async function send(room: OpenRoom, first: OutboxEntry, actor: Actor, firstWrite: Write) {
    let entry = first;
    let write: Write | null = firstWrite;
    while (write) {
      try {
        const eventId = await put(room, actor, write);
        return { entry: { ...entry, sender: write.sender }, eventId };
      } catch (error) {
        if (!(error instanceof HomeserverError) || (error.temporary && !isHopeless(error, room))) throw error;
        const revised = revisedAfter(error, entry);
        const about = { err: error, room: room.token, seq: entry.seq };
        if (!revised) {
          logger.error(about, "Matrix took an event in no form; it stays in the chat alone");
          return null;
        }
        logger.warn(about, "Matrix refused an event; trying it in another form");
        await store.revise(room.id, entry.seq, revised);
        entry = { ...entry, ...revised };
        write = await writeOf(room, entry);
      }
    }
    return null;
  }

  function revisedAfter(error: HomeserverError, { rev, sender, op, content }: OutboxEntry) {
    if (error.status === 413 && rev < 2) return { rev: rev + 1, sender, content };
    // An edit counts only from the one who wrote the message.
    return sender === ghosts.bot || op === "edit" ? null : { rev: rev + 1, sender: ghosts.bot, content };
  }

  /** Edits are events of their own and hold the text as well. */
  async function redactEdits(room: OpenRoom, entry: OutboxEntry): Promise<void> {
    if (entry.op !== "redaction" || entry.target === null) return;
    const edits = await store.mirroredEdits(room.id, entry.target);
    for (const [n, edit] of edits.entries()) {
      const { path, body } = redactionWrite(room, entry, edit.eventId, `.${n}`);
      await accounts.request(ghosts.bot, "PUT", path, { body }).catch((error: unknown) => {
        if (!(error instanceof HomeserverError) || error.temporary) throw error;
        logger.warn(
          { err: error, room: room.token, seq: entry.seq },
          "An edit of a deleted message stays in Matrix",
        );
      });
    }
  }

  /** Long after the first try the homeserver no longer knows our transaction ids, and would take it twice. */
  async function sentBefore(room: OpenRoom, entry: OutboxEntry): Promise<string | null> {
    const { plannedAt } = entry;
    const forgotten = accounts.devices ? now() - plannedAt > FORGOTTEN_MS : plannedAt < startedAt;
    if (!forgotten) return null;
    const types = [entry.op === "redaction" ? "m.room.redaction" : "m.room.message"];
    const filter = JSON.stringify({ types, senders: [entry.sender] });
    let from: string | undefined;
    for (let page = 0; page < SEARCH_PAGES; page++) {
      const answer = await accounts.request<MessagesPage>(ghosts.bot, "GET", `${roomPath(room)}/messages`, {
        query: { dir: "b", limit: 100, filter, from },
      });
      const found = answer.chunk.find(({ content }) => isMark(markOf(content), mark(room, entry)));
      if (found) return found.event_id;
      if (answer.end === undefined) return null;
      from = answer.end;
    }
    return null;
  }

  return {
    async deliver(room, entry, actor) {
      const write = await writeOf(room, entry);
      if (!write) return await store.dropped(room.id, entry.seq);
      const before = await sentBefore(room, entry);
      const sent = before === null ? await send(room, entry, actor, write) : { entry, eventId: before };
      if (!sent) {
        counts.givenUp++;
        return await store.dropped(room.id, entry.seq);
      }
      await redactEdits(room, sent.entry);
      await store.delivered(room.id, sent.entry, sent.eventId);
      counts.sent++;
    },
  };
}

interface MessagesPage {
  chunk: { event_id: string; content: Record<string, unknown> }[];
  end?: string;
}

function roomPath({ matrixRoomId }: OpenRoom): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}`;
}

function isMark(found: Mark | null, wanted: Mark): boolean {
  return found !== null && transactionId(found) === transactionId(wanted);
}

function isHopeless(error: HomeserverError, room: OpenRoom): boolean {
  return error.status === 500 && room.failures >= HOPELESS_TRIES;
}
