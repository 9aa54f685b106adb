/** Attachments on S3-compatible storage. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachmentsInS3, parseS3Url } from "../../src/attachments/s3.ts";
import { newPublicId } from "../../src/domain/ids.ts";
import { attachmentFilesContract, bytesOf } from "./contract.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

describe("attachments on S3-compatible storage", () => {
  const credentials = { accessKey: "AK", secretKey: "s/cret+", region: "eu-north-1", bucket: "files" };
  let server: S3Server;
  const url = (password = "s%2Fcret%2B", bucket = "files") =>
    `${server.origin.replace("http://", `http://AK:${password}@`)}/${bucket}?region=eu-north-1`;

  beforeAll(async () => {
    server = await startS3(credentials);
  });
  afterAll(() => server.close());

  attachmentFilesContract(() => attachmentsInS3(parseS3Url(url())));

  test("keeps objects of their own under one prefix", async () => {
    const key = newPublicId();
    await attachmentsInS3(parseS3Url(url())).put(key, new Blob(["x"]));
    expect([...server.objects.keys()]).toContain(`/files/attachments/${key}`);
  });

  test("goes on after a short failure of the storage", async () => {
    const files = attachmentsInS3(parseS3Url(url()));
    const key = newPublicId();
    server.failures = 2;
    await files.put(key, new Blob(["hello"]));
    expect((await bytesOf(await files.open(key)))?.toString()).toBe("hello");
  });

  test.each([
    ["a wrong secret", () => url("wrong")],
    ["a bucket that is not there", () => url(undefined, "other")],
    ["a storage that is away", () => "http://AK:x@127.0.0.1:1/files"],
  ])("%s makes keeping files unavailable", async (_what, at) => {
    const files = attachmentsInS3(parseS3Url(at()));
    await expect(files.put(newPublicId(), new Blob(["x"]))).rejects.toMatchObject({ code: "unavailable" });
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
