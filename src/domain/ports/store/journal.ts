/**
 * The journal: events of a user's rooms and their members (no messages), and changes of the user's connections, by time. It
 * is for readers that do not keep a cursor for each room. The promises of ./store.ts hold.
 *
 * A reader that reads page after page, each up to a horizon, gets every event once, because nothing is committed behind a
 * horizon. (Times are the database's. If its clock is set back, readers miss events until it reaches their cursor again.)
 *
 * The journal has a room's events from the user's joining on. Of rooms that the user left, or that were deleted, it has the
 * events up to the end of the membership, for 28 days. Of a connection, and of the user's settings of a room, it has only the
 * latest change. While the user waits in a room's lobby, it has only the user's own membership.
 */
import type { JournalEvent, JournalPlace, RoomNames } from "../../model.ts";

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
  /** For each reader a page of events before the horizon, ascending: the first ones, or with `newest` the last ones. */
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
  /** UUIDs by id, those of deleted users included. */
  uuids(of: "users" | "organizations", ids: readonly number[]): Promise<Map<number, string>>;
  /** Names of rooms by id, those that were deleted lately included. */
  roomNames(ids: readonly number[]): Promise<Map<number, RoomNames>>;
}
