/**
 * Files that are being received are in a folder of their own until all of their bytes have arrived. The sweep removes files
 * that a process left there when it ended.
 */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { type DomainError, unavailable } from "../domain/errors.ts";
import type { AttachmentFiles, ByteRange } from "../domain/ports/attachments.ts";

/** A file without writes for so long was left behind. Other processes may use the same folder. */
const LEFT_BEHIND_MS = 15 * 60_000;

type Spool = Pick<AttachmentFiles, "receive" | "sweep">;

/**
 * @param folder is made for the first file
 * @param keep stores the file at `path`; it may move the file
 */
export function createSpool(
  folder: string,
  keep: (file: { path: string; size: number }, key: string) => Promise<void>,
): Spool {
  return {
    async receive(content, most) {
      const path = join(folder, randomUUID());
      const discard = () => rm(path, { force: true }).catch(rethrow);
      const size = await take(content, most, path).catch(async (error) => {
        await discard().catch(() => {}); // The first error is thrown; the sweep removes the file.
        throw error;
      });
      if (size !== null) {
        const read = () => webStream(createReadStream(path));
        return { size, read, keep: (key) => keep({ path, size }, key), discard };
      }
      await discard();
      return null;
    },
    async sweep() {
      const names = await readdir(folder).catch((error) => (isMissing(error) ? [] : rethrow(error)));
      for (const name of names) {
        const path = join(folder, name);
        const found = await stat(path).catch(() => null); // Another process was faster.
        if (found && found.mtimeMs < Date.now() - LEFT_BEHIND_MS)
          await rm(path, { force: true }).catch(rethrow);
      }
    },
  };
}

/** @returns the number of bytes; null when there were more than `most` */
async function take(content: ReadableStream<Uint8Array>, most: number, path: string): Promise<number | null> {
  const file = await create(path).catch(async (error) => {
    await content.cancel(error);
    return rethrow(error);
  });
  try {
    return await fill(file, content, most);
  } finally {
    await file.close();
  }
}

async function create(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await open(path, "wx", 0o600);
}

async function fill(
  file: FileHandle,
  content: ReadableStream<Uint8Array>,
  most: number,
): Promise<number | null> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > most) return null; // Leaving the loop cancels the rest.
    await file.appendFile(chunk).catch(rethrow);
  }
  return size;
}

/** The bytes of a file on this machine; null when there is none. */
export async function readFrom(path: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | null> {
  try {
    const file = await open(path, "r");
    return webStream(file.createReadStream(range ? { start: range.first, end: range.last } : {}));
  } catch (error) {
    return isMissing(error) ? null : rethrow(error);
  }
}

/** A stream that reads ahead by no more than one chunk. */
export function webStream(stream: Readable): ReadableStream<Uint8Array> {
  const strategy = new CountQueuingStrategy({ highWaterMark: 1 });
  return Readable.toWeb(stream, { strategy }) as unknown as ReadableStream<Uint8Array>;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

export function filesAway(cause: unknown): DomainError {
  return unavailable("Files can't be kept or read now", cause);
}

function rethrow(error: unknown): never {
  throw filesAway(error);
}
