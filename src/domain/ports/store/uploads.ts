/** What the store keeps of files that are being received in parts. The promises of ./store.ts hold. */
import type { MemberKey } from "../../model.ts";
import type { AddedFile, FileBounds, StoredAttachment } from "./messages.ts";

export interface NewUpload {
  /** That of the attachment it becomes. */
  id: string;
  owner: MemberKey;
  filename: string;
  /** The media type that the client names. */
  type: string;
  /** Bytes of the whole. */
  size: number;
  /** The hash of the whole, in hex; null: any. */
  sha256: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface StoredUpload extends NewUpload {
  /** How many bytes from the start are stored. */
  received: number;
}

/** The bytes of one part are stored under its key, as those of a file are. */
export interface UploadPart {
  key: string;
  start: number;
  size: number;
}

export interface UploadStore {
  /** Its bytes count for the owner and the organization from now on. Never `known`. */
  begin(upload: NewUpload, bounds: FileBounds): Promise<AddedFile>;
  /** Null when there is none, or it is whole. */
  find(id: string): Promise<StoredUpload | null>;
  /** Announces a part that is going to be stored, so that its bytes are found and removed whatever happens. */
  addPart(id: string, part: UploadPart): Promise<void>;
  /** The stored part continues the upload. False when it does not start where the upload stands any more. */
  takePart(id: string, key: string): Promise<boolean>;
  /** The parts that were taken, in order. */
  parts(id: string): Promise<UploadPart[]>;
  /** How many parts were announced. */
  partCount(id: string): Promise<number>;
  /** From now on the whole has this hash. False when it has another one, or there is no such upload any more. */
  pin(id: string, sha256: string): Promise<boolean>;
  /** Nothing of it is received. @returns the keys of the parts that were taken, whose bytes nobody wants any more */
  restart(id: string): Promise<string[]>;
  /**
   * Removes uploads whose time is over, at most `limit`, and gives their bytes back. What may be stored under their ids is
   * unwanted like their parts. @returns how many
   */
  removeExpired(now: number, limit: number): Promise<number>;
  /** Keys of parts whose upload is over, at most `limit`. */
  unwantedParts(limit: number): Promise<string[]>;
  /** Their bytes are gone. */
  partsGone(keys: readonly string[]): Promise<void>;
}

export interface UploadWrites {
  /** The upload becomes a file that waits to be sent. Null when there is no such upload any more. */
  finish(id: string, type: string, createdAt: number): Promise<StoredAttachment | null>;
}
