/** Files of messages from Matrix that are on their way (schema/migrations/0055-bridge-arriving-files.sql). */
import type { StoreSql } from "../../src/store/postgres.ts";

/** A file on its way, and the room of its message. */
export interface ArrivingFile {
  eventId: string;
  roomId: number;
  /** The room's token. */
  room: string;
  matrixRoomId: string;
  /** The Matrix event as JSON. */
  event: string;
  /** Id of the attachment, once the bytes are kept. */
  attachment: string | null;
  /** Answers that brought no file. */
  tries: number;
}

export interface BridgeArriving {
  /**
   * Stores that a message's file is on its way; nothing changes when it is known.
   * @param perSender files of one sender that are fetched at once
   * @returns whether this worker is to fetch it now: it has not begun, no other file is on its way to the room, and the
   *   sender has fewer than `perSender` under way. Otherwise {@link leaseArriving} hands it out later.
   */
  expectFile(
    file: { eventId: string; roomId: number; sender: string; event: string },
    node: string,
    perSender: number,
  ): Promise<boolean>;
  /**
   * Hands this worker due files to fetch, at most `perSender` of one sender at once.
   * @param underWay event ids of those that it works on: others that it was handed once were left behind
   */
  leaseArriving(node: string, limit: number, perSender: number, underWay: string[]): Promise<ArrivingFile[]>;
  /** A file on its way, or null. */
  arriving(eventId: string): Promise<ArrivingFile | null>;
  /** Stores that the bytes are kept. */
  fileKept(eventId: string, attachment: string): Promise<void>;
  /** The file is due again in `retryInMs`; `counts`: its tries grow. */
  fileLater(eventId: string, retryInMs: number, counts: boolean): Promise<void>;
  /** Forgets a file: its message has it, or does without. */
  fileSettled(eventId: string): Promise<void>;
  /** Stores which file a message from Matrix has, and the hash of its text there. */
  putFile(eventId: string, file: string | null, shown: string): Promise<void>;
}

export function createBridgeArriving(sql: StoreSql): BridgeArriving {
  const columns = sql.unsafe(
    `a.event_id as "eventId", a.conversation_id as "roomId", b.token as room, b.matrix_room_id as "matrixRoomId",
     a.event, a.attachment, a.tries`,
  );
  const isFree = (file: "a" | "c") =>
    sql.unsafe(`(${file}.owner is null or not exists (
      select from bridge_workers w where w.node = ${file}.owner and w.expires_at > causeway_now()))`);

  return {
    async expectFile({ eventId, roomId, sender, event }, node, perSender) {
      const [row] = await sql<{ mine: boolean }[]>`
        insert into bridge_arriving (event_id, conversation_id, sender, event, owner)
        select ${eventId}, ${roomId}::bigint, ${sender}::text, ${event}, case when
          not exists (select from bridge_arriving where conversation_id = ${roomId})
          and (select count(*) from bridge_arriving where sender = ${sender} and owner is not null) < ${perSender}
          then ${node}::text end
        on conflict (event_id) do nothing returning owner is not null as mine`;
      return row?.mine ?? false;
    },
    async leaseArriving(node, limit, perSender, underWay) {
      await sql`
        update bridge_arriving set owner = null
        where owner = ${node} and event_id <> all (${underWay}::text[])`;
      return await sql<ArrivingFile[]>`
        update bridge_arriving a set owner = ${node}
        from bridge_rooms b
        where b.conversation_id = a.conversation_id and ${isFree("a")} and a.event_id in (
          select d.event_id from (
            select c.event_id, c.retry_at, row_number() over (partition by c.sender order by c.retry_at, c.since)
              + (select count(*) from bridge_arriving o where o.sender = c.sender and o.owner is not null) as place
            from bridge_arriving c where c.retry_at <= causeway_now() and ${isFree("c")}) d
          where d.place <= ${perSender} order by d.retry_at limit ${limit})
        returning ${columns}`;
    },
    async arriving(eventId) {
      const [row] = await sql<ArrivingFile[]>`
        select ${columns} from bridge_arriving a join bridge_rooms b on b.conversation_id = a.conversation_id
        where a.event_id = ${eventId}`;
      return row ?? null;
    },
    async fileKept(eventId, attachment) {
      await sql`update bridge_arriving set attachment = ${attachment} where event_id = ${eventId}`;
    },
    async fileLater(eventId, retryInMs, counts) {
      await sql`
        update bridge_arriving
        set owner = null, tries = tries + ${counts}::int, retry_at = causeway_now() + ${retryInMs}::bigint
        where event_id = ${eventId}`;
    },
    async fileSettled(eventId) {
      await sql`delete from bridge_arriving where event_id = ${eventId}`;
    },
    async putFile(eventId, file, shown) {
      await sql`update bridge_events set file = ${file}, shown = ${shown} where event_id = ${eventId}`;
    },
  };
}
