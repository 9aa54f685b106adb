/** Members of rooms, with the accounts behind them and their own settings. ./store.ts says what callers may rely on. */
import type { Actor, Conversation, MemberKey, Membership, MembershipSettings, User } from "../../model.ts";

export interface MembershipStore {
  /** The members of each room, in order of joining. */
  list(conversationIds: number[]): Promise<Membership[]>;
  /** The members of each room with their accounts, in order of joining. */
  people(conversationIds: readonly number[]): Promise<{ membership: Membership; user: User | null }[]>;
  /** The room, with the roles of those of `members` who are in it; null when it is gone. */
  roles(
    conversationId: number,
    members: readonly MemberKey[],
  ): Promise<{ conversation: Conversation; members: Pick<Membership, "userId" | "role">[] } | null>;
  /** The members of a room who have read furthest, 500 of them at most, with their markers. */
  readers(conversationId: number): Promise<{ actor: Actor; seq: number }[]>;
  /** Guests of all rooms, by room and key; `after` is exclusive. */
  guests(page: {
    after: Pick<Membership, "conversationId" | "member"> | null;
    limit: number;
  }): Promise<Membership[]>;
  /**
   * A member's own settings, and the name of one without an account. Null when the member is not in the room.
   * @param noted whether webhooks hear that the user's conversation changed
   */
  update(
    conversationId: number,
    member: MemberKey,
    patch: Partial<MembershipSettings> & { name?: string },
    noted?: boolean,
  ): Promise<Membership | null>;
}
