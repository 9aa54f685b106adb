/**
 * Where the bytes of attachments are kept: a folder, or S3-compatible storage. What is known about them is in the store.
 * Errors are `DomainError` `unavailable`.
 */
export interface AttachmentFiles {
  /** Resolves when the bytes are kept for good. A key is written once, or again with the same bytes. */
  put(key: string, content: Blob): Promise<void>;
  /** The bytes as they come; null when there are none under this key. */
  open(key: string): Promise<ReadableStream<Uint8Array> | null>;
  /** Removing what is not there is fine. */
  delete(key: string): Promise<void>;
}
