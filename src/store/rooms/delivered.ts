/** Markers of delivery. One statement moves those of many members in many rooms, only forward. */
import type { Audience, MemberKey } from "../../domain/model.ts";
import {
  type DeliveredState,
  RECEIPT_MEMBERS,
  type ReceiptStore,
} from "../../domain/ports/store/receipts.ts";
import { createBatches } from "../sql/batches.ts";
import type { Database } from "../sql/database.ts";
import { asDomainError, repeated } from "../sql/failures.ts";

export interface DeliveredOptions {
  maxQueued: number;
  /** A batch is tried again for so long while the database is away. Moving a marker twice does no harm. */
  repeatMs: number;
}

export interface DeliveredMarkers {
  /** See `ReceiptStore.markDelivered`. */
  mark: ReceiptStore["markDelivered"];
  drain(): Promise<void>;
}

type State = DeliveredState | "past_head" | null;
type Places = Parameters<ReceiptStore["markDelivered"]>[1];

interface Marks {
  member: MemberKey;
  places: Places;
}

interface MarkRow {
  ord: number;
  past_head: boolean;
  delivered: number;
  read: number;
  moved: boolean;
  big: boolean;
  audience: Audience;
}

const MAX_BATCH_MEMBERS = 512;
/** A member says up to 1,000 rooms at once. */
const MAX_BATCH_PLACES = 2_000;

export function createDeliveredMarkers(db: Database, options: DeliveredOptions): DeliveredMarkers {
  const batches = createBatches<Marks, State[]>({
    lanes: 1,
    laneOf: () => 0,
    sizeOf: ({ places }) => places.length,
    maxInputs: MAX_BATCH_MEMBERS,
    maxBytes: MAX_BATCH_PLACES,
    maxQueued: options.maxQueued,
    commit,
  });

  async function commit(marks: Marks[]): Promise<State[][]> {
    const rows = await repeated(options.repeatMs, () => db.urgent(markStatement(db, marks))).catch(
      (error) => {
        throw asDomainError(error);
      },
    );
    const states: State[] = new Array(marks.reduce((sum, { places }) => sum + places.length, 0)).fill(null);
    for (const { ord, past_head, ...state } of rows) states[ord - 1] = past_head ? "past_head" : state;
    let start = 0;
    return marks.map(({ places }) => {
      const end = start + places.length;
      const own = states.slice(start, end);
      start = end;
      return own;
    });
  }

  return {
    async mark(member, places) {
      if (places.length === 0 || member.includes("\0")) return places.map(() => null);
      return await batches.add({ member, places });
    },
    drain: () => batches.drain(),
  };
}

/** Locks the members' rows in the order of their key, as the statements of sends and read markers do. */
function markStatement({ sql }: Database, marks: readonly Marks[]) {
  const all = marks.flatMap(({ member, places }) => places.map((place) => ({ member, ...place })));
  return sql<MarkRow[]>`
    with locked as materialized (
      select i.ord, i.room, i.seq, h.head_seq, h.members, m.member, m.read_seq, m.receipts_for,
             greatest(m.delivered_seq, m.read_seq) as before
      from unnest(${all.map(({ roomId }) => roomId)}::bigint[], ${all.map(({ member }) => member)}::text[],
                  ${all.map(({ seq }) => seq)}::bigint[]) with ordinality as i (room, member, seq, ord)
      join lateral (select * from room_heads where conversation_id = i.room limit 1) h on true
      join memberships m on m.conversation_id = i.room and m.member = i.member collate "C"
      order by m.conversation_id, m.member for no key update of m
    ),
    reached as (
      select room, member, max(seq) as seq from locked where seq > before and seq <= head_seq group by room, member
    ),
    moved as (
      update memberships m set delivered_seq = r.seq, delivered_at = causeway_now()
      from reached r where m.conversation_id = r.room and m.member = r.member
    )
    select l.ord, l.seq > l.head_seq as past_head, greatest(l.before, r.seq) as delivered, l.read_seq as read,
           l.seq > l.before and l.seq = r.seq as moved, l.members > ${RECEIPT_MEMBERS}::int as big,
           l.receipts_for as audience
    from locked l
    left join reached r on r.room = l.room and r.member = l.member`;
}
