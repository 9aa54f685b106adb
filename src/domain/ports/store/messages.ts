/** What the store keeps about messages beside the log itself. The promises of ./store.ts hold. */
import type { MessagePlace } from "../../ids.ts";
import type {
  Actor,
  Attachment,
  EventType,
  LoggedEvent,
  MemberKey,
  Membership,
  Room,
  ShownAttachment,
} from "../../model.ts";

/** How many messages a member may hide for themselves in one room, and in all rooms. */
export const HIDDEN_IN_ROOM = 1_000;
export const HIDDEN_IN_ALL = 10_000;

/** Which part of a room's log a reader may see. */
export interface Visible {
  roomId: number;
  /** Events with a higher seq. */
  historyFrom: number;
  /** The reader, where they hid messages of the room for themselves: those are left out. */
  hiddenBy?: MemberKey;
}

/** A place among the messages of several rooms, newest first. */
export interface Moment extends MessagePlace {
  at: number;
}

/** One member's reaction. */
export interface StoredReaction {
  name: string;
  actor: Actor;
  /** Null for others than users, and for deleted ones. */
  handle: string | null;
}

export interface MessageDetails {
  roomPublicId: string;
  reactions: StoredReaction[];
  attachments: Attachment[];
  readAt: number | null;
}

export interface MessageStore {
  /** Events of these types between two seqs, both exclusive, without deleted messages, from one end. */
  page(range: {
    roomId: number;
    hiddenBy?: MemberKey;
    after: number;
    before: number;
    from: "oldest" | "newest";
    types: readonly EventType[];
    limit: number;
  }): Promise<LoggedEvent[]>;
  /** The rooms of a member with what decides whether they may be read. */
  roomsOf(
    member: MemberKey,
  ): Promise<{ room: Room; membership: Pick<Membership, "role" | "historyFrom" | "hiddenNo"> }[]>;
  /**
   * How far messages of several rooms can be listed, so that nothing is committed behind the reader: every message that
   * was sent before the call has an earlier time (ms), and so has none that is sent later. Where others have been writing
   * since before the call, after half a second, the first of this may not hold.
   */
  horizon(): Promise<number>;
  /**
   * Messages of these rooms, newest first, without deleted ones; those next to `after` or `before` (exclusive).
   * @param page `horizon`: without those that are not before it
   */
  recent(
    rooms: readonly Visible[],
    page: { after?: Moment; before?: Moment; limit: number; horizon?: number },
  ): Promise<LoggedEvent[]>;
  /**
   * When a message was sent that the member may see by their membership, or could see while they were in its room: for
   * 28 days after they left it, deleted messages included. Of a deleted room the last 1,000 messages are known. Null for
   * other places.
   */
  momentOf(member: MemberKey, place: MessagePlace): Promise<Moment | null>;
  /** The newest event of these types in each of these rooms, without deleted messages. */
  last(rooms: readonly Visible[], types: readonly EventType[]): Promise<LoggedEvent[]>;
  /** The events at these places, deleted messages included, in any order; others are left out. */
  at(places: readonly MessagePlace[]): Promise<LoggedEvent[]>;
  /** What belongs to each of these messages, in their order; a message may be there more than once. */
  details(messages: readonly LoggedEvent[]): Promise<MessageDetails[]>;
  /** Of these members, those who are in the room. */
  membersNamed(roomId: number, members: readonly MemberKey[]): Promise<{ member: MemberKey; name: string }[]>;
  /** Pinned messages of these rooms. */
  pinned(roomIds: readonly number[]): Promise<MessagePlace[]>;
  /** Messages whose time was over at `now`, at most `limit`. */
  expired(now: number, limit: number): Promise<MessagePlace[]>;

  // ── Messages that a member hides for themselves
  /**
   * Hides a message, which the caller has looked at, from one member. Who hid it before, or may hide no more, changes nothing.
   * Resolves after the commit.
   */
  hide(member: MemberKey, place: MessagePlace): Promise<HideResult>;
  /** Of these places those that the member has hidden. */
  hiddenOf(member: MemberKey, places: readonly MessagePlace[]): Promise<MessagePlace[]>;
  /** Who has hidden which of these messages. */
  hiders(places: readonly MessagePlace[]): Promise<(MessagePlace & { member: MemberKey })[]>;

  // ── Attachments
  /** A new one that waits to be sent. Uploads of one owner, and of one organization, are judged one after the other. */
  addAttachment(file: NewFile, bounds: FileBounds): Promise<AddedFile>;
  attachment(id: string): Promise<StoredAttachment | null>;
  attachments(ids: readonly string[]): Promise<StoredAttachment[]>;
  /**
   * Those of messages in these rooms, and those of `owner` that wait to be sent (null: none of them), newest first; next
   * to `after` or `before` (exclusive).
   */
  attachmentPage(
    owner: MemberKey | null,
    rooms: readonly Visible[],
    page: { after?: AttachmentPlace; before?: AttachmentPlace; limit: number },
  ): Promise<StoredAttachment[]>;
  /** Where an attachment stands, or stood when it was deleted. */
  attachmentPlace(id: string): Promise<StoredAttachment | null>;
  /** Whether a file that is not deleted has its bytes under this key. Once none has them, none ever will. */
  needsContent(content: string): Promise<boolean>;
  /** Those that were deleted and whose bytes are not seen to yet, at most `limit`. */
  unwantedFiles(limit: number): Promise<UnwantedFile[]>;
  /** Their bytes are gone, or belong to other files. */
  filesGone(ids: readonly string[]): Promise<void>;
  /** Waiting since before `before`, at most `limit`. */
  staleAttachments(before: number, limit: number): Promise<string[]>;
}

export interface HideResult {
  /** `too_many`: the member hid {@link HIDDEN_IN_ROOM} messages of the room, or {@link HIDDEN_IN_ALL}; `not_found`: they are not in the room. */
  status: "hidden" | "already" | "too_many" | "not_found";
  /** The number of the message among all that the member hid: the next one's is one higher. 0 where nothing changed. */
  no: number;
}

export interface NewFile extends Attachment {
  owner: MemberKey;
  /** The room that a file from Matrix was sent to: it counts for the room's organization. Null for other files. */
  room: number | null;
}

/** What deleted files took counts no longer. */
export interface FileBounds {
  /** Files of one owner that wait to be sent. */
  waiting: number;
  /** Of all files of one owner, and of all of one organization; 0: no bound. */
  ownerBytes: number;
  organizationBytes: number;
}

/**
 * `known`: the id was used before. Otherwise which bound does not let the file in, with the bytes that are used of it
 * (0 for `waiting`, which counts files).
 */
export interface AddedFile {
  status: "added" | "known" | "waiting" | "owner" | "organization";
  used: number;
}

export interface StoredAttachment extends Attachment {
  owner: MemberKey;
  place: MessagePlace | null;
  /** The token of the room where it was sent; null until then, and once the room is deleted. */
  room: string | null;
  /** The key of its bytes: its id, or that of the file with which it shares them. */
  content: string;
}

export interface UnwantedFile {
  id: string;
  /** The key of its bytes; null where another file needs them. */
  content: string | null;
}

/** Files to make over the bytes of the files of one message. */
export interface NewShares {
  /** The ids of the new files, and the files whose bytes they share, in the same order. */
  ids: readonly string[];
  sources: readonly string[];
  /** The message of the sources. */
  from: MessagePlace;
  owner: MemberKey;
  createdAt: number;
}

/** `gone`: a source was deleted. Otherwise which bound does not let the files in, with the bytes that are used of it. */
export interface SharedFiles {
  status: "added" | "gone" | "owner" | "organization";
  used: number;
}

export interface AttachmentPlace {
  createdAt: number;
  id: string;
}

/** Inside a transaction. Rooms must be locked before anything of theirs is written. */
export interface MessageWrites {
  /** The message as it stands now, or null when there is none or it was deleted. */
  message(place: MessagePlace): Promise<LoggedEvent | null>;
  /** First come first. */
  reactions(place: MessagePlace): Promise<StoredReaction[]>;
  addReaction(place: MessagePlace, actor: Actor, name: string): Promise<void>;
  removeReaction(place: MessagePlace, actor: Actor, name: string): Promise<void>;
  /** The seq of the room's pinned message, or null. */
  pinned(roomId: number): Promise<number | null>;
  setPinned(roomId: number, seq: number | null): Promise<void>;
  /** The attachments of messages of a room, as sent. */
  attachmentsOf(roomId: number, seqs: readonly number[]): Promise<StoredAttachment[]>;
  /** Locks and reads attachments. */
  lockAttachments(ids: readonly string[]): Promise<StoredAttachment[]>;
  attach(ids: readonly string[], place: MessagePlace): Promise<void>;
  /**
   * Makes files that wait to be sent, over the bytes of others: all or none. A deletion of the sources waits for the commit,
   * so bytes are removed only after their last file was deleted.
   */
  shareFiles(files: NewShares, bounds: Omit<FileBounds, "waiting">): Promise<SharedFiles>;
  renameAttachment(id: string, filename: string): Promise<void>;
  /** Their bytes are removed later, unless other files need them. */
  deleteAttachments(ids: readonly string[]): Promise<void>;
  /** Deletes those of them that still wait to be sent. */
  discardAttachments(ids: readonly string[]): Promise<void>;
  /** Puts another list of files into the message. */
  rewriteAttachments(place: MessagePlace, attachments: readonly ShownAttachment[]): Promise<void>;
  /** Expiries that were carried out or have nothing to expire. */
  forgetExpiries(places: readonly MessagePlace[]): Promise<void>;
}
