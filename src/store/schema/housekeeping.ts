/**
 * Periodic work of the store. It removes the logs of deleted rooms in small steps, and old rows of other tables. For the
 * embedded database it also does the work of a server's background processes.
 */
import { periodic } from "../../domain/periodic.ts";
import { forgetThreads } from "../log/threads.ts";
import type { Database, StoreLogger } from "../sql/database.ts";

export interface HousekeepingOptions {
  /** The embedded database has no checkpointer and no autovacuum. */
  embedded: boolean;
  /** Periodic work of other parts of the store, in this order. */
  also: readonly ((db: Database) => Promise<void>)[];
}

export interface Housekeeping {
  /** Resolves when no work is under way, and none will begin. */
  stop(): Promise<void>;
}

const TURN_MS = 30_000;
/** A deleted room's log stays for so long, because other processes read its last events. */
const KEEP_DELETED_MS = 60_000;
/** Rows that one statement removes. */
const PURGE_ROWS = 2_000;
/** The last messages of a deleted room whose times stay, so that lists can go on from them. */
const MAX_FORMER_MESSAGES = 1_000;
/** The place of a deleted room, contact or file stays for so long, so that lists can go on from it. */
const KEEP_FORMER_MS = 30 * 24 * 3_600_000;
/** A delivery that a webhook did not take for so long is given up. */
const KEEP_DELIVERIES_MS = 7 * 24 * 3_600_000;
/** The log of a deleted room stays at most so long for webhooks that have not read it. */
const KEEP_SNAPSHOT_MS = 24 * 3_600_000;
/** Clients that were away hear for so long that their user left a room. */
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
 * Removes some rows of a deleted room's log. Several processes share the work: a locked room is skipped.
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
    await forgetThreads(sql, room.id);
    await sql`
      with steps as (delete from read_steps where conversation_id = ${room.id}),
           edits as (delete from message_edits where conversation_id = ${room.id}),
           withdrawn as (delete from withdrawn_messages where conversation_id = ${room.id}),
           hidden as (delete from hidden_messages where conversation_id = ${room.id}),
           indexed as (delete from word_heads where conversation_id = ${room.id})
      delete from reactions where conversation_id = ${room.id}`;
    const [{ count }] = await sql<[{ count: number }]>`
      with last as (select max(seq) as seq from events where conversation_id = ${room.id}),
      gone as (
        delete from events where conversation_id = ${room.id} and seq in (
          select seq from events where conversation_id = ${room.id} order by seq limit ${PURGE_ROWS})
        returning seq, at, type
      ),
      words as (
        delete from message_words w using gone g where w.conversation_id = ${room.id} and w.seq = g.seq
      ),
      kept as (
        insert into former_messages (conversation_id, seq, at)
        select ${room.id}, g.seq, g.at from gone g, last l
        where g.type = 'message' and g.seq > l.seq - ${MAX_FORMER_MESSAGES}
      )
      select count(*) as count from gone`;
    if (count < PURGE_ROWS) await sql`delete from deleted_rooms where conversation_id = ${room.id}`;
    return true;
  });
}

/** Removes old places from which lists and journals could go on. */
async function forgetFormer({ sql }: Database): Promise<void> {
  await sql`delete from former_messages where removed_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  await sql`delete from departures where at <= causeway_now() - ${KEEP_DEPARTURES_MS}`;
  await sql`delete from former_rooms where deleted_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  await sql`delete from contacts where deleted_at <= causeway_now() - ${KEEP_FORMER_MS}`;
  // The bytes of other files may be under a file's id: until these are forgotten too, nobody may use the id again.
  await sql`
    delete from attachments a where a.file_gone and a.deleted_at <= causeway_now() - ${KEEP_FORMER_MS}
      and not exists (
        select from attachments s
        where s.content = a.id and (not s.file_gone or s.deleted_at > causeway_now() - ${KEEP_FORMER_MS})
      )`;
}

/** Removes deliveries that no webhook took for days, and rows of webhooks about deleted rooms. */
async function forgetDeliveries({ sql }: Database): Promise<void> {
  await sql`
    delete from webhook_deliveries where created_at <= causeway_now() - ${KEEP_DELIVERIES_MS}
      and id in (select id from webhook_deliveries order by id limit ${PURGE_ROWS})`;
  await sql`delete from room_snapshots where created_at <= causeway_now() - ${KEEP_SNAPSHOT_MS}`;
  await sql`
    delete from webhook_lanes l where not l.reading and l.next_at is null and l.conversation_id <> 0
      and not exists (select from room_heads h where h.conversation_id = l.conversation_id)`;
}

/** Checkpoints and vacuums after enough was written since the last time. */
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
