/** Where members are in Matrix and in the chat, for what is shown of them for a moment. */
import type { MemberKey } from "../../src/domain/model.ts";
import type { NamedRoom } from "../../src/domain/ports/broadcasts.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

export interface LivePlace {
  roomId: number;
  member: MemberKey;
  matrixRoomId: string;
}

export interface LiveMember {
  roomId: number;
  token: string;
  member: MemberKey;
  name: string;
}

export interface MemberRoom extends NamedRoom {
  /** What the member is called there. */
  name: string;
}

export interface BridgeLive {
  /** Rooms in which somebody may look in Matrix, the youngest first. */
  seenRooms(limit: number): Promise<NamedRoom[]>;
  /**
   * Those of the users who tell everybody when they were last seen, and whose account is in the Matrix room of one of their places,
   * where somebody else may look.
   */
  presentable(places: readonly { roomId: number; member: MemberKey }[]): Promise<MemberKey[]>;
  /** The chatrooms of a member; the youngest first. Those in whose lobby they wait are left out. */
  roomsOfMember(member: MemberKey, limit: number): Promise<MemberRoom[]>;
  /** Those of the members whose ghost is in the Matrix room, where somebody else may look at it. */
  livePlaces(places: readonly { roomId: number; member: MemberKey }[]): Promise<LivePlace[]>;
  /** Those who are members of the chatroom that a Matrix room stands for. */
  liveMembers(matrixRoomId: string, members: readonly MemberKey[]): Promise<LiveMember[]>;
}

export function createBridgeLive(sql: StoreSql): BridgeLive {
  /** Whether somebody else than `x` may look at the room of `x` in Matrix. */
  const isSeen = () => sql`exists (
    select from bridge_members y left join bridge_ghosts g on g.member = y.member
    where y.conversation_id = x.conversation_id and y.membership = 'join' and y.member <> x.member
      and (g.active or y.member like 'm:%'))`;

  return {
    async seenRooms(limit) {
      return await sql<NamedRoom[]>`
        select b.conversation_id as id, b.token from bridge_rooms b
        where b.matrix_room_id is not null and not b.gone and exists (
          select from bridge_members y left join bridge_ghosts g on g.member = y.member
          where y.conversation_id = b.conversation_id and y.membership = 'join' and (g.active or y.member like 'm:%'))
        order by b.conversation_id desc limit ${limit}`;
    },
    async presentable(places) {
      const rooms = places.map(({ roomId }) => roomId);
      const members = places.map(({ member }) => member);
      const rows = await sql<{ member: MemberKey }[]>`
        select distinct i.member
        from unnest(${rooms}::bigint[], ${members}::text[]) as i (room, member)
        join users u on u.id = substring(i.member from 3)::bigint and u.deleted_at is null and u.last_seen_for = 'everybody'
        join bridge_members x on x.conversation_id = i.room and x.member = i.member collate "C" and x.membership = 'join'
        where ${isSeen()}`;
      return rows.map(({ member }) => member);
    },
    async roomsOfMember(member, limit) {
      return await sql<MemberRoom[]>`
        select c.id, c.token, m.name from memberships m join conversations c on c.id = m.conversation_id
        where m.member = ${member} and not (c.lobby and m.role not in ('owner', 'moderator', 'guest_moderator'))
        order by c.id desc limit ${limit}`;
    },
    async livePlaces(places) {
      const rooms = places.map(({ roomId }) => roomId);
      const members = places.map(({ member }) => member);
      return await sql<LivePlace[]>`
        select x.conversation_id as "roomId", x.member, b.matrix_room_id as "matrixRoomId"
        from unnest(${rooms}::bigint[], ${members}::text[]) as i (room, member)
        join bridge_members x on x.conversation_id = i.room and x.member = i.member collate "C" and x.membership = 'join'
        join bridge_rooms b on b.conversation_id = i.room and b.matrix_room_id is not null
        where ${isSeen()}`;
    },
    async liveMembers(matrixRoomId, members) {
      return await sql<LiveMember[]>`
        select c.id as "roomId", c.token, m.member, m.name from conversations c
        join memberships m on m.conversation_id = c.id
        where c.matrix_room_id = ${matrixRoomId} and m.member = any(${[...members]}::text[])`;
    },
  };
}
