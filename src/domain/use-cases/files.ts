/** Files of messages, receiving them in parts, and URLs of them. Part of {@link UseCases}; the same promises hold. */
import type { MessagePlace } from "../ids.ts";
import type { Actor, Attachment, MemberKey } from "../model.ts";
import type { ByteRange } from "../ports/attachments.ts";

// ── Attachments (src/domain/files/attachments.ts) ─────────────────────────────────────────────────────────────

export interface Attachments {
  /**
   * Keeps a file for a message that is yet to be sent (`SendInput.attachments`); unused for a day, it is removed. The
   * media type is told by the content first, then by the name. Repeating it with the same `key` keeps one file, as long
   * as it was not removed. `content` is read to its end, or cancelled. `room` is where a file from Matrix was sent to.
   * @throws DomainError `too_large` beyond 25 MiB, when too many files of the actor wait to be sent, and when the actor's
   *   files or those of the organization would take more than they may (the message has the numbers); `conflict` when
   *   the file of this `key` was removed; `bad_request` on `file` when it is empty, on `filename` (1–255 characters)
   */
  upload(
    actor: Actor,
    input: { filename: string; content: ReadableStream<Uint8Array>; key?: string; room?: number },
  ): Promise<AttachmentView>;
  /** The actor's own that wait to be sent, and those of messages that the actor may see. */
  get(actor: Actor, id: string): Promise<AttachmentView>;
  /** Newest first; cursors as in {@link Timeline.recent}. `room` keeps those of messages of that room. */
  list(
    actor: Actor,
    page: { room?: string; startingAfter?: string; endingBefore?: string; limit: number },
  ): Promise<{ attachments: AttachmentView[]; more: boolean }>;
  /**
   * Only whoever uploaded it; once it is sent, only while they may edit their messages in the room, which is told (`message.edited`).
   * @returns the file; `changed` is false where it has this name already
   */
  rename(actor: Actor, id: string, filename: string): Promise<{ file: AttachmentView; changed: boolean }>;
  /** Whoever uploaded it, or a moderator of the room; the message stays without it (`message.edited`). */
  delete(actor: Actor, id: string): Promise<void>;
  /** The bytes, all or those of a part, for whoever may {@link get} it. */
  open(actor: Actor, id: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
  /** The file and its bytes for whoever has a URL of it (FileLinks). @throws DomainError `not_found` once it is deleted */
  linked(id: string): Promise<LinkedFile>;
  /** Removes what was never sent, the files of what was deleted, and what came in by half. Run on every process. */
  sweep(now: number): Promise<void>;
}
export interface AttachmentView extends Attachment {
  /** Where the message stands that it belongs to; null until it is sent. */
  place: MessagePlace | null;
  /** The token of that message's room. */
  room: string | null;
}

export interface LinkedFile {
  file: AttachmentView;
  /** All of the bytes, or those of a part. */
  open(range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
}

// ── Uploads (src/domain/files/uploads.ts) ──────────────────────────────────────────────────────────────────────

export interface Uploads {
  /**
   * Announces a file for a message that is yet to be sent. Its bytes count for the bounds on files from now on; what is not
   * whole after an hour is removed. With `room`, refuses as a send there would.
   * @throws DomainError `bad_request` on `filename`, `type`, `size`, `sha256`; `too_large` on `size` beyond 25 MiB, when too
   *   many files of the actor wait to be sent, and when files would take more than they may
   */
  begin(actor: Actor, input: UploadInput): Promise<BegunUpload>;
  /** How far an upload is. @throws DomainError `not_found` for one that is over and whose file was deleted */
  progress(id: string): Promise<UploadProgress>;
  /**
   * Takes a part that starts where the upload stands; all of it counts, or nothing. A part that starts before that is here
   * already: it is not read. The part with the last byte makes the file whole. Repeating any part is safe, also at the same
   * time. `content` is read to its end, or cancelled.
   * @throws DomainError `conflict` for a part that starts after where the upload stands; `not_found` as {@link progress};
   *   NotAsAnnounced
   */
  put(id: string, part: PartInput): Promise<UploadProgress>;
  /** Removes what was not whole in time. Run on every process. */
  sweep(now: number): Promise<void>;
}

export interface UploadInput {
  filename: string;
  /** Counts where the content does not tell it. */
  type: string;
  /** Bytes. */
  size: number;
  /** Of the whole, in hex. */
  sha256?: string | undefined;
  /** The token of the room that it is for. */
  room?: string | undefined;
}
export interface BegunUpload {
  /** The id of the attachment that it becomes. */
  id: string;
  /** When it is removed if it is not whole, ms. */
  expiresAt: number;
}

export interface PartInput {
  content: ReadableStream<Uint8Array>;
  /** The first and the last byte of it, both inclusive, and the size of the whole (null: not told). Null: all of the file. */
  range: { first: number; last: number; total: number | null } | null;
}

export type UploadProgress =
  | { received: number; size: number; owner: MemberKey; attachment: null }
  | { received: number; size: number; owner: MemberKey; attachment: AttachmentView };

// ── URLs (src/domain/files/file-links.ts) ──────────────────────────────────────────────────────────────────────

export type LinkKind = "file" | "upload";

export interface FileLinks {
  /** The URL of a file's bytes, the same for everybody within a period. */
  file(id: string): string;
  /** Changes when the URLs of files do. */
  period(): number;
  /** The URL that takes the bytes of an upload. @param expires ms */
  upload(id: string, expires: number): string;
  /** @throws DomainError `forbidden` for a URL that this server did not make, or whose time is over */
  require(kind: LinkKind, id: string, link: { expires: number; signature: string }): void;
}
