/** The accounts that the bridge made for members: which name and picture they have in Matrix. Members are named by their keys. */
import type { MemberKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

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
