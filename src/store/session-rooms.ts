/** A member's rooms as a session begins with them. Ten thousand of these come at once: it asks for what is told, no more. */
import type { ConversationType, MemberKey, Role } from "../domain/model.ts";
import type { SessionRoom } from "../domain/ports/store.ts";
import type { Database } from "./database.ts";
import { byKey, gathered } from "./gathered.ts";
import { type EventRow, loggedEvent } from "./rows.ts";

interface SessionRoomRow extends EventRow {
  member: MemberKey;
  name: string;
  kind: ConversationType;
  role: Role;
  joined: number;
  visible: number;
  read_only: boolean;
  lobby: boolean;
  lobby_until: number | null;
  read: number;
  read_messages: number;
  head: number;
  messages: number;
  mentions: number;
}

/** Members that one statement reads for: people are in hundreds of rooms. */
const MEMBERS_AT_ONCE = 32;
const LANES = 2;

/** See `RoomQueries.sessionRooms`. */
export function createSessionRooms(db: Database): (member: MemberKey) => Promise<SessionRoom[]> {
  return gathered({ lanes: LANES, most: MEMBERS_AT_ONCE, read: (members) => sessionRooms(db, members) });
}

async function sessionRooms(db: Database, members: MemberKey[]): Promise<SessionRoom[][]> {
  const rows = await db.read(db.sql<SessionRoomRow[]>`
    select m.member, c.id as conversation_id, c.token as room, c.name, c.type as kind, m.role,
           m.joined_seq as joined, m.history_from as visible, c.read_only, c.lobby, c.lobby_until,
           m.read_seq as read, m.read_messages, h.head_seq as head,
           h.message_count as messages, n.mentions, e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from memberships m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    cross join lateral (
      select count(*) as mentions from mentions t
      where t.conversation_id = m.conversation_id and t.member in (m.member, '*') and t.seq > m.read_seq
    ) n
    left join lateral (
      select * from events e where e.conversation_id = m.conversation_id and e.seq = h.last_message_seq limit 1
    ) e on h.last_message_seq > m.history_from
    where m.member = any (${members}::text[])
    order by h.last_activity desc, c.id desc`);
  return byKey(
    members,
    rows,
    ({ member }) => member,
    (own) => own.map(sessionRoom),
  );
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
    readOnly: row.read_only,
    lobby: row.lobby,
    lobbyUntil: row.lobby_until,
    head: row.head,
    read: row.read,
    unread: row.messages - row.read_messages,
    mentions: row.mentions,
    last: row.seq === null ? null : loggedEvent(row),
  };
}
