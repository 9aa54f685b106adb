/** `/v1/attachments` (reference §D). */
import { beforeAll, describe, expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { memberKey } from "../../src/domain/model.ts";
import { PUBLIC_URL } from "../http/real-parts.ts";
import { describeProtocol, ID, idsOf, refusal, SECONDS, type Someone } from "./api.ts";

const PNG = new Uint8Array(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg==",
    "base64",
  ),
);
const MIB = 1_048_576;

describeProtocol("Protocol's attachments", (place) => {
  let kate: Someone;
  let hank: Someone;
  let eve: Someone;
  let room: string;

  beforeAll(async () => {
    [kate, hank, eve] = await Promise.all([place.person(), place.person(), place.person()]);
    room = (await kate.post("/groups", { name: "Team", contacts: [hank.publicId] })).json.conversation_id;
  });

  const upload = async (
    who = kate,
    filename = "a.txt",
    content: string | Uint8Array<ArrayBuffer> = "Hello",
  ) => (await who.upload(filename, content)).json;
  const send = (who: Someone, attachments: unknown) =>
    who.post("/messages", { conversation_id: room, message: "Look", attachments });
  const path = ({ id }: { id: string }) => `/attachments/${id}`;
  /** The bytes behind a `file_url`. */
  const open = (who: Someone, url: string) =>
    place.client("GET", url.replace(PUBLIC_URL, ""), { headers: who.bearer });

  describe("uploading", () => {
    test("[D.1] multipart file: 201, with its type and size, and no message yet", async () => {
      const { status, json, headers } = await kate.upload("photo.png", PNG);
      expect({ status, json }).toEqual({
        status: 201,
        json: {
          id: ID,
          message_id: null,
          room: null,
          seq: null,
          filename: "photo.png",
          file_url: `${PUBLIC_URL}/v1/attachments/${json.id}/file`,
          file_type: "image/png",
          file_size: PNG.length,
          created_at: SECONDS,
        },
      });
      expect(headers.get("location")).toBe(`/v1/attachments/${json.id}`);
    });

    test.each(["Bericht 🚒.pdf", "تقرير.pdf", "日本語.txt", "e\u0301.txt", 'quote".txt', "per%20cent;.txt"])(
      "the name %s survives",
      async (filename) => {
        const { id } = await upload(kate, filename);
        expect((await kate.get(`/attachments/${id}`)).json.filename).toBe(filename);
      },
    );

    test("25 MiB are fine, one byte more is 413", async () => {
      expect((await kate.upload("big.bin", new Uint8Array(25 * MIB))).status).toBe(201);
      expect(await kate.upload("big.bin", new Uint8Array(25 * MIB + 1))).toMatchObject(refusal(413));
    });

    test("beyond what one's files may take together it is 413 with the numbers", async () => {
      const full = await place.person();
      const key = memberKey(full.actor);
      await place.store.sql`insert into file_usage (key, bytes) values (${key}, ${2 ** 30 - 4})`;
      expect(await full.upload("a.txt", "Hello")).toMatchObject(
        refusal(
          413,
          expect.stringContaining("file has 5 bytes and there is no room for it: 1073741820 of 1073741824"),
        ),
      );
      expect((await full.upload("a.txt", "Hell")).status).toBe(201);
    });

    test("a body that does not end is cut off with 413, announced or not", async () => {
      const headers = { ...kate.bearer, "content-type": "multipart/form-data; boundary=x" };
      const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(MIB)) });
      for (const call of [
        { headers, body: endless },
        { headers: { ...headers, "content-length": "1000000000" }, body: "--x--" },
        { headers, info: { bodyTooLarge: true } },
      ]) {
        expect(await place.client("POST", "/v1/attachments", call)).toMatchObject(refusal(413));
      }
    });

    test("no file, an empty one, two of them, or no multipart at all are 400", async () => {
      const post = (body: string, type = "multipart/form-data; boundary=x") =>
        place.client("POST", "/v1/attachments", { headers: { ...kate.bearer, "content-type": type }, body });
      const part = (name: string, content = "hi") =>
        `--x\r\nContent-Disposition: form-data; name="${name}"; filename="a.txt"\r\n\r\n${content}\r\n`;
      expect((await post(`${part("file")}--x--\r\n`)).status).toBe(201);
      expect(await post(`${part("other")}--x--\r\n`)).toMatchObject(refusal(400, "file is required"));
      expect(await post(`${part("file", "")}--x--\r\n`)).toMatchObject(
        refusal(400, "file must not be empty"),
      );
      expect(await post(`${part("file")}${part("file")}--x--\r\n`)).toMatchObject(refusal(400));
      const field = '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nhi\r\n--x--\r\n';
      expect(await post(field)).toMatchObject(refusal(400, "file must be one file, with a filename"));
      expect(await post(part("file"))).toMatchObject(refusal(400, expect.stringContaining("well-formed")));
      for (const type of ["application/json", "application/x-www-form-urlencoded", "image/png"]) {
        expect(await post("file=x", type), type).toMatchObject(
          refusal(400, "file must be sent as multipart/form-data"),
        );
      }
    });

    test("a body of very many parts, fields or headers is 400 before it is read to its end", async () => {
      const field = (i: number) => `--x\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\n\r\n`;
      const header = (i: number) => `X-${i}: y\r\n`;
      const times = (count: number, of: (i: number) => string) =>
        Array.from({ length: count }, (_, i) => of(i)).join("");
      const pulled = { chunks: 0 };
      const parts = Buffer.from(times(1_000, field));
      const body = new ReadableStream({
        pull(stream) {
          pulled.chunks++;
          if (pulled.chunks < 300) stream.enqueue(parts);
          else stream.close();
        },
      });
      const headers = { ...kate.bearer, "content-type": "multipart/form-data; boundary=x" };
      const post = (sent: string | ReadableStream) =>
        place.client("POST", "/v1/attachments", { headers, body: sent });
      expect(await post(body)).toMatchObject(refusal(400, "body must have at most 16 parts"));
      expect(pulled.chunks).toBeLessThan(10);
      const part = `--x\r\n${times(100, header)}Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nhi\r\n--x--\r\n`;
      expect(await post(part)).toMatchObject(refusal(400));
    });

    test("that breaks off leaves nothing behind", async () => {
      const body = new ReadableStream({
        start(stream) {
          stream.enqueue(
            Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'),
          );
        },
        pull: () => Promise.reject(new DomainError("unavailable", "The client left")),
      });
      const headers = { ...kate.bearer, "content-type": "multipart/form-data; boundary=x" };
      const before = await kate.get("/attachments");
      expect(await place.client("POST", "/v1/attachments", { headers, body })).toMatchObject(refusal(503));
      expect(await kate.get("/attachments")).toMatchObject({ json: before.json });
      expect(place.incoming()).toEqual([]);
    });

    test("four run at once for a caller; the fifth is 429 with Retry-After, and others upload", async () => {
      const headersOf = (i: number) => ({
        ...kate.bearer,
        ...{ "content-type": "multipart/form-data; boundary=x", "Idempotency-Key": `slow-${i}` },
      });
      const ends: (() => void)[] = [];
      const begun: Promise<void>[] = [];
      const slow = Array.from({ length: 4 }, (_, i) => {
        let asked = () => {};
        begun.push(
          new Promise((resolve) => {
            asked = resolve;
          }),
        );
        const body = new ReadableStream(
          {
            async pull(stream) {
              asked();
              await new Promise<void>((resolve) => ends.push(resolve));
              stream.close();
            },
          },
          { highWaterMark: 0 },
        );
        return place.client("POST", "/v1/attachments", { headers: headersOf(i), body });
      });
      await Promise.all(begun);
      const fifth = await kate.upload("a.txt", "x");
      expect(fifth).toMatchObject(refusal(429, "At most 4 uploads run at once; wait until one is over"));
      expect(fifth.headers.get("retry-after")).toBe("5");
      expect((await hank.upload("a.txt", "x")).status).toBe(201);
      const twin = await place.client("POST", "/v1/attachments", { headers: headersOf(2), body: "--x--" });
      expect(twin).toMatchObject(refusal(409, "The same upload runs already; try again when it is over"));
      expect(twin.headers.get("retry-after")).toBe("5");
      for (const end of ends) end();
      for (const answer of await Promise.all(slow)) expect(answer).toMatchObject(refusal(400));
      expect((await kate.upload("a.txt", "x")).status).toBe(201);
    });

    test("needs a caller, before its body is looked at", async () => {
      let pulled = 0;
      const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
      expect(await place.client("POST", "/v1/attachments", { body })).toMatchObject(refusal(401));
      expect(pulled).toBe(0);
    });
  });

  describe("sending", () => {
    test("[D.1] a message takes ids, or objects with an id, and shows the files", async () => {
      const [one, two] = [await upload(kate, "1.txt"), await upload(kate, "2.txt")];
      const { status, json } = await send(kate, [one.id, two]);
      expect(status).toBe(201);
      const place = { message_id: json.id, room: json.room, seq: json.seq };
      expect(json.attachments).toEqual([
        { ...one, ...place },
        { ...two, ...place },
      ]);
      expect((await hank.get(`/messages/${json.id}`)).json.attachments).toEqual(json.attachments);
      const form = `conversation_id=${room}&message=x&attachments[]=${(await upload()).id}`;
      expect((await kate.post("/messages", form)).json.attachments).toHaveLength(1);
    });

    test("somebody else's file, an unknown one, or one that was sent is 400", async () => {
      const sent = await upload();
      await send(kate, [sent.id]);
      for (const id of [(await upload(hank)).id, "x".repeat(16), sent.id]) {
        expect(await send(kate, [id])).toMatchObject(refusal(400, expect.stringContaining("attachments")));
      }
    });

    test("[D.1] updating a message replaces its attachments", async () => {
      const [one, two] = [await upload(kate, "1.txt"), await upload(kate, "2.txt")];
      const { json } = await send(kate, [one.id]);
      const changed = await kate.put(`/messages/${json.id}`, { attachments: [two.id] });
      expect(changed.json).toMatchObject({
        message: "Look",
        attachments: [{ id: two.id, message_id: json.id }],
      });
      expect(await kate.get(path(one))).toMatchObject(refusal(404));
      expect((await kate.put(`/messages/${json.id}`, "attachments=")).json.attachments).toEqual([]);
      expect(await hank.put(`/messages/${json.id}`, { attachments: [] })).toMatchObject(refusal(403));
    });
  });

  describe("one attachment", () => {
    test("[D.1] is its uploader's until it is sent, then everybody's in the room", async () => {
      const file = await upload();
      expect(await kate.get(path(file))).toMatchObject({ status: 200, json: file });
      expect(await hank.get(path(file))).toMatchObject(refusal(404));
      const { json } = await send(kate, [file]);
      expect(await hank.get(path(file))).toMatchObject({ status: 200, json: { message_id: json.id } });
      expect(await eve.get(path(file))).toMatchObject(refusal(404));
    });

    test("[D.1] only its filename changes, by its uploader", async () => {
      const file = await upload();
      await send(kate, [file]);
      expect(await kate.put(path(file), "filename=neu.txt&file_size=1")).toMatchObject({
        status: 200,
        json: { id: file.id, filename: "neu.txt", file_size: file.file_size },
      });
      expect(await hank.put(path(file), { filename: "x" })).toMatchObject(refusal(403));
      expect(await eve.put(path(file), { filename: "x" })).toMatchObject(refusal(404));
      expect(await kate.put(path(file), { filename: "a/b" })).toMatchObject(refusal(400));
      expect(await kate.put(path(file), "filename=")).toMatchObject(refusal(400));
      expect(await kate.put(path(file), {})).toMatchObject({ status: 200, json: { filename: "neu.txt" } });
    });

    test("[D.1] deleting it is for good, and its message stays without it", async () => {
      const file = await upload(hank);
      const { json } = await send(hank, [file]);
      expect(await eve.delete(path(file))).toMatchObject(refusal(404));
      expect(await kate.delete(path(file))).toMatchObject({ status: 204, text: "" });
      expect(await hank.get(path(file))).toMatchObject(refusal(404));
      expect(await open(hank, file.file_url)).toMatchObject(refusal(404));
      expect((await hank.get(`/messages/${json.id}`)).json).toMatchObject({
        message: "Look",
        attachments: [],
      });
      const own = await upload(kate);
      await send(kate, [own]);
      expect(await hank.delete(path(own))).toMatchObject(refusal(403));
    });
  });

  describe("file_url", () => {
    test("opens with the caller's Authorization, Bearer or Basic, and with nothing else", async () => {
      const file = await upload(kate, "a.txt", "Grüße 🚒");
      await send(kate, [file]);
      for (const who of [kate, hank]) {
        expect(await open(who, file.file_url)).toMatchObject({ status: 200, text: "Grüße 🚒" });
      }
      const at = file.file_url.replace(PUBLIC_URL, "");
      const basic = Buffer.from(`${hank.handle}:secret`).toString("base64");
      expect((await place.client("GET", at, { headers: { Authorization: `Basic ${basic}` } })).status).toBe(
        200,
      );
      expect(await place.client("GET", at)).toMatchObject(refusal(401));
      expect(await open(eve, file.file_url)).toMatchObject(refusal(404));
    });

    test.each([
      ["a.html", "<script>alert(1)</script>", "text/html", "attachment"],
      ["a.svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml", "attachment"],
      ["a.png.html", PNG, "image/png", "inline"],
      ["a.js", "alert(1)", "text/javascript", "attachment"],
      ["a", "whatever", "application/octet-stream", "attachment"],
    ] as const)("serves %s so that it can't run as a page", async (filename, content, type, disposition) => {
      const { file_url } = await upload(kate, filename, content);
      const { status, headers } = await open(kate, file_url);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe(type);
      expect(headers.get("content-disposition")).toMatch(new RegExp(`^${disposition}; filename="`));
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*sandbox/);
      expect(headers.get("x-frame-options")).toBe("DENY");
    });

    test("has a tag, and parts of it, as the client asks", async () => {
      const { id, file_url } = await upload(kate, "a.txt", "hello world");
      const path = file_url.replace(PUBLIC_URL, "");
      const ask = async (headers: Record<string, string>, method = "GET") => {
        const answer = await place.client(method, path, { headers: { ...kate.bearer, ...headers } });
        const { status, text, headers: given } = answer;
        return {
          status,
          text,
          length: given.get("content-length"),
          range: given.get("content-range"),
          tag: given.get("etag"),
        };
      };
      const tag = `"${id}"`;
      const whole = { status: 200, text: "hello world", length: "11", range: null, tag };
      const part = (text: string, range: string) => ({
        status: 206,
        text,
        length: String(text.length),
        range: `bytes ${range}/11`,
        tag,
      });
      expect(await ask({})).toEqual(whole);
      expect(await ask({ range: "bytes=0-4" })).toEqual(part("hello", "0-4"));
      expect(await ask({ range: "bytes=6-" })).toEqual(part("world", "6-10"));
      expect(await ask({ range: "bytes=-5" })).toEqual(part("world", "6-10"));
      expect(await ask({ range: "bytes=6-999" })).toEqual(part("world", "6-10"));
      expect(await ask({ range: "bytes=0-4", "if-range": tag })).toEqual(part("hello", "0-4"));
      for (const other of ["bytes=0-4,6-7", "bytes=4-0", "bytes=-", "lines=1-2"])
        expect(await ask({ range: other })).toEqual(whole);
      expect(await ask({ range: "bytes=0-4", "if-range": '"other"' })).toEqual(whole);
      for (const beyond of ["bytes=11-", "bytes=-0", "bytes=-00"])
        expect(await ask({ range: beyond })).toMatchObject({ status: 416, range: "bytes */11" });
      for (const known of [tag, `W/${tag}`, `"x", ${tag}`, "*"])
        expect(await ask({ "if-none-match": known })).toMatchObject({ status: 304, text: "", tag });
      expect(await ask({}, "HEAD")).toEqual({ ...whole, text: "" });
    });

    test("eight are fetched at once by a caller; the ninth is 429 with Retry-After", async () => {
      const { file_url } = await upload(kate, "a.txt", "hello");
      const path = file_url.replace(PUBLIC_URL, "");
      const begin = async () =>
        await place.app(new Request(`http://h${path}`, { headers: kate.bearer }), { ip: "1.2.3.4" });
      const running = await Promise.all(Array.from({ length: 8 }, begin));
      expect(running.map(({ status }) => status)).toEqual(Array(8).fill(200));
      expect(await open(kate, file_url)).toMatchObject(
        refusal(429, "At most 8 downloads run at once; wait until one is over"),
      );
      expect((await place.client("HEAD", path, { headers: kate.bearer })).status).toBe(200);
      await running[0]?.body?.cancel();
      expect(await running[1]?.text()).toBe("hello");
      expect((await open(kate, file_url)).status).toBe(200);
      expect((await open(kate, file_url)).status).toBe(200);
      for (const answer of running.slice(2)) await answer.body?.cancel();
    });

    test("tells the file's name in every script", async () => {
      const { file_url } = await upload(kate, 'Bericht "é" 🚒 (1).txt');
      expect((await open(kate, file_url)).headers.get("content-disposition")).toBe(
        "attachment; filename=\"Bericht ___ _ (1).txt\"; filename*=UTF-8''Bericht%20%22%C3%A9%22%20%F0%9F%9A%92%20%281%29.txt",
      );
    });
  });

  describe("listing", () => {
    test("[D.1] [D.2] newest first, of all conversations or of one, with cursors", async () => {
      const lister = await place.person();
      const { json } = await lister.post("/groups", { name: "Files" });
      const ids: string[] = [];
      for (let i = 0; i < 11; i++) ids.unshift((await upload(lister, `${i}.txt`)).id);
      await lister.post("/messages", {
        conversation_id: json.id,
        message: "x",
        attachments: ids.slice(2, 5),
      });
      const first = await lister.get("/attachments");
      expect(first.json.has_more).toBe(true);
      expect(idsOf(first)).toEqual(ids.slice(0, 10));
      expect(idsOf(await lister.get(`/attachments?conversation_id=${json.id}`))).toEqual(ids.slice(2, 5));
      expect(idsOf(await lister.get(`/attachments?limit=2&starting_after=${ids[3]}`))).toEqual(
        ids.slice(4, 6),
      );
      expect(idsOf(await lister.get(`/attachments?limit=2&ending_before=${ids[3]}`))).toEqual(
        ids.slice(1, 3),
      );
      await lister.delete(`/attachments/${ids[6]}`);
      expect(idsOf(await lister.get(`/attachments?limit=2&starting_after=${ids[6]}`))).toEqual(
        ids.slice(7, 9),
      );
      for (const query of [
        "limit=101",
        "limit=0",
        "starting_after=x",
        `ending_before=${(await upload()).id}`,
      ]) {
        expect(await lister.get(`/attachments?${query}`), query).toMatchObject(refusal(400));
      }
      expect(await lister.get(`/attachments?conversation_id=${room}`)).toMatchObject(refusal(404));
    });
  });
});
