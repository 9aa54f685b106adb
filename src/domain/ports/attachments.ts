/**
 * The storage for bytes of attachments: a folder, or S3-compatible. Their metadata is in the store. Bytes are streamed, so
 * no file is held in memory. Errors are `DomainError` `unavailable`.
 */
export interface AttachmentFiles {
  /**
   * Receives bytes into temporary storage of this process. Reads `content` to its end, or cancels it.
   * @returns null when there are more than `most` bytes
   * @throws the error of `content`, after removing what was received
   */
  receive(content: ReadableStream<Uint8Array>, most: number): Promise<ReceivedFile | null>;
  /** Streams all bytes under a key, or those of `range`; null when there are none. */
  open(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | null>;
  /** Does nothing when there is no such key. */
  delete(key: string): Promise<void>;
  /** Removes temporary files of processes that ended while receiving. */
  sweep(): Promise<void>;
}

/** Received bytes in temporary storage. The owner must call `discard` at the end, also after `keep`. */
export interface ReceivedFile {
  /** In bytes. */
  readonly size: number;
  /** Streams the bytes from the beginning. May be called several times before `keep`. */
  read(): ReadableStream<Uint8Array>;
  /** Resolves when the bytes are stored durably. A key may be written again only with the same bytes. */
  keep(key: string): Promise<void>;
  /** Removes the temporary bytes. */
  discard(): Promise<void>;
}

/** Both ends inclusive, within the file. */
export interface ByteRange {
  first: number;
  last: number;
}
