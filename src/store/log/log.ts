/** Reads of the room log. None of them locks. */
import { actorOf, type LoggedEvent, type MemberKey } from "../../domain/model.ts";
import {
  type LogPlace,
  type PlaceInLog,
  REACTION_ACTORS,
  type RoomLog,
} from "../../domain/ports/store/log.ts";
import type { Database } from "../sql/database.ts";
import {
  CONVERSATION,
  columns,
  type EventRow,
  HEAD,
  loggedEvent,
  MEMBERSHIP,
  noun,
  type Row,
} from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";
import { isShownTo } from "./message-rows.ts";
import { callerList, runningCalls } from "./running-calls.ts";
import { createThreads } from "./threads.ts";
import { createUnread } from "./unread.ts";

export type LogQueries = Omit<RoomLog, "append" | "markRead" | "opened">;

/**
 * The select list of {@link EventRow} for an event `e`. A deleted room's log stays readable until housekeeping removes it,
 * because other processes fetch its last events, `room.deleted` among them.
 */
export function eventList(sql: Sql): Statement<EventRow[]> {
  return sql<EventRow[]>`
    e.conversation_id, e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data,
    coalesce((select token from room_heads where conversation_id = e.conversation_id),
             (select token from deleted_rooms where conversation_id = e.conversation_id)) as room`;
}

/** See `RoomLog.places`. The time of the event at the head is the room's last activity. */
export function placesInLog(
  sql: Sql,
  wanted: readonly Pick<LogPlace, "roomId" | "seq">[],
): Statement<PlaceInLog[]> {
  return sql<PlaceInLog[]>`
    select h.conversation_id as "roomId", h.head_seq as head,
           case when w.seq = h.head_seq then h.last_activity
                else (select e.at from events e where e.conversation_id = h.conversation_id and e.seq = w.seq) end as at
    from unnest(${wanted.map(({ roomId }) => roomId)}::bigint[],
                ${wanted.map(({ seq }) => seq)}::bigint[]) as w (room, seq)
    join room_heads h on h.conversation_id = w.room`;
}

export function createLogQueries(db: Database): LogQueries {
  const { sql } = db;
  const eventColumns = eventList(sql);
  return {
    runningCalls: async (ids) => runningCalls(await db.read(callerList(sql, ids))),
    async range(roomId, after, upTo, limit) {
      const rows = await db.read(sql<EventRow[]>`
        select ${eventColumns} from events e
        where e.conversation_id = ${roomId} and e.seq > ${after} and e.seq <= ${upTo}
        order by e.seq limit ${limit}`);
      return rows.map(loggedEvent);
    },
    async rangeMany(wanted, limitEach) {
      if (wanted.length === 0) return [];
      const rooms = wanted.map(({ roomId }) => roomId);
      const after = wanted.map((room) => room.after);
      const upTo = wanted.map((room) => room.upTo);
      const rows = await db.read(sql<EventRow[]>`
        select ${eventColumns}
        from unnest(${rooms}::bigint[], ${after}::bigint[], ${upTo}::bigint[]) as w (room, after, up_to)
        cross join lateral (
          select * from events e
          where e.conversation_id = w.room and e.seq > w.after and e.seq <= w.up_to order by e.seq limit ${limitEach}
        ) e
        order by e.conversation_id, e.seq`);
      return rows.map(loggedEvent);
    },
    async event(roomId, seq) {
      const [row] = await db.read(sql<EventRow[]>`
        select ${eventColumns} from events e where e.conversation_id = ${roomId} and e.seq = ${seq}`);
      return row ? loggedEvent(row) : null;
    },
    async places(wanted) {
      return wanted.length === 0 ? [] : await db.read(placesInLog(sql, wanted));
    },
    async heads(roomIds) {
      if (roomIds.length === 0) return [];
      const rows = await db.read(sql<Row[]>`
        select ${columns(sql, "h", HEAD)} from room_heads h where h.conversation_id = any (${roomIds}::bigint[])`);
      return rows.map((row) => noun(row, "h", HEAD));
    },
    unread: createUnread(db),
    history: (token, member, page) => history(db, token, member, page),
    seqAt: (roomId, at) => seqAt(db, roomId, at),
  };
}

/** seq, type, client id, actor, actor's name, at, data */
type PackedEvent = [number, string, string | null, string, string, number, string];

/** The events of a room `c`, or the living answers of a thread in it, up to the beginning of a condition. */
function eventsOf(sql: Sql, thread: number | undefined): Statement<Row[]> {
  if (thread === undefined) return sql<Row[]>`events e where`;
  return sql<Row[]>`
    thread_answers t join events e on e.conversation_id = t.conversation_id and e.seq = t.seq
    where t.conversation_id = c.id and t.root = ${thread} and`;
}

async function history(
  db: Database,
  token: string,
  member: MemberKey,
  { before, after, thread, limit }: Parameters<RoomLog["history"]>[2],
): ReturnType<RoomLog["history"]> {
  const { sql } = db;
  const order = after === undefined ? sql`desc` : sql`asc`;
  // One row has the whole page in one value; otherwise the room's columns would come with each event. The page has one
  // event more than asked for, which shows whether there are more.
  const [row] = await db.read(sql<(Row & { page: PackedEvent[]; reacted: boolean; threaded: boolean })[]>`
    select ${columns(sql, "c", CONVERSATION)}, ${columns(sql, "m", MEMBERSHIP)}, p.page,
           exists (select from reactions r where r.conversation_id = c.id and r.seq between p.first_seq and p.last_seq)
             as reacted,
           exists (select from threads t where t.conversation_id = c.id and t.root between p.first_seq and p.last_seq)
             as threaded
    from conversations c
    join memberships m on m.conversation_id = c.id and m.member = ${member}
    cross join lateral (
      select coalesce(json_agg(json_build_array(e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data)
                               order by e.seq), '[]') as page,
             min(e.seq) as first_seq, max(e.seq) as last_seq
      from (
        select e.* from ${eventsOf(sql, thread)} e.conversation_id = c.id and e.seq > greatest(m.history_from, ${after ?? 0}::bigint)
          and ${isShownTo(sql, "e")} and e.seq < ${before ?? Number.MAX_SAFE_INTEGER}::bigint
        order by e.seq ${order} limit ${limit + 1}
      ) e
    ) p
    where c.token = ${token}`);
  if (!row) return null;
  const room = noun(row, "c", CONVERSATION);
  const more = row.page.length > limit;
  const kept = more ? (after === undefined ? row.page.slice(1) : row.page.slice(0, limit)) : row.page;
  const events = kept.map((packed) => unpacked(packed, room.id, token));
  const [reactions, threads] = await Promise.all([
    row.reacted ? reactionCounts(db, member, events) : [],
    row.threaded ? threadsOf(db, member, events) : [],
  ]);
  return { events, more, reactions, threads, room, membership: noun(row, "m", MEMBERSHIP) };
}

interface ReactionCountRow {
  seq: number;
  name: string;
  count: number;
  me: boolean;
  actors: [MemberKey, string][];
}

/** The reactions to a page of events. Most pages have none, and need no query. */
async function reactionCounts(db: Database, member: MemberKey, events: readonly LoggedEvent[]) {
  const [first, last] = [events[0], events.at(-1)];
  if (!first || !last) return [];
  const rows = await db.read(db.sql<ReactionCountRow[]>`
    select seq, name, count(*) as count, bool_or(member = ${member}) as me,
           to_json((array_agg(json_build_array(member, actor_name) order by at, member))[1:${REACTION_ACTORS}::int]) as actors
    from reactions
    where conversation_id = ${first.roomId} and seq between ${first.seq} and ${last.seq}
    group by seq, name
    order by seq, min(at), name`);
  return rows.map(({ actors, ...row }) => ({
    ...row,
    actors: actors.map(([key, name]) => actorOf(key, name)),
  }));
}

/** The threads that begin in a page of events. Most pages have none, and need no query. */
async function threadsOf(db: Database, member: MemberKey, events: readonly LoggedEvent[]) {
  const [first, last] = [events[0], events.at(-1)];
  return first && last ? await createThreads(db).between(first.roomId, member, first.seq, last.seq) : [];
}

/** Halves the log until one seq is left: later events have later times, and no seq is missing. */
async function seqAt(db: Database, roomId: number, at: number): Promise<number> {
  const [row] = await db.read(db.sql<{ seq: number }[]>`
    with recursive search (low, high) as (
      select 1::bigint, h.head_seq + 1 from room_heads h where h.conversation_id = ${roomId}
      union all
      select case when e.at < ${at} then e.seq + 1 else s.low end, case when e.at < ${at} then s.high else e.seq end
      from search s
      join events e on e.conversation_id = ${roomId} and e.seq = (s.low + s.high) / 2
      where s.low < s.high
    )
    select low as seq from search where low = high`);
  return row?.seq ?? 1;
}

function unpacked(packed: PackedEvent, conversation_id: number, room: string): LoggedEvent {
  const [seq, type, client_id, actor, actor_name, at, data] = packed;
  return loggedEvent({ conversation_id, room, seq, type, client_id, actor, actor_name, at, data });
}
