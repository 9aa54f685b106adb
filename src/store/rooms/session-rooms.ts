/** A member's rooms for the start of a session, and single ones. Ten thousand may come at once, so it reads only the fields of an entry. */
import type { MemberKey, NotificationLevel, Role, RoomType } from "../../domain/model.ts";
import type {
  AskedPlaces,
  RoomAtAGlance,
  RoomLists,
  SessionRoom,
} from "../../domain/ports/store/room-lists.ts";
import { unreadMessages } from "../log/unread.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent, type Row } from "../sql/rows.ts";
import type { Statement } from "../sql/sql.ts";

interface Wanted {
  member: MemberKey;
  asked: AskedPlaces;
}
interface WantedRoom {
  member: MemberKey;
  roomId: number;
}

interface SessionRoomRow extends EventRow, Omit<RoomAtAGlance, "settings" | "peer" | "type"> {
  /** The number of what was wanted that the row belongs to, from 1. */
  ord: number;
  kind: RoomType;
  role: Role;
  joined: number;
  visible: number;
  muted: boolean;
  pinned: boolean;
  archivedAt: number | null;
  favourite: boolean;
  notificationLevel: NotificationLevel;
  peerId: number | null;
  peerUuid: string;
  peerPublicId: string;
  peerHandle: string;
  peerName: string;
  peerAvatarId: string | null;
  peerStatus: string;
  read: number;
  delivered: number;
  head: number;
  head_at: number;
  asked_at: number | null;
  unread: number;
  mentions: number;
}

/** Members of one statement. A member may be in hundreds of rooms. */
const MAX_MEMBERS = 32;
/** Single rooms of one statement. */
const MAX_ROOMS = 500;
/** Statements under way at once. */
const MAX_STATEMENTS = 2;
const NO_PLACES: AskedPlaces = { rooms: [], seqs: [] };

/** See `RoomLists`. */
export function createSessionRooms(db: Database): Pick<RoomLists, "sessionRooms" | "sessionRoom"> {
  const roomsOf = createBatchLoader<Wanted, SessionRoom[]>({
    ...{ maxStatements: MAX_STATEMENTS, maxKeys: MAX_MEMBERS },
    read: (wanted) => allRooms(db, wanted),
  });
  const room = createBatchLoader<WantedRoom, SessionRoom | null>({
    ...{ maxStatements: MAX_STATEMENTS, maxKeys: MAX_ROOMS },
    read: (wanted) => singleRooms(db, wanted),
  });
  return {
    sessionRooms: (member, asked = NO_PLACES) => roomsOf({ member, asked }),
    sessionRoom: (member, roomId) => room({ member, roomId }),
  };
}

/** `offset 0` makes the planner use the index of members: without it, it reads all memberships of a table that grew since it was analyzed. */
async function allRooms(db: Database, wanted: Wanted[]): Promise<SessionRoom[][]> {
  const members = wanted.map(({ member }) => member);
  const memberships = db.sql<Row[]>`
    select k.ord, mine.* from unnest(${members}::text[]) with ordinality as k (member, ord)
    cross join lateral (select * from memberships where member = k.member offset 0) mine`;
  const rows = await sessionRooms(db, memberships, columnsOf(wanted));
  return byKey(
    wanted,
    rows,
    ({ ord }) => wanted[ord - 1] as Wanted,
    (own) => own.map(sessionRoom),
  );
}

async function singleRooms(db: Database, wanted: WantedRoom[]): Promise<(SessionRoom | null)[]> {
  const [members, rooms] = [wanted.map(({ member }) => member), wanted.map(({ roomId }) => roomId)];
  const memberships = db.sql<Row[]>`
    select k.ord, mine.* from unnest(${members}::text[], ${rooms}::bigint[]) with ordinality as k (member, room, ord)
    cross join lateral (
      select * from memberships where conversation_id = k.room and member = k.member offset 0
    ) mine`;
  const rows = await sessionRooms(db, memberships, columnsOf([]));
  const found = new Map(rows.map((row) => [row.ord, sessionRoom(row)]));
  return wanted.map((_, n) => found.get(n + 1) ?? null);
}

/**
 * The rooms of these memberships, newest activity first. Each event moves `last_activity` to its own time, so that is the
 * time of the event at the head. What is per room stands in one row of its table: joins, and no counting.
 */
async function sessionRooms(
  db: Database,
  memberships: Statement<Row[]>,
  asked: ReturnType<typeof columnsOf>,
): Promise<SessionRoomRow[]> {
  return await db.read(db.sql<SessionRoomRow[]>`
    with m as materialized (${memberships})
    select m.ord, c.id as conversation_id, c.token as room, c.uuid, c.public_id as "publicId",
           c.matrix_room_id as "matrixRoomId", c.organization_id as "organizationId", c.type as kind, c.name, c.description,
           c.avatar_id as "avatarId", c.avatar_url as "avatarUrl", c.read_only as "readOnly", c.lobby,
           c.lobby_until as "lobbyUntil", c.message_timer as "messageTimer", c.guest_code as "guestCode",
           c.password_hash is not null as "hasPassword", c.history, h.members, pin.seq as "pinnedSeq",
           m.role, m.joined_seq as joined, m.history_from as visible, m.read_seq as read,
           greatest(m.delivered_seq, m.read_seq) as delivered,
           m.muted, m.pinned, m.archived_at as "archivedAt", m.favourite, m.notification_level as "notificationLevel",
           p.id as "peerId", p.uuid as "peerUuid", p.public_id as "peerPublicId", p.handle as "peerHandle",
           p.display_name as "peerName", p.avatar_id as "peerAvatarId", p.status as "peerStatus", h.head_seq as head, h.last_activity as head_at, asked.at as asked_at,
           ${unreadMessages(db.sql)} as unread, n.mentions,
           e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    left join pinned_messages pin on pin.conversation_id = m.conversation_id and pin.seq > m.history_from
    left join users p on c.pair is not null and p.deleted_at is null and p.id = causeway_peer(c.pair, m.member)
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

/** Written out: hundreds of thousands are made when many clients come back at once. */
function sessionRoom(row: SessionRoomRow): SessionRoom {
  return {
    id: row.conversation_id,
    token: row.room,
    uuid: row.uuid,
    publicId: row.publicId,
    matrixRoomId: row.matrixRoomId,
    organizationId: row.organizationId,
    type: row.kind,
    name: row.name,
    description: row.description,
    avatarId: row.avatarId,
    avatarUrl: row.avatarUrl,
    readOnly: row.readOnly,
    messageTimer: row.messageTimer,
    guestCode: row.guestCode,
    hasPassword: row.hasPassword,
    members: row.members,
    pinnedSeq: row.pinnedSeq,
    peer: row.peerId === null ? null : peerOf(row, row.peerId),
    role: row.role,
    joinedSeq: row.joined,
    historyFrom: row.visible,
    history: row.history,
    lobby: row.lobby,
    lobbyUntil: row.lobbyUntil,
    head: row.head,
    at: row.head === 0 ? 0 : row.head_at,
    askedAt: row.asked_at,
    read: row.read,
    delivered: row.delivered,
    unread: row.unread,
    mentions: row.mentions,
    last: row.seq === null ? null : loggedEvent(row),
    settings: settingsOf(row),
  };
}

function peerOf(row: SessionRoomRow, id: number): NonNullable<RoomAtAGlance["peer"]> {
  const { peerUuid: uuid, peerPublicId: publicId, peerHandle: handle, peerName: displayName } = row;
  return { id, uuid, publicId, handle, displayName, avatarId: row.peerAvatarId, status: row.peerStatus };
}

function settingsOf(row: SessionRoomRow): RoomAtAGlance["settings"] {
  const { muted, pinned, archivedAt, favourite, notificationLevel } = row;
  return { muted, pinned, archivedAt, favourite, notificationLevel };
}
