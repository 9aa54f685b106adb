/** Reading a room's messages: what was, and waiting for what comes. */
import { DomainError } from "../../domain/errors.ts";
import type { TimelineEntry } from "../../domain/message-use-cases.ts";
import type { Actor, Conversation, LoggedEvent } from "../../domain/model.ts";
import type { Following } from "../../domain/ports/feed.ts";
import type { PollingClient } from "./long-polls.ts";
import type { MessageBody } from "./message-shapes.ts";
import type { TalkParts } from "./parts.ts";
import { speaks, TALK_EVENTS } from "./system-messages.ts";

export interface Wanted {
  lookIntoFuture: boolean;
  limit: number;
  /** 0: from the end. */
  lastKnownMessageId: number;
  /** Seconds. */
  timeout: number;
  setReadMarker: boolean;
  includeLastKnown: boolean;
}

const MAX_TIMEOUT_S = 30;
const MAX_PAGE = 200;
/** Of a log that says nothing for long (people coming and going), this many pages are looked through at once. */
const MAX_PAGES = 100;

type Cursor = { before?: number } | { after: number };

export function createChatReading({
  useCases,
  store,
  shapes,
  feed,
  polls,
}: Pick<TalkParts, "useCases" | "store" | "shapes" | "feed" | "polls">) {
  const { timeline, participants } = useCases;

  /** Up to `limit` messages from the cursor on, with system messages counted as what they are. */
  async function gather(
    actor: Actor,
    room: Conversation,
    from: Cursor,
    limit: number,
  ): Promise<MessageBody[]> {
    const found: TimelineEntry[] = [];
    let cursor = from;
    for (let page = 0; page < MAX_PAGES && found.length < limit; page++) {
      const size = { limit: page === 0 ? limit : MAX_PAGE, types: TALK_EVENTS };
      const { entries, more } = await timeline.page(actor, room.token, { ...cursor, ...size });
      found.push(...entries.filter((entry) => speaks(entry, room.type)));
      const last = entries.at(-1)?.event.seq;
      if (!more || last === undefined) break;
      cursor = "after" in cursor ? { after: last } : { before: last };
    }
    return await shapes.of(actor, room, found.slice(0, limit));
  }

  /**
   * For who heard of nothing after a place. One past the log's end is of a log that was lost with a restore of the
   * database: then the newest messages are the answer, or everything up to that place would be missed.
   */
  async function unlessLost(actor: Actor, room: Conversation, after: number, limit: number) {
    const [log] = after === 0 ? [] : await store.log.heads([room.id]);
    return log && after > log.head ? (await gather(actor, room, {}, limit)).reverse() : [];
  }

  async function wait(
    actor: Actor,
    room: Conversation,
    { after, limit, timeoutMs }: { after: number; limit: number; timeoutMs: number },
    client: PollingClient,
  ): Promise<MessageBody[]> {
    const poll = polls.open({ timeoutMs, ...client });
    let following: Following | null = null;
    let isBehind = false;
    let hasWaited = false;
    const heard = (event: LoggedEvent) => {
      if (!matters(event)) return;
      isBehind ||= event.seq <= after;
      poll.wake();
    };
    try {
      // Followed before the log is read: nothing can come in between.
      following = await feed().followRoom(room.id, { event: heard, lost: poll.finish });
      for (;;) {
        let found = await gather(actor, room, { after }, limit);
        if (found.length === 0 && (poll.over || isBehind))
          found = await unlessLost(actor, room, after, limit);
        if (found.length > 0 || poll.over) {
          if (hasWaited) await poll.requireValid();
          return found;
        }
        isBehind = false;
        hasWaited = true;
        await poll.news();
      }
    } finally {
      following?.stop();
      poll.end();
    }
  }

  return async (
    actor: Actor,
    room: Conversation,
    wanted: Wanted,
    client: PollingClient,
  ): Promise<MessageBody[]> => {
    const { lookIntoFuture, lastKnownMessageId, includeLastKnown, limit } = wanted;
    const known = Math.max(0, lastKnownMessageId);
    if (!lookIntoFuture) {
      const before = includeLastKnown ? known + 1 : known;
      return await gather(actor, room, lastKnownMessageId === 0 ? {} : { before }, limit);
    }
    await participants.ping(actor, room.token);
    if (wanted.setReadMarker && actor.kind === "user" && known > 0) {
      await participants.markRead(actor, room.token, known).catch(unlessPastHead);
    }
    const after = Math.max(0, includeLastKnown ? known - 1 : known);
    const timeoutMs = Math.min(wanted.timeout, MAX_TIMEOUT_S) * 1_000;
    if (timeoutMs > 0) return await wait(actor, room, { after, limit, timeoutMs }, client);
    const found = await gather(actor, room, { after }, limit);
    return found.length > 0 ? found : await unlessLost(actor, room, after, limit);
  };
}

/** Also what ends the right to read on: then reading again says so. */
function matters({ type }: LoggedEvent): boolean {
  return type === "room.deleted" || TALK_EVENTS.includes(type);
}

/** An id from the future moves nothing. */
function unlessPastHead(error: unknown): void {
  if (!(error instanceof DomainError) || error.code !== "bad_request") throw error;
}
