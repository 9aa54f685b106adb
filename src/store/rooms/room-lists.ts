/** Queries for a member's rooms: with everything that a list shows, and as pages of ids in the orders of the APIs. */
import { type MemberKey, userKey } from "../../domain/model.ts";
import type {
  ActivityPage,
  ActivityPlace,
  RoomListing,
  RoomLists,
} from "../../domain/ports/store/room-lists.ts";
import { lastMessage, unreadMentions, unreadMessages } from "../log/unread.ts";
import type { Database } from "../sql/database.ts";
import {
  CONVERSATION,
  columns,
  type EventRow,
  HEAD,
  loggedEvent,
  MEMBERSHIP,
  noun,
  type Row,
} from "../sql/rows.ts";
import { createSessionRooms } from "./session-rooms.ts";

export function createRoomLists(db: Database): RoomLists {
  const { sql } = db;
  return {
    list: (member, roomIds) => list(db, member, roomIds),
    ...createSessionRooms(db),
    async idsOf(member) {
      const rows = await db.read(sql<{ id: number }[]>`
        select conversation_id as id from memberships where member = ${member} order by conversation_id`);
      return rows.map(({ id }) => id);
    },
    async placeOf(member, token) {
      const [row] = await db.read(sql<ActivityPlace[]>`
        select h.last_activity as "lastActivity", c.id as "roomId" from conversations c
        join room_heads h on h.conversation_id = c.id
        join memberships m on m.conversation_id = c.id and m.member = ${member}
        where c.token = ${token}`);
      return row ?? null;
    },
    async pairsOf(userId) {
      return await db.read(sql<{ roomId: number; peerId: number }[]>`
        select c.id as "roomId", causeway_peer(c.pair, m.member) as "peerId" from memberships m
        join conversations c on c.id = m.conversation_id and c.pair is not null
        where m.member = ${userKey(userId)} and causeway_peer(c.pair, m.member) <> ${userId}`);
    },
    async idsByUuid(member, page) {
      const condition =
        "uuids" in page
          ? sql`c.uuid = any (${page.uuids}::uuid[])`
          : sql`(${page.after ?? null}::uuid is null or c.uuid > ${page.after ?? null}::uuid)`;
      return await db.read(sql<{ id: number; uuid: string; token: string }[]>`
        select c.id, c.uuid, c.token from memberships m join conversations c on c.id = m.conversation_id
        where m.member = ${member} and ${condition}
        order by c.uuid limit ${"uuids" in page ? null : page.limit}`);
    },
    idsByActivity: (member, page) => idsByActivity(db, member, page),
    async activityPlace(member, publicId) {
      const [row] = await db.read(sql<ActivityPlace[]>`
        select h.last_activity as "lastActivity", c.id as "roomId"
        from conversations c
        join room_heads h on h.conversation_id = c.id
        join memberships m on m.conversation_id = c.id and m.member = ${member}
        where c.public_id = ${publicId}
        union all
        select h.last_activity, c.id
        from conversations c
        join room_heads h on h.conversation_id = c.id
        where c.public_id = ${publicId}
          and exists (select from departures d where d.conversation_id = c.id and d.member = ${member})
        union all
        select last_activity, conversation_id from former_rooms where member = ${member} and public_id = ${publicId}`);
      return row ?? null;
    },
    async departure(member, room) {
      const [row] = await db.read(sql<{ deleted: boolean }[]>`
        select d.deleted from departures d
        where d.member = ${member} and d.conversation_id in (
          select id from conversations where token = ${room}
          union all select conversation_id from deleted_rooms where token = ${room})
        order by d.last_seq desc limit 1`);
      if (!row) return null;
      return row.deleted ? "deleted" : "left";
    },
  };
}

async function list(db: Database, member: MemberKey, roomIds?: readonly number[]): Promise<RoomListing[]> {
  const { sql } = db;
  const narrowed = roomIds === undefined ? sql`` : sql`and m.conversation_id = any (${roomIds}::bigint[])`;
  const rows = await db.read(sql<(Row & EventRow & { unread: number; mentions: number })[]>`
    select ${columns(sql, "c", CONVERSATION)}, ${columns(sql, "m", MEMBERSHIP)}, ${columns(sql, "h", HEAD)},
           ${unreadMessages(sql)} as unread, n.mentions, c.token as room, e.conversation_id, e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from memberships m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    cross join lateral (${unreadMentions(sql, sql.unsafe("m.read_seq"))}) n
    left join lateral (
      select * from events e where e.conversation_id = m.conversation_id and e.seq = ${lastMessage(sql)} limit 1
    ) e on h.last_message_seq > m.history_from
    where m.member = ${member} ${narrowed}
    order by h.last_activity desc, c.id desc`);
  return rows.map((row) => ({
    room: noun(row, "c", CONVERSATION),
    membership: noun(row, "m", MEMBERSHIP),
    head: noun(row, "h", HEAD),
    unread: row.unread,
    mentions: row.mentions,
    last: row.seq === null ? null : loggedEvent(row),
  }));
}

async function idsByActivity(db: Database, member: MemberKey, page: ActivityPage): Promise<number[]> {
  const { sql } = db;
  const { after, before } = page;
  const order = before === undefined ? sql`desc` : sql`asc`;
  const rows = await db.read(sql<{ id: number }[]>`
    select c.id from memberships m
    join conversations c on c.id = m.conversation_id
    join room_heads h on h.conversation_id = m.conversation_id
    where m.member = ${member}
      and (${page.types ?? null}::text[] is null or c.type = any (${page.types ?? null}::text[]))
      and (${page.publicId ?? null}::text is null or c.public_id = ${page.publicId ?? null})
      and (${page.muted ?? null}::boolean is null or m.muted = ${page.muted ?? null})
      and (${page.pinned ?? null}::boolean is null or m.pinned = ${page.pinned ?? null})
      and (${page.archived ?? null}::boolean is null or (m.archived_at is not null) = ${page.archived ?? null})
      and (${after?.roomId ?? null}::bigint is null
           or (h.last_activity, c.id) < (${after?.lastActivity ?? null}::bigint, ${after?.roomId ?? null}::bigint))
      and (${before?.roomId ?? null}::bigint is null
           or (h.last_activity, c.id) > (${before?.lastActivity ?? null}::bigint, ${before?.roomId ?? null}::bigint))
    order by h.last_activity ${order}, c.id ${order} limit ${page.limit}`);
  const ids = rows.map(({ id }) => id);
  return before === undefined ? ids : ids.reverse();
}
