/** Receiving files in parts: whatever is lost, repeated, done twice or announced wrongly. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachmentsInFolder } from "../../../src/attachments/folder.ts";
import { attachmentsInS3, parseS3Url } from "../../../src/attachments/s3.ts";
import { NotAsAnnounced } from "../../../src/domain/files/uploads.ts";
import type { AttachmentFiles } from "../../../src/domain/ports/attachments.ts";
import { bytesOf } from "../../attachments/contract.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { type S3Server, startS3 } from "../../attachments/s3-server.ts";
import { describeDomain, message, type Person, refused, type World } from "../world.ts";

const HOUR = 3_600_000;
const TEXT = "the quick brown fox jumps over the lazy dog";
const SIZE = TEXT.length;

function uploader(world: World, files: AttachmentFiles, settings = {}) {
  const cases = () =>
    world.another({
      ...{ files },
      settings: { passwordMinLength: 1, rateLimits: false, ...settings },
    });
  return {
    cases,
    begin: (person: Person, more: object = {}) =>
      cases().uploads.begin(person.actor, { filename: "a.txt", type: "text/plain", size: SIZE, ...more }),
    /** `TEXT` from `first` on, before `end`. */
    put: (id: string, first = 0, end = SIZE, text = TEXT) =>
      cases().uploads.put(id, {
        content: new Blob([text.slice(first, end)]).stream(),
        range: { first, last: end - 1, total: null },
      }),
    standing: async (id: string) => (await cases().uploads.progress(id)).received,
    read: async (person: Person, id: string) =>
      String(await bytesOf(await cases().attachments.open(person.actor, id))),
  };
}

describeDomain("uploads", (world) => {
  const files = memoryFiles();
  const { cases, begin, put, standing, read } = uploader(world, files);
  const notAsAnnounced = (work: Promise<unknown>) => expect(work).rejects.toBeInstanceOf(NotAsAnnounced);

  describe.each(["a folder", "S3"])("into %s", (place) => {
    const folder = mkdtempSync(join(tmpdir(), "uploads-"));
    let server: S3Server | null = null;
    let kept: AttachmentFiles;
    beforeAll(async () => {
      const credentials = { accessKey: "AK", secretKey: "secret", region: "us-east-1", bucket: "files" };
      if (place === "S3") server = await startS3(credentials);
      kept = server
        ? attachmentsInS3(parseS3Url(server.origin.replace("//", "//AK:secret@").concat("/files")), folder)
        : attachmentsInFolder(folder);
    });
    afterAll(async () => {
      await server?.close();
      rmSync(folder, { recursive: true });
    });

    test("[GW-18.3] parts become a file, each on a process of its own", async () => {
      const ada = await world.person();
      const { begin, put, standing, read } = uploader(world, kept);
      const { id } = await begin(ada);
      expect(await standing(id)).toBe(0);
      expect(await put(id, 0, 10)).toMatchObject({ received: 10, attachment: null });
      expect(await put(id, 10, 30)).toMatchObject({ received: 30, attachment: null });
      const done = await put(id, 30);
      const attachment = { id, filename: "a.txt", type: "text/plain", size: SIZE, place: null };
      expect(done).toMatchObject({ received: SIZE, attachment });
      expect(await read(ada, id)).toBe(TEXT);
      expect(await put(id, 30)).toEqual(done);
      await cases().uploads.sweep(world.clock.now);
      expect(await read(ada, id)).toBe(TEXT);
    });
  });

  test("the bytes of parts go once the file is whole", async () => {
    const ada = await world.person();
    const { id } = await begin(ada);
    const before = files.kept.size;
    await put(id, 0, 10);
    await put(id, 10, 20);
    await put(id, 20);
    expect(files.kept.size).toBe(before + 3);
    await cases().uploads.sweep(world.clock.now);
    expect(files.kept.size).toBe(before + 1);
    expect(files.incoming).toBe(0);
  });

  test("[GW-18.3] a part that is here already is not taken again, and one after a gap is refused", async () => {
    const { id } = await begin(await world.person());
    await put(id, 0, 10);
    expect(await put(id, 0, 10, "x".repeat(SIZE))).toMatchObject({ received: 10 });
    expect(await put(id, 5, 20, "x".repeat(SIZE))).toMatchObject({ received: 10 });
    await refused(put(id, 11, 20), "conflict");
    expect(await standing(id)).toBe(10);
  });

  test("[GW-18.4] a part beyond the end, of another size, or of a file of another size, is not as announced", async () => {
    const { id } = await begin(await world.person());
    const part = (range: { first: number; last: number; total: number | null } | null, bytes: number) =>
      cases().uploads.put(id, { content: new Blob(["x".repeat(bytes)]).stream(), range });
    await notAsAnnounced(part({ first: 0, last: SIZE, total: null }, SIZE + 1));
    await notAsAnnounced(part({ first: 5, last: 4, total: null }, 0));
    await notAsAnnounced(part({ first: 0, last: 4, total: SIZE + 1 }, 5));
    await notAsAnnounced(part({ first: 0, last: 4, total: SIZE }, 4));
    await notAsAnnounced(part({ first: 0, last: 4, total: SIZE }, 6));
    await notAsAnnounced(part(null, SIZE + 1));
    await notAsAnnounced(part(null, SIZE - 1));
    expect(await standing(id)).toBe(0);
    expect(files.incoming).toBe(0);
  });

  test("[GW-18.4] another hash begins the upload anew; the announced one, in any case, makes the file", async () => {
    const ada = await world.person();
    const sha256 = createHash("sha256").update(TEXT).digest("hex").toUpperCase();
    const { id } = await begin(ada, { sha256 });
    const before = files.kept.size;
    for (let attempt = 1; attempt <= 2; attempt++) {
      await put(id, 0, 10, "x".repeat(SIZE));
      await notAsAnnounced(put(id, 10));
      expect(await standing(id)).toBe(0);
      expect(files.kept.size, "bytes that nobody counts").toBe(before);
    }
    await put(id, 0, 10);
    await put(id, 10);
    expect(await read(ada, id)).toBe(TEXT);
  });

  test("two who send the same parts at once make one file", async () => {
    const ada = await world.person();
    const { id } = await begin(ada);
    const both = (first: number, end: number) => Promise.all([put(id, first, end), put(id, first, end)]);
    for (const result of await both(0, 20)) expect(result).toMatchObject({ received: 20 });
    const [one, two] = await both(20, SIZE);
    expect(one).toEqual(two);
    expect(one?.attachment?.id).toBe(id);
    expect(await read(ada, id)).toBe(TEXT);
  });

  test("of two wholes at once only one becomes the file, and its bytes stay", async () => {
    const ada = await world.person();
    const { id } = await begin(ada);
    const other = TEXT.toUpperCase();
    const results = await Promise.allSettled([
      put(id),
      put(id, 0, SIZE, other),
      put(id),
      put(id, 0, SIZE, other),
    ]);
    expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
    const bytes = await read(ada, id);
    expect([TEXT, other]).toContain(bytes);
    await put(id, 0, SIZE, bytes === TEXT ? other : TEXT);
    expect(await read(ada, id)).toBe(bytes);
  });

  test.each([
    ["while a part is stored", (away: MemoryAway) => ({ ...away.files, receive: away.receive })],
    [
      "after a part was stored, before it was counted",
      (away: MemoryAway) => ({ ...away.files, receive: away.after }),
    ],
  ])("a process that ends %s leaves nothing that is in the way", async (_when, broken) => {
    const ada = await world.person();
    const { id } = await begin(ada);
    await put(id, 0, 10);
    const dying = uploader(world, broken(dyingFiles(files)));
    await expect(dying.put(id, 10, 20)).rejects.toThrow("killed");
    expect(await standing(id)).toBe(10);
    await put(id, 10, 20);
    await expect(dying.put(id, 20)).rejects.toThrow("killed");
    expect(await standing(id)).toBe(20);
    await put(id, 20);
    expect(await read(ada, id)).toBe(TEXT);
    const before = files.kept.size;
    await cases().uploads.sweep(world.clock.now);
    expect(files.kept.size).toBeLessThan(before);
    expect(await read(ada, id)).toBe(TEXT);
  });

  test("[GW-18.5] what is not whole in time is removed, and gives its bytes back", async () => {
    const ada = await world.person();
    const bounded = uploader(world, files, { files: { perUser: SIZE + 10, perOrganization: 0 } });
    const { id } = await bounded.begin(ada);
    const before = new Set(files.kept.keys());
    await bounded.put(id, 0, 10);
    const [part = ""] = [...files.kept.keys()].filter((key) => !before.has(key));
    await refused(bounded.begin(ada, { size: 11 }), "too_large", "size");
    const at = world.clock.now + HOUR;
    await cases().uploads.sweep(at - 1);
    expect(await standing(id)).toBe(10);
    await cases().uploads.sweep(at);
    await refused(standing(id), "not_found");
    await refused(put(id, 10), "not_found");
    expect(files.kept.has(part)).toBe(false);
    await bounded.begin(ada, { size: SIZE + 10 });
  });

  test("[GW-18.5] a whole that a process stored before it ended is removed, too, when nobody ends the upload", async () => {
    const ada = await world.person();
    const { id } = await begin(ada);
    const dying = uploader(world, { ...files, receive: dyingFiles(files).after });
    await expect(dying.put(id)).rejects.toThrow("killed");
    expect(files.kept.has(id)).toBe(true);
    await cases().uploads.sweep(world.clock.now + HOUR);
    expect(files.kept.has(id)).toBe(false);
  });

  test("[GW-18.2] what a file may not be is said before a byte is sent", async () => {
    const ada = await world.person();
    await refused(begin(ada, { size: 0 }), "bad_request", "size");
    await refused(begin(ada, { size: 25 * 1_048_576 + 1 }), "too_large", "size");
    await refused(begin(ada, { filename: "a/b" }), "bad_request", "filename");
    for (const type of ["", "image", "image/", "a b/c", `text/${"x".repeat(300)}`])
      await refused(begin(ada, { type }), "bad_request", "type");
    for (const sha256 of ["", "x".repeat(64), "a".repeat(63)])
      await refused(begin(ada, { sha256 }), "bad_request", "sha256");
    const bounded = uploader(world, files, { files: { perUser: SIZE, perOrganization: 0 } });
    await refused(bounded.begin(ada, { size: SIZE + 1 }), "too_large", "size");
    const results = await Promise.allSettled(Array.from({ length: 102 }, () => begin(ada, { size: 1 })));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(100);
  });

  test("[GW-18.2] a room where one may not send refuses its files", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada]);
    await refused(begin(bob, { room: room.token }), "not_found", "room");
    await begin(ada, { room: room.token });
    await cases().roomSettings.setReadOnly(ada.actor, room.token, true);
    const guest = await world.group([ada, bob]);
    await cases().roomSettings.setReadOnly(ada.actor, guest.token, true);
    await refused(begin(bob, { room: guest.token }), "read_only");
  });

  test("an upload is no file until it is whole, and only its uploader sends it", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { id } = await begin(ada);
    await put(id, 0, 10);
    const send = (person: Person) =>
      cases().messages.send(person.actor, room.token, message("look", { attachments: [id] }));
    await refused(send(ada), "bad_request", "attachments");
    await put(id, 10);
    await refused(send(bob), "bad_request", "attachments");
    const { seq } = await send(ada);
    const { file } = await cases().attachments.linked(id);
    expect(file.place).toEqual({ roomId: room.id, seq });
    await cases().messages.remove(ada.actor, room.token, seq);
    await refused(cases().attachments.linked(id), "not_found");
    await refused(standing(id), "not_found");
  });

  test("[GW-18.2] the type is told by the content, then by the announcement; a recording is no film", async () => {
    const ada = await world.person();
    const typeOf = async (bytes: Buffer, type: string) => {
      const { id } = await begin(ada, { size: bytes.length, type });
      const content = new Blob([Uint8Array.from(bytes)]).stream();
      return (await cases().uploads.put(id, { content, range: null })).attachment?.type;
    };
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    const webm = Buffer.from("1a45dfa39f4286810142f7810142f2810442f381084282847765626d", "hex");
    expect(await typeOf(Buffer.from("plain"), "Text/Markdown; charset=utf-8")).toBe("text/markdown");
    expect(await typeOf(png, "text/html")).toBe("image/png");
    expect(await typeOf(webm, "audio/webm;codecs=opus")).toBe("audio/webm");
    expect(await typeOf(webm, "image/png")).toBe("video/webm");
  });

  test("a file has no more than a thousand parts", async () => {
    const { id } = await begin(await world.person());
    await world.store.sql`
      insert into upload_parts (key, upload_id, start, size)
      select 'part ' || n || ${id}, ${id}, 0, 1 from generate_series(1, 1000) n`;
    await notAsAnnounced(put(id, 0, 10));
    await put(id);
  });
});

interface MemoryAway {
  files: AttachmentFiles;
  receive: AttachmentFiles["receive"];
  after: AttachmentFiles["receive"];
}

/** Files of a process that ends when it stores some: before, or right after. */
function dyingFiles(files: AttachmentFiles): MemoryAway {
  const dying =
    (first: boolean): AttachmentFiles["receive"] =>
    async (content, most) => {
      const received = await files.receive(content, most);
      return (
        received && {
          ...received,
          async keep(key) {
            if (!first) await received.keep(key);
            throw new Error("killed");
          },
        }
      );
    };
  return { files, receive: dying(true), after: dying(false) };
}
