/** Looking messages up by their words: see `MessageSearch`. causeway_search.sql says how the index is read. Nothing here locks. */
import type { MessagePlace } from "../../domain/ids.ts";
import type { LoggedEvent, MemberKey, Role, RoomRules } from "../../domain/model.ts";
import type {
  Candidates,
  MessageSearch,
  SearchableRoom,
  SearchPlace,
  SearchQuery,
} from "../../domain/ports/store/search.ts";
import { eventList } from "../log/log.ts";
import { placeList } from "../log/message-rows.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent } from "../sql/rows.ts";
import { neededTerms, roomTerm, termsOf } from "./terms.ts";
import { type LogPart, touchedMessages } from "./unindexed.ts";

/** So many rooms are named to the index; of more rooms' messages those are sorted out that are in others. */
const MAX_NAMED_ROOMS = 128;
/** So many events of all rooms together are looked at one by one: it costs less than the index. */
const MAX_SMALL = 1_000;
/** Events beyond the index that a search reads from the log itself. */
const MAX_TAIL = 1_000;
/** Beyond every room and every seq. */
const LAST = Number.MAX_SAFE_INTEGER;

/** See `MessageSearch`. */
export function createMessageSearch(db: Database): MessageSearch {
  return {
    rooms: (member, roomId) => searchableRooms(db, member, roomId ?? null),
    candidates: (rooms, query, below, limit) => candidates(db, rooms, query, below, limit),
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
  only: number | null,
): Promise<SearchableRoom[]> {
  const rows = await read(sql<RoomRow[]>`
    with mine as materialized (
      select conversation_id, role, history_from from memberships
      where member = ${member} and (${only}::bigint is null or conversation_id = ${only})
    )
    select c.id, c.type, c.read_only as "readOnly", c.lobby, c.lobby_until as "lobbyUntil", c.blocked, m.role,
           m.history_from as "historyFrom", h.head_seq as head, h.last_activity as "lastActivity",
           coalesce(w.seq, 0) as indexed
    from mine m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    left join word_heads w on w.conversation_id = m.conversation_id`);
  return rows.map(({ role, historyFrom, head, lastActivity, indexed, ...rules }) => ({
    ...{ rules, role, historyFrom, head, lastActivity, indexed },
  }));
}

async function candidates(
  db: Database,
  rooms: readonly SearchableRoom[],
  query: SearchQuery,
  below: SearchPlace | null,
  limit: number,
): Promise<Candidates> {
  if (rooms.length === 0) return { events: [], next: null, behind: null };
  const top = topOf(rooms, query, below);
  const needed = neededTerms(query);
  const parts = unindexedParts(rooms);
  const [indexed, tail, behind] = await Promise.all([
    fromIndex(db, { rooms, needed, top, after: query.after ?? 0, limit: limit + 1 }),
    fromLog(db, parts, needed),
    behindSince(db, parts),
  ]);
  const { until } = indexed;
  const visibleFrom = new Map(rooms.map(({ rules, historyFrom }) => [rules.id, historyFrom]));
  const places = distinct([...indexed.places, ...tail])
    .filter(({ roomId, seq }) => seq > (visibleFrom.get(roomId) ?? LAST))
    .filter((place) => compare(place, top) > 0 && place.at > (until ?? query.after ?? 0))
    .sort(compare);
  const page = places.slice(0, limit);
  const unfinished = until === null ? null : { at: until, roomId: LAST, seq: LAST };
  const next = places.length > limit ? (page.at(-1) ?? null) : unfinished;
  return { events: await eventsAt(db, page), next, behind };
}

/** All candidates are below this place. */
function topOf(
  rooms: readonly SearchableRoom[],
  { before = LAST }: SearchQuery,
  below: SearchPlace | null,
): SearchPlace {
  const newest = rooms.reduce((most, { lastActivity }) => Math.max(most, lastActivity), 0);
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
  rooms: readonly SearchableRoom[];
  needed: readonly number[];
  top: SearchPlace;
  after: number;
  limit: number;
}

/** What the index has; `until`: only messages after this time were looked at, null: all. */
async function fromIndex(
  { sql, read }: Database,
  { rooms, needed, top, after, limit }: IndexLook,
): Promise<{ places: SearchPlace[]; until: number | null }> {
  const ids = rooms.map(({ rules }) => rules.id);
  const small = rooms.reduce((sum, { head, historyFrom }) => sum + head - historyFrom, 0) <= MAX_SMALL;
  const named = small || ids.length > MAX_NAMED_ROOMS ? null : ids.map(roomTerm);
  const rows = await read(sql<{ room: number | null; seq: number; at: number }[]>`
    select room, seq, at from causeway_search(
      ${needed}::integer[], ${ids}::bigint[], ${rooms.map(({ historyFrom }) => historyFrom)}::bigint[],
      ${named}::integer[], ${small}, ${top.at}, ${top.roomId}, ${top.seq}, ${after}, ${limit})`);
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

/** The messages at these places as they are now, in this order. */
async function eventsAt({ sql, read }: Database, places: readonly MessagePlace[]): Promise<LoggedEvent[]> {
  if (places.length === 0) return [];
  const rows = await read(sql<EventRow[]>`
    select ${eventList(sql)} from ${placeList(sql, places)} as k (room, seq)
    join events e on e.conversation_id = k.room and e.seq = k.seq and e.type = 'message' and not e.deleted`);
  return rows.map(loggedEvent).sort((a, b) => compare(a, b));
}
