/**
 * Fills the index of words from the log, behind those who send: words cost more than the message itself. A room's place in
 * the index (`word_heads`) moves in the transaction that stores the words, so a crash loses nothing, and a restored or
 * promoted database has an index that goes with its log.
 *
 * An edit or deletion takes a message's words away in its own transaction (event-writes.ts). If words of the text before
 * are stored at the same moment, they go when the event of the edit is indexed; no search shows them, because candidates
 * are compared with the log.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedEvent } from "../../domain/model.ts";
import { actorOf } from "../../domain/model.ts";
import { periodic } from "../../domain/periodic.ts";
import { placeList } from "../log/message-rows.ts";
import type { Database, StoreLogger } from "../sql/database.ts";
import type { Sql } from "../sql/sql.ts";
import { termsOf } from "./terms.ts";
import { type LogPart, type TouchingRow, touchingEvents } from "./unindexed.ts";

export interface IndexerOptions {
  /** Whether sends are on their way to the database: then the indexer rests longer. */
  isBusy(): boolean;
  logger: StoreLogger;
}

export interface Indexer {
  /** These events were committed by this process. */
  committed(events: readonly LoggedEvent[]): void;
  /** Rooms with events that this process has yet to index. */
  unindexed(): Iterable<number>;
  /** Resolves when nothing is under way and nothing will be. */
  stop(): Promise<void>;
}

const EVERY_MS = 250;
/** Events about messages in one transaction. */
const MAX_MESSAGE_EVENTS = 250;
/** Events of any type in one transaction, and rooms: what is not about messages is only passed over. */
const MAX_EVENTS = 50_000;
const MAX_ROOMS = 500;
/** How many times longer than it worked the indexer rests; when sends are under way, as long as it is not late. */
const REST = 0.25;
const REST_WHEN_BUSY = 9;
const REST_WHEN_LATE = 3;
const LATE_MS = 30_000;
const MAX_REST_MS = 1_000;
/** Rooms that one look for what no process indexed takes, and how often there is one. */
const LOOK_ROOMS = 2_000;
const LOOK_EVERY_MS = 5_000;

export function startIndexer(
  { sql, background }: Pick<Database, "sql" | "background">,
  { isBusy, logger }: IndexerOptions,
): Indexer {
  /** Rooms with events that are not indexed, and since when. */
  const waiting = new Map<number, number>();
  /** Those of them that are being indexed. */
  let underWay: ReadonlyMap<number, number> = new Map();
  const stopping = new AbortController();
  const { signal } = stopping;
  let lookedUpTo = 0;
  let nextLook = 0;

  async function work(): Promise<void> {
    while (!signal.aborted) {
      const begun = performance.now();
      let since = begun;
      if (waiting.size > 0) since = await indexSome();
      else if (begun >= nextLook) await look();
      else return;
      await rest(performance.now() - begun, begun - since > LATE_MS);
    }
  }

  /** @returns since when the rooms waited */
  async function indexSome(): Promise<number> {
    const rooms = firstOf(waiting, MAX_ROOMS);
    underWay = rooms;
    for (const id of rooms.keys()) waiting.delete(id);
    let left: Iterable<number> = rooms.keys();
    try {
      left = await indexRooms(background, [...left]);
    } finally {
      for (const id of left) waiting.set(id, rooms.get(id) as number);
      underWay = new Map();
    }
    return Math.min(...rooms.values());
  }

  /** Goes through all rooms, some at a time, without a pause until it has seen all of them once. */
  async function look(): Promise<void> {
    const { last, behind } = await roomsBehind(sql, background, lookedUpTo);
    for (const id of behind) note(id);
    if (last === null || nextLook > 0) nextLook = performance.now() + LOOK_EVERY_MS;
    lookedUpTo = last ?? 0;
  }

  function note(id: number): void {
    if (!waiting.has(id)) waiting.set(id, performance.now());
  }

  async function rest(worked: number, isLate: boolean): Promise<void> {
    const times = isBusy() ? (isLate ? REST_WHEN_LATE : REST_WHEN_BUSY) : REST;
    const ms = Math.min(MAX_REST_MS, worked * times);
    await sleep(ms, undefined, { ref: false, signal }).catch(() => undefined);
  }

  const end = periodic("index of messages' words", EVERY_MS, work, { logger });
  return {
    *unindexed() {
      yield* underWay.keys();
      yield* waiting.keys();
    },
    committed(events) {
      for (const { roomId } of events) note(roomId);
    },
    async stop() {
      stopping.abort();
      await end();
    },
  };
}

function firstOf<K, V>(map: ReadonlyMap<K, V>, most: number): Map<K, V> {
  const first = new Map<K, V>();
  for (const [key, value] of map) {
    if (first.size === most) break;
    first.set(key, value);
  }
  return first;
}

/** Rooms after this id whose log goes further than the index, of the next {@link LOOK_ROOMS}; `last` null: there are no more. */
async function roomsBehind(
  sql: Sql,
  { read }: Pick<Database, "read">,
  after: number,
): Promise<{ last: number | null; behind: number[] }> {
  const [row] = await read(sql<[{ rooms: number; last: number | null; behind: number[] }]>`
    select count(*) as rooms, max(h.conversation_id) as last,
           coalesce(array_agg(h.conversation_id) filter (where h.head_seq > coalesce(w.seq, 0)), '{}') as behind
    from (
      select conversation_id, head_seq from room_heads where conversation_id > ${after}
      order by conversation_id limit ${LOOK_ROOMS}
    ) h
    left join word_heads w on w.conversation_id = h.conversation_id`);
  return { last: row.rooms < LOOK_ROOMS ? null : row.last, behind: row.behind };
}

/**
 * Indexes what the bounds above allow of these rooms. Rooms that another process is at are left to it.
 * @returns the rooms of which more is left
 */
async function indexRooms(db: Pick<Database, "transaction">, rooms: readonly number[]): Promise<number[]> {
  return await db.transaction(async (sql) => {
    // What a crash takes is indexed again, so nobody waits for the disk.
    await sql`set local synchronous_commit = off`;
    const behind = await claim(sql, rooms);
    const parts = sharesOf(behind.filter(({ isClaimed }) => isClaimed));
    const indexed = parts.length > 0 ? await indexParts(sql, parts) : [];
    const reached = new Map(indexed.map(({ roomId, upTo }) => [roomId, upTo]));
    const isLeft = ({ roomId, upTo }: LogPart) => (reached.get(roomId) ?? 0) < upTo;
    return behind.filter(isLeft).map(({ roomId }) => roomId);
  });
}

/** What these rooms' logs have beyond the index. What another process is at is not claimed. */
async function claim(sql: Sql, rooms: readonly number[]): Promise<(LogPart & { isClaimed: boolean })[]> {
  await sql`
    insert into word_heads (conversation_id, seq)
    select h.conversation_id, 0 from room_heads h where h.conversation_id = any (${[...rooms]}::bigint[])
      and not exists (select from word_heads w where w.conversation_id = h.conversation_id)
    on conflict do nothing`;
  return await sql<(LogPart & { isClaimed: boolean })[]>`
    with claimed as (
      select conversation_id, seq from word_heads where conversation_id = any (${[...rooms]}::bigint[])
      order by conversation_id for update skip locked
    )
    select w.conversation_id as "roomId", coalesce(c.seq, w.seq) as after, h.head_seq as "upTo",
           c.seq is not null as "isClaimed"
    from word_heads w
    join room_heads h on h.conversation_id = w.conversation_id
    left join claimed c on c.conversation_id = w.conversation_id
    where w.conversation_id = any (${[...rooms]}::bigint[]) and h.head_seq > coalesce(c.seq, w.seq)`;
}

/** The parts cut so that together they are no longer than {@link MAX_EVENTS}, in the same order. */
function sharesOf(parts: readonly LogPart[]): LogPart[] {
  let left = MAX_EVENTS;
  const shares: LogPart[] = [];
  for (const part of parts) {
    if (left <= 0) break;
    const upTo = Math.min(part.upTo, part.after + left);
    left -= upTo - part.after;
    shares.push({ ...part, upTo });
  }
  return shares;
}

interface MessageRow {
  conversation_id: number;
  seq: number;
  at: number;
  actor: string;
  data: string;
}

/** @returns the parts as far as they are indexed */
async function indexParts(sql: Sql, parts: readonly LogPart[]): Promise<readonly LogPart[]> {
  const events = await touchingEvents(sql, parts, MAX_MESSAGE_EVENTS);
  const indexed = partsUpTo(parts, events);
  if (events.length > 0) await storeWords(sql, events);
  await sql`
    update word_heads w set seq = k.up_to
    from unnest(${indexed.map(({ roomId }) => roomId)}::bigint[],
                ${indexed.map(({ upTo }) => upTo)}::bigint[]) as k (room, up_to)
    where w.conversation_id = k.room`;
  return indexed;
}

/** The parts up to the last of these events, where there may be more; else whole. */
function partsUpTo(parts: readonly LogPart[], events: readonly TouchingRow[]): readonly LogPart[] {
  const last = events.at(-1);
  if (!last || events.length < MAX_MESSAGE_EVENTS) return parts;
  const n = parts.findIndex(({ roomId }) => roomId === last.roomId);
  return [...parts.slice(0, n), { ...(parts[n] as LogPart), upTo: last.seq }];
}

/** Stores the words of messages that these events touched, and removes those of messages that are gone. */
async function storeWords(sql: Sql, events: readonly TouchingRow[]): Promise<void> {
  // Each message once: one statement can't write a row twice.
  const touched = [
    ...new Map(
      events.map(({ roomId, message }) => [`${roomId} ${message}`, { roomId, seq: message }]),
    ).values(),
  ];
  const messages = await sql<MessageRow[]>`
    select e.conversation_id, e.seq, e.at, e.actor, e.data from ${placeList(sql, touched)} as k (room, seq)
    join events e on e.conversation_id = k.room and e.seq = k.seq and e.type = 'message' and not e.deleted`;
  const terms = messages.map(({ conversation_id: roomId, actor, data: dataJson }) =>
    termsOf({ roomId, actor: actorOf(actor, ""), dataJson }),
  );
  await sql`
    with gone as (
      delete from message_words w using ${placeList(sql, touched)} as k (room, seq)
      where w.conversation_id = k.room and w.seq = k.seq and not exists (
        select from events e
        where e.conversation_id = w.conversation_id and e.seq = w.seq and e.type = 'message' and not e.deleted)
    )
    insert into message_words (conversation_id, seq, at, terms)
    select k.room, k.seq, k.at, k.terms::integer[] || causeway_stretches(k.at)
    from unnest(${messages.map((row) => row.conversation_id)}::bigint[], ${messages.map(({ seq }) => seq)}::bigint[],
                ${messages.map(({ at }) => at)}::bigint[],
                ${terms.map((list) => `{${list.join(",")}}`)}::text[]) as k (room, seq, at, terms)
    order by k.at
    on conflict (conversation_id, seq) do update set terms = excluded.terms`;
}
