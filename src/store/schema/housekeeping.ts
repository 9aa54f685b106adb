/**
 * What has to be done now and then: removing the logs of deleted rooms in small steps and what is remembered of them,
 * and for the embedded database what a server's own background processes would do.
 */
import { periodic } from "../../domain/periodic.ts";
import type { Database, StoreLogger } from "../sql/database.ts";

export interface HousekeepingOptions {
  /** The embedded database has no checkpointer and no autovacuum. */
  embedded: boolean;
  /** What other parts of the store have to do now and then, in this order. */
  also: readonly ((db: Database) => Promise<void>)[];
}

export interface Housekeeping {
  /** Resolves when nothing is under way and nothing will be. */
  stop(): Promise<void>;
}

const TURN_MS = 30_000;
/** Other processes read a deleted room's last events for so long. */
const KEEP_DELETED_MS = 60_000;
const PURGE_STEP = 2_000;
/** Of a deleted room's last events, the messages that lists can go on from. */
const FORMER_MESSAGES = 1_000;
/** Clients go on from a deleted room, contact or file in their lists for so long. */
const KEEP_FORMER_MS = 30 * 24 * 3_600_000;
/** What a webhook did not take for so long is given up. */
const KEEP_DELIVERIES_MS = 7 * 24 * 3_600_000;
/** The log of a deleted room waits so long for webhooks to be told. */
const KEEP_SNAPSHOT_MS = 24 * 3_600_000;
/** Who was away hears for so long of rooms that they are no longer in. */
const KEEP_DEPARTURES_MS = 28 * 24 * 3_600_000;
/** Bytes of write-ahead log after which the embedded database is checkpointed, and after which it is vacuumed. */
const CHECKPOINT_BYTES = 32 << 20;
const VACUUM_BYTES = 512 << 20;

export function startHousekeeping(
  db: Database,
  { embedded, also }: HousekeepingOptions,
  logger: StoreLogger,
): Housekeeping {
  const maintain = embedded ? maintenance(db) : async () => {};
  let stopped = false;

  async function work(): Promise<void> {
    while (!stopped && (await purgeStep(db)));
    await forgetFormer(db);
    await forgetDeliveries(db);
    for (const step of also) await step(db);
    await maintain();
  }

  const stop = periodic("housekeeping of the database", TURN_MS, work, { logger });
  return {
    async stop() {
      stopped = true;
      await stop();
    },
  };
}

/**
 * Removes a step of a deleted room's log. Several processes share the work: a room that one is at is skipped.
 * @returns whether there may be more to remove
 */
export async function purgeStep(
  db: Pick<Database, "transaction">,
  keepMs = KEEP_DELETED_MS,
): Promise<boolean> {
  return await db.transaction(async (sql) => {
    const [room] = await sql<{ id: number }[]>`
      select d.conversation_id as id from deleted_rooms d where d.deleted_at <= causeway_now() - ${keepMs}
        and not exists (select from room_snapshots s where s.conversation_id = d.conversation_id)
      limit 1 for update skip locked`;
    if (!room) return false;
    await sql`
      with steps as (delete from read_steps where conversation_id = ${room.id}),
           edits as (delete from message_edits where conversation_id = ${room.id}),
           withdrawn as (delete from withdrawn_messages where conversation_id = ${room.id})
      delete from reactions where conversation_id = ${room.id}`;
    const [{ count }] = await sql<[{ count: number }]>`
      with last as (select max(seq) as seq from events where conversation_id = ${room.id}),
      gone as (
        delete from events where conversation_id = ${room.id} and seq in (
          select seq from events where conversation_id = ${room.id} order by seq limit ${PURGE_STEP})
        returning seq, at, type
      ),
      kept as (
        insert into former_messages (conversation_id, seq, at)
        select ${room.id}, g.seq, g.at from gone g, last l
        where g.type = 'message' and g.seq > l.seq - ${FORMER_MESSAGES}
      )
      select count(*) as count from gone`;
    if (count < PURGE_STEP) await sql`delete from deleted_rooms where conversation_id = ${room.id}`;
    return true;
  });
}

/** Forgets what lists and journals no longer go on from. */
async function forgetFormer({ sql }: Database): Promise<void> {
  await sql`delete from former_messages where removed_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  await sql`delete from departures where at <= causeway_now() - ${KEEP_DEPARTURES_MS}`;
  await sql`delete from former_rooms where deleted_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  await sql`delete from contacts where deleted_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  await sql`delete from attachments where file_gone and deleted_at <= causeway_now() - ${KEEP_FORMER_MS}`;
}

/** Webhooks that took nothing for days, and rooms that are no more. */
async function forgetDeliveries({ sql }: Database): Promise<void> {
  await sql`
    delete from webhook_deliveries where created_at <= causeway_now() - ${KEEP_DELIVERIES_MS}
      and id in (select id from webhook_deliveries order by id limit ${PURGE_STEP})`;
  await sql`delete from room_snapshots where created_at <= causeway_now() - ${KEEP_SNAPSHOT_MS}`;
  await sql`
    delete from webhook_lanes l where not l.reading and l.next_at is null and l.conversation_id <> 0
      and not exists (select from room_heads h where h.conversation_id = l.conversation_id)`;
}

/** Checkpoints and vacuums when enough was written since the last time. */
function maintenance(db: Database): () => Promise<void> {
  const { sql } = db;
  let checkpointAt: number | undefined;
  let vacuumAt: number | undefined;
  return async () => {
    const [row] = await db.read(sql<[{ written: number }]>`
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as written`);
    checkpointAt ??= row.written + CHECKPOINT_BYTES;
    vacuumAt ??= row.written + VACUUM_BYTES;
    if (row.written >= vacuumAt) {
      await sql`vacuum (analyze)`;
      vacuumAt = row.written + VACUUM_BYTES;
    }
    if (row.written >= checkpointAt) {
      await sql`checkpoint`;
      checkpointAt = row.written + CHECKPOINT_BYTES;
    }
  };
}
