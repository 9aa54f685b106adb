/**
 * How the rooms of sessions are read. A session's room is two things: what is the member's own, and the room's part, which is
 * the same for all of its members. Ten thousand members may come at once, so each is read in few columns: each column of
 * each row costs the program as much as all of the work on it here.
 */
import type { HistoryVisibility, LoggedEvent, Posting, Role, RoomType } from "../../domain/model.ts";
import type { RoomAtAGlance, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { isShownTo } from "../log/message-rows.ts";
import { lastMessage, unreadMentions, unreadMessages } from "../log/unread.ts";
import type { Database } from "../sql/database.ts";
import { type EventRow, loggedEvent, type Row } from "../sql/rows.ts";
import type { Statement } from "../sql/sql.ts";
import type { Asked } from "./session-memberships.ts";

/** What is the member's own. */
export interface OwnRow {
  /** The number of what was wanted that the row belongs to, from 1. */
  ord: number;
  conversation_id: number;
  listed: boolean;
  role: Role;
  joined: number;
  visible: number;
  read: number;
  delivered: number;
  asked_at: number | null;
  unread: number;
  mentions: number;
  entry_rev: number;
  /** What most members have not; null: nothing of it. */
  own: string | null;
  /** Of the room's two rows that its part is read from: each change of a row gives it another. */
  room_version: string;
  head_version: string;
}

/** The room's part. */
export interface PartRow extends EventRow {
  conversation_id: number;
  room_version: string;
  head_version: string;
  lobby: boolean;
  lobby_until: number | null;
  history: HistoryVisibility;
  head: number;
  head_at: number;
  /** UUID, public id and Matrix id with spaces between. */
  ids: string;
  name: string;
  kind: RoomType;
  members: number;
  /** What most rooms have not; null: nothing of it. */
  more: string | null;
}

/** What `own` holds; what is missing is null or its default. */
interface Own {
  peer?: [
    id: number,
    uuid: string,
    publicId: string,
    handle: string,
    name: string,
    avatarId: string | null,
    status: string,
  ];
  set?: SessionRoom["settings"];
  /** The number of the last message that the member hid here, and the seqs of those that the client may not know of. */
  hid?: number;
  gone?: number[];
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
  req?: boolean;
}

/** A room's part as it was read, for all of its members. */
export interface RoomPart {
  readonly roomVersion: string;
  readonly headVersion: string;
  readonly token: string;
  readonly history: HistoryVisibility;
  readonly lobby: boolean;
  readonly lobbyUntil: number | null;
  readonly head: number;
  readonly at: number;
  readonly shown: RoomAtAGlance;
}

/**
 * The rooms of these memberships with their parts, newest activity first. Each event moves `last_activity` to its own time, so
 * that is the time of the event at the head. What is per room stands in one row of its table: joins, and no counting.
 */
export async function wholeRows(db: Database, asked: Asked): Promise<(OwnRow & PartRow)[]> {
  const { sql } = db;
  return await db.read(sql<(OwnRow & PartRow)[]>`
    with m as materialized (${asked.memberships})
    select ${ownColumns(db)}, ${partColumns(db)}
    from m ${ownJoins(db, asked)} ${partJoins(db)}
    order by h.last_activity desc, c.id desc`);
}

/**
 * As {@link wholeRows}, without the parts.
 * @returns `apart`: the room shows the member another last or pinned message than others, because they hid some
 */
export async function ownRows(db: Database, asked: Asked): Promise<(OwnRow & { apart: boolean })[]> {
  const { sql } = db;
  return await db.read(sql<(OwnRow & { apart: boolean })[]>`
    with m as materialized (${asked.memberships})
    select ${ownColumns(db)}, c.xmin as room_version, h.xmin as head_version, c.id as conversation_id,
           case when m.hidden_no = 0 then false else ${lastMessage(sql)} is distinct from h.last_message_seq or exists (
             select from pinned_messages pin where pin.conversation_id = m.conversation_id and not ${isShownTo(sql, "pin")}
           ) end as apart
    from m ${ownJoins(db, asked)}
    order by h.last_activity desc, c.id desc`);
}

/** The parts of these rooms, in no order. */
export async function partRows(db: Database, ids: readonly number[]): Promise<PartRow[]> {
  const { sql } = db;
  return await db.read(sql<PartRow[]>`
    select ${partColumns(db)}
    from (
      select k.id as conversation_id, null::text as member, true as listed, 0 as hidden_no, 0 as history_from
      from unnest(${[...ids]}::bigint[]) as k (id)
    ) m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    ${partJoins(db)}`);
}

/**
 * Figures are read of rooms beyond the page, too, where a member may wait: whoever is let in is told them. What the member hid
 * is told where it is newer than what the client was told, and where the client is still to get the message.
 */
function ownColumns({ sql }: Database): Statement<Row[]> {
  const isCounted = sql<Row[]>`(m.listed or c.lobby)`;
  const isSet = sql<
    Row[]
  >`(m.muted or m.pinned or m.archived_at is not null or m.favourite or m.notification_level <> 'default' or m.unread_mark)`;
  return sql<Row[]>`
    m.ord, m.listed, m.role, m.joined_seq as joined, m.history_from as visible, m.read_seq as read, m.entry_rev,
    greatest(m.delivered_seq, m.read_seq) as delivered, asked.at as asked_at,
    case when ${isCounted} then ${unreadMessages(sql)} else 0 end as unread,
    case when ${isCounted} then (${unreadMentions(sql, sql.unsafe("m.read_seq"))}) else 0 end as mentions,
    case when m.hidden_no > 0 or m.listed and (p.id is not null or ${isSet}) then json_strip_nulls(json_build_object(
      'peer', case when p.id is not null then
        json_build_array(p.id, p.uuid, p.public_id, p.handle, p.display_name, p.avatar_id, p.status) end,
      'set', case when ${isSet} then json_build_object('muted', m.muted, 'mutedUntil', m.muted_until, 'pinned', m.pinned,
        'archivedAt', m.archived_at, 'favourite', m.favourite, 'notificationLevel', m.notification_level,
        'unreadMark', m.unread_mark) end,
      'hid', nullif(m.hidden_no, 0), 'gone', case when m.hidden_no > 0 then (
        select json_agg(x.seq order by x.seq) from hidden_messages x
        where x.conversation_id = m.conversation_id and x.member = m.member and (x.no > m.hidden_after or x.seq > a.seq)
      ) end
    ))::text end as own`;
}

/** `limit 1` keeps the planner from reading all users and all events at once: few rooms are one-to-one. */
function ownJoins({ sql }: Database, { ords, rooms, seqs }: Asked): Statement<Row[]> {
  return sql<Row[]>`
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    left join lateral (
      select * from users where id = causeway_peer(c.pair, m.member) and deleted_at is null limit 1
    ) p on m.listed and c.pair is not null
    left join unnest(${ords}::bigint[], ${rooms}::text[], ${seqs}::bigint[]) as a (ord, room, seq)
      on a.ord = m.ord and a.room = c.token and a.seq < h.head_seq
    left join lateral (
      select e.at from events e where e.conversation_id = m.conversation_id and e.seq = a.seq limit 1
    ) asked on true`;
}

function partColumns({ sql }: Database): Statement<Row[]> {
  return sql<Row[]>`
    c.id as conversation_id, c.xmin as room_version, h.xmin as head_version, c.token as room, c.type as kind, c.lobby,
    c.lobby_until, c.history, h.head_seq as head, h.last_activity as head_at, c.name, h.members,
    case when m.listed then c.uuid || ' ' || c.public_id || ' ' || coalesce(c.matrix_room_id, '') else '' end as ids,
    case when m.listed and (
      c.organization_id is not null or c.description is not null or c.avatar_id is not null or c.avatar_url is not null
      or c.read_only or c.posting <> 'all' or c.message_timer is not null or c.guest_code is not null
      or c.password_hash is not null or pin.seq is not null or c.request
    ) then json_strip_nulls(json_build_object(
      'org', c.organization_id, 'about', c.description, 'pic', c.avatar_id, 'url', c.avatar_url,
      'ro', nullif(c.read_only, false), 'post', nullif(c.posting, 'all'), 'ttl', c.message_timer, 'guest', c.guest_code,
      'pw', nullif(c.password_hash is not null, false), 'pin', pin.seq, 'req', nullif(c.request, false)
    ))::text end as more,
    e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data`;
}

function partJoins({ sql }: Database): Statement<Row[]> {
  return sql<Row[]>`
    left join pinned_messages pin on m.listed and pin.conversation_id = m.conversation_id and ${isShownTo(sql, "pin")}
    left join lateral (
      select * from events e where e.conversation_id = m.conversation_id and e.seq = ${lastMessage(sql)} limit 1
    ) e on m.listed`;
}

const NO_MORE: More = {};
const NO_OWN: Own = {};
const NONE: readonly number[] = [];
const NO_SETTINGS: SessionRoom["settings"] = {
  ...{ muted: false, mutedUntil: null, pinned: false, archivedAt: null, favourite: false },
  notificationLevel: "default",
  unreadMark: false,
};

/** Written out: hundreds of thousands are made when many clients come back at once. */
export function sessionRoom(row: OwnRow, part: RoomPart): SessionRoom {
  const { shown } = part;
  const own = row.own === null ? NO_OWN : (JSON.parse(row.own) as Own);
  return {
    id: row.conversation_id,
    token: part.token,
    shown: row.listed ? shown : null,
    rev: part.head + row.entry_rev,
    role: row.role,
    joinedSeq: row.joined,
    historyFrom: row.visible,
    history: part.history,
    lobby: part.lobby,
    lobbyUntil: part.lobbyUntil,
    head: part.head,
    at: part.at,
    askedAt: row.asked_at,
    read: row.read,
    delivered: row.delivered,
    unread: row.unread,
    mentions: row.mentions,
    hiddenNo: own.hid ?? 0,
    hidden: own.gone ?? NONE,
    last: row.listed ? seen(shown.last, row.visible) : null,
    peer: peerOf(own),
    settings: own.set === undefined ? NO_SETTINGS : { ...NO_SETTINGS, ...own.set },
  };
}

function seen(last: LoggedEvent | null, historyFrom: number): LoggedEvent | null {
  return last !== null && last.seq > historyFrom ? last : null;
}

function peerOf({ peer }: Own): SessionRoom["peer"] {
  if (peer === undefined) return null;
  const [id, uuid, publicId, handle, displayName, avatarId, status] = peer;
  return { id, uuid, publicId, handle, displayName, avatarId, status };
}

export function roomPart(row: PartRow): RoomPart {
  const more = row.more === null ? NO_MORE : (JSON.parse(row.more) as More);
  const [uuid = "", publicId = "", matrixRoomId = ""] = row.ids.split(" ");
  return {
    roomVersion: row.room_version,
    headVersion: row.head_version,
    token: row.room,
    history: row.history,
    lobby: row.lobby,
    lobbyUntil: row.lobby_until,
    head: row.head,
    at: row.head === 0 ? 0 : row.head_at,
    shown: {
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
      request: more.req ?? false,
      hasPassword: more.pw ?? false,
      members: row.members,
      pinnedSeq: more.pin ?? null,
      last: row.seq === null ? null : loggedEvent(row),
    },
  };
}
