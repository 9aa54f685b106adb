/** Files whose key stands in their event (Matrix, Client-Server API, "Sending encrypted attachments"). */
import { createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What the bytes at the `mxc:` address `url` are decrypted with. */
export interface EncryptedFile {
  url: string;
  /** 32 bytes, for AES-CTR. */
  key: Buffer;
  /** 16 bytes: the first counter block. */
  iv: Buffer;
  /** SHA-256 of the encrypted bytes. */
  sha256: Buffer;
}

/** The file can't be decrypted: what its event says of the key is wrong, or the bytes are others than its hash says. */
export class UndecipherableFile extends Error {
  override readonly name = "UndecipherableFile";
}

/** Clients write base64 without padding, and the key in its URL form; Node reads either. */
const bytes = (length: number) =>
  z
    .string()
    .max(100)
    .regex(/^[\w+/-]+=*$/)
    .transform((text) => Buffer.from(text, "base64"))
    .refine((read) => read.length === length);
const encryptedFile = z.object({
  v: z.literal(["v1", "v2"]),
  url: z.string(),
  key: z.object({ kty: z.literal("oct"), alg: z.literal("A256CTR"), k: bytes(32) }),
  iv: bytes(16),
  hashes: z.object({ sha256: bytes(32) }),
});

/** The field `file` of an event's content; null where no key can be read from it. */
export function encryptedFileOf(value: unknown): EncryptedFile | null {
  const { success, data } = encryptedFile.safeParse(value);
  if (!success) return null;
  const { url, key, iv, hashes } = data;
  return { url, key: key.k, iv, sha256: hashes.sha256 };
}

/**
 * The plain bytes, as they come. Nothing is held back, so a reader counts them only after the end.
 * @throws UndecipherableFile from the stream, at its end, where the hash is another; the error of `content`
 */
export function decrypted(
  content: ReadableStream<Uint8Array>,
  { key, iv, sha256 }: EncryptedFile,
): ReadableStream<Uint8Array> {
  async function* plain() {
    const hash = createHash("sha256");
    const decipher = createDecipheriv("aes-256-ctr", key, iv);
    for await (const chunk of content) {
      hash.update(chunk);
      yield new Uint8Array(decipher.update(chunk));
    }
    if (!timingSafeEqual(hash.digest(), sha256))
      throw new UndecipherableFile("An encrypted file has another hash than its event says");
  }
  return ReadableStream.from(plain()) as ReadableStream<Uint8Array>;
}
