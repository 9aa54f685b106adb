/**
 * What happened to a user's rooms, the people in them (no messages) and the user's connections, in the order of
 * time: for readers who were away and do not keep a cursor for each room. The promises of ./store.ts hold.
 *
 * Whoever reads page after page, each up to a horizon, gets everything once: nothing is ever committed behind a horizon.
 * (Its times are the database's. After its clock was set back, what happens until it is there again can be missed by
 * readers who had come further.)
 *
 * Users are told of what happened in a room from their own joining on. Rooms that a user left, or that were
 * deleted, are told of to the end of the user's stay, for 28 days. Of a connection, and of their own settings of a room, only the latest
 * change is kept.
 * While a room's lobby keeps a user out, they are told only of their own membership in it.
 */
import type { JournalEvent, JournalPlace } from "../../model.ts";

export interface JournalReader {
  userId: number;
  /** Exclusive; null: from the start. */
  after: JournalPlace | null;
}

export interface Journal {
  /**
   * Everything that was committed before the call has an earlier time (ms), and so has nothing that is committed later;
   * where others have written since before the call, after half a second, the first of this may not hold.
   */
  horizon(): Promise<number>;
  /** For each reader a page, ascending, of what is before the horizon: the oldest, or (`newest`) the last of it. */
  pages(
    readers: readonly JournalReader[],
    page: { horizon: number; limit: number; newest?: boolean },
  ): Promise<JournalEvent[][]>;
  /**
   * Whether a place is of this log: the event there has the time that the place names, or the user's stay in the room is
   * still remembered where the log itself is gone. After a restore of the database a reader may come with a place of the
   * log that was lost. Places of no room always count: what came after them has a later time in any case.
   */
  knows(reader: JournalReader & { after: JournalPlace }): Promise<boolean>;
  /**
   * Who joined by the same act as the `member.joined` at each of these places, those included, in the order of `seq`; at
   * most 500 each.
   */
  joinedTogether(places: readonly JournalPlace[]): Promise<JournalEvent[]>;
  /** UUIDs by id, those of deleted users and of rooms that were deleted lately included. */
  uuids(of: "rooms" | "users" | "organizations", ids: readonly number[]): Promise<Map<number, string>>;
}
