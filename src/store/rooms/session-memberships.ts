/** Which memberships a statement about the rooms of sessions reads, and the places in rooms that their members name. */
import type { MemberKey } from "../../domain/model.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Statement } from "../sql/sql.ts";

/** The memberships of a statement, and the places that their members asked for. */
export interface Asked {
  memberships: Statement<Row[]>;
  ords: number[];
  rooms: string[];
  seqs: number[];
}

/** A statement's memberships from what the members asked for. */
export function askedFor(
  wanted: readonly { asked: { rooms: readonly string[]; seqs: readonly number[] } }[],
  memberships: Statement<Row[]>,
): Asked {
  const asked: Asked = { memberships, ords: [], rooms: [], seqs: [] };
  wanted.forEach(({ asked: { rooms, seqs } }, n) => {
    rooms.forEach((room, place) => {
      asked.ords.push(n + 1);
      asked.rooms.push(room);
      asked.seqs.push(seqs[place] as number);
    });
  });
  return asked;
}

/** All memberships of these members. `offset 0` makes the planner use the index of members: without it, it reads all memberships of a table that grew since it was analyzed. */
export function allMemberships(
  { sql }: Database,
  wanted: readonly { member: MemberKey; most: number | null; hiddenAfter: number | null }[],
): Statement<Row[]> {
  const members = wanted.map(({ member }) => member);
  const most = wanted.map((each) => each.most);
  const hidden = wanted.map((each) => each.hiddenAfter);
  if (most.every((each) => each === null)) {
    return sql<Row[]>`
      select k.ord, true as listed, k.hidden_after, mine.*
      from unnest(${members}::text[], ${hidden}::bigint[]) with ordinality as k (member, hidden_after, ord)
      cross join lateral (select * from memberships where member = k.member offset 0) mine`;
  }
  return sql<Row[]>`
    select k.ord, mine.place <= coalesce(k.most, mine.place) as listed, k.hidden_after, mine.*
    from unnest(${members}::text[], ${most}::bigint[], ${hidden}::bigint[])
      with ordinality as k (member, most, hidden_after, ord)
    cross join lateral (
      select m.*, row_number() over (order by h.last_activity desc, m.conversation_id desc) as place
      from (select * from memberships where member = k.member offset 0) m
      join room_heads h on h.conversation_id = m.conversation_id
    ) mine`;
}

/** The memberships of these members in one room each. */
export function singleMemberships(
  { sql }: Database,
  wanted: readonly { member: MemberKey; roomId: number }[],
): Statement<Row[]> {
  const [members, rooms] = [wanted.map(({ member }) => member), wanted.map(({ roomId }) => roomId)];
  return sql<Row[]>`
    select k.ord, true as listed, null::bigint as hidden_after, mine.*
    from unnest(${members}::text[], ${rooms}::bigint[]) with ordinality as k (member, room, ord)
    cross join lateral (
      select * from memberships where conversation_id = k.room and member = k.member offset 0
    ) mine`;
}
