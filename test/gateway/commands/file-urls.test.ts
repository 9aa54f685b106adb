/** PROTOCOL.md, section 18: URLs of files in everything that holds a message, and what they give. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import type { EventFrame, WireAttachment } from "../../../src/protocol/frames.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describeWith("postgres", "URLs of files", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<[Node, Node]> | null = null;

    const told = (frame: Frame) => frame.op === "event" && frame.type === "message";

    /** Ada on one gateway, Bob on another; a file of Ada in a message. */
    const setting = async (content: Buffer = Buffer.from("hello"), filename = "a.txt") => {
      const shared = createMemoryHot();
      started ??= Promise.all([
        node({ transport, servesHttp: true, shared }),
        node({ transport, servesHttp: true, shared }),
      ]);
      const [one, two] = await started;
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const [here, there] = [await raw(one, "json"), await raw(two, "msgpack")];
      await here.hello(ada.token);
      await there.hello(bob.token);
      const body = new Blob([Uint8Array.from(content)]).stream();
      const { id } = await one.useCases.attachments.upload(ada.actor, { filename, content: body });
      const send = { op: "send", ref: "send", room: home.token, id: randomUUID(), text: "look" };
      here.say({ ...send, attachments: [id] });
      // The event may come before the answer.
      const event = await here.next(told);
      return { one, two, ada, bob, home, here, there, id, event, seq: event.seq as number };
    };
    const fileOf = (frame: unknown) => {
      const { attachments } = (frame as EventFrame).data as { attachments?: WireAttachment[] };
      return attachments?.[0] as WireAttachment;
    };

    test("[GW-18.6] events, history, search, ready and a resume all have one; it needs no header", async () => {
      const { one, two, ada, bob, home, here, there, id, event, seq } = await setting();
      const other = await there.next(told);
      const file = fileOf(event);
      expect(file).toEqual({
        ...{ id, filename: "a.txt", type: "text/plain", size: 5 },
        url: expect.stringMatching(new RegExp(`^${one.url}/files/${id}\\?`)),
      });
      expect(fileOf(other).url).toBe(file.url.replace(one.url, two.url));
      const { events } = await here.ask({ op: "history", ref: "h", room: home.token });
      expect(fileOf((events as Frame[]).at(-1))).toEqual(file);
      const { hits } = await here.ask({ op: "search", ref: "s", room: home.token, text: "look" });
      expect(fileOf((hits as { event: Frame }[])[0]?.event)).toEqual(file);
      const again = await raw(two, "json");
      const ready = (await again.hello(bob.token, { resume: { epoch: "x", rooms: {} } })) as Frame;
      expect(fileOf((ready.rooms as Frame[])[0]?.last).url).toBe(fileOf(other).url);
      const resumed = await raw(one, "json");
      const resume = { epoch: ready.epoch, rooms: { [home.token]: seq - 1 } };
      await resumed.hello(ada.token, { resume });
      expect(fileOf(await resumed.next(told))).toEqual(file);
      here.say({ op: "edit", ref: "e", room: home.token, seq, text: "look again" });
      const edited = await here.next((frame) => frame.type === "message.edited");
      expect(fileOf(edited)).toEqual(file);
      const answer = await fetch(file.url);
      expect([answer.status, await answer.text()]).toEqual([200, "hello"]);
    });

    test("[GW-18.8] ranges, entity tags, a private cache no longer than the URL, and nothing that runs", async () => {
      const { event } = await setting(PNG, 'pic"ture.png');
      const { url } = fileOf(event);
      const answer = await fetch(url);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(PNG);
      const header = (name: string) => answer.headers.get(name) ?? "";
      expect(header("content-type")).toBe("image/png");
      expect(header("content-disposition")).toMatch(/^inline; filename="pic_ture.png"/);
      expect(header("content-security-policy")).toContain("sandbox");
      expect(header("access-control-allow-origin")).toBe("*");
      const [, seconds] = /^private, max-age=(\d+)$/.exec(header("cache-control")) ?? [];
      const left = Number(new URL(url).searchParams.get("expires")) - Date.now();
      expect(Number(seconds) * 1_000).toBeLessThanOrEqual(left + 5_000);
      expect(left).toBeGreaterThan(3_500_000);
      expect(left).toBeLessThanOrEqual(7_200_000);
      const part = await fetch(url, { headers: { Range: "bytes=1-3" } });
      expect([part.status, await part.text()]).toEqual([206, "PNG"]);
      const known = await fetch(url, { headers: { "If-None-Match": header("etag") } });
      expect(known.status).toBe(304);
      const head = await fetch(url, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length")]).toEqual([200, String(PNG.length)]);
    });

    test("[GW-18.7] [GW-18.8] a changed or expired URL is 403; a deleted message's is 404 at once", async () => {
      const { one, home, here, id, event, seq } = await setting();
      const url = new URL(fileOf(event).url);
      const statusOf = async (wanted: string) => (await fetch(wanted)).status;
      const changed = (name: string, value: string) => {
        const copy = new URL(url);
        copy.searchParams.set(name, value);
        return copy.href;
      };
      expect(await statusOf(changed("expires", "9999999999999"))).toBe(403);
      expect(await statusOf(changed("signature", "A".repeat(27)))).toBe(403);
      expect(await statusOf(url.origin + url.pathname)).toBe(403);
      expect(await statusOf(one.useCases.fileLinks.upload(id, Date.now() + 9_999_999))).toBe(200);
      const upload = one.useCases.fileLinks.upload(id, Date.now() + 9_999_999);
      expect(await statusOf(upload.replace("/uploads/", "/files/"))).toBe(403);
      expect(await statusOf(url.href)).toBe(200);
      await here.ask({ op: "delete", ref: "d", room: home.token, seq });
      expect(await statusOf(url.href)).toBe(404);
    });

    test("[GW-18.8] who was removed keeps the URLs that they were told of, gets no other, and none of a deleted file", async () => {
      const { one, two, ada, bob, home, here, there, event, seq } = await setting();
      // The gateways of these tests have no storage in common.
      const url = fileOf(await there.next(told)).url.replace(two.url, one.url);
      await one.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
      expect((await fetch(url)).status).toBe(200);
      expect(await there.ask({ op: "history", ref: "h", room: home.token })).toMatchObject({
        code: "not_found",
      });
      expect(await there.ask({ op: "search", ref: "s", text: "look" })).toMatchObject({ hits: [] });
      await here.ask({ op: "delete", ref: "d", room: home.token, seq });
      for (const gone of [url, fileOf(event).url]) expect((await fetch(gone)).status).toBe(404);
    });
  });
});
