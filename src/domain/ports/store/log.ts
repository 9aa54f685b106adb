/** The log of each room. ./store.ts says what callers may rely on. */
import type {
  Actor,
  Attachment,
  Audience,
  LoggedEvent,
  MemberKey,
  Membership,
  MessageExtras,
  ReactionCount,
  Room,
  RoomHead,
  ThreadSummary,
} from "../../model.ts";

/** How many actors a count of reactions names. */
export const REACTION_ACTORS = 10;

/** One message to append. The caller has checked permissions under `accessVersion`. */
export interface NewMessage {
  roomId: number;
  accessVersion: number;
  sender: Actor;
  /** The client's own id, 1–64 characters (a Matrix event id of up to 255 bytes for inbound messages). */
  id: string;
  text: string;
  replyTo?: number;
  mentions?: string[];
  /** The seq with which the thread begins that it is in. The caller has checked it. */
  thread?: number;
  /** Files that wait to be sent; they belong to the message from the commit on. */
  attachments?: Attachment[];
  extras?: MessageExtras;
}

export type AppendResult =
  | { status: "appended"; seq: number; at: number; event: LoggedEvent }
  /**
   * Stored before under the same (room, sender, id): the first result. This comes before `stale` and `bad_reply`, so a
   * repetition gets the first result also after the sender has left the room.
   */
  | { status: "duplicate"; seq: number; at: number }
  /**
   * Permissions changed since they were checked: read and check them again, then append again. A member of a room that is
   * neither read-only nor has a lobby may send after any change. `accessVersion` 0 is always stale.
   */
  | { status: "stale" }
  /** The room is gone. */
  | { status: "not_found" }
  /** `replyTo` is no message of this room, or it was deleted. */
  | { status: "bad_reply" };

export interface RoomLog {
  /**
   * Group commit: collects the appends that arrive while a commit is in flight and writes them as one statement.
   * Messages of one sender to one room keep the order in which they were given. The sender's read marker moves to the
   * message; mentions count for those ids that are members. A batch whose outcome is unknown is looked up and written
   * again for some seconds before it is `unavailable`.
   * @throws DomainError `busy` when the queue is full; `bad_request` for NUL in the id or the sender
   */
  append(message: NewMessage): Promise<AppendResult>;
  /** Events `after < seq ≤ upTo` of one room, ascending, at most `limit`. No visibility rule is applied. */
  range(roomId: number, after: number, upTo: number, limit: number): Promise<LoggedEvent[]>;
  /** {@link range} for many rooms in one query: for each its events after its own seq, at most `limitEach`. */
  rangeMany(
    wanted: { roomId: number; after: number; upTo: number }[],
    limitEach: number,
  ): Promise<LoggedEvent[]>;
  /**
   * A page of history as `member` may see it, ascending, membership checked in the same query. Without `before` and
   * `after` it is the end of the log; `more` tells whether there are more in the direction of the page. `reactions` are
   * those to messages of the page, first come first, counted by the name as it is stored, each with the first
   * {@link REACTION_ACTORS} actors; `threads` are those that begin in the page. With `thread` it is a page of the living
   * answers of that thread.
   * @returns null when the room does not exist or the member is not in it. `role` and `rules` let the caller apply `can`.
   */
  history(
    token: string,
    member: MemberKey,
    page: { before?: number; after?: number; thread?: number; limit: number },
  ): Promise<{
    events: LoggedEvent[];
    more: boolean;
    reactions: (ReactionCount & { seq: number })[];
    threads: (ThreadSummary & { root: number })[];
    membership: Membership;
    room: Room;
  } | null>;
  /** The seq of a room's first event at or after this time; head + 1 when there is none. */
  seqAt(roomId: number, at: number): Promise<number>;
  /** One event, or null. */
  event(roomId: number, seq: number): Promise<LoggedEvent | null>;
  /**
   * For each room the head, and the time of its event at `seq` (null: there is none); rooms that are gone are left out.
   */
  places(wanted: readonly Pick<LogPlace, "roomId" | "seq">[]): Promise<PlaceInLog[]>;
  /** The running calls, of the given rooms or of all, by room. */
  runningCalls(roomIds?: number[]): Promise<RunningCall[]>;
  /** The current heads of the named rooms; rooms that are gone are left out. */
  heads(roomIds: number[]): Promise<RoomHead[]>;
  /**
   * What these members have not read; those who are not in the room are left out. Deleted messages don't count.
   */
  unread(roomId: number, members: readonly MemberKey[]): Promise<UnreadState[]>;
  /**
   * Moves read markers up (never back), many in one statement, and notes as {@link opened} does that the member opened
   * the room now. What the member marked as unread is so no more.
   * `seq` past the head counts as not applied.
   * Resolves with where each marker now stands, or null where the room or membership is gone, or
   * `"past_head"` where seq is greater than the room's head.
   */
  markRead(member: MemberKey, roomId: number, seq: number): Promise<ReadState | "past_head" | null>;
  /** Notes that the member opened the room now; nothing happens where the room or the membership is gone. */
  opened(member: MemberKey, roomId: number): Promise<void>;
}

/** A call that runs, as the log tells of it. Hot state knows better who is in it; the log follows. */
export interface RunningCall {
  roomId: number;
  /** Who started it or joined, and did not leave since, in that order. */
  callers: Actor[];
}

export interface PlaceInLog {
  roomId: number;
  head: number;
  at: number | null;
}

export interface ReadState {
  read: number;
  readMessages: number;
  /** Messages after the marker that were not deleted, and those of them that mention the member. */
  unread: number;
  mentions: number;
  /** How far the member's clients have the log, at least up to `read`. */
  delivered: number;
  moved: boolean;
  /** The member had marked the room as unread, and has not any more. */
  unmarked: boolean;
  /** Whom the member tells. */
  audience: Audience;
}

/** What a member has not read, as of the room's `head`. */
export interface UnreadState {
  member: MemberKey;
  head: number;
  read: number;
  unread: number;
  mentions: number;
}

/** An event that was told. */
export interface LogPlace {
  roomId: number;
  seq: number;
  /** The event's time, ms; 0: not known. */
  at: number;
}
