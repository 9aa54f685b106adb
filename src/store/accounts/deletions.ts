/** Statements for accounts that are being deleted. The log is walked through by its primary key, a stretch at a time. */
import type { MessagePlace } from "../../domain/ids.ts";
import { type EventData, type MemberKey, userKey } from "../../domain/model.ts";
import type { AccountDeletion, DeletionWrites, Traces } from "../../domain/ports/store/accounts/deletions.ts";
import type { Row } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";

/** Events of one stretch. */
const STRETCH = 5_000;
/** Behind all rooms. */
const END = Number.MAX_SAFE_INTEGER;

interface DeletionRow {
  user_id: number;
  erase: boolean;
  at_room: number;
  at_seq: number;
}

interface DataRow extends MessagePlace {
  data: string;
}

export function createDeletionWrites({ sql }: TransactionScope): DeletionWrites {
  return {
    async begin(userId, erase) {
      await sql`
        insert into account_deletions (user_id, erase) values (${userId}, ${erase}) on conflict do nothing`;
    },
    async again(userId) {
      await sql`
        insert into account_deletions (user_id, erase) values (${userId}, false)
        on conflict (user_id) do update set at_room = 0, at_seq = 0`;
    },
    async take() {
      const [row] = await sql<DeletionRow[]>`
        select user_id, erase, at_room, at_seq from account_deletions
        order by asked_at limit 1 for update skip locked`;
      if (!row) return null;
      const { user_id: userId, erase, at_room: roomId, at_seq: seq } = row;
      return { userId, member: userKey(userId), erase, at: { roomId, seq } };
    },
    traces: (deletion, limit, rooms) => traces(sql, deletion, limit, rooms),
    async rename({ userId, member, at }, end, name) {
      const to = end ?? { roomId: END, seq: END };
      await sql`update events set actor_name = ${name} where ${between(sql, at, to)} and actor = ${member}`;
      await sql`update reactions set actor_name = ${name} where ${between(sql, at, to)} and member = ${member}`;
      await renameMembers(sql, userId, at, to, name);
      await renameForwarded(sql, userId, at, to, name);
      await sql`update account_deletions set at_room = ${to.roomId}, at_seq = ${to.seq} where user_id = ${userId}`;
    },
    async finish(userId) {
      await sql`delete from account_deletions where user_id = ${userId}`;
    },
  };
}

function behind(sql: Sql, after: MessagePlace): Fragment {
  return sql`(conversation_id, seq) > (${after.roomId}::bigint, ${after.seq}::bigint)`.fragment;
}

/** The events behind `after` and up to `to`. */
function between(sql: Sql, after: MessagePlace, to: MessagePlace): Fragment {
  return sql`
    ${behind(sql, after)}
    and (conversation_id, seq) <= (${to.roomId}::bigint, ${to.seq}::bigint)`.fragment;
}

async function traces(
  sql: Sql,
  { member, at }: AccountDeletion,
  limit: number,
  rooms: number,
): Promise<Traces> {
  // Where the messages are many, those of one step are found without a look at all of the stretch.
  const near = await messagesIn(
    sql,
    sql`(select * from events where ${behind(sql, at)} order by conversation_id, seq limit ${STRETCH}) e`,
    member,
    limit,
  );
  if (near.length > limit) return cut(near, limit, rooms);
  const [last] = await sql<{ roomId: number; seq: number; count: number }[]>`
    with stretch as (
      select conversation_id, seq from events where ${behind(sql, at)}
      order by conversation_id, seq limit ${STRETCH}
    )
    select conversation_id as "roomId", seq, (select count(*) from stretch) as count from stretch
    order by conversation_id desc, seq desc limit 1`;
  if (!last) return { messages: [], end: null };
  const found = await messagesIn(
    sql,
    sql`(select * from events where ${between(sql, at, last)}) e`,
    member,
    limit,
  );
  const { messages, end } = cut(found, limit, rooms);
  if (messages.length < found.length) return { messages, end };
  return { messages, end: last.count < STRETCH ? null : { roomId: last.roomId, seq: last.seq } };
}

/** The first messages of a member that are still there, and one more. @param events a table `e` */
async function messagesIn(
  sql: Sql,
  events: Statement<Row[]>,
  member: MemberKey,
  limit: number,
): Promise<MessagePlace[]> {
  return await sql<MessagePlace[]>`
    select e.conversation_id as "roomId", e.seq from ${events}
    where e.actor = ${member} and e.type = 'message' and not e.deleted
    order by e.conversation_id, e.seq limit ${limit + 1}`;
}

/** So many of the messages, of so many rooms. */
function cut(found: readonly MessagePlace[], limit: number, rooms: number): Traces {
  const touched = [...new Set(found.map(({ roomId }) => roomId))].slice(0, rooms);
  const messages = found.slice(0, limit).filter(({ roomId }) => touched.includes(roomId));
  return { messages, end: messages.at(-1) ?? null };
}

/** Events of memberships name whose membership it was. */
async function renameMembers(
  sql: Sql,
  userId: number,
  after: MessagePlace,
  to: MessagePlace,
  name: string,
): Promise<void> {
  const rows = await sql<DataRow[]>`
    select conversation_id as "roomId", seq, data from events
    where ${between(sql, after, to)} and type in ('member.joined', 'member.left', 'member.changed')
      and strpos(data, ${`"id":"${userId}"`}) > 0`;
  await changeData(sql, rows, (data: { member: { kind: string; id: string; name: string } }) => {
    const { kind, id } = data.member;
    return kind === "user" && id === String(userId) ? { ...data, member: { kind, id, name } } : null;
  });
}

/**
 * Forwarded messages name their first author. Others edit the data of messages under the lock of the room, so it is read
 * under that lock, too.
 */
async function renameForwarded(
  sql: Sql,
  userId: number,
  after: MessagePlace,
  to: MessagePlace,
  name: string,
): Promise<void> {
  const isTheirs = sql`
    ${between(sql, after, to)} and type = 'message'
    and strpos(data, ${`"forwarded":{"actor":{"kind":"user","id":"${userId}"`}) > 0`.fragment;
  const rooms = await sql<
    { id: number }[]
  >`select distinct conversation_id as id from events where ${isTheirs}`;
  if (rooms.length === 0) return;
  await sql`
    select from room_heads where conversation_id = any (${rooms.map(({ id }) => id)}::bigint[])
    order by conversation_id for no key update`;
  const rows = await sql<DataRow[]>`
    select conversation_id as "roomId", seq, data from events where ${isTheirs}`;
  await changeData(sql, rows, (data: EventData["message"]) => {
    if (data.forwarded?.actor.kind !== "user" || data.forwarded.actor.id !== String(userId)) return null;
    const { actor, ...origin } = data.forwarded;
    return { ...data, forwarded: { actor: { kind: actor.kind, id: actor.id, name }, ...origin } };
  });
}

/** @param change makes the new data of an event, or null: it stays as it is */
async function changeData<Data extends object>(
  sql: Sql,
  rows: readonly DataRow[],
  change: (data: Data) => Data | null,
): Promise<void> {
  const changed = rows.flatMap(({ data: before, ...place }) => {
    const data = change(JSON.parse(before) as Data);
    return data === null ? [] : [{ ...place, data: JSON.stringify(data) }];
  });
  if (changed.length === 0) return;
  await sql`
    update events e set data = r.data
    from unnest(${changed.map(({ roomId }) => roomId)}::bigint[], ${changed.map(({ seq }) => seq)}::bigint[],
                ${changed.map(({ data }) => data)}::text[]) as r (room, seq, data)
    where e.conversation_id = r.room and e.seq = r.seq`;
}
