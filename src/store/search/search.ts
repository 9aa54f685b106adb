/** Looking messages up by their words: see `MessageSearch`. causeway_search.sql says how the index is read. Nothing here locks. */
import type { MessagePlace } from "../../domain/ids.ts";
import type { LoggedEvent, MemberKey, Role, RoomRules } from "../../domain/model.ts";
import type {
  Candidates,
  MessageSearch,
  SearchableRoom,
  SearchPlace,
  SearchQuery,
  SearchScope,
} from "../../domain/ports/store/search.ts";
import { eventList } from "../log/log.ts";
import { isNotHidden, placeList } from "../log/message-rows.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent } from "../sql/rows.ts";
import { neededTerms, roomTerm, termsOf } from "./terms.ts";
import { type LogPart, touchedMessages } from "./unindexed.ts";

/** Of a member with more rooms each message that is found is looked up in their memberships. */
const MAX_KNOWN_ROOMS = 128;
/** So many events of all rooms together are looked at one by one: it costs less than the index. */
const MAX_SMALL = 2_000;
/** So many rooms are named to the index at once. More are named when their messages are too rare to be met otherwise. */
const MAX_NAMED_ROOMS = 8;
/** Events beyond the index that a search reads from the log itself, and rooms that have some, of a member with many. */
const MAX_TAIL = 1_000;
/** Where rooms are not known, a search begins so far beyond now: clocks differ. */
const AHEAD_MS = 10_000;
/** Beyond every room and every seq. */
const LAST = Number.MAX_SAFE_INTEGER;

export interface SearchOptions {
  /** Rooms with events that this process committed and the index does not know yet. */
  unindexed(): Iterable<number>;
  now(): number;
}

/** See `MessageSearch`. */
export function createMessageSearch(db: Database, options: SearchOptions): MessageSearch {
  return {
    async rooms(member, named) {
      const found = await searchableRooms(db, member, named ?? null);
      return named === undefined && found.length > MAX_KNOWN_ROOMS ? null : found;
    },
    candidates: (scope, query, below, limit) => candidates(db, options, { scope, query, below, limit }),
  };
}

interface RoomRow extends RoomRules {
  role: Role;
  historyFrom: number;
  head: number;
  lastActivity: number;
  indexed: number;
}

async function searchableRooms(
  { sql, read }: Database,
  member: MemberKey,
  named: readonly number[] | null,
): Promise<SearchableRoom[]> {
  const which = named === null ? sql`` : sql`and conversation_id = any (${[...named]}::bigint[])`;
  const rows = await read(sql<RoomRow[]>`
    select c.id, c.type, c.read_only as "readOnly", c.posting, c.lobby, c.lobby_until as "lobbyUntil", c.blocked, m.role,
           m.history_from as "historyFrom", h.head_seq as head, h.last_activity as "lastActivity",
           coalesce(w.seq, 0) as indexed
    from (
      select * from memberships where member = ${member} ${which}
      limit ${named === null ? MAX_KNOWN_ROOMS + 1 : named.length}
    ) m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    left join word_heads w on w.conversation_id = m.conversation_id`);
  return rows.map(({ role, historyFrom, head, lastActivity, indexed, ...rules }) => ({
    ...{ rules, role, historyFrom, head, lastActivity, indexed },
  }));
}

interface Asked {
  scope: SearchScope;
  query: SearchQuery;
  below: SearchPlace | null;
  limit: number;
}

async function candidates(
  db: Database,
  options: SearchOptions,
  { scope, query, below, limit }: Asked,
): Promise<Candidates> {
  const { member, rooms } = scope;
  if (rooms?.length === 0) return { events: [], next: null, behind: null };
  const beyond = rooms ?? (await searchableRooms(db, member, first(options.unindexed(), MAX_TAIL)));
  const newest = rooms
    ? Math.max(...rooms.map(({ lastActivity }) => lastActivity))
    : options.now() + AHEAD_MS;
  const top = topOf(newest, query, below);
  const after = query.after ?? 0;
  const needed = neededTerms(query);
  const parts = unindexedParts(beyond);
  const [indexed, tail, behind] = await Promise.all([
    fromIndex(db, scope, { needed, top, after, limit: limit + 1 }),
    fromLog(db, parts, needed),
    behindSince(db, parts),
  ]);
  const { until } = indexed;
  const seenFrom = new Map(beyond.map(({ rules, historyFrom }) => [rules.id, historyFrom]));
  const seenTail = tail.filter(({ roomId, seq }) => seq > (seenFrom.get(roomId) ?? LAST));
  const places = distinct([...indexed.places, ...seenTail])
    .filter((place) => compare(place, top) > 0 && place.at > (until ?? after))
    .sort(compare);
  const page = places.slice(0, limit);
  const unfinished = until === null ? null : { at: until, roomId: LAST, seq: LAST };
  const next = places.length > limit ? (page.at(-1) ?? null) : unfinished;
  return { events: await eventsAt(db, member, page), next, behind };
}

function first<T>(items: Iterable<T>, most: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    if (found.length === most) break;
    found.push(item);
  }
  return found;
}

/** All candidates are below this place. */
function topOf(newest: number, { before = LAST }: SearchQuery, below: SearchPlace | null): SearchPlace {
  const at = Math.min(newest, before - 1);
  return below !== null && below.at <= at ? below : { at, roomId: LAST, seq: LAST };
}

/** The last first. */
function compare(a: SearchPlace, b: SearchPlace): number {
  return b.at - a.at || b.roomId - a.roomId || b.seq - a.seq;
}

function distinct(places: readonly SearchPlace[]): SearchPlace[] {
  return [...new Map(places.map((place) => [`${place.roomId} ${place.seq}`, place])).values()];
}

interface IndexLook {
  needed: readonly number[];
  top: SearchPlace;
  after: number;
  limit: number;
}

/** What the index has; `until`: only messages after this time were looked at, null: all. */
interface Indexed {
  places: SearchPlace[];
  until: number | null;
}

async function fromIndex(db: Database, scope: SearchScope, look: IndexLook): Promise<Indexed> {
  const { rooms } = scope;
  const events = rooms?.reduce((sum, { head, historyFrom }) => sum + head - historyFrom, 0) ?? LAST;
  if (events <= MAX_SMALL) return await lookUp(db, scope, look, "small");
  if (rooms === null) return await lookUp(db, scope, look, "words");
  if (rooms.length <= MAX_NAMED_ROOMS) return await lookUp(db, scope, look, "named");
  const found = await lookUp(db, scope, look, "words");
  if (found.until === null) return found;
  const top = { at: found.until, roomId: LAST, seq: LAST };
  const rest = await lookUp(db, scope, { ...look, top, limit: look.limit - found.places.length }, "named");
  return { places: [...found.places, ...rest.places], until: rest.until };
}

/** @param how whether all messages of the rooms are looked at, or the index is asked for words alone, or for the rooms too */
async function lookUp(
  { sql, read }: Database,
  { member, rooms }: SearchScope,
  { needed, top, after, limit }: IndexLook,
  how: "small" | "words" | "named",
): Promise<Indexed> {
  const ids = rooms?.map(({ rules }) => rules.id) ?? [];
  const from = rooms?.map(({ historyFrom }) => historyFrom) ?? [];
  const rows = await read(sql<{ room: number | null; seq: number; at: number }[]>`
    select room, seq, at from causeway_search(
      ${needed}::integer[], ${rooms ? null : member}::text, ${ids}::bigint[], ${from}::bigint[],
      ${how === "named" ? ids.map(roomTerm) : null}::integer[], ${how === "small"},
      ${top.at}, ${top.roomId}, ${top.seq}, ${after}, ${limit})`);
  const places = rows.flatMap(({ room, seq, at }) => (room === null ? [] : [{ roomId: room, seq, at }]));
  return { places, until: rows.find(({ room }) => room === null)?.at ?? null };
}

/** What the index does not know yet of these rooms. */
function unindexedParts(rooms: readonly SearchableRoom[]): LogPart[] {
  return rooms
    .filter(({ head, indexed, historyFrom }) => head > Math.max(indexed, historyFrom))
    .map(({ rules, head, indexed }) => ({ roomId: rules.id, after: indexed, upTo: head }));
}

/** Candidates of the log, the newest of each part where they are many. */
async function fromLog(
  { sql, read }: Database,
  parts: readonly LogPart[],
  needed: readonly number[],
): Promise<SearchPlace[]> {
  if (parts.length === 0) return [];
  const touched = touchedMessages(sql, parts, Math.ceil(MAX_TAIL / parts.length));
  const rows = await read(sql<EventRow[]>`
    select ${eventList(sql)} from (${touched}) k
    join events e on e.conversation_id = k.conversation_id and e.seq = k.seq and e.type = 'message' and not e.deleted`);
  const messages = rows.map(loggedEvent).filter((message) => {
    const terms = new Set(termsOf(message));
    return needed.every((term) => terms.has(term));
  });
  return messages.map(({ roomId, seq, at }) => ({ roomId, seq, at }));
}

/** Since when messages are missing of the parts; null: they are so short that none are. */
async function behindSince({ sql, read }: Database, parts: readonly LogPart[]): Promise<number | null> {
  const each = Math.ceil(MAX_TAIL / parts.length);
  const long = parts.filter(({ after, upTo }) => upTo - after > each);
  if (long.length === 0) return null;
  const [row] = await read(sql<[{ at: number | null }]>`
    select min(e.at) as at
    from unnest(${long.map(({ roomId }) => roomId)}::bigint[], ${long.map(({ after }) => after)}::bigint[])
      as w (room, after)
    join events e on e.conversation_id = w.room and e.seq = w.after + 1`);
  return row.at;
}

/** The messages at these places as they are now, in this order, without those that the member hid. */
async function eventsAt(
  { sql, read }: Database,
  member: MemberKey,
  places: readonly MessagePlace[],
): Promise<LoggedEvent[]> {
  if (places.length === 0) return [];
  const rows = await read(sql<EventRow[]>`
    select ${eventList(sql)} from ${placeList(sql, places)} as k (room, seq)
    join events e on e.conversation_id = k.room and e.seq = k.seq and e.type = 'message' and not e.deleted
    where ${isNotHidden(sql, "e", member)}`);
  return rows.map(loggedEvent).sort((a, b) => compare(a, b));
}
