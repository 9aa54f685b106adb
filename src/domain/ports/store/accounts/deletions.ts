/** Accounts that are being deleted, step by step. ../store.ts says what callers may rely on. */
import type { MessagePlace } from "../../../ids.ts";
import type { MemberKey } from "../../../model.ts";

/** A deleted account of which something is still to be done. */
export interface AccountDeletion {
  userId: number;
  member: MemberKey;
  /** Whether the user's messages go, too. */
  erase: boolean;
  /** The log was walked through up to here. */
  at: MessagePlace;
}

/** What a stretch of the log has of a user. */
export interface Traces {
  /** Messages that were not deleted, in order. */
  messages: MessagePlace[];
  /** Where the stretch ends; null: at the end of all logs. */
  end: MessagePlace | null;
}

/** Inside a transaction. */
export interface DeletionWrites {
  /** The account is to be deleted in steps. */
  begin(userId: number, erase: boolean): Promise<void>;
  /** The log is walked through once more, from its start, also when that was under way or over. */
  again(userId: number): Promise<void>;
  /** A deletion that no other transaction holds, held until the commit; null when there is none. */
  take(): Promise<AccountDeletion | null>;
  /**
   * Reads the next stretch of all logs, room by room. It ends early, so that it holds at most `limit` messages of the user,
   * in at most `rooms` rooms.
   */
  traces(deletion: AccountDeletion, limit: number, rooms: number): Promise<Traces>;
  /** In this stretch the user's name is replaced wherever the log and reactions show it; the next one begins at its end. */
  rename(deletion: AccountDeletion, end: MessagePlace | null, name: string): Promise<void>;
  finish(userId: number): Promise<void>;
}
