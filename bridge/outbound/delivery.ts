/**
 * Sends one outbox entry to Matrix, exactly once. When the homeserver refuses this very event (see refusals.ts), the entry
 * is sent in another form or given up. After any other failure the same request is tried again.
 */

import type { Actor, LoggedEvent } from "../../src/domain/model.ts";
import type { Clock } from "../../src/domain/ports/clock.ts";
import { reactionName } from "../../src/domain/text-rules.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import type { RequestOptions } from "../homeserver/homeserver.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import {
  isAbsent,
  isDone,
  isForbidden,
  isOwnFault,
  isRefusal,
  isTooLarge,
  OwnFault,
  whyOf,
} from "../homeserver/refusals.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { type Marks, markOf } from "../mapping/marks.ts";
import { type MatrixEvent, redactedBy, relationOf } from "../mapping/matrix-events.ts";
import { type Draft, insteadOfFile, insteadOfMessage } from "../mapping/outbox-plan.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Members } from "../rooms/members.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";
import type { CurrentText } from "./current-text.ts";
import { createObsoleteParts } from "./obsolete-parts.ts";
import { isMarkOf } from "./own-events.ts";
import type { SupersededEdits } from "./superseded-edits.ts";
import { type EntryWithText, roomPath, type Write, type Writes } from "./writes.ts";

export interface Delivery {
  /**
   * Resolves when the entry is in Matrix and stored as sent, or given up.
   * @param event the event of the log that the entry belongs to
   * @throws HomeserverError when it has to be tried again
   */
  deliver(room: OpenRoom, entry: OutboxEntry, event: LoggedEvent): Promise<void>;
}

export interface DeliveryOptions {
  accounts: GhostAccounts;
  ghosts: Ghosts;
  members: Members;
  writes: Writes;
  superseded: SupersededEdits;
  currentText: CurrentText;
  marks: Marks;
  store: Pick<
    BridgeStore,
    | "mirroredMessage"
    | "mirroredParts"
    | "putRedacted"
    | "putEntryAside"
    | "forgetEntries"
    | "revise"
    | "delivered"
    | "dropped"
  >;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn" | "error">;
  clock: Clock;
}

/** Homeservers remember transaction ids for about a day. Older entries are searched for in the room before a send. */
const TRANSACTION_IDS_KEPT_MS = 20 * 60 * 60_000;
const MAX_SEARCH_PAGES = 20;
/** How often a text that is too large is cut again. */
const MAX_CUTS = 2;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { accounts, ghosts, members, writes, currentText, marks, store, counts, logger, clock } = options;
  const startedAt = clock.now();
  const obsolete = createObsoleteParts(store, writes, options.superseded);

  async function put(room: OpenRoom, actor: Actor, write: Write): Promise<string> {
    const { sender, path, ts } = write;
    if (sender !== ghosts.bot) await members.join(room, actor);
    const body = typeof write.body === "function" ? await write.body() : write.body;
    const request = async () =>
      fieldOf(
        await accounts.request<{ event_id?: string }>(sender, "PUT", path, { body, query: { ts } }),
        "event_id",
      );
    if (sender === ghosts.bot) return await request();
    try {
      return await request();
    } catch (error) {
      if (!isForbidden(error)) throw error;
      // The stored membership may be wrong: join again.
      await members.join(room, actor, true);
      return await request();
    }
  }

  /** Whether the sender is not in the room. Other reasons for M_FORBIDDEN, such as power levels, may go away. */
  async function isNotInRoom(room: OpenRoom, sender: string): Promise<boolean> {
    return (await members.current(room, sender)) !== "join";
  }

  /** Whether repeating this write can't succeed, so that the entry needs another form, such as the bot as its sender. */
  async function isFinal(error: unknown, room: OpenRoom, entry: OutboxEntry): Promise<boolean> {
    if (!isForbidden(error)) return isRefusal(error, room.failures);
    if (entry.sender === ghosts.bot) return false;
    return canStandIn(entry) || (await isNotInRoom(room, entry.sender));
  }

  /** Sends the entry, after each refusal in a simpler form. @returns null when there is nothing to send, or it is given up */
  async function send(room: OpenRoom, first: EntryWithText, actor: Actor): Promise<Sent | null> {
    let entry = first;
    for (;;) {
      const write = await writes.of(room, entry);
      if (!write) return null;
      try {
        const eventId = await put(room, actor, write);
        return { entry: { ...entry, sender: write.sender }, eventId, redacts: write.redacts };
      } catch (error) {
        if (isAbsent(error) && isTakingBack(entry)) return null;
        if (!(await isFinal(error, room, entry))) throw error;
        if (isDone(error)) {
          const existing = await findReaction(room, entry);
          return existing && { entry, eventId: existing.event_id };
        }
        const revised = revisionAfter(error, entry);
        if (!revised || revised.content !== entry.content) await putAside(room, first, error);
        if (!revised) return null;
        logger.warn(
          { event: "bridge.event_revised", err: error, room: room.token, seq: entry.seq },
          "the homeserver refused an event; trying it in another form",
        );
        await store.revise(room.id, entry, revised);
        entry = { ...entry, ...revised };
      }
    }
  }

  /** The entry ends here, or a line takes its place: it is kept with the reason. */
  async function putAside(
    room: OpenRoom,
    entry: OutboxEntry & { current?: unknown },
    error: unknown,
  ): Promise<void> {
    const { current: _text, standIn: _line, ...kept } = entry;
    counts.givenUp++;
    logger.error(
      { event: "bridge.event_given_up", err: error, room: room.token, seq: entry.seq },
      "an event can't go to Matrix; it is a dead letter, and stays in the chat alone",
    );
    await store.putEntryAside(room.id, kept, whyOf(error));
  }

  function revisionAfter(error: unknown, { rev, sender, op, content }: OutboxEntry) {
    const draft = JSON.parse(content) as Draft;
    if (draft.file) return { rev: rev + 1, sender, content: JSON.stringify(insteadOfFile(draft)) };
    if (isTooLarge(error) && rev < MAX_CUTS) return { rev: rev + 1, sender, content };
    if (!canStandIn({ op })) return null;
    if (sender !== ghosts.bot) return { rev: rev + 1, sender: ghosts.bot, content };
    const line = op === "message" ? insteadOfMessage(draft) : null;
    return line && { rev: rev + 1, sender, content: JSON.stringify(line) };
  }

  /** The same reaction of the same sender, made in Matrix and not delivered to the bridge yet. */
  async function findReaction(room: OpenRoom, { target, sender, shown }: OutboxEntry) {
    const message = target === null ? null : await store.mirroredMessage(room.id, target);
    if (!message) return null;
    const [matrixRoomId, eventId] = [room.matrixRoomId, message.eventId].map(encodeURIComponent);
    const path = `/_matrix/client/v1/rooms/${matrixRoomId}/relations/${eventId}/m.annotation/m.reaction`;
    return await findEvent(
      async (from) => {
        const { chunk, next_batch } = await ask<RelationsPage>(path, { limit: 100, from });
        return { chunk, end: next_batch };
      },
      (event) => event.sender === sender && isSameKey(relationOf(event.content).annotates?.key, shown),
    ).catch((error: unknown) => {
      if (error instanceof HomeserverError && !error.temporary) return null;
      throw error;
    });
  }

  /** Searches Matrix for the entry when the homeserver may have forgotten its transaction id and would take it twice. */
  async function findSent(room: OpenRoom, entry: OutboxEntry): Promise<Sent | null> {
    const { plannedAt } = entry;
    const forgotten = accounts.devices
      ? clock.now() - plannedAt > TRANSACTION_IDS_KEPT_MS
      : plannedAt < startedAt;
    if (!forgotten) return null;
    const filter = JSON.stringify({ types: [typeOf(entry)], senders: [entry.sender] });
    const found = await findEvent(
      (from) => ask<EventsPage>(`${roomPath(room)}/messages`, { dir: "b", limit: 100, filter, from }),
      ({ sender, content }) => {
        const mark = markOf(content);
        return mark !== null && isMarkOf(mark, sender, room, entry, marks);
      },
    );
    return found && { entry, eventId: found.event_id, redacts: redactedBy(found) ?? undefined };
  }

  function ask<T>(path: string, query: NonNullable<RequestOptions["query"]>): Promise<T> {
    return accounts.request<T>(ghosts.bot, "GET", path, { query });
  }

  async function deliver(room: OpenRoom, planned: OutboxEntry, event: LoggedEvent): Promise<void> {
    const entry = await currentText(room, planned, event);
    const sent = (await findSent(room, entry)) ?? (await send(room, entry, event.actor));
    await obsolete.redact(room, sent?.entry ?? entry, sent !== null);
    if (entry.op === "redaction" && entry.target !== null) await store.forgetEntries(room.id, entry.target);
    if (sent && entry.op === "edit" && entry.target !== null)
      await options.superseded.redact(room, entry.target, sent.eventId);
    if (!sent) return await store.dropped(room.id, entry);
    const line = entry.standIn ?? sent.eventId;
    if (line !== sent.eventId) await options.superseded.redactEvent(room, line);
    if (sent.redacts !== undefined) await store.putRedacted(sent.redacts);
    await store.delivered(room.id, sent.entry, sent.eventId);
    counts.sent++;
  }

  return {
    async deliver(room, planned, event) {
      try {
        await deliver(room, planned, event);
      } catch (error) {
        if (!isOwnFault(error, room.failures)) throw error;
        await putAside(room, planned, new OwnFault(error));
        await store.dropped(room.id, planned);
      }
    },
  };
}

interface Sent {
  entry: OutboxEntry;
  eventId: string;
  /** The Matrix event that it redacted. */
  redacts?: string | undefined;
}

type FoundEvent = Pick<MatrixEvent, "event_id" | "sender" | "content" | "redacts">;
interface EventsPage {
  chunk: FoundEvent[];
  end?: string | undefined;
}
interface RelationsPage {
  chunk: FoundEvent[];
  next_batch?: string;
}

/** Searches page by page, up to {@link MAX_SEARCH_PAGES}. */
async function findEvent(
  page: (from: string | undefined) => Promise<EventsPage>,
  isWanted: (event: FoundEvent) => boolean,
): Promise<FoundEvent | null> {
  let from: string | undefined;
  for (let n = 0; n < MAX_SEARCH_PAGES; n++) {
    const { chunk, end } = await page(from);
    const found = chunk.find(isWanted);
    if (found) return found;
    if (end === undefined) return null;
    from = end;
  }
  return null;
}

function typeOf({ op }: OutboxEntry): string {
  if (op === "reaction") return "m.reaction";
  return op === "redaction" || op === "unreaction" ? "m.room.redaction" : "m.room.message";
}

/** Whether the bot can send the entry for its author. Matrix ignores edits and reactions by others. */
function canStandIn({ op }: Pick<OutboxEntry, "op">): boolean {
  return op !== "edit" && op !== "reaction" && op !== "unreaction";
}

/** Homeservers compare keys as bytes, the chat as what they look like. */
function isSameKey(key: string | undefined, shown: string | null): boolean {
  return key !== undefined && shown !== null && reactionName(key) === reactionName(shown);
}

/** Whether the entry takes something back: what is not there needs no taking back. */
function isTakingBack({ op }: OutboxEntry): boolean {
  return op === "redaction" || op === "unreaction";
}
