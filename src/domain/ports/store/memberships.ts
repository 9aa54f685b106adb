/** Members of rooms, with the accounts behind them and their own settings. ./store.ts says what callers may rely on. */
import type { Actor, Audience, MemberKey, Membership, MembershipSettings, Room, User } from "../../model.ts";

/** Where a member stands among a room's members in order of joining. */
export type MemberPlace = Pick<Membership, "joinedSeq" | "member">;

export interface MembershipStore {
  /** The members of each room, in order of joining. */
  list(roomIds: number[]): Promise<Membership[]>;
  /** The members of each room with their accounts, in order of joining. */
  people(roomIds: readonly number[]): Promise<{ membership: Membership; user: User | null }[]>;
  /**
   * A page of a room's members with their accounts, in order of joining, in one query; `after` is exclusive.
   * @param page `query`: only those whose name, or account's name or handle, holds this text, in any case
   */
  page(
    roomId: number,
    page: { after: MemberPlace | null; limit: number; query?: string | undefined },
  ): Promise<{ membership: Membership; user: User | null }[]>;
  /** The room, with the roles of those of `members` who are in it; null when it is gone. */
  roles(
    roomId: number,
    members: readonly MemberKey[],
  ): Promise<{ room: Room; members: Pick<Membership, "userId" | "role">[] } | null>;
  /** The members of a room who have read furthest, 500 of them at most, with their markers and whom they tell of these. */
  readers(roomId: number): Promise<{ actor: Actor; seq: number; audience: Audience }[]>;
  /** Guests of all rooms, by room and key; `after` is exclusive. */
  guests(page: { after: Pick<Membership, "roomId" | "member"> | null; limit: number }): Promise<Membership[]>;
  /**
   * A member's own settings, and the name of one without an account. Null when the member is not in the room.
   * @param noted whether webhooks hear that the user's conversation changed
   */
  update(
    roomId: number,
    member: MemberKey,
    patch: Partial<MembershipSettings> & { name?: string },
    noted?: boolean,
  ): Promise<Membership | null>;
  /** Ends the muting of up to `limit` rooms of members whose time has come. @returns their memberships */
  unmuteDue(now: number, limit: number): Promise<Membership[]>;
}
