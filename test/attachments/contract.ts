/** What every place for attachments does. */
import { expect, test } from "vitest";
import { newPublicId } from "../../src/domain/ids.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";

export async function bytesOf(stream: ReadableStream<Uint8Array> | null): Promise<Buffer | null> {
  if (!stream) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function attachmentFilesContract(open: () => AttachmentFiles): void {
  test("keeps bytes as they are, large ones too", async () => {
    const files = open();
    const large = Buffer.alloc(3_000_000, "Causeway\0ÿ");
    const [small, big] = [newPublicId(), newPublicId()];
    await files.put(small, new Blob(["hello"]));
    await files.put(big, new Blob([large]));
    expect((await bytesOf(await files.open(small)))?.toString()).toBe("hello");
    expect((await bytesOf(await files.open(big)))?.equals(large)).toBe(true);
  });

  test("has nothing under other keys, and none after the deletion, which may be repeated", async () => {
    const files = open();
    const key = newPublicId();
    expect(await files.open(key)).toBeNull();
    await files.put(key, new Blob(["x"]));
    await files.delete(key);
    await files.delete(key);
    expect(await files.open(key)).toBeNull();
  });
}
