/** Attachments as files in a folder. A file exists whole or not at all, also after a power cut. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";
import { createSpool, filesAway, readFrom } from "./spool.ts";

const KEY = /^[A-Za-z0-9]{16}$/;
/** Files that are being received. Keys have folders of two characters, so none is in it. */
const INCOMING = "incoming";

/** @param folder is made for the first file */
export function attachmentsInFolder(folder: string): AttachmentFiles {
  /** A folder with many files is slow, so each file is in a folder named after its first two characters. */
  function pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error("Keys of attachments are public ids");
    return join(folder, key.slice(0, 2), key);
  }

  const spool = createSpool(join(folder, INCOMING), async ({ path }, key) => {
    const target = pathOf(key);
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await sync(path);
      await rename(path, target);
      // A power cut undoes the renaming unless the folder is on the disk.
      await sync(dirname(target));
    } catch (error) {
      throw filesAway(error);
    }
  });

  return {
    ...spool,
    open: async (key, range) => await readFrom(pathOf(key), range),
    async delete(key) {
      try {
        await rm(pathOf(key), { force: true });
      } catch (error) {
        throw filesAway(error);
      }
    },
  };
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
