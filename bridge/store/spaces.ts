/** The spaces of organizations, and what of them is not as it should be (schema/migrations/0067-matrix-spaces.sql). */
import type { MemberKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

/** A space and the changes that it needs, of each kind some. */
export interface SpaceWork {
  organizationId: number;
  /** Null: it is to be made. */
  matrixRoomId: string | null;
  /** The organization's name; null: it was deleted. */
  name: string | null;
  /** The name that the space has. */
  shownName: string;
  failures: number;
  /** Matrix rooms that are to be in it, and no more. */
  roomsToAdd: string[];
  roomsToRemove: string[];
  /** Who is to be invited, and to be taken out. */
  toInvite: MemberKey[];
  toRemove: MemberKey[];
}

export interface BridgeSpaces {
  /**
   * Leases to the caller the spaces that differ from their organizations, for `leaseMs`. An organization gets one when the first
   * of its users may be signed in to Matrix.
   */
  leaseSpaces(limit: number, leaseMs: number): Promise<number[]>;
  spaceWork(organizationId: number): Promise<SpaceWork | null>;
  putSpace(organizationId: number, matrixRoomId: string): Promise<void>;
  putSpaceName(organizationId: number, name: string): Promise<void>;
  putSpaceRoom(organizationId: number, matrixRoomId: string, isIn: boolean): Promise<void>;
  putSpaceMember(organizationId: number, member: MemberKey, isIn: boolean): Promise<void>;
  /** Ends the lease. After a failure the space is due again in `retryInMs`. */
  releaseSpace(organizationId: number, retryInMs?: number): Promise<void>;
  forgetSpace(organizationId: number): Promise<void>;
  /** Forgets the Matrix rooms of spaces that are not among these: they are made again. */
  forgetSpacesBut(matrixRoomIds: readonly string[]): Promise<void>;
}

/** Changes of one kind that a turn makes; the next turn makes the next ones. */
const MAX_CHANGES = 50;

export function createBridgeSpaces(sql: StoreSql): BridgeSpaces {
  const wantedRooms = (id: "o.id" | "s.organization_id") => sql`
    select c.matrix_room_id as key from conversations c
    where c.organization_id = ${sql.unsafe(id)} and c.type <> 'one_to_one' and c.matrix_room_id is not null`;
  const wantedMembers = (id: "o.id" | "s.organization_id") => sql`
    select g.member as key from organization_users u join bridge_ghosts g on g.member = 'u:' || u.user_id
    where u.organization_id = ${sql.unsafe(id)} and g.active`;
  const rooms = () =>
    sql`select r.matrix_room_id as key from bridge_space_rooms r where r.organization_id = s.organization_id`;
  const members = () =>
    sql`select m.member as key from bridge_space_members m where m.organization_id = s.organization_id`;

  return {
    async leaseSpaces(limit, leaseMs) {
      const differs = (wanted: ReturnType<typeof wantedRooms>, has: ReturnType<typeof rooms>) => sql`
        exists ((${wanted}) except (${has})) or exists ((${has}) except (${wanted}))`;
      const rows = await sql<{ id: number }[]>`
        insert into bridge_spaces (organization_id, leased_until)
        select id, causeway_now() + ${leaseMs}::bigint from (
          select o.id from organizations o left join bridge_spaces s on s.organization_id = o.id
          where (s.organization_id is not null or exists (${wantedMembers("o.id")}))
            and (s.matrix_room_id is null or s.name <> o.name
              or ${differs(wantedRooms("o.id"), rooms())} or ${differs(wantedMembers("o.id"), members())})
            and coalesce(greatest(s.leased_until, s.retry_at), 0) <= causeway_now()
          union all
          select s.organization_id from bridge_spaces s
          where not exists (select from organizations o where o.id = s.organization_id)
            and greatest(s.leased_until, s.retry_at) <= causeway_now()
          limit ${limit}) due
        on conflict (organization_id) do update set leased_until = excluded.leased_until
        where bridge_spaces.leased_until <= causeway_now()
        returning organization_id as id`;
      return rows.map(({ id }) => id);
    },
    async spaceWork(organizationId) {
      const some = (from: ReturnType<typeof wantedRooms>, but: ReturnType<typeof rooms>) => sql`
        array(select key from ((${from}) except (${but})) k limit ${MAX_CHANGES})`;
      const [row] = await sql<SpaceWork[]>`
        select s.organization_id as "organizationId", s.matrix_room_id as "matrixRoomId", s.name as "shownName", s.failures,
               (select o.name from organizations o where o.id = s.organization_id) as name,
               ${some(wantedRooms("s.organization_id"), rooms())} as "roomsToAdd",
               ${some(rooms(), wantedRooms("s.organization_id"))} as "roomsToRemove",
               ${some(wantedMembers("s.organization_id"), members())} as "toInvite",
               ${some(members(), wantedMembers("s.organization_id"))} as "toRemove"
        from bridge_spaces s where s.organization_id = ${organizationId}`;
      return row ?? null;
    },
    async putSpace(organizationId, matrixRoomId) {
      await sql`
        update bridge_spaces set matrix_room_id = ${matrixRoomId} where organization_id = ${organizationId}`;
    },
    async putSpaceName(organizationId, name) {
      await sql`update bridge_spaces set name = ${name} where organization_id = ${organizationId}`;
    },
    async putSpaceRoom(organizationId, matrixRoomId, isIn) {
      await (isIn
        ? sql`insert into bridge_space_rooms values (${organizationId}, ${matrixRoomId}) on conflict do nothing`
        : sql`
            delete from bridge_space_rooms
            where organization_id = ${organizationId} and matrix_room_id = ${matrixRoomId}`);
    },
    async putSpaceMember(organizationId, member, isIn) {
      await (isIn
        ? sql`insert into bridge_space_members values (${organizationId}, ${member}) on conflict do nothing`
        : sql`delete from bridge_space_members where organization_id = ${organizationId} and member = ${member}`);
    },
    async releaseSpace(organizationId, retryInMs = 0) {
      const failed = retryInMs > 0;
      await sql`
        update bridge_spaces set leased_until = 0, failures = case when ${failed} then failures + 1 else 0 end,
               retry_at = case when ${failed} then causeway_now() + ${retryInMs}::bigint else 0 end
        where organization_id = ${organizationId}`;
    },
    async forgetSpace(organizationId) {
      await sql`delete from bridge_spaces where organization_id = ${organizationId}`;
    },
    async forgetSpacesBut(matrixRoomIds) {
      await sql`
        with lost as (
          update bridge_spaces s set matrix_room_id = null, name = ''
          where s.matrix_room_id is not null
            and not exists (select from unnest(${matrixRoomIds}::text[]) as k (id) where k.id = s.matrix_room_id)
          returning s.organization_id
        ), rooms as (
          delete from bridge_space_rooms where organization_id in (select organization_id from lost)
        )
        delete from bridge_space_members where organization_id in (select organization_id from lost)`;
    },
  };
}
