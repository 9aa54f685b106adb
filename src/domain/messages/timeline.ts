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
import { ALL, type MessageViews, type Sight, sightOf } from "./message-views.ts";

const MAX_PAGE = 200;
const MESSAGES: readonly EventType[] = ["message"];

export function createTimeline(context: Context, views: MessageViews, recount: Recount): Timeline {
  const { store, accesses, now } = context;

  /** The part of a room that the actor may read. */
  async function visible(actor: Actor, room: string): Promise<Visible> {
    const { roomId, membership } = await accesses.require(actor, room, "read");
    return { roomId, ...sightOf(actor, membership) };
  }

  /** The parts of all the actor's rooms that the actor may read, without rooms in whose lobby the actor waits. */
  async function visibleRooms(actor: Actor): Promise<Visible[]> {
    const rooms = await store.messages.roomsOf(memberKey(actor));
    return rooms
      .filter(({ room, membership }) => can(membership, room, "read", now()) === null)
      .map(({ room, membership }) => ({ roomId: room.id, ...sightOf(actor, membership) }));
  }

  async function entryAt(place: MessagePlace, sight: Sight): Promise<TimelineEntry | null> {
    const events = place.seq > sight.historyFrom ? await store.messages.at([place]) : [];
    return (await views.entries(events, () => sight))[0] ?? null;
  }

  async function messageAt(place: MessagePlace, sight: Sight): Promise<MessageView> {
    const entry = await entryAt(place, sight);
    if (!entry?.message) throw noSuchMessage();
    return entry.message;
  }

  return {
    async page(actor, room, page) {
      checkRange(page);
      const sight = await visible(actor, room);
      const { historyFrom, ...rest } = sight;
      const { after, before, limit, types = MESSAGES } = page;
      const found = await store.messages.page({
        ...rest,
        after: Math.max(historyFrom, after ?? 0),
        before: before ?? Number.MAX_SAFE_INTEGER,
        from: after === undefined ? "newest" : "oldest",
        types,
        limit: limit + 1,
      });
      const entries = await views.entries(found.slice(0, limit), () => sight);
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
      return await messageAt(place, sightOf(actor, found.membership));
    },
    async last(actor, roomIds, types = MESSAGES) {
      const wanted = new Set(roomIds);
      const rooms = (await visibleRooms(actor)).filter(({ roomId }) => wanted.has(roomId));
      const sights = new Map(rooms.map((each) => [each.roomId, each]));
      const events = rooms.length === 0 ? [] : await store.messages.last(rooms, types);
      const entries = await views.entries(events, (id) => sights.get(id) ?? ALL);
      return new Map(entries.map((entry) => [entry.event.roomId, entry]));
    },
    async sent(actor, room, { seq, event }) {
      // Whoever sent it just now may see it, and the message that it answers.
      if (event) return (await views.entries([event], () => ALL))[0] ?? null;
      const { roomId, ...sight } = await visible(actor, room);
      return await entryAt({ roomId, seq }, sight);
    },
    async entries(actor, room, events) {
      const { roomId, ...sight } = await visible(actor, room);
      if (events.some((event) => event.roomId !== roomId)) throw noSuchRoom();
      const seen = events.filter(({ seq }) => seq > sight.historyFrom);
      return await views.entries(seen, () => sight);
    },
    async entriesForAll(events) {
      return await views.entries(await store.messages.at(events), () => ALL);
    },
    async snapshot(place) {
      const [entry] = await views.entries(await store.messages.at([place]), () => ALL);
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
    const sights = new Map(rooms.map((each) => [each.roomId, each]));
    const entries = await views.entries(items, (id) => sights.get(id) ?? ALL);
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
