/**
 * Live news for readers that are not WebSocket sessions: Talk's long polls, Wire's `/await`, webhooks. What callers may
 * rely on:
 *
 * - When the promise of a `follow…` resolves, no later commit is missed. Earlier events are in the log: follow first, then
 *   read the log, then drop duplicates by their seq.
 * - Each room's events come in the order of `seq`, once each, without gaps. There is no order between rooms.
 * - Readers are called in the same turn of the event loop. They must not throw or take long.
 * - While a user waits in a room's lobby, a follower of the user gets nothing of the room. When the lobby opens, it gets all
 *   events that it missed, in order, but no missed broadcasts. The end of the membership comes at once.
 * - A follower costs one entry in a table: no timer, no promise chain. The caller must call `stop` in the end.
 * - Typing, calls, presence, markers and settings come at most once and may get lost. Events do not get lost.
 */
import type { Actor, LoggedEvent, User } from "../model.ts";

export interface Feed {
  /**
   * Follows one room without a check of permissions. The caller checks them before, and again before it shows anything:
   * the events say when permissions or the lobby change.
   */
  followRoom(roomId: number, reader: RoomReader): Promise<RoomFollowing>;
  /**
   * Follows all rooms of a user, also those joined later: the first event of such a room is the user's `member.joined`. The
   * last event of a room that the user leaves is the user's `member.left`, or `room.deleted`.
   */
  followUser(user: Pick<User, "id" | "uuid">, reader: UserReader): Promise<Following>;
  /** For readers with their own cursors: `wake` gets ids of rooms with new events. Calls may be lost, so poll as well. */
  followAll(wake: (roomIds: readonly number[]) => void): Promise<Following>;
}

export interface Following {
  /** Ends the following at once. Safe to repeat. */
  stop(): void;
}

export interface RoomFollowing extends Following {
  /** Every event with a higher seq reaches the reader. */
  readonly head: number;
}

export interface RoomReader {
  event(event: LoggedEvent): void;
  /** The log has another history now (`Store.history`): the reader has to begin again. The following has ended. */
  lost?(): void;
  typing?(news: TypingNews): void;
  call?(news: CallNews): void;
  /** Somebody has opened the room. */
  presence?(news: PresenceNews): void;
}

export interface UserReader extends RoomReader {
  /** The user's own read marker moved. */
  marker?(news: MarkerNews): void;
  /** The user changed their own settings of a room (muted, archived, hidden): read them from the journal. */
  settings?(news: { roomId: number; at: number }): void;
  /** A connection of the user changed, or may have: read them from the journal. Told again when it got lost. */
  connections?(news: ConnectionsNews): void;
  /** The user was deleted. The following has ended. */
  gone?(): void;
}

export interface TypingNews {
  roomId: number;
  actor: Actor;
  on: boolean;
}
export interface CallNews {
  roomId: number;
  /** The OR of all participants' flags; 0: nobody is in the call. */
  flags: number;
  participants: { actor: Actor; flags: number }[];
}
export interface PresenceNews {
  roomId: number;
  actor: Actor;
  lastPing: number;
}
export interface ConnectionsNews {
  /** When at the earliest, ms; 0: before the call. */
  at: number;
}
export interface MarkerNews {
  roomId: number;
  read: number;
  unread: number;
  mention: number;
}
