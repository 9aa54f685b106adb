/** Members of rooms, with the accounts behind them and their own settings. ./store.ts says what callers may rely on. */
import type { Actor, MemberKey, Membership, MembershipSettings, Room, User } from "../../model.ts";

export interface MembershipStore {
  /** The members of each room, in order of joining. */
  list(roomIds: number[]): Promise<Membership[]>;
  /** The members of each room with their accounts, in order of joining. */
  people(roomIds: readonly number[]): Promise<{ membership: Membership; user: User | null }[]>;
  /** The room, with the roles of those of `members` who are in it; null when it is gone. */
  roles(
    roomId: number,
    members: readonly MemberKey[],
  ): Promise<{ room: Room; members: Pick<Membership, "userId" | "role">[] } | null>;
  /** The members of a room who have read furthest, 500 of them at most, with their markers. */
  readers(roomId: number): Promise<{ actor: Actor; seq: number }[]>;
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
}
