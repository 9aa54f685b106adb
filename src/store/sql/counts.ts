/** Numbers of organizations, users, rooms and messages, for operators. */
import type { StoreCounts } from "../../domain/ports/store/store.ts";
import type { Database } from "./database.ts";
import type { Row } from "./rows.ts";
import type { Sql, Statement } from "./sql.ts";

/** See `Store.counts`. */
export async function counts({ sql, read }: Database): Promise<StoreCounts> {
  const [row] = await read(sql<[StoreCounts]>`
      with few as materialized (select message_count from room_heads limit ${MAX_COUNTED_ROWS}),
           known as (
             select count(*) < ${MAX_COUNTED_ROWS} as exact, count(*) as rooms, coalesce(sum(message_count), 0)::bigint as messages
             from few
           )
      select (select count(*) from (select from organizations limit ${MAX_COUNTED_ROWS}) o) as organizations,
             case when exact then (select count(*) from users where deleted_at is null)
                  else ${estimate(sql, "users")} end as users,
             case when exact then rooms else ${estimate(sql, "room_heads")} end as rooms,
             case when exact then messages else ${estimate(sql, "events")} end as messages
      from known`);
  return row;
}

/** Tables with more rows are not counted for operators: PostgreSQL's estimates are used, because counting reads every row. */
const MAX_COUNTED_ROWS = 10_000;

/** The planner's estimate of a table's rows, those of its partitions included. */
function estimate(sql: Sql, table: "users" | "room_heads" | "events"): Statement<Row[]> {
  return sql`(
    select greatest(0, coalesce(sum(c.reltuples), 0))::bigint from pg_class c
    where c.oid = ${table}::regclass or c.oid in (select inhrelid from pg_inherits where inhparent = ${table}::regclass))`;
}
