/** Where members are in Matrix and in the chat, for what is shown of them for a moment. */
import type { MemberKey } from "../../src/domain/model.ts";
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

export interface BridgeLive {
  /** Those of the members whose ghost is in the Matrix room, where somebody else may look at it. */
  livePlaces(places: readonly { roomId: number; member: MemberKey }[]): Promise<LivePlace[]>;
  /** Those who are members of the chatroom that a Matrix room stands for. */
  liveMembers(matrixRoomId: string, members: readonly MemberKey[]): Promise<LiveMember[]>;
}

export function createBridgeLive(sql: StoreSql): BridgeLive {
  return {
    async livePlaces(places) {
      const rooms = places.map(({ roomId }) => roomId);
      const members = places.map(({ member }) => member);
      return await sql<LivePlace[]>`
        select x.conversation_id as "roomId", x.member, b.matrix_room_id as "matrixRoomId"
        from unnest(${rooms}::bigint[], ${members}::text[]) as i (room, member)
        join bridge_members x on x.conversation_id = i.room and x.member = i.member collate "C" and x.membership = 'join'
        join bridge_rooms b on b.conversation_id = i.room and b.matrix_room_id is not null
        where exists (
          select from bridge_members y left join bridge_ghosts g on g.member = y.member
          where y.conversation_id = i.room and y.membership = 'join' and y.member <> x.member
            and (g.active or y.member like 'm:%'))`;
    },
    async liveMembers(matrixRoomId, members) {
      return await sql<LiveMember[]>`
        select c.id as "roomId", c.token, m.member, m.name from conversations c
        join memberships m on m.conversation_id = c.id
        where c.matrix_room_id = ${matrixRoomId} and m.member = any(${[...members]}::text[])`;
    },
  };
}
