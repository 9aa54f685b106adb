/** Memberships in Matrix rooms, and ghosts: the accounts that the bridge made for members. Members are named by their keys. */
import { type MemberKey, userKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

export type MatrixMembership = "invite" | "join" | "leave" | "ban";

/** A chatroom of a user whose ghost is neither invited to nor joined in the Matrix room. */
export interface RoomToEnter {
  roomId: number;
  /** Null until the Matrix room exists. */
  matrixRoomId: string | null;
}

/** A member of the chatroom whose ghost has not joined the Matrix room. */
interface AbsentMember {
  member: MemberKey;
  name: string;
  membership: MatrixMembership | null;
  active: boolean;
}

export interface BridgeMembers {
  /**
   * Marks the user's ghost as active, so that the workers make it join all of the user's rooms.
   * @returns the rooms in which it is neither invited nor joined
   */
  markMatrixAccount(userId: number): Promise<RoomToEnter[]>;
  /** The rooms of a user in which the ghost is neither invited nor joined, but for those in whose lobby the user waits. */
  roomsToEnter(userId: number): Promise<RoomToEnter[]>;
  /** Stores that the ghost's account was deactivated: it is invited nowhere until somebody signs in to it again. */
  putDeactivated(member: MemberKey): Promise<void>;
  putMembership(roomId: number, member: MemberKey, membership: MatrixMembership): Promise<void>;
  matrixMembership(roomId: number, member: MemberKey): Promise<MatrixMembership | null>;
  /** How many members the chatroom has, whether this is one of them and waits in the lobby, and whether its ghost is active. */
  memberState(
    roomId: number,
    member: MemberKey,
  ): Promise<{ member: boolean; waits: boolean; members: number; active: boolean }>;
  /**
   * Members since the seq `upTo` or before whose ghost has not joined, but for those who wait in the lobby, and how many
   * members the chatroom has in all.
   */
  absentMembers(roomId: number, upTo: number): Promise<{ absent: AbsentMember[]; members: number }>;
  /**
   * Joined or invited in the Matrix room without being a member of the chatroom who may read there. Invited accounts that are not ours do not
   * count: they become members when they join.
   */
  nonMembers(roomId: number): Promise<MemberKey[]>;
  /** Members of the chatroom who are in the Matrix room, and to whose ghosts somebody may be signed in. */
  activeMembers(roomId: number): Promise<MemberKey[]>;
  /** The Matrix rooms of a member's one-to-one rooms in which their ghost is, and the other in each; the 1,000 youngest. */
  directRooms(member: MemberKey): Promise<{ matrixRoomId: string; other: MemberKey }[]>;
  /** Requests that a room turn brings the room's memberships in line. */
  requestMemberSync(roomId: number): Promise<void>;
}

export function createBridgeMembers(sql: StoreSql): BridgeMembers {
  /** Whether the member `m` waits in the lobby of the room `c`. It is open once the log says so, whatever the time. */
  const waits = () => sql`(c.lobby and m.role not in ('owner', 'moderator', 'guest_moderator'))`;

  async function roomsToEnter(userId: number): Promise<RoomToEnter[]> {
    return await sql<RoomToEnter[]>`
      select m.conversation_id as "roomId", b.matrix_room_id as "matrixRoomId"
      from memberships m join conversations c on c.id = m.conversation_id
      left join bridge_rooms b on b.conversation_id = m.conversation_id
      left join bridge_members x on x.conversation_id = m.conversation_id and x.member = m.member
      where m.member = ${userKey(userId)} and not ${waits()} and (x.membership is null or x.membership not in ('invite', 'join'))
      order by m.conversation_id`;
  }

  return {
    roomsToEnter,
    async markMatrixAccount(userId) {
      const key = userKey(userId);
      await sql`
        with marked as (
          insert into bridge_ghosts (member, active) values (${key}, true)
          on conflict (member) do update set active = true, deactivated = false where not bridge_ghosts.active
          returning member
        )
        update bridge_rooms b set unsettled = b.unsettled + 1
        from marked m join memberships s on s.member = m.member
        where b.conversation_id = s.conversation_id`;
      return await roomsToEnter(userId);
    },
    async putDeactivated(member) {
      await sql`update bridge_ghosts set deactivated = true, active = false where member = ${member}`;
    },
    async putMembership(roomId, member, membership) {
      await sql`
        insert into bridge_members (conversation_id, member, membership)
        values (${roomId}, ${member}, ${membership})
        on conflict (conversation_id, member) do update set membership = excluded.membership`;
    },
    async matrixMembership(roomId, member) {
      const [row] = await sql<{ membership: MatrixMembership }[]>`
        select membership from bridge_members where conversation_id = ${roomId} and member = ${member}`;
      return row?.membership ?? null;
    },
    async memberState(roomId, member) {
      const [row] = await sql<[{ member: boolean; waits: boolean; members: number; active: boolean }]>`
        select count(*) as members, coalesce(bool_or(m.member = ${member}), false) as member,
               coalesce(bool_or(m.member = ${member} and ${waits()}), false) as waits,
               exists (select from bridge_ghosts g where g.member = ${member} and g.active) as active
        from memberships m join conversations c on c.id = m.conversation_id
        where m.conversation_id = ${roomId}`;
      return row;
    },
    async absentMembers(roomId, upTo) {
      const rows = await sql<(AbsentMember & { joinedSeq: number; waits: boolean })[]>`
        select m.member, m.joined_seq as "joinedSeq", m.name, x.membership, coalesce(g.active, false) as active,
               ${waits()} or coalesce(g.deactivated, false) as waits
        from memberships m join conversations c on c.id = m.conversation_id
        left join bridge_members x on x.conversation_id = m.conversation_id and x.member = m.member
        left join bridge_ghosts g on g.member = m.member
        where m.conversation_id = ${roomId} order by m.joined_seq, m.member`;
      const absent = rows.filter(
        ({ membership, joinedSeq, waits }) => membership !== "join" && joinedSeq <= upTo && !waits,
      );
      return { absent, members: rows.length };
    },
    async nonMembers(roomId) {
      const rows = await sql<{ member: MemberKey }[]>`
        select x.member from bridge_members x
        where x.conversation_id = ${roomId}
          and (x.membership = 'join' or (x.membership = 'invite' and x.member not like 'm:%')) and not exists (
          select from memberships m join conversations c on c.id = m.conversation_id
          where m.conversation_id = x.conversation_id and m.member = x.member and not ${waits()})`;
      return rows.map(({ member }) => member);
    },
    async activeMembers(roomId) {
      const rows = await sql<{ member: MemberKey }[]>`
        select m.member from memberships m
        join bridge_ghosts g on g.member = m.member and g.active
        join bridge_members x on x.conversation_id = m.conversation_id and x.member = m.member and x.membership = 'join'
        where m.conversation_id = ${roomId}`;
      return rows.map(({ member }) => member);
    },
    async directRooms(member) {
      return await sql<{ matrixRoomId: string; other: MemberKey }[]>`
        select b.matrix_room_id as "matrixRoomId", o.member as other from memberships m
        join conversations c on c.id = m.conversation_id and c.type = 'one_to_one'
        join bridge_rooms b on b.conversation_id = m.conversation_id and b.matrix_room_id is not null
        join bridge_members x on x.conversation_id = m.conversation_id and x.member = m.member and x.membership = 'join'
        join memberships o on o.conversation_id = m.conversation_id and o.member <> m.member
        where m.member = ${member} order by m.conversation_id desc limit 1000`;
    },
    async requestMemberSync(roomId) {
      await sql`update bridge_rooms set unsettled = unsettled + 1 where conversation_id = ${roomId}`;
    },
  };
}

interface GhostAccount {
  /** The account's name in Matrix. */
  displayName: string;
  /** Whether a person may be signed in to the account: Matrix credentials were handed out for it. */
  active: boolean;
}

/** A user as their account in Matrix has to be. */
export interface ChangedGhost {
  userId: number;
  displayName: string;
  /** The user's picture; null: none. */
  avatarId: string | null;
}

export interface BridgeGhosts {
  /** A member's ghost, or null when none was made. */
  ghost(member: MemberKey): Promise<GhostAccount | null>;
  /** Stores the name and picture that the account has in Matrix. A user who has others by now counts as changed. */
  putGhost(member: MemberKey, displayName: string, avatarId: string | null): Promise<void>;
  /** Ghosts, or this one, whose user has another name or picture, until {@link putGhost} stores it. */
  changedGhosts(limit: number, member?: MemberKey | null): Promise<ChangedGhost[]>;
  /**
   * Counts a user's ghost as changed that has another name or picture (its address; empty: none) in Matrix than the bridge gave it.
   * @returns whether it does
   */
  doubtProfile(member: MemberKey, displayName: string, picture: string): Promise<boolean>;
  /** Gives a member of a room who is nobody of ours another name. */
  renameMember(roomId: number, member: MemberKey, name: string): Promise<void>;
}

export function createBridgeGhosts(sql: StoreSql): BridgeGhosts {
  return {
    async ghost(member) {
      const [row] = await sql<GhostAccount[]>`
        select display_name as "displayName", active from bridge_ghosts where member = ${member}`;
      return row ?? null;
    },
    async putGhost(member, displayName, avatarId) {
      await sql`
        insert into bridge_ghosts (member, display_name, avatar_id, changed)
        select ${member}, ${displayName}, ${avatarId}, exists (
          select from users u
          where u.id = (case when ${member} like 'u:%' then substring(${member} from 3) end)::bigint and u.deleted_at is null
            and (u.display_name <> ${displayName} or u.avatar_id is distinct from ${avatarId}))
        on conflict (member) do update
        set display_name = excluded.display_name, avatar_id = excluded.avatar_id, changed = excluded.changed`;
    },
    async changedGhosts(limit, member = null) {
      return await sql<ChangedGhost[]>`
        select u.id as "userId", u.display_name as "displayName", u.avatar_id as "avatarId"
        from bridge_ghosts g join users u on u.id = substring(g.member from 3)::bigint
        where g.changed and g.member like 'u:%' and u.deleted_at is null and (${member}::text is null or g.member = ${member})
        limit ${limit}`;
    },
    async doubtProfile(member, displayName, picture) {
      const rows = await sql`
        update bridge_ghosts g set changed = true
        where g.member = ${member} and not g.changed and (g.display_name <> ${displayName} or ${picture} <> coalesce(
          (select s.value from bridge_state s where s.key = 'avatar:' || g.avatar_id), ''))
        returning 1`;
      return rows.length > 0;
    },
    async renameMember(roomId, member, name) {
      await sql`
        update memberships m set name = ${name}, entry_rev = greatest(m.entry_rev + 1, causeway_now())
        where m.conversation_id = ${roomId} and m.member = ${member} and m.user_id is null and m.name <> ${name}`;
    },
  };
}
