/** Lists messages of one or of all rooms of an actor, and finds single messages. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { checkLimit, cursorQuery, cut } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import type { MessagePlace } from "../ids.ts";
import { type Actor, type EventType, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import type { Moment, Visible } from "../ports/store/messages.ts";
import type { Recount } from "../reading/recount.ts";
import type {
  MessagePage,
  MessageView,
  Timeline,
  TimelineEntry,
  TimelinePage,
} from "../use-cases/messages.ts";
import { sweepExpired } from "./expiry.ts";
import type { MessageViews } from "./message-views.ts";

const MAX_PAGE = 200;
const MESSAGES: readonly EventType[] = ["message"];

export function createTimeline(context: Context, views: MessageViews, recount: Recount): Timeline {
  const { store, accesses, now } = context;

  /** The part of a room that the actor may read. */
  async function visible(actor: Actor, room: string): Promise<Visible> {
    const { roomId, membership } = await accesses.require(actor, room, "read");
    return { roomId, historyFrom: membership.historyFrom };
  }

  /** The parts of all the actor's rooms that the actor may read, without rooms in whose lobby the actor waits. */
  async function visibleRooms(actor: Actor): Promise<Visible[]> {
    const rooms = await store.messages.roomsOf(memberKey(actor));
    return rooms
      .filter(({ room, membership }) => can(membership, room, "read", now()) === null)
      .map(({ room, membership }) => ({
        roomId: room.id,
        historyFrom: membership.historyFrom,
      }));
  }

  async function entryAt(place: MessagePlace, historyFrom: number): Promise<TimelineEntry | null> {
    const events = place.seq > historyFrom ? await store.messages.at([place]) : [];
    return (await views.entries(events, () => historyFrom))[0] ?? null;
  }

  async function messageAt(place: MessagePlace, historyFrom: number): Promise<MessageView> {
    const entry = await entryAt(place, historyFrom);
    if (!entry?.message) throw noSuchMessage();
    return entry.message;
  }

  return {
    async page(actor, room, page) {
      checkRange(page);
      const { roomId, historyFrom } = await visible(actor, room);
      const { after, before, limit, types = MESSAGES } = page;
      const found = await store.messages.page({
        roomId,
        after: Math.max(historyFrom, after ?? 0),
        before: before ?? Number.MAX_SAFE_INTEGER,
        from: after === undefined ? "newest" : "oldest",
        types,
        limit: limit + 1,
      });
      const entries = await views.entries(found.slice(0, limit), () => historyFrom);
      return { entries, more: found.length > limit };
    },
    recent: (actor, page) => recent(actor, page),
    async head(roomId) {
      const [log] = await store.log.heads([roomId]);
      return log?.head ?? null;
    },
    async message(actor, place) {
      const found = isPlace(place) ? await store.rooms.locate({ id: place.roomId }, memberKey(actor)) : null;
      if (!found?.membership) throw noSuchMessage();
      const verdict = can(found.membership, found.room, "read", now());
      if (verdict !== null) throw refusal(verdict, "read");
      return await messageAt(place, found.membership.historyFrom);
    },
    async last(actor, roomIds, types = MESSAGES) {
      const wanted = new Set(roomIds);
      const rooms = (await visibleRooms(actor)).filter(({ roomId }) => wanted.has(roomId));
      const from = new Map(rooms.map(({ roomId, historyFrom }) => [roomId, historyFrom]));
      const events = rooms.length === 0 ? [] : await store.messages.last(rooms, types);
      const entries = await views.entries(events, (id) => from.get(id) ?? 0);
      return new Map(entries.map((entry) => [entry.event.roomId, entry]));
    },
    async sent(actor, room, { seq, event }) {
      // Whoever sent it just now may see it, and the message that it answers.
      if (event) return (await views.entries([event], () => 0))[0] ?? null;
      const { roomId, historyFrom } = await visible(actor, room);
      return await entryAt({ roomId, seq }, historyFrom);
    },
    async entries(actor, room, events) {
      const { roomId, historyFrom } = await visible(actor, room);
      if (events.some((event) => event.roomId !== roomId)) throw noSuchRoom();
      const seen = events.filter(({ seq }) => seq > historyFrom);
      return await views.entries(seen, () => historyFrom);
    },
    async entriesForAll(events) {
      return await views.entries(await store.messages.at(events), () => 0);
    },
    async snapshot(place) {
      const [entry] = await views.entries(await store.messages.at([place]), () => 0);
      return entry?.message ?? null;
    },
    sweep: (now) => sweepExpired(context, recount, now),
  };

  async function recent(
    actor: Actor,
    { room, ...page }: MessagePage,
  ): Promise<{ messages: MessageView[]; more: boolean }> {
    const rooms = room === undefined ? await visibleRooms(actor) : [await visible(actor, room)];
    const only = room === undefined ? null : (rooms[0]?.roomId ?? null);
    const query = await cursorQuery(page, (cursor: MessagePlace) => momentOf(actor, only, cursor));
    // Pages towards newer messages stop at the horizon: before it nothing is committed later, so no message is skipped.
    const horizon = query.after === undefined ? { horizon: await store.messages.horizon() } : {};
    const { items, more } = cut(await store.messages.recent(rooms, { ...query, ...horizon }), query);
    const from = new Map(rooms.map(({ roomId, historyFrom }) => [roomId, historyFrom]));
    const entries = await views.entries(items, (id) => from.get(id) ?? 0);
    return { messages: entries.flatMap(({ message }) => message ?? []), more };
  }

  /** When the message at a cursor was sent, also when it was deleted since, or the actor can no longer read its room. */
  async function momentOf(actor: Actor, only: number | null, cursor: MessagePlace): Promise<Moment | null> {
    if (!isPlace(cursor) || (only !== null && cursor.roomId !== only)) return null;
    return await store.messages.momentOf(memberKey(actor), cursor);
  }
}

function checkRange({ before, after, limit }: TimelinePage): void {
  if (before !== undefined && after !== undefined) {
    throw badField("before", "and after must not be given together");
  }
  for (const [field, seq] of Object.entries({ before, after })) {
    if (seq !== undefined && (!Number.isSafeInteger(seq) || seq < 0)) {
      throw badField(field, "must be a seq (an integer of at least 0)");
    }
  }
  checkLimit(limit, MAX_PAGE);
}

function isPlace({ roomId, seq }: MessagePlace): boolean {
  return Number.isSafeInteger(roomId) && Number.isSafeInteger(seq) && seq > 0;
}

function noSuchMessage(): DomainError {
  return new DomainError("not_found", "There is no such message, or you can't see it", { field: "message" });
}
