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

/** Takes a file in and keeps it. */
export async function keep(files: AttachmentFiles, key: string, content: Blob): Promise<void> {
  const file = await files.receive(content.stream(), content.size);
  try {
    await file?.keep(key);
  } finally {
    await file?.discard();
  }
}

/** A body that fails after its first bytes. */
export function brokenOff(error: Error): ReadableStream<Uint8Array> {
  const begun = Buffer.alloc(100_000);
  return ReadableStream.from(
    (async function* () {
      yield begun;
      throw error;
    })(),
  );
}

/** @param left which files lie about that are neither kept nor on their way in */
export function attachmentFilesContract(open: () => AttachmentFiles, left: () => string[]): void {
  test("keeps bytes as they are, large ones too, and knows them before", async () => {
    const files = open();
    const large = Buffer.alloc(3_000_000, "Causeway\0ÿ");
    const [small, big] = [newPublicId(), newPublicId()];
    await keep(files, small, new Blob(["hello"]));
    const received = await files.receive(new Blob([large]).stream(), large.length);
    expect(received?.size).toBe(large.length);
    for (let i = 0; i < 2; i++) expect((await bytesOf(received?.read() ?? null))?.equals(large)).toBe(true);
    await received?.keep(big);
    await received?.discard();
    expect((await bytesOf(await files.open(small)))?.toString()).toBe("hello");
    expect((await bytesOf(await files.open(big)))?.equals(large)).toBe(true);
    expect(left()).toEqual([]);
  });

  test("gives a part of the bytes", async () => {
    const files = open();
    const key = newPublicId();
    await keep(files, key, new Blob(["hello world"]));
    const part = async (first: number, last: number) =>
      String(await bytesOf(await files.open(key, { first, last })));
    expect(await Promise.all([part(0, 0), part(4, 6), part(6, 10)])).toEqual(["h", "o w", "world"]);
  });

  test("takes no more than it is told to, and reads no further", async () => {
    let given = 0;
    const endless = new ReadableStream({
      pull: (stream) => stream.enqueue(new Uint8Array(1_000)),
      cancel: () => {
        given++;
      },
    });
    expect(await open().receive(endless, 10_500)).toBeNull();
    expect(given).toBe(1);
    expect(left()).toEqual([]);
  });

  test("leaves nothing of what broke off or was given up, and says what it broke off with", async () => {
    const error = new Error("The upload broke off");
    await expect(open().receive(brokenOff(error), 1_000_000)).rejects.toBe(error);
    await (await open().receive(new Blob(["x"]).stream(), 1))?.discard();
    expect(left()).toEqual([]);
  });

  test("has nothing under other keys, and none after the deletion, which may be repeated", async () => {
    const files = open();
    const key = newPublicId();
    expect(await files.open(key)).toBeNull();
    await keep(files, key, new Blob(["x"]));
    await files.delete(key);
    await files.delete(key);
    expect(await files.open(key)).toBeNull();
  });
}
