/** PROTOCOL.md, section 18, on both transports: a file is announced by the socket, and its bytes come by HTTP. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const MIB = 1_048_576;

describeWith("postgres", "uploads", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;
    let refs = 0;

    const setting = async (codec: "json" | "msgpack" = "json") => {
      started ??= node({ transport, servesHttp: true });
      const one = await started;
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const client = await raw(one, codec);
      await client.hello(ada.token);
      const upload = (size: number, more: object = {}) =>
        client.ask({
          ...{ op: "upload", ref: `upload ${refs++}`, filename: "a.txt", type: "text/plain", size },
          ...more,
        });
      const urlOf = async (size: number, more: object = {}) => String((await upload(size, more)).url);
      return { one, ada, home, client, upload, urlOf };
    };
    const put = async (url: string, body: string | Uint8Array<ArrayBuffer>, range?: string) => {
      const headers = range === undefined ? {} : { "Content-Range": range };
      const response = await fetch(url, { method: "PUT", body, headers });
      const text = await response.text();
      return {
        status: response.status,
        range: response.headers.get("range"),
        body: text && JSON.parse(text),
      };
    };
    const head = async (url: string) => {
      const { status, headers } = await fetch(url, { method: "HEAD" });
      return { status, range: headers.get("range") };
    };

    test.each(["json", "msgpack"] as const)(
      "[GW-18.1] [GW-18.3] a file in one request (%s), sent with a message",
      async (codec) => {
        const { home, client, upload } = await setting(codec);
        const { ref, ...announced } = await upload(5, { room: home.token });
        expect(announced).toEqual({
          ...{ op: "ok", attachment: expect.stringMatching(/^\w{16}$/), method: "PUT" },
          ...{ url: expect.stringMatching(/^http:.*\/uploads\//), headers: expect.any(Object) },
        });
        const url = announced.url as string;
        expect(await head(url)).toEqual({ status: 308, range: null });
        const done = await put(url, "hello");
        const file = { id: announced.attachment, filename: "a.txt", type: "text/plain", size: 5 };
        expect(done).toEqual({
          ...{ status: 200, range: "bytes=0-4" },
          body: { ...file, url: expect.stringMatching(/\/files\//) },
        });
        expect(await head(url)).toEqual({ status: 200, range: "bytes=0-4" });
        const send = { op: "send", ref: "s", room: home.token, id: `m${refs++}` };
        const sent = await client.ask({ ...send, attachments: [file.id] });
        expect(sent).toMatchObject({ op: "ok" });
        const again = await client.ask({ ...send, id: "again", attachments: [file.id] });
        expect(again).toMatchObject({ op: "error", code: "bad_request", field: "attachments" });
      },
    );

    test("[GW-18.9] a file gets another name before it is sent and after, and the room is told", async () => {
      const { one, ada, home, client, upload } = await setting();
      const bob = await person(one, "Bob");
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
        { member: bob.actor, role: "user" },
      ]);
      const bobs = await raw(one);
      await bobs.hello(bob.token);
      const { attachment, url } = await upload(5);
      await put(url as string, "hello");
      const rename = (by: RawClient, filename: string, more: object = {}) =>
        by.ask({ op: "file.rename", ref: `rename ${refs++}`, attachment, filename, ...more });
      const named = (filename: string) => ({
        attachment: { id: attachment, filename, type: "text/plain", size: 5 },
      });
      expect(await rename(client, " b.txt ")).toMatchObject(named("b.txt"));
      const { seq } = await client.ask({
        ...{ op: "send", ref: "s", room: home.token, id: "film", text: "A film", format: "markdown" },
        attachments: [attachment],
      });
      const renamed = await rename(client, "c.txt");
      expect(renamed).toMatchObject(named("c.txt"));
      expect(renamed).not.toHaveProperty("duplicate");
      const told = await bobs.next(({ type }) => type === "message.edited");
      expect(told.data).toEqual({
        ...{ seq, text: "A film", mentions: [], format: "markdown" },
        attachments: [{ ...named("c.txt").attachment, url: expect.stringMatching(/\/files\//) }],
      });
      expect(await rename(client, "c.txt")).toMatchObject({ ...named("c.txt"), duplicate: true });
      const { events } = await bobs.ask({ op: "history", ref: "h", room: home.token });
      const message = (events as Frame[]).find((event) => event.seq === seq);
      expect(message?.data).toMatchObject({ attachments: [named("c.txt").attachment] });
      expect(await rename(bobs, "mine.txt")).toMatchObject({ code: "forbidden" });
      for (const [more, code, field] of [
        [{ filename: "a/b" }, "bad_request", "filename"],
        [{ filename: "" }, "bad_request", "filename"],
        [{ attachment: "x".repeat(16) }, "not_found", "attachment"],
        [{ attachment: "\0" }, "not_found", "attachment"],
      ] as const) {
        expect(await rename(client, "d.txt", more), JSON.stringify(more)).toMatchObject({ code, field });
      }
    });

    test("[GW-18.3] in parts, which HEAD counts; what is here already is answered, what leaves a gap refused", async () => {
      const { urlOf } = await setting();
      const whole = Buffer.alloc(2 * MIB + 10, "0123456789");
      const size = whole.length;
      const url = await urlOf(size);
      const part = (first: number, end: number, total: number | string = size) =>
        put(url, whole.subarray(first, end), `bytes ${first}-${end - 1}/${total}`);
      expect(await part(0, MIB)).toMatchObject({ status: 308, range: `bytes=0-${MIB - 1}` });
      expect(await head(url)).toEqual({ status: 308, range: `bytes=0-${MIB - 1}` });
      expect(await part(0, MIB)).toMatchObject({ status: 308, range: `bytes=0-${MIB - 1}` });
      expect(await part(MIB + 1, 2 * MIB)).toMatchObject({ status: 409 });
      expect(await part(MIB, 2 * MIB, "*")).toMatchObject({ status: 308, range: `bytes=0-${2 * MIB - 1}` });
      expect(await part(2 * MIB, size)).toMatchObject({ status: 200, body: { size } });
      expect(await part(2 * MIB, size)).toMatchObject({ status: 200, body: { size } });
    });

    test("[GW-18.4] bytes that are not as announced are 422", async () => {
      const { urlOf } = await setting();
      const url = await urlOf(5, { sha256: "0".repeat(64) });
      expect((await put(url, "hello")).status).toBe(422);
      expect((await put(url, "hell")).status).toBe(422);
      expect((await put(url, "hello!")).status).toBe(422);
      expect((await put(url, "hello", "bytes 1-5/5")).status).toBe(422);
      expect((await put(url, "hel", "bytes 0-2/6")).status).toBe(422);
      expect((await put(url, "", "bytes 0-2/5")).status).toBe(422);
      expect((await put(url, Buffer.alloc(26 * MIB))).status).toBe(422);
      expect((await put(url, "hel", "bytes hello")).status).toBe(400);
      expect(await head(url)).toEqual({ status: 308, range: null });
    });

    test("[GW-18.5] a URL that was not made here, or has expired, is 403 for every method", async () => {
      const { one, upload } = await setting();
      const [first, second] = [await upload(5), await upload(5)];
      const [url, other] = [new URL(first.url as string), new URL(second.url as string)];
      const changed = (name: string, value: string) => {
        const copy = new URL(url);
        copy.searchParams.set(name, value);
        return copy.href;
      };
      const expired = one.useCases.fileLinks.upload(first.attachment as string, Date.now() - 1);
      for (const bad of [
        `${url.origin}${other.pathname}${url.search}`,
        changed("expires", "9999999999999"),
        changed("expires", "soon"),
        changed("signature", ""),
        changed("signature", `${url.searchParams.get("signature")}A`),
        `${url.origin}${url.pathname}`,
        one.useCases.fileLinks.file(first.attachment as string).replace("/files/", "/uploads/"),
        expired,
      ]) {
        expect((await put(bad, "hello")).status, bad).toBe(403);
        expect((await head(bad)).status, bad).toBe(403);
      }
      expect((await put(url.href, "hello")).status).toBe(200);
    });

    test("[GW-18.2] what breaks a rule is refused by its field, before a byte is sent", async () => {
      const { home, upload } = await setting();
      expect(await upload(0)).toMatchObject({ op: "error", code: "bad_request", field: "size" });
      expect(await upload(26 * MIB)).toMatchObject({ op: "error", code: "too_large", field: "size" });
      expect(await upload(1, { type: "x" })).toMatchObject({ code: "bad_request", field: "type" });
      expect(await upload(1, { room: "nowhere1" })).toMatchObject({ code: "not_found", field: "room" });
      expect(await upload(1, { room: home.token })).toMatchObject({ op: "ok" });
    });

    test("pages of other origins may upload and see how far it is", async () => {
      const { urlOf } = await setting();
      const url = await urlOf(5);
      const origin = { Origin: "https://app.example.org" };
      const asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-range",
      };
      const preflight = await fetch(url, { method: "OPTIONS", headers: { ...origin, ...asked } });
      expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
      expect(preflight.headers.get("access-control-allow-headers")).toMatch(/content-range/i);
      expect(preflight.headers.get("access-control-allow-methods")).toMatch(/PUT/);
      const answer = await fetch(url, { method: "PUT", body: "hello", headers: origin });
      expect(answer.headers.get("access-control-expose-headers")).toMatch(/Range/);
    });
  });
});
