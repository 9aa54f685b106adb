/** PROTOCOL.md, section 5, on both transports and both codecs: what a message may have beside its text. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const CODECS = ["json", "msgpack"] as const;

describeWith("postgres", "sending more than a text", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;
    let refs = 0;

    /** Ada and Bob in a room, with a session each. */
    const setting = async (codec: (typeof CODECS)[number] = "json") => {
      started ??= node({ transport });
      const one = await started;
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const [a, b] = [await raw(one, codec), await raw(one, codec)];
      await a.hello(ada.token);
      await b.hello(bob.token);
      const ask = (op: string, more: object) => a.ask({ op, ref: refs++, room: home.token, ...more });
      const send = (more: object) => ask("send", { id: `id ${refs}`, text: "fallback", ...more });
      const upload = (who: typeof ada, filename: string) => {
        const content = new Blob([filename]).stream();
        return one.useCases.attachments.upload(who.actor, { filename, content });
      };
      return { one, ada, bob, home, a, b, ask, send, upload };
    };
    const event = (type: string) => (frame: Frame) => frame.type === type;

    test.each(CODECS)("[GW-5.6] files (%s) go with a message, with a text or without", async (codec) => {
      const { ada, bob, home, a, b, send, upload } = await setting(codec);
      const file = await upload(ada, "notes.txt");
      const untold = { op: "send", room: home.token, ref: "files", id: "files" };
      const { seq } = await a.ask({ ...untold, attachments: [file.id] });
      const { id, filename, type, size } = file;
      expect(await b.next(event("message"))).toMatchObject({
        seq,
        data: { text: "", attachments: [{ id, filename, type, size }] },
      });
      const bobs = await upload(bob, "bobs.txt");
      for (const attachments of [[file.id], [bobs.id], ["nonsense"], Array(21).fill(file.id)]) {
        expect(await send({ attachments })).toMatchObject({ code: "bad_request", field: "attachments" });
      }
      expect(await a.ask(untold)).toMatchObject({ code: "bad_request", field: "text" });
      expect(await send({ text: "", attachments: [] })).toMatchObject({ code: "bad_request", field: "text" });
    });

    test.each(CODECS)(
      "[GW-5.7] [GW-13.2] a format (%s) is told, and edits keep, change and remove it",
      async (codec) => {
        const { b, ask, send } = await setting(codec);
        const { seq } = await send({ text: "*hi*", format: "markdown" });
        expect((await b.next(event("message"))).data).toEqual({ text: "*hi*", format: "markdown" });
        const edits = [
          [{ text: "**hi**" }, { format: "markdown" }],
          [{ text: "**hi**", format: null }, {}],
          [{ text: "**hi**", format: "markdown" }, { format: "markdown" }],
        ] as const;
        for (const [edit, kept] of edits) {
          expect(await ask("edit", { seq, ...edit })).toHaveProperty("at");
          const told = { seq, text: "**hi**", mentions: [], attachments: [], ...kept };
          expect((await b.next(event("message.edited"))).data).toEqual(told);
          const { events } = await ask("history", { after: (seq as number) - 1, limit: 1 });
          expect((events as Frame[])[0]?.data).toEqual({
            text: "**hi**",
            edited: expect.any(Number),
            ...kept,
          });
        }
        expect(await ask("edit", { seq, text: "**hi**", format: "markdown" })).toMatchObject({
          duplicate: true,
        });
        expect(await send({ format: "html" })).toMatchObject({ code: "bad_request", field: "format" });
      },
    );

    test.each(CODECS)(
      "[GW-5.8] [GW-5.9] types and their data (%s) come back as they were sent",
      async (codec) => {
        const { one, bob, home, b, ask, send } = await setting(codec);
        const data = { lat: 52.5, lon: 13.25, tags: ["a", { deep: null }], on: true };
        const { seq } = await send({ type: "x.maps.pin_2", data, silent: true });
        const told = { text: "fallback", silent: true, kind: "x.maps.pin_2", data };
        expect((await b.next(event("message"))).data).toEqual(told);
        const { rooms } = await (await raw(one, codec)).hello(bob.token);
        const { data: _, ...shown } = told;
        expect(rooms).toMatchObject([{ unread: 1, last: { seq } }]);
        expect((rooms as { last: Frame }[])[0]?.last.data).toEqual(shown);
        await ask("edit", { seq, text: "another fallback" });
        const { events } = await ask("history", { after: (seq as number) - 1, limit: 1 });
        expect(events).toMatchObject([{ data: { ...told, text: "another fallback" } }]);
        await ask("delete", { seq });
        const after = await ask("history", { after: (seq as number) - 1, limit: 1 });
        expect((after.events as Frame[])[0]?.data).toEqual({ text: "", deleted: true });
        for (const type of ["location", "contact", "poll", "voice"]) {
          expect(await send({ type }), type).toMatchObject({ op: "ok", room: home.token });
        }
        await send({ type: "text", silent: false });
        const plain = await b.next(
          (frame) => frame.type === "message" && !("kind" in (frame.data as object)),
        );
        expect(plain.data).toEqual({ text: "fallback" });
      },
    );

    test.each(CODECS)(
      "[GW-5.11] [GW-5.12] [GW-5.14] a message that is sent on (%s) has its words and files, and a URL of its own",
      async (codec) => {
        const { one, ada, home, a, b, ask, send, upload } = await setting(codec);
        const other = await room(one, [ada]);
        const file = await upload(ada, "notes.txt");
        const words = { text: "*look*", format: "markdown", mentions: ["all"], attachments: [file.id] };
        const { seq, at } = await ask("send", { room: other.token, id: "words", ...words });
        const to = { op: "send", ref: "on", room: home.token, id: "on" };
        const forward = { room: other.token, seq };
        const sent = await a.ask({ ...to, forward });
        expect(sent).toMatchObject({ op: "ok", room: home.token });
        const { data } = await b.next(event("message"));
        expect(data).toMatchObject({
          ...{ text: "*look*", format: "markdown" },
          forwarded: { actor: { kind: "user", id: String(ada.id), name: "Ada" }, at, mentions: ["all"] },
          attachments: [{ filename: "notes.txt", size: 9 }],
        });
        expect(data).not.toHaveProperty("mentions");
        const [copy] = (data as { attachments: { id: string; url: string }[] }).attachments;
        expect(copy?.id).not.toBe(file.id);
        expect(copy?.url).toContain(`/files/${copy?.id}?`);
        expect(await a.ask({ ...to, forward: { ...forward, seq: 999 } })).toMatchObject({
          ...{ seq: sent.seq, at: sent.at, duplicate: true },
        });
        const wrong: [object, string, string][] = [
          [{ seq: 999 }, "not_found", "forward.seq"],
          [{ seq: -1 }, "bad_request", "forward.seq"],
          [{ room: "nonsense" }, "not_found", "forward.room"],
          [{ more: 1 }, "bad_request", "forward.more"],
        ];
        for (const [more, code, field] of wrong)
          expect(await send({ text: "", forward: { ...forward, ...more } })).toMatchObject({ code, field });
        expect(await send({ text: "mine", forward })).toMatchObject({ code: "bad_request", field: "text" });
        expect(await ask("edit", { seq: sent.seq, text: "mine" })).toMatchObject({ code: "forbidden" });
      },
    );

    test("[GW-5.8] types and data have bounds", async () => {
      const { send } = await setting();
      for (const type of [
        "",
        "card",
        "x.",
        "x.app",
        "x.app.",
        "x.a.b.c",
        `x.${"a".repeat(33)}.b`,
        "x.a. b",
      ]) {
        expect(await send({ type }), type).toMatchObject({ code: "bad_request", field: "type" });
      }
      const wrong = [
        { data: { a: 1 } },
        { type: "text", data: { a: 1 } },
        { type: "poll", data: ["a"] },
        { type: "poll", data: "a" },
        { type: "poll", data: { a: "\0" } },
        { type: "poll", data: { deep: [{ "\ud800": 1 }] } },
        { type: "poll", data: { a: "x".repeat(4_089) } },
        { type: "poll", data: { a: "é".repeat(2_045) } },
      ];
      for (const more of wrong) {
        expect(await send(more), JSON.stringify(more).slice(0, 60)).toMatchObject({
          code: "bad_request",
          field: "data",
        });
      }
      expect(await send({ type: "poll", data: { a: "x".repeat(4_088) } })).toMatchObject({ op: "ok" });
      expect(await send({ type: "poll", text: "" })).toMatchObject({ code: "bad_request", field: "text" });
      expect(await send({ silent: "yes" })).toMatchObject({ code: "bad_request", field: "silent" });
    });

    test("[GW-5.8] data nests at most 16 deep, and far deeper data costs its sender an error alone", async () => {
      const { a, home, send } = await setting();
      const nested = (levels: number): unknown => (levels === 0 ? [] : [nested(levels - 1)]);
      expect(await send({ type: "poll", data: { a: nested(14) } })).toMatchObject({ op: "ok" });
      const refusal = { code: "bad_request", field: "data", message: "data must not nest deeper than 16" };
      expect(await send({ type: "poll", data: { a: nested(15) } })).toMatchObject(refusal);
      const lists = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
      const maps = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
      for (const [ref, deep] of Object.entries({ lists, maps })) {
        const head = `"ref":"${ref}","room":"${home.token}","id":"deep","text":"t","type":"poll"`;
        a.bytes(`{"op":"send",${head},"data":{"a":${deep}}}`);
        expect(await a.next((frame) => frame.ref === ref)).toMatchObject({ ...refusal, retry: false });
        a.bytes(`{"op":"send",${head},"unknown":${deep}}`);
        expect(await a.next((frame) => frame.ref === ref)).toMatchObject({ field: "unknown" });
      }
      expect(await send({})).toMatchObject({ op: "ok" });
    });
  });
});
