/** Writes to the log inside a transaction: events other than messages, and changes of a message in place. */

import { dataOf } from "../../domain/event-data.ts";
import {
  type EventData,
  type EventType,
  type LoggedEvent,
  type MemberKey,
  memberKey,
  type RoomHead,
} from "../../domain/model.ts";
import type {
  ErasedMessage,
  EventWrites,
  NewEvent,
  Rewritten,
} from "../../domain/ports/store/transaction.ts";
import { columns, HEAD, noun, type Row } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Sql } from "../sql/sql.ts";
import { removeFiles } from "./attachments.ts";
import { mentionKeys } from "./mentions.ts";
import { callerList, runningCalls } from "./running-calls.ts";
import { leaveThread } from "./threads.ts";

/** The data of a deleted message: no text, no mentions. It stays in its thread. */
const DELETED: EventData["message"] = { text: "", deleted: true };
const OF_RUNNING_CALLS: ReadonlySet<EventType> = new Set(["call.joined", "call.left", "call.ended"]);

export function createEventWrites(scope: TransactionScope): EventWrites {
  return {
    head: (id) => head(scope, id),
    async callers(id) {
      const [call] = await runningCalls(await callerList(scope.sql, [id]));
      return call?.callers ?? null;
    },
    appendEvents: (id, events) => appendEvents(scope, id, events),
    rewriteMessage: (id, seq, change) => rewriteMessage(scope, id, seq, change),
    eraseMessages: (id, seqs) => eraseMessages(scope, id, seqs),
  };
}

async function head({ sql }: TransactionScope, id: number): Promise<RoomHead> {
  const [row] = await sql<Row[]>`
    select ${columns(sql, "h", HEAD)} from room_heads h where h.conversation_id = ${id}`;
  if (!row) throw new Error(`Room ${id} has no log; it was deleted`);
  return noun(row, "h", HEAD);
}

/** Drops `call.started` while a call runs, and other events of calls while none runs. @returns also the new `callSeq` */
function withoutIdleCalls(
  events: NewEvent[],
  { head: last, callSeq }: RoomHead,
): { kept: NewEvent[]; callSeq: number | null } {
  const kept: NewEvent[] = [];
  for (const event of events) {
    if (event.type === "call.started" && callSeq !== null) continue;
    if (OF_RUNNING_CALLS.has(event.type) && callSeq === null) continue;
    kept.push(event);
    if (event.type === "call.started") callSeq = last + kept.length;
    if (event.type === "call.ended") callSeq = null;
  }
  return { kept, callSeq };
}

interface InsertedRow {
  seq: number;
  at: number;
  room: string;
}

async function appendEvents(scope: TransactionScope, id: number, events: NewEvent[]): Promise<LoggedEvent[]> {
  scope.requireLock(id);
  const { sql } = scope;
  const before = await head(scope, id);
  const { kept, callSeq } = withoutIdleCalls(events, before);
  if (kept.length === 0) return [];
  const types = kept.map(({ type }) => type);
  const actors = kept.map(({ actor }) => memberKey(actor));
  const names = kept.map(({ actor }) => actor.name);
  const data = kept.map((event) => JSON.stringify(event.data));
  const rows = await sql<InsertedRow[]>`
    with moved as (
      update room_heads set head_seq = head_seq + ${kept.length}, call_seq = ${callSeq},
             last_activity = greatest(last_activity, causeway_journal_time())
      where conversation_id = ${id}
      returning conversation_id, message_count, last_activity, token
    )
    insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, data)
    select m.conversation_id, ${before.head}::bigint + k.ord, m.message_count, m.last_activity,
           k.type, k.actor, k.name, k.data
    from moved m, unnest(${types}::text[], ${actors}::text[], ${names}::text[], ${data}::text[])
      with ordinality as k (type, actor, name, data, ord)
    order by k.ord
    returning seq, at, (select token from moved) as room`;
  const logged = kept.map((event, i) => {
    const { seq, at, room } = rows[i] as InsertedRow;
    const { type, actor } = event as NewEvent<EventType>;
    return { roomId: id, room, seq, type, id: null, actor, at, dataJson: data[i] as string };
  });
  for (const event of logged) {
    if (event.type !== "message.edited") continue;
    const { seq } = dataOf<"message.edited">(event);
    await supersede(scope, id, [seq]);
    await scope.sql`
      insert into message_edits (conversation_id, seq, edit_seq) values (${id}, ${seq}, ${event.seq})`;
  }
  scope.appended(logged);
  return logged;
}

/** Removes the texts of the messages' previous edits. */
async function supersede({ sql }: TransactionScope, id: number, seqs: readonly number[]): Promise<void> {
  const hidden = seqs.map((seq) =>
    JSON.stringify({ seq, hidden: true } satisfies EventData["message.edited"]),
  );
  await sql`
    with d as (
      delete from message_edits where conversation_id = ${id} and seq = any (${[...seqs]}::bigint[])
      returning seq, edit_seq
    )
    update events e set data = k.data
    from d join unnest(${[...seqs]}::bigint[], ${hidden}::text[]) as k (seq, data) on k.seq = d.seq
    where e.conversation_id = ${id} and e.seq = d.edit_seq`;
}

async function rewriteMessage(
  scope: TransactionScope,
  id: number,
  seq: number,
  change: Rewritten,
): Promise<boolean> {
  scope.requireLock(id);
  const { sql } = scope;
  const [row] = await sql<{ dataJson: string; actor: string }[]>`
    select data as "dataJson", actor from events
    where conversation_id = ${id} and seq = ${seq} and type = 'message' and not deleted`;
  if (!row) return false;
  const before = dataOf<"message">(row);
  const after = edited(before, change);
  await sql`
    with words as (delete from message_words where conversation_id = ${id} and seq = ${seq})
    update events set data = ${JSON.stringify(after)}
    where conversation_id = ${id} and seq = ${seq}`;
  await rewriteMentions(scope, { id, seq, actor: row.actor }, before.mentions ?? [], after.mentions ?? []);
  return true;
}

async function eraseMessages(
  scope: TransactionScope,
  id: number,
  seqs: readonly number[],
): Promise<ErasedMessage[]> {
  scope.requireLock(id);
  const { sql } = scope;
  const rows = await sql<{ seq: number; dataJson: string }[]>`
    select seq, data as "dataJson" from events
    where conversation_id = ${id} and seq = any (${[...seqs]}::bigint[]) and type = 'message' and not deleted
    order by seq`;
  if (rows.length === 0) return [];
  const erased = rows.map((row): ErasedMessage => {
    const { mentions = [], thread } = dataOf<"message">(row);
    return { seq: row.seq, mentions, thread };
  });
  const gone = erased.map(({ seq }) => seq);
  const left = erased.map(({ thread }) => JSON.stringify({ ...DELETED, thread }));
  await sql`
    with words as (delete from message_words where conversation_id = ${id} and seq = any (${gone}::bigint[]))
    update events e set data = k.data, deleted = true from unnest(${gone}::bigint[], ${left}::text[]) as k (seq, data)
    where e.conversation_id = ${id} and e.seq = k.seq`;
  await removeMentions(scope, id, erased);
  await forgetMessages(scope, id, gone);
  for (const { seq, thread } of erased)
    if (thread !== undefined) await leaveThread(scope, { roomId: id, seq, root: thread });
  return erased;
}

function edited(
  { mentions: mentioned = [], format: formatted, ...rest }: EventData["message"],
  { mentions = mentioned, format = formatted ?? null, ...change }: Rewritten,
): EventData["message"] {
  return {
    ...rest,
    ...change,
    ...(mentions.length > 0 && { mentions: [...mentions] }),
    ...(format && { format }),
  };
}

/** Counts mentions by the rules of `causeway_append`: of members only, and not of the message's author. */
async function rewriteMentions(
  { sql }: TransactionScope,
  { id, seq, actor }: { id: number; seq: number; actor: MemberKey },
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const [old, now] = [mentionKeys(before), mentionKeys(after)];
  const gone = old.filter((key) => !now.includes(key));
  const fresh = now.filter((key) => !old.includes(key) && key !== actor);
  await removeKeys(
    sql,
    id,
    gone.map((member) => ({ seq, member })),
  );
  if (fresh.length === 0) return;
  await sql`
    insert into mentions (conversation_id, member, seq)
    select ${id}, k.member, ${seq} from unnest(${fresh}::text[]) as k (member)
    where k.member = '*' or exists (
      select from memberships m where m.conversation_id = ${id} and m.member = k.member)
    on conflict do nothing`;
}

async function removeMentions(
  { sql }: TransactionScope,
  id: number,
  erased: readonly ErasedMessage[],
): Promise<void> {
  const keys = erased.flatMap(({ seq, mentions }) =>
    mentionKeys(mentions).map((member) => ({ seq, member })),
  );
  await removeKeys(sql, id, keys);
}

async function removeKeys(
  sql: Sql,
  id: number,
  keys: readonly { seq: number; member: MemberKey }[],
): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    delete from mentions m
    using unnest(${keys.map(({ seq }) => seq)}::bigint[], ${keys.map(({ member }) => member)}::text[]) as k (seq, member)
    where m.conversation_id = ${id} and m.seq = k.seq and m.member = k.member collate "C"`;
}

/** Removes everything that belonged to deleted messages. Housekeeping removes the bytes of their files later. */
async function forgetMessages(scope: TransactionScope, id: number, seqs: readonly number[]): Promise<void> {
  const { sql } = scope;
  await supersede(scope, id, seqs);
  await sql`select causeway_withdraw(${id}, k.seq) from unnest(${[...seqs]}::bigint[]) as k (seq)`;
  const which = sql<Row[]>`conversation_id = ${id} and seq = any (${[...seqs]}::bigint[])`;
  const also = sql`
    reactions as (delete from reactions where ${which}),
    expiries as (delete from message_expiries where ${which}),`;
  await removeFiles(sql, which, also);
}
