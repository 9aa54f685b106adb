/**
 * What faces may ask about messages beyond sending, editing and deleting them: lists and single ones by their place in
 * the log, reactions, pins and mentions. Part of {@link UseCases}; the same promises hold.
 */
import type { MessagePlace } from "../ids.ts";
import type { Actor, Attachment, EventType, LoggedEvent, MadeEvent, Membership, User } from "../model.ts";
import type { ReceiptCounts } from "../ports/store/receipts.ts";
import type { Attachments, FileLinks, Uploads } from "./files.ts";
import type { Search } from "./search.ts";
import type { SendResult } from "./sending.ts";

// ── Lists (src/domain/messages/timeline.ts) ────────────────────────────────────────────────────────────────────

/** A message as its readers see it now. */
export interface MessageView extends MessagePlace {
  /** The room's token. */
  room: string;
  /** The room's public id. */
  roomPublicId: string;
  /** The client's own id. */
  id: string | null;
  author: Actor;
  /** The author's account; null for guests, Matrix users, Causeway itself, and deleted users. */
  user: User | null;
  at: number;
  text: string;
  /** Actor ids, and "all". */
  mentions: string[];
  /** The message that is answered, without its own parent; `deleted` when it is, or can't be seen. */
  parent: ParentMessage | null;
  reactions: Reaction[];
  attachments: Attachment[];
  /** When another member's read marker first passed it, ms; null: none has. */
  readAt: number | null;
  /** When it was last edited, ms, or null. */
  updatedAt: number | null;
}
export type ParentMessage =
  | (Omit<MessageView, "parent"> & { deleted: false })
  | (MessagePlace & { deleted: true });

/** `message` is null for other events than messages. */
export interface TimelineEntry {
  event: LoggedEvent;
  message: MessageView | null;
}

/**
 * Which of a room's events, and where from. Cursors are exclusive seqs, never both; they need not name an event that is
 * in the list (or exists). `after` reads upwards, anything else from the newest down.
 */
export interface TimelinePage {
  before?: number;
  after?: number;
  /** 1–200. */
  limit: number;
  /** Only messages unless told. Deleted and expired messages are left out always. */
  types?: readonly EventType[];
}

/**
 * A page of the actor's messages; cursors are places of messages that the actor may see or could once see: deleted ones,
 * those of rooms that the actor left in the last 28 days, and those behind a lobby included.
 */
export interface MessagePage {
  /** Only messages of this room (its token). */
  room?: string;
  startingAfter?: MessagePlace;
  endingBefore?: MessagePlace;
  /** 1–100. */
  limit: number;
}

export interface Timeline {
  /** Ascending with `after`, else newest first. `more`: in that direction. */
  page(actor: Actor, room: string, page: TimelinePage): Promise<{ entries: TimelineEntry[]; more: boolean }>;
  /**
   * Messages of one or all of the actor's rooms, newest first; `endingBefore` gives the page before it, in the same order.
   * Who polls with the first message of the last page as `endingBefore` gets every message once: none is ever committed
   * behind what was listed.
   * @throws DomainError `bad_request` for an unknown or foreign cursor, both cursors, or a limit outside of 1–100
   */
  recent(actor: Actor, page: MessagePage): Promise<{ messages: MessageView[]; more: boolean }>;
  /** One message. @throws DomainError `not_found` also for deleted ones and events that are none */
  message(actor: Actor, place: MessagePlace): Promise<MessageView>;
  /** The last entry of each of these rooms (ids) that the actor may see, in one query; rooms without one are left out. */
  last(
    actor: Actor,
    roomIds: readonly number[],
    types?: readonly EventType[],
  ): Promise<Map<number, TimelineEntry>>;
  /** The message that a send made, or had made before, as its sender sees it; null when it was deleted since. */
  sent(actor: Actor, room: string, sent: Pick<SendResult, "seq" | "event">): Promise<TimelineEntry | null>;
  /** Logged events of one room as entries, for readers of live news; what the actor may not see is left out. */
  entries(actor: Actor, room: string, events: readonly LoggedEvent[]): Promise<TimelineEntry[]>;
  /**
   * Events as entries, for all readers of their rooms at once, as they stand now: what a reader may not see (events up to
   * their `historyFrom`, and messages that are answered) is the caller's to hide.
   */
  entriesForAll(events: readonly LoggedEvent[]): Promise<TimelineEntry[]>;
  /** The seq of a room's last event, of which it says nothing; null when the room is gone. */
  head(roomId: number): Promise<number | null>;
  /** A message for a webhook: as a member sees it, whoever that is. Null when there is none (any more). */
  snapshot(place: MessagePlace): Promise<MessageView | null>;
  /** Deletes the messages whose time is over (`message.deleted` by Causeway itself). Run by a timer on every gateway. */
  sweep(now: number): Promise<void>;
}

// ── Reactions and pins (src/domain/messages/reactions.ts, pins.ts) ─────────────────────────────────────────────

export interface Reaction {
  /** 1–64 characters, some to be seen; in NFC, pictures with their variation selector. Other forms count as the same. */
  name: string;
  /** Those who reacted so, first come first; `handle` is null for others than users. */
  by: { actor: Actor; handle: string | null }[];
}

export interface Reactions {
  /** Adds the actor's own. Repeating it makes no second event. @throws DomainError `too_large` when a message has enough */
  add(actor: Actor, room: string, seq: number, name: string): Promise<MadeEvent>;
  /** Takes the actor's own back; it need not be there. */
  remove(actor: Actor, room: string, seq: number, name: string): Promise<MadeEvent>;
  /**
   * As {@link remove}, of a reaction that is gone in Matrix and can't be put back there: whatever the room allows its maker by
   * now, and also where they left or see the message no more. Nothing happens where the message is gone.
   */
  takenBack(maker: Actor, room: string, seq: number, name: string): Promise<MadeEvent>;
  /** The actor's own become exactly these. @returns the last event of those that this made */
  set(actor: Actor, room: string, seq: number, names: readonly string[]): Promise<MadeEvent>;
  list(actor: Actor, room: string, seq: number): Promise<Reaction[]>;
}

export interface Pins {
  /** A room has one pinned message: another one takes its place. For moderators; in one-to-one rooms for both. */
  pin(actor: Actor, room: string, seq: number): Promise<MadeEvent>;
  /** Nothing happens when no message is pinned, or another one than `seq`. */
  unpin(actor: Actor, room: string, seq?: number): Promise<MadeEvent>;
  /**
   * The seqs of the pinned messages of these rooms (ids); the caller knows that the reader is in them. The memberships are
   * those of one reader: messages that they hid for themselves are left out. Without memberships there is no particular reader.
   */
  of(
    rooms: readonly { roomId: number; membership: Pick<Membership, "member" | "hiddenNo"> | null }[],
  ): Promise<Map<number, number>>;
}

// ── Mentions (src/domain/messages/mentions.ts, mentioning.ts) ──────────────────────────────────────────

/** A text taken apart: plain pieces and mentions, in order. `source` is what stood in the text. */
export type TextPart =
  | { kind: "text"; text: string }
  | { kind: "user"; source: string; user: User }
  | { kind: "guest"; source: string; guest: Actor }
  | { kind: "all"; source: string };

export interface Mentions {
  /**
   * Takes `@id` and `@"id with spaces"` out of texts of one room. Users are named by handle and guests as
   * `guest/<id>`; only those are found who exist for the actor or are in the room, everything else stays text.
   */
  parse(actor: Actor, room: string, texts: readonly string[]): Promise<TextPart[][]>;
  /** As {@link parse}, for all readers of the room at once; null when a text names a user who exists for some of them only. */
  parseForAll(roomId: number, texts: readonly string[]): Promise<TextPart[][] | null>;
  /** What `Messages.send` takes as `mentions` for a parsed text. */
  idsOf(parts: readonly TextPart[]): string[];
  /** Whom the actor can mention here: everybody at once ("all"), then users, then guests. `limit` 1–200. */
  candidates(
    actor: Actor,
    room: string,
    input: { search: string; limit: number },
  ): Promise<MentionCandidate[]>;
}
export interface MentionCandidate {
  kind: "all" | "user" | "guest";
  /** "all", a handle, or `guest/<id>`. */
  id: string;
  label: string;
}

// ── Receipts (src/domain/reading/receipts.ts) ──────────────────────────────────────────────────────────────────

export interface Receipts {
  /**
   * The actor's clients have these rooms' events up to these seqs. Each marker moves up, never back; those who have a room
   * open are told, unless it has more members than are listed. Rooms of which one is refused do not hold up the others.
   * @param places by the room's token, at most 1,000
   * @throws DomainError about the first room that is refused, with `rooms.<token>` as its field: `not_found`, `lobby`, or
   *   `bad_request` for a seq that is past the head
   */
  delivered(actor: Actor, places: Readonly<Record<string, number>>): Promise<void>;
  /**
   * Who has the message and who has read it, without its author and without who joined after it.
   * @throws DomainError `not_found` on `seq` for what is no message, or one that was deleted or the actor may not see
   */
  of(actor: Actor, room: string, seq: number): Promise<MessageReceipts>;
}

export interface MessageReceipts {
  counts: ReceiptCounts;
  /** First come first, with where their marker is and since when, ms. Null in a room where they are only counted. */
  read: Receipt[] | null;
  /** As `read`; everybody who has read the message is among them. */
  delivered: Receipt[] | null;
}
export interface Receipt {
  actor: Actor;
  seq: number;
  at: number;
}

export interface MessageUseCases {
  receipts: Receipts;
  timeline: Timeline;
  reactions: Reactions;
  pins: Pins;
  mentions: Mentions;
  attachments: Attachments;
  uploads: Uploads;
  fileLinks: FileLinks;
  search: Search;
}
