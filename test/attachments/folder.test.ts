/** Attachments in a folder. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { attachmentsInFolder } from "../../src/attachments/folder.ts";
import { newPublicId } from "../../src/domain/ids.ts";
import { attachmentFilesContract } from "./contract.ts";

describe("attachments in a folder", () => {
  const root = mkdtempSync(join(tmpdir(), "attachments-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  attachmentFilesContract(() => attachmentsInFolder(join(root, "files")));

  test("leaves nothing half written behind, and says that files can't be kept", async () => {
    const path = join(root, "no-folder");
    writeFileSync(path, "a file where the folder should be");
    await expect(attachmentsInFolder(path).put(newPublicId(), new Blob(["x"]))).rejects.toMatchObject({
      code: "unavailable",
    });
    const folder = join(root, "broken");
    const broken = new Blob(["x"]);
    Object.assign(broken, {
      stream: () =>
        new ReadableStream({
          pull(controller) {
            controller.error(new Error("The upload broke off"));
          },
        }),
    });
    await expect(attachmentsInFolder(folder).put(newPublicId(), broken)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(
      readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()),
    ).toEqual([]);
  });

  test("takes only public ids as keys: no other path can be reached", async () => {
    await expect(attachmentsInFolder(root).open("../../etc/passwd")).rejects.toThrow();
  });
});
