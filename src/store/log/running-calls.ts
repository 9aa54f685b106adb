/** Running calls, read from the log. See schema/migrations/0006-calls.sql. */
import { actorOf, type MemberKey } from "../../domain/model.ts";
import type { RunningCall } from "../../domain/ports/store/log.ts";
import type { Sql, Statement } from "../sql/sql.ts";

export interface CallerRow {
  room: number;
  /** Null where the log names nobody in the call. */
  actor: MemberKey | null;
  name: string | null;
}

/** One row per person in a running call of these rooms, or of all rooms. A person's last event decides. */
export function callerList(sql: Sql, roomIds?: readonly number[]): Statement<CallerRow[]> {
  const narrowed = roomIds === undefined ? sql`` : sql`and h.conversation_id = any (${roomIds}::bigint[])`;
  return sql<CallerRow[]>`
    select h.conversation_id as room, e.actor, e.actor_name as name from room_heads h
    left join lateral (
      select distinct on (e.actor) e.actor, e.actor_name, e.type, e.seq from events e
      where e.conversation_id = h.conversation_id and e.seq >= h.call_seq
        and e.type in ('call.started', 'call.joined', 'call.left')
      order by e.actor, e.seq desc
    ) e on e.type <> 'call.left'
    where h.call_seq is not null ${narrowed}
    order by h.conversation_id, e.seq`;
}

export function runningCalls(rows: readonly CallerRow[]): RunningCall[] {
  const calls = new Map<number, RunningCall>();
  for (const { room, actor, name } of rows) {
    const call = calls.get(room) ?? { roomId: room, callers: [] };
    if (actor !== null) call.callers.push(actorOf(actor, name ?? ""));
    calls.set(room, call);
  }
  return [...calls.values()];
}
