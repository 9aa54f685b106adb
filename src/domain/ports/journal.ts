/**
 * What happened to a member's rooms and the people in them (no messages), across rooms and in the order of time: for
 * readers who were away and do not keep a cursor for each room. The promises of ports/store.ts hold.
 *
 * Rooms that the member left, or that were deleted, are told of to the end of the member's stay, for 28 days.
 * Of two rooms, the event with the earlier time may be committed later: who reads while others write can miss it by
 * the milliseconds in between.
 */
import type { LoggedEvent, MemberKey } from "../model.ts";

/** A place in the order of time: within a room it is that of the log. */
export interface JournalPlace {
  /** ms */
  at: number;
  conversationId: number;
  seq: number;
}

export type JournalEvent = Pick<LoggedEvent, "conversationId" | "seq" | "type" | "actor" | "at" | "dataJson">;

export interface Journal {
  /** Ascending; `after` is exclusive. */
  page(member: MemberKey, page: { after: JournalPlace | null; limit: number }): Promise<JournalEvent[]>;
  /**
   * Who joined by the same act as the `member.joined` at each of these places, those included, in the order of `seq`; at
   * most 500 each.
   */
  joinedTogether(places: readonly JournalPlace[]): Promise<JournalEvent[]>;
  /** UUIDs by id, those of deleted users and of rooms that were deleted lately included. */
  uuids(of: "rooms" | "users" | "organizations", ids: readonly number[]): Promise<Map<number, string>>;
}
