/**
 * Queries for lists of messages, over one room or many, without deleted messages; and for reactions, attachments and read
 * times of messages. None of them locks.
 */
import type { MessagePlace } from "../../domain/ids.ts";
import { type LoggedEvent, type MemberKey, memberKey } from "../../domain/model.ts";
import type {
  MessageDetails,
  MessageStore,
  Moment,
  StoredReaction,
  Visible,
} from "../../domain/ports/store/messages.ts";
import type { AttachmentQueries } from "../log/attachments.ts";
import type { HiddenMessages } from "../log/hidden.ts";
import { eventList } from "../log/log.ts";
import {
  type AttachmentRow,
  attachmentList,
  isNotHidden,
  isVisible,
  placeList,
  reactionsQuery,
  readAttachment,
  readReaction,
  visibleRooms,
} from "../log/message-rows.ts";
import type { Database } from "../sql/database.ts";
import { settledHorizon } from "../sql/horizon.ts";
import { CONVERSATION, columns, type EventRow, loggedEvent, noun, type Row } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

/** Later read steps and later events that are looked at to find the first other reader of a message. */
const MAX_READ_STEPS = 64;
const MAX_LATER_EVENTS = 200;
/** A message so far beyond the horizon is not new: the database's clock was set back, and times in its room go on. */
const FUTURE_MS = 10_000;

export function createMessageQueries(
  db: Database,
): Omit<MessageStore, keyof AttachmentQueries | keyof HiddenMessages> {
  const { sql } = db;
  const events = async (rest: Statement<EventRow[]>): Promise<LoggedEvent[]> =>
    (await db.read(sql<EventRow[]>`select ${eventList(sql)} ${rest}`)).map(loggedEvent);
  return {
    page: ({ roomId, hiddenBy, after, before, from, types, limit }) =>
      events(sql<EventRow[]>`
        from events e
        where e.conversation_id = ${roomId} and e.seq > ${after} and e.seq < ${before}
          and e.type = any (${types}::text[]) and not e.deleted
          ${hiddenBy === undefined ? sql`` : sql`and ${isNotHidden(sql, "e", hiddenBy)}`}
        order by e.seq ${from === "newest" ? sql`desc` : sql`asc`} limit ${limit}`),
    async roomsOf(member) {
      const rows = await db.read(sql<Row[]>`
        select ${columns(sql, "c", CONVERSATION)}, m.role, m.history_from, m.hidden_no from memberships m
        join conversations c on c.id = m.conversation_id where m.member = ${member}`);
      return rows.map((row) => ({
        room: noun(row, "c", CONVERSATION),
        membership: { role: row.role, historyFrom: row.history_from, hiddenNo: row.hidden_no } as {
          role: "user";
          historyFrom: number;
          hiddenNo: number;
        },
      }));
    },
    horizon: () => settledHorizon(db, "causeway_message_horizon"),
    momentOf: (member, place) => momentOf(db, member, place),
    async recent(rooms, page) {
      const found = await events(recentMessages(sql, rooms, page));
      return page.before === undefined ? found : found.reverse();
    },
    last: (rooms, types) =>
      events(sql<EventRow[]>`
        from ${visibleRooms(sql, rooms)} as w (room, history_from, hidden_by)
        cross join lateral (
          select * from events e
          where e.conversation_id = w.room and e.seq > w.history_from and e.type = any (${types}::text[])
            and not e.deleted and ${isVisible(sql, "e")}
          order by e.seq desc limit 1
        ) e`),
    at: (places) =>
      events(sql<EventRow[]>`
        from ${placeList(sql, places)} as k (room, seq)
        join events e on e.conversation_id = k.room and e.seq = k.seq`),
    details: (messages) => details(db, messages),
    async membersNamed(roomId, members) {
      return await db.read(sql<{ member: string; name: string }[]>`
        select member, name from memberships
        where conversation_id = ${roomId} and member = any (${members.filter(isText)}::text[])`);
    },
    async pinned(ids) {
      return await db.read(sql<MessagePlace[]>`
        select conversation_id as "roomId", seq from pinned_messages
        where conversation_id = any (${ids}::bigint[])`);
    },
    async expired(now, limit) {
      return await db.read(sql<MessagePlace[]>`
        select conversation_id as "roomId", seq from message_expiries where expires_at <= ${now}
        order by expires_at, conversation_id, seq limit ${limit}`);
    },
  };
}

function isText(key: string): boolean {
  return !key.includes("\0");
}

/** Times never fall within a room, so one page of the newest messages of each room is enough. */
function recentMessages(
  sql: Sql,
  rooms: readonly Visible[],
  { after, before, limit, horizon }: Parameters<MessageStore["recent"]>[1],
): Statement<EventRow[]> {
  const cursor = after ?? before;
  const order = before === undefined ? sql`desc` : sql`asc`;
  const beyond =
    cursor === undefined
      ? sql``
      : sql`and (e.at, e.conversation_id, e.seq) ${before === undefined ? sql`<` : sql`>`}
            (${cursor.at}::bigint, ${cursor.roomId}::bigint, ${cursor.seq}::bigint)`;
  const settled =
    horizon === undefined ? sql`` : sql`and (e.at < ${horizon} or e.at > ${horizon + FUTURE_MS})`;
  return sql<EventRow[]>`
    from ${visibleRooms(sql, rooms)} as w (room, history_from, hidden_by)
    cross join lateral (
      select * from events e
      where e.conversation_id = w.room and e.seq > w.history_from and e.type = 'message' and not e.deleted
        and ${isVisible(sql, "e")} ${beyond} ${settled}
      order by e.seq ${order} limit ${limit}
    ) e
    order by e.at ${order}, e.conversation_id ${order}, e.seq ${order} limit ${limit}`;
}

/** The time of a message, from the log or, for a deleted room, from former_messages. */
async function momentOf(
  { sql, read }: Database,
  member: MemberKey,
  { roomId, seq }: MessagePlace,
): Promise<Moment | null> {
  const [row] = await read(sql<[{ at: number }?]>`
    select coalesce(e.at, f.at) as at
    from (select ${roomId}::bigint as room, ${seq}::bigint as seq) k
    left join events e on e.conversation_id = k.room and e.seq = k.seq and e.type = 'message'
    left join former_messages f on f.conversation_id = k.room and f.seq = k.seq
    left join conversations c on c.id = k.room
    where coalesce(e.at, f.at) is not null and (
      exists (
        select from memberships m
        where m.conversation_id = k.room and m.member = ${member} and m.history_from < k.seq
      ) or exists (
        select from departures d
        where d.conversation_id = k.room and d.member = ${member} and k.seq <= d.last_seq
          and (d.history_from < k.seq or c.history = 'shared')
      )
    )`);
  return row ? { roomId, seq, at: row.at } : null;
}

async function details(db: Database, messages: readonly LoggedEvent[]): Promise<MessageDetails[]> {
  if (messages.length === 0) return [];
  // A message may come twice: by itself, and as the message that another one answers.
  const once = [...new Map(messages.map((message) => [keyOf(message), message])).values()];
  const [rooms, reactions, attachments, reads] = await Promise.all([
    roomNames(db, once),
    reactionsOf(db, once),
    attachmentsOf(db, once),
    readsOf(db, once),
  ]);
  return messages.map((message) => {
    const key = keyOf(message);
    return {
      roomPublicId: rooms.get(message.roomId) ?? "",
      reactions: reactions.get(key) ?? [],
      attachments: (attachments.get(key) ?? []).map(readAttachment),
      readAt: reads.get(key) ?? null,
    };
  });
}

function keyOf({ roomId, seq }: MessagePlace): string {
  return `${roomId} ${seq}`;
}

async function roomNames(db: Database, places: readonly MessagePlace[]): Promise<Map<number, string>> {
  const ids = [...new Set(places.map(({ roomId }) => roomId))];
  const rows = await db.read(db.sql<{ id: number; name: string }[]>`
    select id, public_id as name from conversations where id = any (${ids}::bigint[])`);
  return new Map(rows.map(({ id, name }) => [id, name]));
}

async function reactionsOf(db: Database, places: readonly MessagePlace[]) {
  const rows = await db.read(reactionsQuery(db.sql, places));
  const found = new Map<string, StoredReaction[]>();
  for (const row of rows) {
    const key = `${row.conversation_id} ${row.seq}`;
    found.set(key, [...(found.get(key) ?? []), readReaction(row)]);
  }
  return found;
}

async function attachmentsOf(db: Database, places: readonly MessagePlace[]) {
  const { sql } = db;
  const rows = await db.read(sql<AttachmentRow[]>`
    select ${attachmentList(sql)} from ${placeList(sql, places)} as k (room, seq)
    join attachments a on a.conversation_id = k.room and a.seq = k.seq and a.deleted_at is null
    order by a.created_at, a.id`);
  const found = new Map<string, AttachmentRow[]>();
  for (const row of rows) {
    const key = `${row.conversation_id} ${row.seq}`;
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return found;
}

/** When the first other member passed each message, by reading it or by writing a later one. */
async function readsOf(db: Database, messages: readonly LoggedEvent[]): Promise<Map<string, number>> {
  const { sql } = db;
  const rows = await db.read(sql<(MessagePlace & { at: number })[]>`
    select k.room as "roomId", k.seq, least(step.at, later.at) as at
    from unnest(${messages.map(({ roomId }) => roomId)}::bigint[],
                ${messages.map(({ seq }) => seq)}::bigint[],
                ${messages.map(({ actor }) => memberKey(actor))}::text[]) as k (room, seq, actor)
    left join lateral (
      select min(s.at) as at from (
        select * from read_steps s where s.conversation_id = k.room and s.seq >= k.seq order by s.seq limit ${MAX_READ_STEPS}
      ) s where s.member <> k.actor
    ) step on true
    left join lateral (
      select e.at from events e
      where e.conversation_id = k.room and e.seq > k.seq and e.seq <= k.seq + ${MAX_LATER_EVENTS}
        and e.type = 'message' and e.actor <> k.actor
      order by e.seq limit 1
    ) later on true
    where least(step.at, later.at) is not null`);
  return new Map(rows.map((row) => [keyOf(row), row.at]));
}
