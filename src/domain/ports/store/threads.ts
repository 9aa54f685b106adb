/** Threads of messages. ./store.ts says what callers may rely on. */
import type { MemberKey, ThreadSummary } from "../../model.ts";

/** Unread answers of a thread are counted up to here. */
export const THREAD_UNREAD_MOST = 1_000;

export interface ThreadStore {
  /**
   * The threads of a room that begin at `first` to `last`, as the member sees them, by their root. Those without a living
   * answer are left out.
   */
  between(
    roomId: number,
    member: MemberKey,
    first: number,
    last: number,
  ): Promise<(ThreadSummary & { root: number })[]>;
  /** Whether a thread with living answers begins at this seq. */
  exists(roomId: number, root: number): Promise<boolean>;
  /**
   * Moves a member's read marker of a thread up, never back.
   * @returns where it stands now; what the member read in the room is read in the thread. Null where the membership is
   *   gone, `"past_head"` where `seq` is greater than the room's head
   */
  markRead(
    member: MemberKey,
    roomId: number,
    thread: ThreadMark,
  ): Promise<ThreadReadState | "past_head" | null>;
}

export interface ThreadMark {
  root: number;
  seq: number;
}

export interface ThreadReadState {
  read: number;
  /** Answers after it by others. */
  unread: number;
  moved: boolean;
}
