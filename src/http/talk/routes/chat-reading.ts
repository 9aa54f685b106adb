/** Reading a room's messages: history, and long polls for new messages. */
import { DomainError } from "../../../domain/errors.ts";
import { dataOf } from "../../../domain/event-data.ts";
import type { Actor, LoggedEvent, Membership, Room } from "../../../domain/model.ts";
import type { Following } from "../../../domain/ports/feed.ts";
import type { TimelineEntry } from "../../../domain/use-cases/messages.ts";
import type { ClientName } from "../../../domain/use-cases/rooms.ts";
import type { PollingClient } from "../common/long-polls.ts";
import type { TalkParts } from "../common/parts.ts";
import { createLiveMessages } from "../shapes/live-messages.ts";
import type { MessageBody } from "../shapes/message-shapes.ts";
import { speaks, TALK_EVENTS } from "../shapes/system-messages.ts";

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
/** The most pages that one request reads, for logs in which messages are rare among other events. */
const MAX_PAGES = 100;

/** Reader and room, as they were checked with the request. */
export interface Reader {
  actor: Actor;
  /** The actor's client; undefined for guests. */
  client: ClientName | undefined;
  room: Room;
  me: Pick<Membership, "historyFrom" | "hiddenNo">;
}

interface Place {
  after: number;
  limit: number;
}

/** Events since the last answer to the reader. */
interface Heard {
  events: LoggedEvent[];
  /** Whether these are all new events; if not, the log has to be read. */
  isEnough: boolean;
  /** Whether there was an event at or before the client's cursor. */
  isBehind: boolean;
}

type Cursor = { before?: number } | { after: number };

export function createChatReading({
  useCases,
  shapes,
  feed,
  polls,
}: Pick<TalkParts<"joining" | "messages" | "timeline">, "useCases" | "shapes" | "feed" | "polls">) {
  const { messages, joining, timeline } = useCases;
  const live = createLiveMessages(timeline, shapes);

  /** Up to `limit` messages from the cursor on, with system messages counted as what they are. */
  async function gather(actor: Actor, room: Room, from: Cursor, limit: number): Promise<MessageBody[]> {
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
   * When there is nothing after a cursor: a cursor past the head is from a log that a restore of the database has cut. Then
   * the answer is the newest messages, or the client would miss everything up to its cursor.
   */
  async function unlessLost(actor: Actor, room: Room, after: number, limit: number) {
    const head = after === 0 ? null : await timeline.head(room.id);
    return head !== null && after > head ? (await gather(actor, room, {}, limit)).reverse() : [];
  }

  /** The messages of new events for a reader who was checked before them; read from the log where the events are not all. */
  async function newsOf({ actor, room, me }: Reader, { events, isEnough }: Heard, { after, limit }: Place) {
    const later = events.filter(({ seq }) => seq > after);
    // Who hid messages may see another one than others, and other answered ones.
    const isShared = isEnough && me.hiddenNo === 0;
    const shared = isShared ? await live.of(room, later, me.historyFrom) : null;
    return shared?.slice(0, limit) ?? (await gather(actor, room, { after }, limit));
  }

  async function wait(
    reader: Reader,
    { timeoutMs, ...place }: Place & { timeoutMs: number },
    client: PollingClient,
  ): Promise<MessageBody[]> {
    const { actor, room } = reader;
    const { after, limit } = place;
    const poll = polls.open({ timeoutMs, ...client });
    let following: Following | null = null;
    let hasWaited = false;
    let isJudged = true;
    // The first look reads the log and checks permissions.
    let heard: Heard = { events: [], isEnough: false, isBehind: false };
    const hear = (event: LoggedEvent) => {
      live.heard(event);
      if (!matters(event)) return;
      heard.events.push(event);
      heard.isBehind ||= event.seq <= after;
      isJudged &&= !changesAccess(event, actor);
      poll.wake();
    };
    try {
      // Following begins before the log is read, so that no event is missed in between.
      following = await feed().followRoom(room.id, { event: hear, lost: poll.finish });
      for (;;) {
        // When the poll ends without news, the log is read once more.
        const now = { ...heard, isEnough: heard.isEnough && isJudged && !poll.over };
        heard = { events: [], isEnough: true, isBehind: false };
        let found = await newsOf(reader, now, place);
        if (found.length === 0 && (poll.over || now.isBehind))
          found = await unlessLost(actor, room, after, limit);
        if (found.length > 0 || poll.over) {
          if (hasWaited) await poll.requireValid();
          return found;
        }
        hasWaited = true;
        await poll.news();
      }
    } finally {
      following?.stop();
      poll.end();
    }
  }

  return async (reader: Reader, wanted: Wanted, client: PollingClient): Promise<MessageBody[]> => {
    const { actor, room } = reader;
    const { lookIntoFuture, lastKnownMessageId, includeLastKnown, limit } = wanted;
    const known = Math.max(0, lastKnownMessageId);
    if (!lookIntoFuture) {
      const before = includeLastKnown ? known + 1 : known;
      return await gather(actor, room, lastKnownMessageId === 0 ? {} : { before }, limit);
    }
    await joining.ping(actor, room.token, reader.client);
    if (wanted.setReadMarker && actor.kind === "user" && known > 0) {
      await messages.markRead(actor, room.token, known).catch(unlessPastHead);
    }
    const after = Math.max(0, includeLastKnown ? known - 1 : known);
    const timeoutMs = Math.min(wanted.timeout, MAX_TIMEOUT_S) * 1_000;
    if (timeoutMs > 0) return await wait(reader, { after, limit, timeoutMs }, client);
    const found = await gather(actor, room, { after }, limit);
    return found.length > 0 ? found : await unlessLost(actor, room, after, limit);
  };
}

/** Whether an event concerns the reader: messages, and events that may end the right to read, which reading then checks. */
function matters({ type }: LoggedEvent): boolean {
  return type === "room.deleted" || TALK_EVENTS.includes(type);
}

const ABOUT_MEMBERS: ReadonlySet<string> = new Set(["member.joined", "member.left", "member.changed"]);

/** Whether the event may change what the reader may see of the room. */
function changesAccess(event: LoggedEvent, actor: Actor): boolean {
  const { type } = event;
  if (type === "room.deleted" || type === "room.changed") return true;
  if (!ABOUT_MEMBERS.has(type)) return false;
  const { member } = dataOf<"member.joined">(event);
  return member.kind === actor.kind && member.id === actor.id;
}

/** Ignores read markers past the head. */
function unlessPastHead(error: unknown): void {
  if (!(error instanceof DomainError) || error.code !== "bad_request") throw error;
}
