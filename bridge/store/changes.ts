/**
 * Finds rooms with work for the bridge. The statements look only at rooms that changed; all rooms are looked at once, when
 * no worker has run for {@link ABSENCE_MS}.
 */
import type { StoreSql } from "../../src/store/postgres.ts";
import { isDue } from "./waiting.ts";

export interface Backlog {
  /** Events of the log that Matrix does not have yet. */
  outbox: number;
  /** Age of the oldest of them, ms; 0 when there are none. */
  lagMs: number;
  /** Events from Matrix that wait to be applied. */
  inbox: number;
  /** What was put aside, in either direction. */
  deadLetters: number;
  /** Events from Matrix that wait for the event that they are about, which has not come yet. */
  waiting: number;
}

export interface BridgeChanges {
  /** Records the rooms whose log grew since the last call, by any worker. */
  recordChangedRooms(): Promise<void>;
  /** Ids of rooms with work, at most `limit`. Not `connected`: only rooms with events from Matrix to apply. */
  dueRooms(limit: number, connected: boolean): Promise<number[]>;
  /** Ids of rooms whose memberships have to be brought in line, at most `limit`. */
  roomsToSyncMembers(limit: number): Promise<number[]>;
  backlog(): Promise<Backlog>;
}

/** Key in `bridge_state`: until when changes are recorded, ms by the database's clock. */
const RECORDED_UNTIL_KEY = "noted_until";
/** An event may be committed this long after its time: a statement's time limit, and a margin. */
const OVERLAP_MS = 15_000;
/** After a longer absence of all workers there may be more new events than rooms: then all rooms are looked at. */
const ABSENCE_MS = 10 * 60_000;
/** Rooms of one statement when all rooms are looked at. */
const STEP = 20_000;

/** In the statements, `limit 1` keeps the planner from turning look-ups into joins over whole tables. */
export function createBridgeChanges(sql: StoreSql): BridgeChanges {
  async function recordedUntil(): Promise<{ now: number; noted: number | null }> {
    const [row] = await sql<[{ now: number; noted: number | null }]>`
      select causeway_now() as now, (select value::bigint from bridge_state where key = ${RECORDED_UNTIL_KEY}) as noted`;
    return row;
  }

  async function recordSince(since: number): Promise<void> {
    await sql`
      insert into bridge_rooms (conversation_id, token, seen_head)
      select h.conversation_id, h.token, h.head_seq
      from (select distinct conversation_id as id from events where at >= ${since}) changed
      cross join lateral (select * from room_heads where conversation_id = changed.id limit 1) h
      left join lateral (select * from bridge_rooms where conversation_id = changed.id limit 1) b on true
      where h.head_seq > greatest(coalesce(b.mirrored_seq, 0), coalesce(b.seen_head, 0))
      order by h.conversation_id
      on conflict (conversation_id) do update set seen_head = greatest(bridge_rooms.seen_head, excluded.seen_head)`;
  }

  /** @returns the last room of the step; null when there are no more */
  async function recordStep(after: number): Promise<number | null> {
    const [row] = await sql<{ last: number | null }[]>`
      with step as materialized (
        select conversation_id, token, head_seq from room_heads
        where conversation_id > ${after} order by conversation_id limit ${STEP}
      ), noted as (
        insert into bridge_rooms (conversation_id, token, seen_head)
        select s.conversation_id, s.token, s.head_seq from step s
        left join bridge_rooms b on b.conversation_id = s.conversation_id
        where b.conversation_id is null or s.head_seq > greatest(b.mirrored_seq, b.seen_head)
        order by s.conversation_id
        on conflict (conversation_id) do update set seen_head = greatest(bridge_rooms.seen_head, excluded.seen_head)
      )
      select max(conversation_id) as last from step`;
    return row?.last ?? null;
  }

  return {
    async recordChangedRooms() {
      const { now, noted } = await recordedUntil();
      if (noted === null || now - noted > ABSENCE_MS) {
        for (let last: number | null = 0; last !== null; ) last = await recordStep(last);
      } else {
        // The database's clock may have been set back since.
        await recordSince(Math.min(noted, now) - OVERLAP_MS);
      }
      await sql`
        insert into bridge_state (key, value) values (${RECORDED_UNTIL_KEY}, ${String(now)})
        on conflict (key) do update set value = excluded.value`;
    },
    async dueRooms(limit, connected) {
      const rows = connected
        ? await sql<{ id: number }[]>`
            select conversation_id as id from bridge_rooms
            where seen_head > mirrored_seq and retry_at <= causeway_now()
            union
            select conversation_id from bridge_rooms where gone and retry_at <= causeway_now()
            union
            (select l.id from (
               select conversation_id as id from bridge_outbox where late
               union
               select conversation_id from bridge_dead_letters where retried) l
             join bridge_rooms b on b.conversation_id = l.id and b.retry_at <= causeway_now())
            union
            select conversation_id from bridge_rooms where doubts > 0 and retry_at <= causeway_now()
            union
            select conversation_id from bridge_inbox where ${isDue(sql)}
            limit ${limit}`
        : await sql<{ id: number }[]>`
            select distinct conversation_id as id from bridge_inbox where ${isDue(sql)} limit ${limit}`;
      return rows.map(({ id }) => id);
    },
    async roomsToSyncMembers(limit) {
      const rows = await sql<{ id: number }[]>`
        select conversation_id as id from bridge_rooms
        where unsettled > 0 and retry_at <= causeway_now() limit ${limit}`;
      return rows.map(({ id }) => id);
    },
    async backlog() {
      const { now, noted } = await recordedUntil();
      // Before all rooms were looked at, only the recorded rooms count.
      const since = noted === null || now - noted > ABSENCE_MS ? now : Math.min(noted, now) - OVERLAP_MS;
      const [row] = await sql<
        [{ outbox: number; lag: number; inbox: number; waiting: number; letters: number }]
      >`
        select coalesce(sum(behind.n), 0)::bigint as outbox,
               coalesce(max(causeway_now() - behind.at), 0)::bigint as lag,
               (select count(*) from bridge_inbox where done_at is null and waits_for is null) as inbox,
               (select count(*) from bridge_inbox where done_at is null and waits_for is not null) as waiting,
               (select count(*) from bridge_dead_letters) as letters
        from (
          select h.head_seq - coalesce(b.mirrored_seq, 0) as n,
                 (select e.at from events e where e.conversation_id = h.conversation_id
                    and e.seq = coalesce(b.mirrored_seq, 0) + 1) as at
          from (
            select conversation_id as id from bridge_rooms where seen_head > mirrored_seq
            union
            select conversation_id from events where at >= ${since}
          ) changed
          cross join lateral (select * from room_heads where conversation_id = changed.id limit 1) h
          left join lateral (select * from bridge_rooms where conversation_id = changed.id limit 1) b on true
          where h.head_seq > coalesce(b.mirrored_seq, 0)
        ) behind`;
      const { outbox, lag, inbox, waiting, letters } = row;
      return { outbox, lagMs: Math.max(0, lag), inbox, waiting, deadLetters: letters };
    },
  };
}
