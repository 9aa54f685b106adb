/**
 * Reads the room logs for webhooks. An organization takes part in its own rooms, and in rooms with its users. Its webhooks
 * get the events from then on.
 */

import { dataOf } from "../../domain/event-data.ts";
import type { LoggedEvent, Membership, Room, User, Webhook } from "../../domain/model.ts";
import type { RoomSnapshot, UnreadLog, WebhookStore } from "../../domain/ports/store/webhooks.ts";
import { eventList } from "../log/log.ts";
import type { Database } from "../sql/database.ts";
import {
  CONVERSATION,
  columns,
  type EventRow,
  loggedEvent,
  MEMBERSHIP,
  noun,
  type Row,
  USER,
  WEBHOOK,
} from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Sql } from "../sql/sql.ts";
import { enqueue } from "./delivery-queues.ts";

type WebhookLogs = Pick<WebhookStore, "behind" | "unread" | "advance" | "room" | "forgetRoom">;

export function createWebhookLogs(db: Database): WebhookLogs {
  const { sql } = db;
  return {
    behind: (limit) => behind(db, limit),
    unread: (roomId, limit) => unread(db, roomId, limit),
    async advance({ webhook, roomId, queue }, { to, done, deliveries }) {
      return await db.transaction(async (tx) => {
        const { count } = queue
          ? await tx`
              update webhook_lanes set seq = ${to}, reading = ${!done}
              where webhook_id = ${webhook.id} and conversation_id = ${roomId} and seq = ${queue.seq}
                and reading = ${queue.reading}`
          : await tx`
              insert into webhook_lanes (webhook_id, conversation_id, seq, reading)
              select id, ${roomId}, ${to}, ${!done} from webhooks where id = ${webhook.id}
              on conflict do nothing`;
        if (count === 0) return false;
        await enqueue(tx, webhook.id, roomId, deliveries);
        return true;
      });
    },
    async room(roomId) {
      const [kept] = await db.read(sql<{ data: string }[]>`
        select data from room_snapshots where conversation_id = ${roomId}`);
      if (kept) return readSnapshot(kept.data);
      return await snapshot(sql, roomId);
    },
    async forgetRoom(roomId) {
      await sql`delete from room_snapshots where conversation_id = ${roomId}`;
    },
  };
}

/** The room with its people; null when the room is gone. */
async function snapshot(sql: Sql, roomId: number): Promise<RoomSnapshot | null> {
  const [row] = await sql<Row[]>`
    select ${columns(sql, "c", CONVERSATION)}, h.last_activity, h.message_count, p.seq as pinned
    from conversations c
    join room_heads h on h.conversation_id = c.id
    left join pinned_messages p on p.conversation_id = c.id
    where c.id = ${roomId}`;
  if (!row) return null;
  const people = await sql<Row[]>`
    select ${columns(sql, "m", MEMBERSHIP)}, ${columns(sql, "u", USER)} from memberships m
    left join users u on u.id = m.user_id and u.deleted_at is null
    where m.conversation_id = ${roomId} order by m.joined_seq, m.member`;
  return {
    room: noun<Room>(row, "c", CONVERSATION),
    lastActivity: row.message_count === 0 ? null : (row.last_activity as number),
    pinned: row.pinned as number | null,
    deleted: false,
    people: people.map((person) => ({
      membership: noun<Membership>(person, "m", MEMBERSHIP),
      user: person["u.id"] === null ? null : noun<User>(person, "u", USER),
    })),
  };
}

/** The table calls a room conversation. */
function writeSnapshot({ room, ...rest }: RoomSnapshot): string {
  return JSON.stringify({ conversation: room, ...rest });
}

function readSnapshot(data: string): RoomSnapshot {
  const { conversation, ...rest } = JSON.parse(data);
  return { room: conversation, ...rest, deleted: true };
}

/** Keeps a copy of a room that is about to be deleted, if there are webhooks. */
export async function keepSnapshot({ sql }: TransactionScope, roomId: number): Promise<void> {
  const [row] = await sql<[{ any: boolean }]>`select exists (select from webhooks) as any`;
  if (!row.any) return;
  const room = await snapshot(sql, roomId);
  if (!room) return;
  await sql`
    insert into room_snapshots (conversation_id, data) values (${roomId}, ${writeSnapshot(room)})
    on conflict do nothing`;
}

async function behind({ sql, read }: Database, limit: number): Promise<number[]> {
  const rows = await read(sql<{ id: number }[]>`
    select id from (
      select l.conversation_id as id from webhook_lanes l
      join room_heads h on h.conversation_id = l.conversation_id and h.head_seq > l.seq
      where l.reading
      union
      select c.id from webhooks w
      join conversations c on c.organization_id = w.organization_id
      join room_heads h on h.conversation_id = c.id and h.last_activity >= w.created_at
      left join webhook_lanes l on l.webhook_id = w.id and l.conversation_id = c.id
      where l.webhook_id is null or not l.reading
      union
      select m.conversation_id from webhooks w
      join organization_users o on o.organization_id = w.organization_id
      join memberships m on m.member = 'u:' || o.user_id
      join room_heads h on h.conversation_id = m.conversation_id
        and h.last_activity >= greatest(w.created_at, o.created_at)
      left join webhook_lanes l on l.webhook_id = w.id and l.conversation_id = m.conversation_id
      where l.webhook_id is null or not l.reading
      union
      select conversation_id from room_snapshots
    ) r order by id limit ${limit}`);
  return rows.map(({ id }) => id);
}

/** A webhook that reads a room's log, and the place where it begins. */
interface Reader extends Row {
  lane_seq: number | null;
  reading: boolean | null;
  /** The first of the organization's users in the room, if any. */
  first_user: number | null;
  takes_part: boolean;
  visible_from: number;
  start: number;
}

async function unread(db: Database, roomId: number, limit: number): Promise<UnreadLog[]> {
  const readers = await readersOf(db, roomId);
  const logs: UnreadLog[] = [];
  for (const reader of readers) {
    const webhook = noun<Webhook>(reader, "w", WEBHOOK);
    const seq = reader.reading ? (reader.lane_seq as number) : Math.max(reader.lane_seq ?? 0, reader.start);
    const events = await eventsAfter(db, roomId, seq, limit);
    const people = await usersOf(db, webhook.organizationId, events.flatMap(usersIn));
    if (reader.first_user !== null) people.push(reader.first_user);
    logs.push({
      ...{ webhook, roomId, seq, events, people },
      ...{ takesPart: reader.takes_part, historyFrom: reader.visible_from },
      queue: reader.lane_seq === null ? null : { seq: reader.lane_seq, reading: reader.reading === true },
    });
  }
  return logs;
}

/**
 * Where a webhook begins to read: in rooms of its organization when it was registered, in other rooms when the first of
 * the organization's users came in (with all that made the room, when they are in it from the beginning), and never
 * before they belonged to the organization.
 */
async function readersOf({ sql, read }: Database, roomId: number): Promise<Reader[]> {
  return await read(sql<Reader[]>`
    with ${roomAndPresent(sql, roomId)},
    represented as materialized (
      select distinct on (o.organization_id) o.organization_id, p.user_id, p.joined_seq,
             min(o.created_at) over (partition by o.organization_id) as since,
             min(p.history_from) over (partition by o.organization_id) as visible_from
      from present p join organization_users o on o.user_id = p.user_id
      order by o.organization_id, p.joined_seq, p.user_id
    )
    select ${columns(sql, "w", WEBHOOK)}, l.seq as lane_seq, l.reading, p.user_id as first_user,
           r.organization_id is not null or p.user_id is not null as takes_part,
           case when r.organization_id is not null then 0 else coalesce(p.visible_from, (
             select min(d.history_from) from departures d
             join organization_users o on o.organization_id = w.organization_id and d.member = 'u:' || o.user_id
             where d.conversation_id = ${roomId}), l.seq) end as visible_from,
           greatest(
             case when r.organization_id is not null or not exists (
               select from events e where e.conversation_id = ${roomId} and e.seq < p.joined_seq
                 and e.type not in ('room.created', 'member.joined')
             ) then 0 else p.joined_seq - 1 end,
             coalesce((
               select e.seq from events e where e.conversation_id = ${roomId}
                 and e.at < case when r.organization_id is not null then w.created_at else greatest(w.created_at, p.since) end
               order by e.seq desc limit 1), 0)) as start
    from webhooks w
    left join room r on r.organization_id = w.organization_id
    left join represented p on p.organization_id = w.organization_id
    left join webhook_lanes l on l.webhook_id = w.id and l.conversation_id = ${roomId}
    where r.organization_id is not null or p.user_id is not null or l.reading
    order by w.id`);
}

/** The room and the users in it, as tables of a statement: as they are, or as the snapshot of a deleted room has them. */
function roomAndPresent(sql: Sql, roomId: number) {
  return sql`
    room as materialized (
      select c.id, c.organization_id from conversations c where c.id = ${roomId}
      union all
      select s.conversation_id, (s.data::json -> 'conversation' ->> 'organizationId')::bigint
      from room_snapshots s where s.conversation_id = ${roomId}
    ),
    present as materialized (
      select m.user_id, m.joined_seq, m.history_from from memberships m
      where m.conversation_id = ${roomId} and m.user_id is not null
      union all
      select (p -> 'membership' ->> 'userId')::bigint, (p -> 'membership' ->> 'joinedSeq')::bigint,
             (p -> 'membership' ->> 'historyFrom')::bigint
      from room_snapshots s cross join lateral json_array_elements(s.data::json -> 'people') as p
      where s.conversation_id = ${roomId} and p -> 'membership' ->> 'userId' is not null
    )`;
}

async function eventsAfter(
  { sql, read }: Database,
  roomId: number,
  seq: number,
  limit: number,
): Promise<LoggedEvent[]> {
  const rows = await read(sql<EventRow[]>`
    select ${eventList(sql)} from events e where e.conversation_id = ${roomId} and e.seq > ${seq}
    order by e.seq limit ${limit}`);
  return rows.map(loggedEvent);
}

/** The users who act, join or leave. */
function usersIn(event: LoggedEvent): number[] {
  const members = event.type.startsWith("member.") ? [dataOf<"member.joined">(event).member] : [];
  return [event.actor, ...members].flatMap(({ kind, id }) => (kind === "user" ? [Number(id)] : []));
}

async function usersOf({ sql, read }: Database, organizationId: number, ids: number[]): Promise<number[]> {
  const rows = await read(sql<{ id: number }[]>`
    select user_id as id from organization_users
    where organization_id = ${organizationId} and user_id = any (${ids}::bigint[])`);
  return rows.map(({ id }) => id);
}
