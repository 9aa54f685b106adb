/** PROTOCOL.md, section 13, on both transports and both codecs: editing and deleting messages, reactions and pins. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { meetings, person, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

describeWith("postgres", "changing messages", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    const { meet, session, ask: askAny } = meetings({ node, raw }, { transport });

    /** Ada, who owns a room, and Bob, with a session each; Bob wrote a message. */
    const setting = async (codec: "json" | "msgpack" = "json") => {
      const { one, people, home } = await meet("Ada", "Bob");
      const [ada, bob] = people;
      const { seq } = await say(one, bob, home, "teh message");
      const [a, b] = [await session(ada, codec), await session(bob, codec)];
      /** Says a command about the room, and returns its answer. */
      const ask = (client: RawClient, op: string, more: object = {}) =>
        askAny(client, { op, room: home.token, seq, ...more });
      return { one, ada, bob, home, seq, a, b, ask };
    };
    const event = (type: string) => (frame: Frame) => frame.type === type;
    /** What `ok` holds about an event that came. */
    const answerOf = ({ room, seq, at }: Frame) => ({ op: "ok", ref: expect.anything(), room, seq, at });
    const unchanged = (room: string) => ({ op: "ok", ref: expect.anything(), room, duplicate: true });

    test.each(["json", "msgpack"] as const)(
      "[GW-13.1] [GW-13.2] an edit (%s) is told to all, answered with its event, and made once",
      async (codec) => {
        const { ada, bob, home, seq, a, b, ask } = await setting(codec);
        const mentions = [String(ada.id)];
        const answer = await ask(b, "edit", { text: "the message", mentions });
        const edited = await a.next(event("message.edited"));
        expect(edited).toMatchObject({
          actor: { id: String(bob.id) },
          data: { seq, text: "the message", mentions, attachments: [] },
        });
        expect(answer).toEqual(answerOf(edited));
        expect(await ask(b, "edit", { text: "the message", mentions })).toEqual(unchanged(home.token));
        expect(await ask(b, "edit", { text: "the message" })).toEqual(unchanged(home.token));
        const { events } = await a.ask({ op: "history", ref: "h", room: home.token, after: seq - 1 });
        expect(events).toMatchObject([{ seq, data: { text: "the message" } }, { type: "message.edited" }]);
      },
    );

    test("[GW-13.2] only its author edits a message, and not once it is deleted", async () => {
      const { a, b, ask } = await setting();
      expect(await ask(a, "edit", { text: "mine" })).toMatchObject({ code: "forbidden", retry: false });
      expect(await ask(b, "edit", { text: "" })).toMatchObject({ code: "bad_request", field: "text" });
      const many = Array(101).fill("1");
      expect(await ask(b, "edit", { text: "x", mentions: many })).toMatchObject({
        code: "bad_request",
        field: "mentions",
      });
      expect(await ask(b, "edit", { text: "x", attachments: ["nobody's"] })).toMatchObject({
        code: "bad_request",
        field: "attachments",
      });
      await ask(b, "delete");
      expect(await ask(b, "edit", { text: "back" })).toMatchObject({ code: "conflict", field: "seq" });
    });

    test("[GW-13.2] an edit replaces the files of its message", async () => {
      const { one, bob, home, a, b, ask } = await setting();
      const upload = async (filename: string) => {
        const content = new Blob([filename]).stream();
        return await one.useCases.attachments.upload(bob.actor, { filename, content });
      };
      const [first, second] = [await upload("first.txt"), await upload("second.txt")];
      const { seq } = await one.useCases.messages.send(bob.actor, home.token, {
        id: "with a file",
        text: "see",
        attachments: [first.id],
      });
      await ask(b, "edit", { seq, text: "see", attachments: [first.id, second.id] });
      const files = { attachments: [{ filename: "first.txt" }, { filename: "second.txt" }] };
      expect((await a.next(event("message.edited"))).data).toMatchObject({ seq, text: "see", ...files });
      expect(await ask(b, "edit", { seq, text: "see nothing", attachments: [] })).toMatchObject({ op: "ok" });
      expect((await a.next(event("message.edited"))).data).toMatchObject({ attachments: [] });
    });

    test("[GW-13.1] [GW-13.3] authors and moderators delete a message, once", async () => {
      const { one, ada, home, seq, a, b, ask } = await setting();
      const { seq: adas } = await say(one, ada, home, "Ada's");
      expect(await ask(b, "delete", { seq: adas })).toMatchObject({ code: "forbidden" });
      await ask(a, "pin");
      const answer = await ask(a, "delete");
      expect((await b.next(event("message.unpinned"))).data).toEqual({ seq });
      const deleted = await b.next(event("message.deleted"));
      expect(deleted.data).toEqual({ seq });
      expect(answer).toEqual(answerOf(deleted));
      expect(await ask(b, "delete")).toEqual(unchanged(home.token));
      expect(await ask(b, "delete", { seq: deleted.seq })).toMatchObject({
        code: "bad_request",
        field: "seq",
      });
    });

    test.each(["json", "msgpack"] as const)(
      "[GW-13.1] [GW-13.4] reactions (%s) are added and taken back, each once",
      async (codec) => {
        const { ada, bob, home, seq, a, b, ask } = await setting(codec);
        const answer = await ask(a, "react", { name: "❤" });
        const added = await b.next(event("reaction.added"));
        expect(added).toMatchObject({ actor: { id: String(ada.id) }, data: { seq, name: "❤\uFE0F" } });
        expect(answer).toEqual(answerOf(added));
        expect(await ask(a, "react", { name: "❤\uFE0F" })).toEqual(unchanged(home.token));
        expect(await ask(b, "unreact", { name: "❤" })).toEqual(unchanged(home.token));
        expect(await ask(b, "react", { name: "❤" })).toMatchObject({ op: "ok", seq: expect.any(Number) });
        await ask(b, "unreact", { name: "❤" });
        const removed = await a.next(event("reaction.removed"));
        expect(removed).toMatchObject({ actor: { id: String(bob.id) }, data: { seq, name: "❤\uFE0F" } });
      },
    );

    test("[GW-13.4] names of reactions have bounds, and so has their number", async () => {
      const { b, ask } = await setting();
      for (const name of ["", "\u200b", "\ud800", "x".repeat(65)]) {
        expect(await ask(b, "react", { name })).toMatchObject({ code: "bad_request", field: "name" });
      }
      for (let n = 0; n < 20; n++) await ask(b, "react", { name: `r${n}` });
      expect(await ask(b, "react", { name: "one more" })).toMatchObject({ code: "too_large", field: "name" });
      expect(await ask(b, "react", {})).toMatchObject({ code: "bad_request", field: "name" });
    });

    test("[GW-13.1] [GW-13.5] a moderator pins one message, another takes its place", async () => {
      const { one, bob, home, seq, a, b, ask } = await setting();
      const { seq: other } = await say(one, bob, home, "another");
      expect(await ask(b, "pin")).toMatchObject({ code: "forbidden" });
      expect(await ask(a, "pin")).toEqual(answerOf(await b.next(event("message.pinned"))));
      expect(await ask(a, "pin")).toEqual(unchanged(home.token));
      expect(await ask(a, "unpin", { seq: other })).toEqual(unchanged(home.token));
      const answer = await ask(a, "pin", { seq: other });
      expect((await b.next(event("message.unpinned"))).data).toEqual({ seq });
      const pinned = await b.next(event("message.pinned"));
      expect(pinned.data).toEqual({ seq: other });
      expect(answer).toEqual(answerOf(pinned));
      expect(await ask(a, "unpin", { seq: other })).toMatchObject({ seq: (pinned.seq as number) + 1 });
    });

    test("[GW-13.6] messages that are not there are not_found, and so are rooms", async () => {
      const { one, ada, home, a, b, ask } = await setting();
      const commands = [
        ["edit", { text: "x" }],
        ["delete", {}],
        ["react", { name: "+1" }],
        ["unreact", { name: "+1" }],
        ["pin", {}],
      ] as const;
      for (const [op, fields] of commands) {
        const missing = { code: "not_found", field: "seq" };
        expect(await ask(a, op, { ...fields, seq: 10_000 }), op).toMatchObject(missing);
        expect(await ask(a, op, { ...fields, seq: 0 }), op).toMatchObject({
          code: "bad_request",
          field: "seq",
        });
        expect(await ask(a, op, { ...fields, seq: "1" }), op).toMatchObject({
          code: "bad_request",
          field: "seq",
        });
        expect(await ask(a, op, { ...fields, room: "nowhere1" }), op).toMatchObject({ code: "not_found" });
        expect(await ask(a, op, { ...fields, loudly: true }), op).toMatchObject({ field: "loudly" });
      }
      const cy = await person(one, "Cy");
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
        { member: cy.actor, role: "moderator" },
      ]);
      const c = await raw(one);
      await c.hello(cy.token);
      for (const [op, fields] of commands) {
        // The room shows its history from the joining on.
        expect(await ask(c, op, fields), op).toMatchObject({ code: "not_found", field: "seq" });
      }
      await ask(b, "delete");
      for (const op of ["react", "unreact"]) {
        expect(await ask(b, op, { name: "+1" })).toMatchObject({ code: "not_found", field: "seq" });
      }
      expect(await ask(a, "pin")).toMatchObject({ code: "not_found", field: "seq" });
      expect(await ask(a, "unpin")).toEqual(unchanged(home.token));
    });
  });
});
