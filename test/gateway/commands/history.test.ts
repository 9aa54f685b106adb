/** [GW-6.7] [GW-6.8] History is the present: places in the middle of a log, reactions, and answered messages. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const CODECS = ["json", "msgpack"] as const;

describeWith("postgres", "pages of history", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;
    let refs = 0;

    const setting = async (codec: (typeof CODECS)[number] = "json") => {
      started ??= node({ transport });
      const one = await started;
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const client = await raw(one, codec);
      await client.hello(ada.token);
      const page = async (more: object) => {
        const answer = await client.ask({ op: "history", ref: refs++, room: home.token, ...more });
        const events = (answer.events ?? []) as (Frame & { seq: number; at: number; data: object })[];
        return { ...answer, more: answer.more, events, seqs: events.map(({ seq }) => seq) };
      };
      const dataOf = async (seq: number) => (await page({ after: seq - 1, limit: 1 })).events[0]?.data;
      return { one, ada, bob, home, client, page, dataOf };
    };

    test.each(CODECS)(
      "[GW-6.8] reactions (%s) are counted as they are now, with the reader's own",
      async (codec) => {
        const { one, ada, bob, home, dataOf } = await setting(codec);
        const { reactions, messages } = one.useCases;
        const { seq } = await say(one, ada, home, "hello");
        const { seq: other } = await say(one, ada, home, "nobody reacts");
        await reactions.add(bob.actor, home.token, seq, "👍");
        await reactions.add(ada.actor, home.token, seq, "👍");
        await reactions.add(bob.actor, home.token, seq, "🎉");
        const [adas, bobs] = [ada, bob].map(({ id, name }) => ({ kind: "user", id: String(id), name }));
        expect(await dataOf(seq)).toEqual({
          text: "hello",
          reactions: [
            { name: "👍", count: 2, me: true, actors: [bobs, adas] },
            { name: "🎉", count: 1, me: false, actors: [bobs] },
          ],
        });
        expect(await dataOf(other)).toEqual({ text: "nobody reacts" });
        await reactions.remove(bob.actor, home.token, seq, "👍");
        expect(await dataOf(seq)).toMatchObject({
          reactions: [{ name: "👍", actors: [adas] }, { name: "🎉" }],
        });
        await messages.remove(ada.actor, home.token, seq);
        expect(await dataOf(seq)).toEqual({ text: "", deleted: true });
      },
    );

    test("[GW-6.8] of many who reacted the first ten are named", async () => {
      const { one, ada, home, dataOf } = await setting();
      const { seq } = await say(one, ada, home, "popular");
      const place = { roomId: home.id, seq };
      await one.store.transaction(async (tx) => {
        await tx.lockRooms([home.id]);
        for (let n = 0; n < 12; n++) {
          await tx.messages.addReaction(place, { kind: "guest", id: `g${n}`, name: `Guest ${n}` }, "❤\uFE0F");
        }
        // What was stored long ago was not normalized.
        await tx.messages.addReaction(place, ada.actor, "❤");
      });
      expect(await dataOf(seq)).toMatchObject({ reactions: [{ name: "❤\uFE0F", count: 13, me: true }] });
      const { reactions } = (await dataOf(seq)) as { reactions: { actors: object[] }[] };
      expect(reactions[0]?.actors).toHaveLength(10);
    });

    test.each(CODECS)(
      "[GW-6.8] an answer (%s) shows the message that it answers, as it is now",
      async (codec) => {
        const { one, ada, bob, home, page, dataOf } = await setting(codec);
        const { messages } = one.useCases;
        const long = `${"x".repeat(199)}👋 and on`;
        const { seq } = await say(one, bob, home, long);
        const answer = await messages.send(ada.actor, home.token, { id: "a", text: "yes", replyTo: seq });
        const actor = { kind: "user", id: String(bob.id), name: "Bob" };
        const shown = { text: "yes", replyTo: seq, reply: { seq, actor, text: "x".repeat(199) } };
        expect(await dataOf(answer.seq)).toEqual(shown);
        const { events } = await page({ after: seq - 1, limit: 2 });
        expect(events[1]?.data).toEqual(shown);
        await messages.edit(bob.actor, home.token, seq, { text: "short" });
        expect(await dataOf(answer.seq)).toMatchObject({ reply: { text: "short" } });
        await messages.remove(bob.actor, home.token, seq);
        expect(await dataOf(answer.seq)).toEqual({ text: "yes", replyTo: seq });
      },
    );

    test("[GW-6.8] who may not see the answered message sees nothing of it", async () => {
      const { one, ada, bob, home } = await setting();
      const { seq } = await say(one, ada, home, "before Cy");
      const cy = await person(one, "Cy");
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
        { member: cy.actor, role: "user" },
      ]);
      await one.useCases.messages.send(bob.actor, home.token, { id: "a", text: "yes", replyTo: seq });
      const client = await raw(one);
      await client.hello(cy.token);
      const { events } = await client.ask({ op: "history", ref: 1, room: home.token, limit: 1 });
      expect((events as Frame[])[0]?.data).toEqual({ text: "yes", replyTo: seq });
    });

    test("[GW-6.7] around holds the event, and as many before it as after it", async () => {
      const { one, ada, home, page } = await setting();
      for (let n = 0; n < 20; n++) await say(one, ada, home, `${n}`);
      const [head = 0] = (await page({ limit: 1 })).seqs;
      expect(await page({ around: head - 10, limit: 5 })).toMatchObject({
        seqs: [-12, -11, -10, -9, -8].map((n) => head + n),
        more: true,
      });
      expect((await page({ around: head, limit: 4 })).seqs).toEqual([head - 2, head - 1, head]);
      expect(await page({ around: head, limit: 1 })).toMatchObject({ seqs: [head], more: false });
      expect((await page({ around: 2, limit: 4 })).seqs).toEqual([2, 3, 4, 5]);
      for (const around of [0, 1, head + 1]) {
        expect(await page({ around }), `${around}`).toMatchObject({ code: "not_found", field: "around" });
      }
      expect(await page({ around: 2, at: 5 })).toMatchObject({ code: "bad_request", field: "around" });
      expect(await page({ around: -1 })).toMatchObject({ code: "bad_request", field: "around" });
    });

    test("[GW-6.7] [GW-6.5] long texts are left out at both ends around the event", async () => {
      const { one, ada, home, page } = await setting();
      for (let n = 0; n < 100; n++) await say(one, ada, home, "x".repeat(15_000));
      const { seqs, more } = await page({ around: 60, limit: 200 });
      expect(seqs).toContain(60);
      expect({ first: seqs[0], last: seqs.at(-1) }).toEqual({ first: 60 - 17, last: 60 + 16 });
      expect(more).toBe(true);
    });

    test("[GW-6.7] at begins with the first event at or after a time", async () => {
      const { one, ada, home, page } = await setting();
      for (let n = 0; n < 20; n++) await say(one, ada, home, `${n}`);
      const { events } = await page({ limit: 200 });
      for (const { at } of events) {
        const first = events.find((event) => event.at >= at);
        expect((await page({ at, limit: 2 })).seqs[0]).toBe(first?.seq);
      }
      expect(await page({ at: 0, limit: 3 })).toMatchObject({ seqs: [2, 3, 4], more: true });
      expect(await page({ at: (events.at(-1)?.at ?? 0) + 1 })).toMatchObject({ seqs: [], more: false });
      expect(await page({ at: 1.5 })).toMatchObject({ code: "bad_request", field: "at" });
    });
  });
});
