/**
 * Where the bytes of attachments are kept: a folder, or S3-compatible storage. What is known about them is in the store.
 * Bytes come and go as streams, so that a file costs no memory of its size. Errors are `DomainError` `unavailable`.
 */
export interface AttachmentFiles {
  /**
   * Takes bytes in, to a place of this process alone. Reads `content` to its end, or cancels it.
   * @returns null when there are more than `most` bytes
   * @throws what `content` itself fails with; nothing is left behind then
   */
  receive(content: ReadableStream<Uint8Array>, most: number): Promise<ReceivedFile | null>;
  /** The bytes as they come, all of them or those of `range`; null when there are none under this key. */
  open(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | null>;
  /** Removing what is not there is fine. */
  delete(key: string): Promise<void>;
  /** Removes what processes left behind that ended while they received a file. */
  sweep(): Promise<void>;
}

/** Bytes that were taken in. Whoever has it calls `discard` in the end, kept or not. */
export interface ReceivedFile {
  /** In bytes. */
  readonly size: number;
  /** From the beginning, as often as needed until it is kept. */
  read(): ReadableStream<Uint8Array>;
  /** Resolves when the bytes are kept for good. A key is written once, or again with the same bytes. */
  keep(key: string): Promise<void>;
  /** Gives up what was not kept. */
  discard(): Promise<void>;
}

/** Both ends inclusive, within the file. */
export interface ByteRange {
  first: number;
  last: number;
}
