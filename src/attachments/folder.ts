/** Attachments as files in a folder. A file is there whole or not at all, also after a power cut. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { DomainError } from "../domain/errors.ts";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";

const KEY = /^[A-Za-z0-9]{16}$/;

/** @param folder is made when the first file comes */
export function attachmentsInFolder(folder: string): AttachmentFiles {
  /** Many files in one folder are slow to look at, so each is in a folder of its first two characters. */
  function pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error("Keys of attachments are public ids");
    return join(folder, key.slice(0, 2), key);
  }
  return {
    async put(key, content) {
      const path = pathOf(key);
      const parent = join(path, "..");
      try {
        await mkdir(parent, { recursive: true, mode: 0o700 });
        await write(`${path}.part`, content);
        await rename(`${path}.part`, path);
        await sync(parent);
      } catch (error) {
        await rm(`${path}.part`, { force: true }).catch(() => {}); // What failed is told; leftovers are not.
        throw unavailable(error);
      }
    },
    async open(key) {
      try {
        const file = await open(pathOf(key), "r");
        return Readable.toWeb(file.createReadStream()) as unknown as ReadableStream<Uint8Array>;
      } catch (error) {
        if (isMissing(error)) return null;
        throw unavailable(error);
      }
    },
    async delete(key) {
      try {
        await rm(pathOf(key), { force: true });
      } catch (error) {
        throw unavailable(error);
      }
    },
  };
}

async function write(path: string, content: Blob): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await pipeline(Readable.fromWeb(content.stream() as NodeStream), file.createWriteStream({ flush: true }));
  } finally {
    await file.close().catch(() => {}); // The stream closes it by itself when it gets to its end.
  }
}

/** A renamed file is found after a power cut only once its folder is on the disk. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function unavailable(cause: unknown): DomainError {
  const error = new DomainError("unavailable", "Files can't be kept or read now; try again");
  error.cause = cause;
  return error;
}
