/** A member's rooms for the start of a session. Ten thousand may come at once, so it reads only the fields of `ready`. */
import type { HistoryVisibility, MemberKey, Role, RoomType } from "../../domain/model.ts";
import type { AskedPlaces, RoomLists, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { unreadMessages } from "../log/unread.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent } from "../sql/rows.ts";

interface Wanted {
  member: MemberKey;
  asked: AskedPlaces;
}

interface SessionRoomRow extends EventRow {
  /** The number of the member that the row belongs to, from 1. */
  ord: number;
  name: string;
  kind: RoomType;
  role: Role;
  joined: number;
  visible: number;
  lobby: boolean;
  lobby_until: number | null;
  history: HistoryVisibility;
  read: number;
  head: number;
  head_at: number;
  asked_at: number | null;
  unread: number;
  mentions: number;
}

/** Members of one statement. A member may be in hundreds of rooms. */
const MAX_MEMBERS = 32;
/** Statements under way at once. */
const MAX_STATEMENTS = 2;
const NO_PLACES: AskedPlaces = { rooms: [], seqs: [] };

/** See `RoomLists.sessionRooms`. */
export function createSessionRooms(db: Database): RoomLists["sessionRooms"] {
  const read = (wanted: Wanted[]) => sessionRooms(db, wanted);
  const roomsOf = createBatchLoader({ maxStatements: MAX_STATEMENTS, maxKeys: MAX_MEMBERS, read });
  return (member, asked = NO_PLACES) => roomsOf({ member, asked });
}

/**
 * Each event moves `last_activity` to its own time, so that is the time of the event at the head. `offset 0` makes the
 * planner use the index of members: without it, it reads all memberships of a table that grew since it was analyzed.
 */
async function sessionRooms(db: Database, wanted: Wanted[]): Promise<SessionRoom[][]> {
  const members = wanted.map(({ member }) => member);
  const asked = columnsOf(wanted);
  const rows = await db.read(db.sql<SessionRoomRow[]>`
    with m as materialized (
      select k.ord, mine.* from unnest(${members}::text[]) with ordinality as k (member, ord)
      cross join lateral (select * from memberships where member = k.member offset 0) mine
    )
    select m.ord, c.id as conversation_id, c.token as room, c.name, c.type as kind, m.role,
           m.joined_seq as joined, m.history_from as visible, c.lobby, c.lobby_until,
           c.history, m.read_seq as read, h.head_seq as head,
           h.last_activity as head_at, asked.at as asked_at, ${unreadMessages(db.sql)} as unread, n.mentions,
           e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    cross join lateral (
      select count(*) as mentions from mentions t
      where t.conversation_id = m.conversation_id and t.member in (m.member, '*') and t.seq > m.read_seq
    ) n
    left join lateral (
      select * from events e where e.conversation_id = m.conversation_id and e.seq = h.last_message_seq limit 1
    ) e on h.last_message_seq > m.history_from
    left join unnest(
      ${asked.ords}::bigint[], ${asked.rooms}::text[], ${asked.seqs}::bigint[]
    ) as a (ord, room, seq) on a.ord = m.ord and a.room = c.token and a.seq < h.head_seq
    left join lateral (
      select e.at from events e where e.conversation_id = m.conversation_id and e.seq = a.seq limit 1
    ) asked on true
    order by h.last_activity desc, c.id desc`);
  return byKey(
    wanted,
    rows,
    ({ ord }) => wanted[ord - 1] as Wanted,
    (own) => own.map(sessionRoom),
  );
}

/** All asked places as columns; `ords` has the number of the member, as in the rows. */
function columnsOf(wanted: readonly Wanted[]): { ords: number[]; rooms: string[]; seqs: number[] } {
  const ords: number[] = [];
  const rooms: string[] = [];
  const seqs: number[] = [];
  wanted.forEach(({ asked }, n) => {
    asked.rooms.forEach((room, place) => {
      ords.push(n + 1);
      rooms.push(room);
      seqs.push(asked.seqs[place] as number);
    });
  });
  return { ords, rooms, seqs };
}

function sessionRoom(row: SessionRoomRow): SessionRoom {
  return {
    id: row.conversation_id,
    token: row.room,
    name: row.name,
    type: row.kind,
    role: row.role,
    joinedSeq: row.joined,
    historyFrom: row.visible,
    history: row.history,
    lobby: row.lobby,
    lobbyUntil: row.lobby_until,
    head: row.head,
    at: row.head === 0 ? 0 : row.head_at,
    askedAt: row.asked_at,
    read: row.read,
    unread: row.unread,
    mentions: row.mentions,
    last: row.seq === null ? null : loggedEvent(row),
  };
}
