/** Attachments on S3-compatible storage. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachmentsInS3, parseS3Url } from "../../src/attachments/s3.ts";
import { newPublicId } from "../../src/domain/ids.ts";
import { attachmentFilesContract, bytesOf, keep } from "./contract.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

describe("attachments on S3-compatible storage", () => {
  const credentials = { accessKey: "AK", secretKey: "s/cret+", region: "eu-north-1", bucket: "files" };
  const incoming = mkdtempSync(join(tmpdir(), "incoming-"));
  let server: S3Server;
  const url = (password = "s%2Fcret%2B", bucket = "files") =>
    `${server.origin.replace("http://", `http://AK:${password}@`)}/${bucket}?region=eu-north-1`;

  beforeAll(async () => {
    server = await startS3(credentials);
  });
  afterAll(async () => {
    await server.close();
    rmSync(incoming, { recursive: true });
  });

  const filesAt = (at = url()) => attachmentsInS3(parseS3Url(at), incoming);
  attachmentFilesContract(filesAt, () => readdirSync(incoming));

  test("keeps objects of their own under one prefix", async () => {
    const key = newPublicId();
    await keep(filesAt(), key, new Blob(["x"]));
    expect([...server.objects.keys()]).toContain(`/files/attachments/${key}`);
  });

  test("goes on after a short failure of the storage", async () => {
    const files = filesAt();
    const key = newPublicId();
    server.failures = 2;
    await keep(files, key, new Blob(["hello"]));
    expect((await bytesOf(await files.open(key)))?.toString()).toBe("hello");
  });

  test.each([
    ["a wrong secret", () => url("wrong")],
    ["a bucket that is not there", () => url(undefined, "other")],
    ["a storage that is away", () => "http://AK:x@127.0.0.1:1/files"],
  ])("%s makes keeping files unavailable", async (_what, at) => {
    await expect(keep(filesAt(at()), newPublicId(), new Blob(["x"]))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test.each([
    "nonsense",
    "ftp://a:b@host/bucket",
    "https://host/bucket",
    "https://a:b@host/",
    "https://a:b@host/x/y",
  ])("%s is refused as a setting, without telling a secret", (text) => {
    expect(() => parseS3Url(text)).toThrow(/^ATTACHMENTS_URL must /);
  });
});
