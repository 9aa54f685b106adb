/** Attachments in a folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { attachmentsInFolder } from "../../src/attachments/folder.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";
import { attachmentFilesContract } from "./contract.ts";

describe("attachments in a folder", () => {
  const root = mkdtempSync(join(tmpdir(), "attachments-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  attachmentFilesContract(
    () => attachmentsInFolder(join(root, "files")),
    () => readdirSync(join(root, "files", "incoming")),
  );

  test("says that files can't be kept, and reads nothing then", async () => {
    const path = join(root, "no-folder");
    writeFileSync(path, "a file where the folder should be");
    const content = new Blob(["x"]).stream();
    await expect(attachmentsInFolder(path).receive(content, 1)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect((await content.getReader().read()).done).toBe(true);
  });

  test("sweeps what a process left half received, and not what another one still receives", async () => {
    const files = attachmentsInFolder(join(root, "swept"));
    await files.sweep();
    const [left, current] = [await received(files), await received(files)];
    const [first = ""] = readdirSync(join(root, "swept", "incoming")).filter(
      (name) => readFileSync(join(root, "swept", "incoming", name), "utf8") === left,
    );
    const past = new Date(Date.now() - 3_600_000);
    utimesSync(join(root, "swept", "incoming", first), past, past);
    await files.sweep();
    const names = readdirSync(join(root, "swept", "incoming"));
    expect(names.map((name) => readFileSync(join(root, "swept", "incoming", name), "utf8"))).toEqual([
      current,
    ]);
  });

  test("takes only public ids as keys: no other path can be reached", async () => {
    await expect(attachmentsInFolder(root).open("../../etc/passwd")).rejects.toThrow();
  });
});

let count = 0;
/** Receives a file and forgets it. @returns its text */
async function received(files: AttachmentFiles): Promise<string> {
  const text = `file ${++count}`;
  await files.receive(new Blob([text]).stream(), 100);
  return text;
}
