/** What the domain asks of the index of messages' words. The promises of ./store.ts hold. */

import type { MessagePlace } from "../../ids.ts";
import type { LoggedEvent, MemberKey, Role, RoomRules } from "../../model.ts";

export const HAS = ["file", "image", "link"] as const;
/** What a message can hold beside words: any file, a file that is an image, a link in its text. */
export type Has = (typeof HAS)[number];

/** A room that may be searched, with what decides whether its member may read it. */
export interface SearchableRoom {
  rules: RoomRules;
  role: Role;
  /** Events with a higher seq are the member's to see. */
  historyFrom: number;
  /** The room's last event, its time, and up to where the index knows the room. */
  head: number;
  lastActivity: number;
  indexed: number;
}

/** What a message must hold for it to be a candidate. */
export interface SearchQuery {
  /** Keys of its words (words.ts), all of which it has. */
  words: readonly string[];
  /** The id of the actor who wrote it. */
  from?: string;
  has?: Has;
  /** Exclusive times, ms. */
  before?: number;
  after?: number;
}

/** A place among the candidates, which are ordered by time, room and seq, the last first. */
export interface SearchPlace extends MessagePlace {
  at: number;
}

export interface Candidates {
  /**
   * Messages as they are now, newest first. Some may not match: the index knows words by hashes, and what it does not know
   * yet comes as it is. The caller compares each with what was asked for.
   */
  events: LoggedEvent[];
  /** Below which place to go on, because there may be more; null: there is nothing more. */
  next: SearchPlace | null;
  /** Since when messages may be missing because the index does not know them yet, ms; null: none are. */
  behind: number | null;
}

/** Whose messages are searched: in these rooms of the member, or in all. */
export interface SearchScope {
  member: MemberKey;
  /** Null: in all of the member's rooms, which are too many to name. */
  rooms: readonly SearchableRoom[] | null;
}

export interface MessageSearch {
  /** The rooms of a member, or those of them that are named; null when there are too many to name. */
  rooms(member: MemberKey, named?: readonly number[]): Promise<SearchableRoom[] | null>;
  /**
   * Messages that may match, below `below` (null: from the newest), of which the member sees what is after `historyFrom`.
   * Where the scope names no rooms, the caller judges those of the messages. The work is bounded: there may be few
   * messages or none, and more beyond `next`.
   */
  candidates(
    scope: SearchScope,
    query: SearchQuery,
    below: SearchPlace | null,
    limit: number,
  ): Promise<Candidates>;
}
