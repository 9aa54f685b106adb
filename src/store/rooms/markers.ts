/** Read markers. One statement moves many markers, only forward, and answers with their new positions. */
import type { Audience, MemberKey } from "../../domain/model.ts";
import type { ReadState } from "../../domain/ports/store/log.ts";
import { unreadMentions } from "../log/unread.ts";
import { createBatches } from "../sql/batches.ts";
import type { Database } from "../sql/database.ts";
import { asDomainError, repeated } from "../sql/failures.ts";
import type { Fragment } from "../sql/sql.ts";

export interface MarkersOptions {
  lanes: number;
  maxQueued: number;
  /** A batch is tried again for so long while the database is away. Moving a marker twice does no harm. */
  repeatMs: number;
}

export interface Markers {
  /** See `RoomLog.markRead`. */
  markRead(member: MemberKey, roomId: number, seq: number): Promise<ReadState | "past_head" | null>;
  drain(): Promise<void>;
}

interface Mark {
  member: MemberKey;
  roomId: number;
  seq: number;
}

interface MarkRow {
  ord: number;
  past_head: boolean;
  read: number;
  read_messages: number;
  unread: number;
  mentions: number;
  delivered: number;
  unmarked: boolean;
  moved: boolean;
  audience: Audience;
}

const MAX_BATCH_MARKERS = 512;
/** Read steps that are searched for two other members. A missed one only stores one step too many. */
const MAX_READ_STEPS = 64;

/** Moves the markers to where `reached` has them, and notes a read step unless two other members were there before. */
const MOVES = `
  moved as (
    update memberships m
    set read_seq = r.new_seq, read_messages = r.new_messages, last_opened_at = causeway_now(),
        unread_mark = false, read_at = case when r.new_seq > m.read_seq then causeway_now() else m.read_at end
    from (select distinct room, member, new_seq, new_messages from reached) r
    where m.conversation_id = r.room and m.member = r.member
  ),
  stepped as (
    insert into read_steps (conversation_id, seq, member, at)
    select distinct r.room, r.new_seq, r.member, causeway_now() from reached r
    where r.new_seq > r.read_seq and r.receipts_for = 'everybody' and (
      select count(distinct s.member) from (
        select * from read_steps s where s.conversation_id = r.room and s.seq >= r.new_seq order by s.seq limit ${MAX_READ_STEPS}
      ) s where s.member <> r.member
    ) < 2
    on conflict do nothing
  )`;

export function createMarkers(db: Database, options: MarkersOptions): Markers {
  const moves = db.sql.unsafe(MOVES);
  const batches = createBatches<Mark, ReadState | "past_head" | null>({
    lanes: options.lanes,
    laneOf: ({ roomId }) => roomId,
    sizeOf: () => 0,
    maxInputs: MAX_BATCH_MARKERS,
    maxBytes: Number.POSITIVE_INFINITY,
    maxQueued: options.maxQueued,
    commit,
  });

  async function commit(marks: Mark[]): Promise<(ReadState | "past_head" | null)[]> {
    const rows = await repeated(options.repeatMs, () => db.urgent(markStatement(db, marks, moves))).catch(
      (error) => {
        throw asDomainError(error);
      },
    );
    const states: (ReadState | "past_head" | null)[] = new Array(marks.length).fill(null);
    for (const { ord, past_head, read_messages, ...state } of rows) {
      states[ord - 1] = past_head ? "past_head" : { readMessages: read_messages, ...state };
    }
    return states;
  }

  return {
    async markRead(member, roomId, seq) {
      if (member.includes("\0")) return null;
      return await batches.add({ member, roomId, seq });
    },
    drain: () => batches.drain(),
  };
}

/**
 * Locks the members' rows in the order of their key, as `causeway_append` does after its rooms, so the two can't
 * deadlock, and markers need no lock of the room. A send may move the locked row after the statement's snapshot of the
 * room was taken, hence `greatest`. Removed memberships have no row in the answer.
 */
function markStatement(db: Database, marks: Mark[], moves: Fragment) {
  const rooms = marks.map(({ roomId }) => roomId);
  const members = marks.map(({ member }) => member);
  const seqs = marks.map(({ seq }) => seq);
  return db.sql<MarkRow[]>`
    with locked as materialized (
      select i.ord, i.room, i.seq, h.head_seq, h.message_count, h.withdrawn_no, m.member, m.read_seq, m.read_messages, m.delivered_seq,
             m.conversation_id, m.receipts_for, m.unread_mark, m.hidden_no
      from unnest(${rooms}::bigint[], ${members}::text[], ${seqs}::bigint[])
        with ordinality as i (room, member, seq, ord)
      join lateral (select * from room_heads where conversation_id = i.room limit 1) h on true
      join memberships m on m.conversation_id = i.room and m.member = i.member collate "C"
      order by m.conversation_id, m.member for no key update of m
    ),
    wanted as materialized (
      select l.*, max(l.seq) filter (where l.seq <= l.head_seq) over (partition by l.room, l.member) as goal
      from locked l
    ),
    reached as materialized (
      select w.*, coalesce(e.seq, w.read_seq) as new_seq, coalesce(e.message_no, w.read_messages) as new_messages
      from wanted w
      left join lateral (
        select e.seq, e.message_no from events e
        where e.conversation_id = w.room and e.seq <= w.goal order by e.seq desc limit 1
      ) e on w.goal > w.read_seq
    ),
    ${moves}
    select r.ord, r.seq > r.head_seq as past_head, r.new_seq as read, r.new_messages as read_messages,
           greatest(0, r.message_count - r.new_messages - case when r.withdrawn_no > r.new_messages
             then causeway_withdrawn_after(r.room, r.new_messages) else 0 end
             - case when r.hidden_no > 0 then causeway_hidden_after(r.room, r.member, r.new_seq) else 0 end) as unread,
           n.mentions, greatest(r.delivered_seq, r.new_seq) as delivered, r.seq > r.read_seq as moved, r.receipts_for as audience,
           r.unread_mark as unmarked
    from reached r
    cross join lateral (${unreadMentions(db.sql, db.sql.unsafe("r.new_seq"), "r")}) n`;
}
