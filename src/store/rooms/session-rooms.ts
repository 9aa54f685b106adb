/**
 * A member's rooms for the start of a session, and single ones. Ten thousand members may come at once, so it reads only what
 * an entry shows, in few columns: each column of each row costs the program as much as all of the work on it here.
 */
import type { HistoryVisibility, MemberKey, Posting, Role, RoomType } from "../../domain/model.ts";
import type {
  AskedPlaces,
  RoomAtAGlance,
  RoomLists,
  SessionRoom,
} from "../../domain/ports/store/room-lists.ts";
import { isShownTo } from "../log/message-rows.ts";
import { lastMessage, unreadMentions, unreadMessages } from "../log/unread.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent, type Row } from "../sql/rows.ts";
import type { Statement } from "../sql/sql.ts";

interface Wanted {
  member: MemberKey;
  asked: AskedPlaces;
  most: number | null;
  hiddenAfter: number | null;
}
interface WantedRoom {
  member: MemberKey;
  roomId: number;
}

interface SessionRoomRow extends EventRow {
  /** The number of what was wanted that the row belongs to, from 1. */
  ord: number;
  rev: number;
  /** UUID, public id and Matrix id with spaces between; null: not listed. */
  ids: string | null;
  name: string;
  kind: RoomType;
  members: number;
  /** What most rooms have not. */
  more: string | null;
  role: Role;
  joined: number;
  visible: number;
  lobby: boolean;
  lobby_until: number | null;
  history: HistoryVisibility;
  read: number;
  delivered: number;
  head: number;
  head_at: number;
  asked_at: number | null;
  unread: number;
  mentions: number;
}

/** What `more` holds; what is missing is null, false or its default. */
interface More {
  org?: number;
  about?: string;
  pic?: string;
  url?: string;
  ro?: boolean;
  post?: Posting;
  ttl?: number;
  guest?: string;
  pw?: boolean;
  pin?: number;
  peer?: [
    id: number,
    uuid: string,
    publicId: string,
    handle: string,
    name: string,
    avatarId: string | null,
    status: string,
  ];
  own?: RoomAtAGlance["settings"];
  /** The number of the last message that the member hid here, and the seqs of those that the client may not know of. */
  hid?: number;
  gone?: number[];
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
    sessionRooms: (member, { asked = NO_PLACES, most, hiddenAfter } = {}) =>
      roomsOf({ member, asked, most: most ?? null, hiddenAfter: hiddenAfter ?? null }),
    sessionRoom: (member, roomId) => room({ member, roomId }),
  };
}

/** `offset 0` makes the planner use the index of members: without it, it reads all memberships of a table that grew since it was analyzed. */
async function allRooms(db: Database, wanted: Wanted[]): Promise<SessionRoom[][]> {
  const members = wanted.map(({ member }) => member);
  const most = wanted.map((each) => each.most);
  const hidden = wanted.map((each) => each.hiddenAfter);
  const memberships = most.every((each) => each === null)
    ? db.sql<Row[]>`
        select k.ord, true as listed, k.hidden_after, mine.*
        from unnest(${members}::text[], ${hidden}::bigint[]) with ordinality as k (member, hidden_after, ord)
        cross join lateral (select * from memberships where member = k.member offset 0) mine`
    : db.sql<Row[]>`
        select k.ord, mine.place <= coalesce(k.most, mine.place) as listed, k.hidden_after, mine.*
        from unnest(${members}::text[], ${most}::bigint[], ${hidden}::bigint[])
          with ordinality as k (member, most, hidden_after, ord)
        cross join lateral (
          select m.*, row_number() over (order by h.last_activity desc, m.conversation_id desc) as place
          from (select * from memberships where member = k.member offset 0) m
          join room_heads h on h.conversation_id = m.conversation_id
        ) mine`;
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
    select k.ord, true as listed, null::bigint as hidden_after, mine.*
    from unnest(${members}::text[], ${rooms}::bigint[]) with ordinality as k (member, room, ord)
    cross join lateral (
      select * from memberships where conversation_id = k.room and member = k.member offset 0
    ) mine`;
  const rows = await sessionRooms(db, memberships, columnsOf([]));
  const found = new Map(rows.map((row) => [row.ord, sessionRoom(row)]));
  return wanted.map((_, n) => found.get(n + 1) ?? null);
}

/**
 * The rooms of these memberships, newest activity first. Each event moves `last_activity` to its own time, so that is the
 * time of the event at the head. What is per room stands in one row of its table: joins, and no counting. Figures are read
 * of rooms beyond the page, too, where a member may wait: whoever is let in is told them.
 */
async function sessionRooms(
  db: Database,
  memberships: Statement<Row[]>,
  asked: ReturnType<typeof columnsOf>,
): Promise<SessionRoomRow[]> {
  const { sql } = db;
  const isCounted = sql<Row[]>`(m.listed or c.lobby)`;
  return await db.read(sql<SessionRoomRow[]>`
    with m as materialized (${memberships})
    select m.ord, c.id as conversation_id, c.token as room, c.type as kind, m.role, m.joined_seq as joined,
           m.history_from as visible, c.lobby, c.lobby_until, c.history, m.read_seq as read, h.head_seq as head,
           h.last_activity as head_at, h.head_seq + m.entry_rev as rev, greatest(m.delivered_seq, m.read_seq) as delivered, asked.at as asked_at,
           c.name, h.members,
           case when m.listed then c.uuid || ' ' || c.public_id || ' ' || coalesce(c.matrix_room_id, '') end as ids,
           ${moreOf(db)} as more,
           case when ${isCounted} then ${unreadMessages(sql)} else 0 end as unread, n.mentions,
           e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    left join pinned_messages pin on m.listed and pin.conversation_id = m.conversation_id and pin.seq > m.history_from
      and ${isShownTo(sql, "pin")}
    left join users p on m.listed and p.deleted_at is null and p.id = causeway_peer(c.pair, m.member)
    cross join lateral (${unreadMentions(sql, sql.unsafe("m.read_seq"))} and ${isCounted}) n
    left join lateral (
      select * from events e
      where m.listed and e.conversation_id = m.conversation_id and e.seq = ${lastMessage(sql)} limit 1
    ) e on h.last_message_seq > m.history_from
    left join unnest(
      ${asked.ords}::bigint[], ${asked.rooms}::text[], ${asked.seqs}::bigint[]
    ) as a (ord, room, seq) on a.ord = m.ord and a.room = c.token and a.seq < h.head_seq
    left join lateral (
      select e.at from events e where e.conversation_id = m.conversation_id and e.seq = a.seq limit 1
    ) asked on true
    order by h.last_activity desc, c.id desc`);
}

/**
 * See {@link More}: null where nothing of it is set. What the member hid is told where it is newer than what the client was
 * told, and where the client is still to get the message.
 */
function moreOf({ sql }: Database): Statement<Row[]> {
  const own = sql<
    Row[]
  >`(m.muted or m.pinned or m.archived_at is not null or m.favourite or m.notification_level <> 'default' or m.unread_mark)`;
  return sql<Row[]>`
    case when m.hidden_no > 0 or m.listed and (
      ${own} or c.organization_id is not null or c.description is not null or c.avatar_id is not null
      or c.avatar_url is not null or c.read_only or c.posting <> 'all' or c.message_timer is not null or c.guest_code is not null
      or c.password_hash is not null or pin.seq is not null or p.id is not null
    ) then json_strip_nulls(json_build_object(
      'org', c.organization_id, 'about', c.description, 'pic', c.avatar_id, 'url', c.avatar_url,
      'ro', nullif(c.read_only, false), 'post', nullif(c.posting, 'all'), 'ttl', c.message_timer, 'guest', c.guest_code,
      'pw', nullif(c.password_hash is not null, false), 'pin', pin.seq,
      'peer', case when p.id is not null then
        json_build_array(p.id, p.uuid, p.public_id, p.handle, p.display_name, p.avatar_id, p.status) end,
      'own', case when ${own} then json_build_object('muted', m.muted, 'mutedUntil', m.muted_until, 'pinned', m.pinned,
        'archivedAt', m.archived_at, 'favourite', m.favourite, 'notificationLevel', m.notification_level,
        'unreadMark', m.unread_mark) end,
      'hid', nullif(m.hidden_no, 0), 'gone', case when m.hidden_no > 0 then (
        select json_agg(x.seq order by x.seq) from hidden_messages x
        where x.conversation_id = m.conversation_id and x.member = m.member and (x.no > m.hidden_after or x.seq > a.seq)
      ) end
    ))::text end`;
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

const NO_MORE: More = {};
const NONE: readonly number[] = [];
const NO_SETTINGS: RoomAtAGlance["settings"] = {
  ...{ muted: false, mutedUntil: null, pinned: false, archivedAt: null, favourite: false },
  notificationLevel: "default",
  unreadMark: false,
};

/** Written out, as {@link shownOf}: hundreds of thousands are made when many clients come back at once. */
function sessionRoom(row: SessionRoomRow): SessionRoom {
  const more = row.more === null ? NO_MORE : (JSON.parse(row.more) as More);
  return {
    id: row.conversation_id,
    token: row.room,
    shown: row.ids === null ? null : shownOf(row, row.ids, more),
    rev: row.rev,
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
    delivered: row.delivered,
    unread: row.unread,
    mentions: row.mentions,
    hiddenNo: more.hid ?? 0,
    hidden: more.gone ?? NONE,
    last: row.seq === null ? null : loggedEvent(row),
  };
}

function shownOf(row: SessionRoomRow, ids: string, more: More): RoomAtAGlance {
  const [uuid = "", publicId = "", matrixRoomId = ""] = ids.split(" ");
  return {
    uuid,
    publicId,
    matrixRoomId: matrixRoomId || null,
    organizationId: more.org ?? null,
    type: row.kind,
    name: row.name,
    description: more.about ?? null,
    avatarId: more.pic ?? null,
    avatarUrl: more.url ?? null,
    readOnly: more.ro ?? false,
    posting: more.post ?? "all",
    messageTimer: more.ttl ?? null,
    guestCode: more.guest ?? null,
    hasPassword: more.pw ?? false,
    members: row.members,
    pinnedSeq: more.pin ?? null,
    peer: peerOf(more),
    settings: more.own === undefined ? NO_SETTINGS : { ...NO_SETTINGS, ...more.own },
  };
}

function peerOf({ peer }: More): RoomAtAGlance["peer"] {
  if (peer === undefined) return null;
  const [id, uuid, publicId, handle, displayName, avatarId, status] = peer;
  return { id, uuid, publicId, handle, displayName, avatarId, status };
}
