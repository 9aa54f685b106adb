/** What outlives hot state of the people in a room: the sessions of those who joined it, and guests who left. */
import type { MemberKey } from "../../model.ts";

/** A client that joined a room and did not leave it. */
export interface Visit {
  /** Its name in hot state, where it may be missing. */
  session: string;
  joinedAt: number;
  /** Of the call that it is in; null: it is in none. */
  callFlags: number | null;
}

/** A member's sessions are narrowed by `part`, which their names contain. All end with the membership. */
export interface VisitStore {
  /** Again is fine. Of a member's sessions in the room the 20 that joined last are kept. Nothing for who is no member. */
  begin(roomId: number, member: MemberKey, session: string, now: number): Promise<void>;
  /** The sessions, in the order in which they joined. */
  of(roomId: number, member: MemberKey, part: string): Promise<Visit[]>;
  /** Ends the one that joined last; resolves with its name and how many the member has left, or null. */
  end(roomId: number, member: MemberKey, part: string): Promise<{ session: string; left: number } | null>;
  /** Notes the flags of a session's call; null: it is in none any more. */
  setCall(roomId: number, session: string, flags: number | null): Promise<void>;
}

/** In a transaction that holds the room. */
export interface VisitWrites {
  /** A guest who was in the room before; names are kept for 30 days, 1,000 in a room. */
  formerGuest(roomId: number, member: MemberKey): Promise<{ name: string; removed: boolean } | null>;
  /** These guests, who just left, were taken out: they do not come back. Others among `members` are passed over. */
  keepOut(roomId: number, members: readonly MemberKey[]): Promise<void>;
}
