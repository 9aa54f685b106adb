/**
 * Live news for readers that are not WebSocket sessions: Talk's long polls, Wire's `/await`, webhooks. What callers may
 * rely on:
 *
 * - A promise resolves when nothing that is committed from then on can be missed. What was before is in the log: follow
 *   first, then read the log, then drop what came twice by its seq.
 * - Each room's events come in the order of `seq`, each once, with no gap. Nothing is said about the order between rooms.
 * - Readers are called in the turn of the event loop in which the news came, and must not throw or take long.
 * - Whom a room's lobby keeps out (followers of users) is told nothing of the room; when they are let in, they are told
 *   all events that they missed, in order. Nothing else that they missed is told. The end of their stay is told at once.
 * - A follower costs one entry in a table: no timer, no promise chain. Whoever follows must call `stop` (a timeout of the
 *   reader's own included).
 * - Typing, calls, presence, markers and settings are told at most once, and may get lost; events may not.
 */
import type { Actor, LoggedEvent, User } from "../model.ts";

export interface Feed {
  /**
   * Follows one room, whoever reads. Whoever asks has judged that the reader may see it, and judges anew before anything
   * is shown: the events say when that changes, lobbies included.
   */
  followRoom(conversationId: number, reader: RoomReader): Promise<RoomFollowing>;
  /**
   * Follows all rooms of a user, those joined later included: the first event of such a room is the user's own
   * `member.joined`. The last one of a room that the user leaves is their `member.left`, or `room.deleted`.
   */
  followUser(user: Pick<User, "id" | "uuid">, reader: UserReader): Promise<Following>;
  /** Wakes a reader of logs that keeps its own cursors: these rooms have new events. May be lost; look now and then. */
  followAll(wake: (conversationIds: readonly number[]) => void): Promise<Following>;
}

export interface Following {
  /** Ends it; nothing is told afterwards. Calling it twice is fine. */
  stop(): void;
}

export interface RoomFollowing extends Following {
  /** Every event with a higher seq reaches the reader. */
  readonly head: number;
}

export interface RoomReader {
  event(event: LoggedEvent): void;
  /** The log is another one than the one that was told (`Store.history`): begin anew. Nothing follows. */
  lost?(): void;
  typing?(news: TypingNews): void;
  call?(news: CallNews): void;
  /** Somebody looks at the room who did not before. */
  presence?(news: PresenceNews): void;
}

export interface UserReader extends RoomReader {
  /** The user's own read marker moved. */
  marker?(news: MarkerNews): void;
  /** The user changed their own settings of a room (muted, archived, hidden): read them from the journal. */
  settings?(news: { conversationId: number; at: number }): void;
  /** A connection of the user changed, or may have: read them from the journal. Told again when it got lost. */
  connections?(news: ConnectionsNews): void;
  /** The user was deleted; nothing follows. */
  gone?(): void;
}

export interface TypingNews {
  conversationId: number;
  actor: Actor;
  on: boolean;
}
export interface CallNews {
  conversationId: number;
  /** The OR of all participants' flags; 0: nobody is in the call. */
  flags: number;
  participants: { actor: Actor; flags: number }[];
}
export interface PresenceNews {
  conversationId: number;
  actor: Actor;
  lastPing: number;
}
export interface ConnectionsNews {
  /** When at the earliest, ms; 0: before the call. */
  at: number;
}
export interface MarkerNews {
  conversationId: number;
  read: number;
  unread: number;
  mention: number;
}
