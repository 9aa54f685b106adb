/** Searching messages. Part of {@link UseCases}; the same promises hold. */
import type { Actor, LoggedEvent } from "../model.ts";
import type { Has } from "../ports/store/search.ts";

export interface Search {
  /**
   * Messages that hold all words of `text`, newest first, in one or all of the actor's rooms. They come as `history` shows
   * them, and only where `history` would: what was edited away, deleted or has expired is not found.
   * @throws DomainError `bad_request` for a text of more than 200 characters, for one without a word where neither `from`
   *   nor `has` is given, for a `limit` outside of 1–100, and for a foreign `cursor`;
   *   `busy` while too many searches of the actor are under way
   */
  messages(actor: Actor, input: SearchInput): Promise<SearchResult>;
}

export interface SearchInput {
  text: string;
  /** Only in this room (its token). */
  room?: string | undefined;
  /** The id of the actor who wrote the message. */
  from?: string | undefined;
  /** Exclusive times, ms. */
  before?: number | undefined;
  after?: number | undefined;
  has?: Has | undefined;
  limit: number;
  /** Of the page before. */
  cursor?: string | undefined;
}

export interface Hit {
  event: LoggedEvent;
  /** The places of the words in the text, in order and without overlaps, in UTF-16 code units. */
  highlights: readonly (readonly [start: number, length: number])[];
}

export interface SearchResult {
  hits: Hit[];
  /** Goes on from here; null: there is nothing more. The work of a page is bounded, so it may have few hits and a cursor. */
  cursor: string | null;
  /** Messages since this time (ms) may be missing, because the index does not know them yet; null: none are. */
  behind: number | null;
}
