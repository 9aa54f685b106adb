/** Sending, editing and reading messages. Part of {@link UseCases}; the same promises hold. */
import type { ExtrasInput } from "../message-rules.ts";
import type { Actor, LoggedEvent, MadeEvent, ReadResult } from "../model.ts";

export interface Messages {
  /**
   * Appends a message; resolves after the commit. Repeating it with the same `id` returns the first result.
   * Rules: text 1–16,000 code points of well-formed Unicode, id 1–64 characters (255 bytes from Matrix), replyTo an
   * existing message, at most 100 mentions. With `forward` it says what another message says, which the actor may read.
   * @throws DomainError `bad_request` on `thread` for what is no message, or one that was deleted and has no thread;
   *   about `forward.room` as for reading there, and `not_found` on `forward.seq`; `too_large` on it where files that are
   *   sent on would take more than files may
   */
  send(actor: Actor, room: string, input: SendInput): Promise<SendResult>;
  /**
   * Moves the author's words in place and appends `message.edited`. Only the author edits. The text before is kept
   * nowhere, also not in the log. Repeating an edit makes no second event. A forwarded message is not edited (`forbidden`).
   * Causeway itself ends sentences that it put there for an author who may be gone: the event is the author's.
   * @throws DomainError `conflict` on `seq` for a message that was deleted
   */
  edit(actor: Actor, room: string, seq: number, input: EditInput): Promise<MadeEvent>;
  /**
   * Deletes: the message keeps its seq without its text, which is kept nowhere, and counts as unread no more;
   * `message.deleted` follows. The author, or a moderator.
   */
  remove(actor: Actor, room: string, seq: number): Promise<MadeEvent>;
  /**
   * Hides a message from the actor alone, on all of their sessions and faces; others see no difference. It counts as read,
   * and stays hidden. Makes no event; the user's sessions are told. Resolves with false where it was hidden before.
   * @throws DomainError `not_found` on `seq`; `bad_request` for an event that is no message; `too_large` when the actor hid
   *   as many as they may
   */
  hide(actor: Actor, room: string, seq: number): Promise<boolean>;
  /**
   * A page of history as the actor may see it, ascending. Messages have what {@link MessageContext} says. `more` tells
   * whether there are later events; in a page `before` a seq or of the end, earlier ones.
   * @throws DomainError `not_found` on `around` for an event that is not there, or that the actor may not see
   */
  history(actor: Actor, room: string, page: HistoryPage): Promise<{ events: LoggedEvent[]; more: boolean }>;
  /**
   * Moves the read marker up (never back); past the head is `bad_request` on `seq`. Durable before it resolves. When it
   * moved, the user's other sessions and those who have the room open are told.
   * @param session the WebSocket session that asks: it is not told again
   */
  markRead(actor: Actor, room: string, seq: number, session?: string): Promise<ReadResult>;
  readThread: ReadThread;
  /**
   * Marks the room as unread until the actor reads there again, or sends something. The read marker stays. The user's other
   * sessions are told.
   */
  markUnread(actor: Actor, room: string, session?: string): Promise<Omit<ReadResult, "moved">>;
}

/**
 * Moves the read marker of a thread up (never back); the room's stays. `thread` is the message with which it begins, or one
 * of its answers. When it moved, the user's other sessions are told.
 * @throws DomainError `not_found` on `thread` for what is no message; `bad_request` on `seq` past the head
 */
export type ReadThread = (
  actor: Actor,
  room: string,
  mark: { thread: number; seq: number },
  session?: string,
) => Promise<Omit<ReadResult, "moved"> & { thread: { seq: number; read: number; unread: number } }>;

/** Which part of a room's log: at most one of the four places. Without one it is the end. */
export interface HistoryPage {
  /** Events before this seq, without it. */
  before?: number;
  /** Events after this seq, without it. */
  after?: number;
  /** The event with this seq, and as many before it as after it. */
  around?: number;
  /** Events from this time on, ms. */
  at?: number;
  /** Only the living answers of this thread, named by its first message or an answer. Not together with `around`. */
  thread?: number;
  /** 1–200. */
  limit: number;
}
export interface SendInput extends ExtrasInput {
  id: string;
  text: string;
  /** The seq of the message that is answered. */
  replyTo?: number;
  /** The seq of a message: the new one goes to the thread that this one is in or begins. */
  thread?: number;
  /** Ids of members (an actor's `id`), or "all". */
  mentions?: string[];
  /** Ids of files that the sender uploaded for this message, at most 20. With files the text may be empty. */
  attachments?: string[];
  /** The message to send on. `text`, `mentions`, `attachments`, `type`, `data` and `format` are the original's: none is given. */
  forward?: { room: string; seq: number };
  /** The text may have up to 32,000 code points; it is `too_large` beyond that. */
  longText?: true;
  /**
   * Whoever acts wrote in a Matrix client: the id is a Matrix event id, up to 255 bytes long. `replyTo` and `thread` may name
   * messages from before the sender's history, which they saw there when they were in the room before.
   */
  fromMatrix?: true;
}
export interface EditInput {
  text: string;
  /** As of {@link SendInput}. Unless told, those of before stay, but for whom the text named and names no more. */
  mentions?: string[];
  /** Replaces the files: ids of the message's own, and of new ones that the author uploaded. */
  attachments?: string[];
  /** Unless told, that of before stays; null: none. */
  format?: "markdown" | null;
}
export interface SendResult {
  seq: number;
  at: number;
  duplicate: boolean;
  /** The seq with which the thread begins that the message is in. */
  thread?: number;
  /** The message as the log has it; null where it had been sent before. `Timeline.sent` shows either to the sender. */
  event: LoggedEvent | null;
}
