/** Read markers on their way to Matrix and back. Members are named by their keys. */
import type { Audience, MemberKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

export interface MarkerPlace {
  roomId: number;
  member: MemberKey;
}

export interface MarkerToSend extends MarkerPlace {
  matrixRoomId: string;
  /** The last event in Matrix up to the marker; null when there is none. */
  eventId: string | null;
  seq: number;
  /** Where the marker in Matrix was before. */
  before: number;
  audience: Audience;
  /** Whether a person may be signed in to the ghost. */
  active: boolean;
}

export interface ReceivedMarker extends MarkerPlace {
  /** The receipt's place in the list that was asked about. */
  place: number;
  token: string;
  name: string;
  /** The seq of the receipt's event; null for an event that has none. */
  seq: number | null;
  /** Where the marker in the chat is. */
  read: number;
}

export interface BridgeReceipts {
  /** Which of these rooms somebody may look at in Matrix, and how many members they have in the chat. */
  watchedRooms(roomIds: readonly number[]): Promise<Map<number, number>>;
  /**
   * Takes those markers that are further than Matrix knows: the caller sends them, and no other worker does. Not taken are
   * markers of those who tell not everybody, or stand in a room that is not `open`, unless somebody may be signed in as the member.
   * @returns `later`: Matrix does not have the room's events up to the marker yet
   */
  takeMarkers(
    places: readonly (MarkerPlace & { open: boolean })[],
  ): Promise<{ taken: MarkerToSend[]; later: MarkerPlace[] }>;
  /** Gives a marker back that could not be sent. */
  putBackMarker(marker: MarkerToSend): Promise<void>;
  /** Markers, of ghosts to which somebody may be signed in, that are further than Matrix knows; of one room, or all (null). */
  markersBehind(roomId: number | null, limit: number): Promise<MarkerPlace[]>;
  /** Where receipts from Matrix point; nothing for those in other rooms or by others than members. */
  receivedMarkers(
    receipts: readonly { matrixRoomId: string; eventId: string; member: MemberKey }[],
  ): Promise<ReceivedMarker[]>;
  /** The greatest seq of these Matrix events of a room; null when it has none. */
  lastSeqOf(roomId: number, eventIds: readonly string[]): Promise<number | null>;
  /** Stores that Matrix has a member's marker at least here. */
  putMarker({ roomId, member }: MarkerPlace, seq: number): Promise<void>;
}

interface TakenRow extends MarkerToSend {
  taken: boolean;
}

export function createBridgeReceipts(sql: StoreSql): BridgeReceipts {
  return {
    ...createTaking(sql),
    async watchedRooms(roomIds) {
      const rows = await sql<{ id: number; members: number }[]>`
        select r.id, (select count(*) from memberships m where m.conversation_id = r.id) as members
        from unnest(${[...roomIds]}::bigint[]) as r (id)
        where exists (
          select from bridge_members x left join bridge_ghosts g on g.member = x.member
          where x.conversation_id = r.id and x.membership = 'join' and (g.active or x.member like 'm:%'))`;
      return new Map(rows.map(({ id, members }) => [id, members]));
    },
    async markersBehind(roomId, limit) {
      return await sql<MarkerPlace[]>`
        select x.conversation_id as "roomId", x.member from bridge_ghosts g
        join bridge_members x on x.member = g.member and x.membership = 'join'
        join memberships m on m.conversation_id = x.conversation_id and m.member = x.member
        where g.active and m.read_seq > x.read_seq and (${roomId}::bigint is null or x.conversation_id = ${roomId})
        limit ${limit}`;
    },
    async receivedMarkers(receipts) {
      const rooms = receipts.map(({ matrixRoomId }) => matrixRoomId);
      const events = receipts.map(({ eventId }) => eventId);
      const members = receipts.map(({ member }) => member);
      return await sql<ReceivedMarker[]>`
        select i.ord - 1 as place, c.id as "roomId", c.token, m.member, m.name, e.seq, m.read_seq as read
        from unnest(${rooms}::text[], ${events}::text[], ${members}::text[]) with ordinality as i (room, event, member, ord)
        join conversations c on c.matrix_room_id = i.room
        join memberships m on m.conversation_id = c.id and m.member = i.member collate "C"
        left join bridge_events e on e.event_id = i.event and e.conversation_id = c.id
          and e.op not in ('matrix_edit', 'matrix_reaction')`;
    },
    async lastSeqOf(roomId, eventIds) {
      const [row] = await sql<{ seq: number | null }[]>`
        select max(seq) as seq from bridge_events
        where event_id = any(${[...eventIds]}::text[]) and conversation_id = ${roomId}
          and op not in ('matrix_edit', 'matrix_reaction')`;
      return row?.seq ?? null;
    },
    async putMarker({ roomId, member }, seq) {
      await sql`
        update bridge_members set read_seq = ${seq}
        where conversation_id = ${roomId} and member = ${member} and read_seq < ${seq}`;
    },
  };
}

function createTaking(sql: StoreSql): Pick<BridgeReceipts, "takeMarkers" | "putBackMarker"> {
  return {
    async takeMarkers(places) {
      const rooms = places.map(({ roomId }) => roomId);
      const members = places.map(({ member }) => member);
      const open = places.map((place) => Number(place.open));
      const rows = await sql<TakenRow[]>`
        with found as materialized (
          select i.room, i.member, m.read_seq, m.receipts_for, x.read_seq as before, b.mirrored_seq, b.matrix_room_id,
                 coalesce(g.active, false) as active
          from unnest(${rooms}::bigint[], ${members}::text[], ${open}::int[]) as i (room, member, open)
          join memberships m on m.conversation_id = i.room and m.member = i.member collate "C"
          join bridge_members x on x.conversation_id = i.room and x.member = i.member collate "C"
          join bridge_rooms b on b.conversation_id = i.room
          left join bridge_ghosts g on g.member = i.member collate "C"
          where x.membership = 'join' and b.matrix_room_id is not null and m.read_seq > x.read_seq
            and (g.active or (i.open = 1 and m.receipts_for = 'everybody'))
        ), taken as (
          update bridge_members x set read_seq = f.read_seq from found f
          where x.conversation_id = f.room and x.member = f.member collate "C"
            and x.read_seq < f.read_seq and f.mirrored_seq >= f.read_seq
          returning x.conversation_id, x.member
        )
        select f.room as "roomId", f.member, f.matrix_room_id as "matrixRoomId", e.event_id as "eventId",
               f.read_seq as seq, f.before, f.receipts_for as audience, f.active, t.member is not null as taken
        from found f
        left join taken t on t.conversation_id = f.room and t.member = f.member collate "C"
        left join lateral (
          select e.event_id from bridge_events e
          where e.conversation_id = f.room and e.seq <= f.read_seq and e.op not in ('matrix_edit', 'matrix_reaction')
            and (e.op = 'message' or e.op like 'file:%')
          order by e.seq desc, (e.op <> 'message') desc, length(e.op) desc, e.op desc limit 1
        ) e on true
        where t.member is not null or f.mirrored_seq < f.read_seq`;
      return { taken: rows.filter(({ taken }) => taken), later: rows.filter(({ taken }) => !taken) };
    },
    async putBackMarker({ roomId, member, seq, before }) {
      await sql`
        update bridge_members set read_seq = ${before}
        where conversation_id = ${roomId} and member = ${member} and read_seq = ${seq}`;
    },
  };
}
