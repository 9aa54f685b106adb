/**
 * Events from Matrix that came before the event that they are about, their target. They wait for it in the inbox: until
 * it was applied, or until an audit that began after them has ended, or for {@link MAX_WAIT_MS}.
 */
import type { StoreSql } from "../../src/store/postgres.ts";
import type { Fragment } from "../../src/store/sql/sql.ts";

/** Where the bridge has a Matrix event: `applied` to the chat or given up, in the inbox (`received`), or nowhere. */
export type Whereabouts = "applied" | "received" | null;

export interface BridgeWaiting {
  /** Where the bridge has an event of this room. */
  whereabouts(roomId: number, eventId: string): Promise<Whereabouts>;
  /**
   * Lets an event of the inbox wait for its target.
   * @returns false when {@link MAX_WAITING} events of the room wait already, or the target was applied meanwhile
   */
  waitFor(roomId: number, eventId: string, target: string): Promise<boolean>;
  /** Call this before an audit. @returns the time, ms by the database's clock, for {@link auditEnded} */
  auditBegins(): Promise<number>;
  /** Call this when the audit has stored what it found. */
  auditEnded(beganAt: number): Promise<void>;
}

/** Events of one room that wait at a time. Further ones go on without their target. */
export const MAX_WAITING = 500;
/** The longest wait, also while no audit succeeds. */
const MAX_WAIT_MS = 10 * 60_000;
const AUDITED_KEY = "audited_at";

/** Whether an event of the inbox can be dealt with: it is not held, and waits for nothing or has waited long enough. */
export function isDue(sql: StoreSql): Fragment {
  return sql.unsafe(`(done_at is null and coalesce(held_until, 0) <= causeway_now() and (waits_for is null or waits_since < greatest(
    causeway_now() - ${MAX_WAIT_MS},
    coalesce((select value::bigint from bridge_state where key = '${AUDITED_KEY}'), 0))))`);
}

/** Ends the wait of the events that wait for this one. */
export function released(sql: StoreSql, eventId: string): Fragment {
  return sql`update bridge_inbox set waits_for = null, waits_since = null where waits_for = ${eventId}`
    .fragment;
}

export function createBridgeWaiting(sql: StoreSql): BridgeWaiting {
  return {
    async whereabouts(roomId, eventId) {
      const [row] = await sql<{ applied: boolean }[]>`
        select true as applied from bridge_events where event_id = ${eventId} and conversation_id = ${roomId}
        union all
        select true from bridge_former_events where event_id = ${eventId} and conversation_id = ${roomId}
        union all
        select done_at is not null from bridge_inbox where event_id = ${eventId} and conversation_id = ${roomId}
        limit 1`;
      if (!row) return null;
      return row.applied ? "applied" : "received";
    },
    async waitFor(roomId, eventId, target) {
      const rows = await sql`
        update bridge_inbox set waits_for = ${target}, waits_since = causeway_now()
        where event_id = ${eventId} and done_at is null
          and not exists (select from bridge_events e where e.event_id = ${target})
          and (waits_for is not null or ${MAX_WAITING} > (
            select count(*) from bridge_inbox
            where conversation_id = ${roomId} and done_at is null and waits_for is not null))
        returning 1`;
      return rows.length > 0;
    },
    async auditBegins() {
      const [row] = await sql<[{ now: number }]>`select causeway_now() as now`;
      return row.now;
    },
    async auditEnded(beganAt) {
      await sql`
        insert into bridge_state (key, value) values (${AUDITED_KEY}, ${String(beganAt)})
        on conflict (key) do update set value = greatest(bridge_state.value::bigint, excluded.value::bigint)::text`;
    },
  };
}
