/** PROTOCOL.md, section 14, on both transports and both codecs: searching messages. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { describeWith } from "../../services/need.ts";
import { meetings, room, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

describeWith("postgres", "search", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    const { meet, session, ask } = meetings({ node, raw }, { transport });

    /** Ada, who owns a room with Bob, and her session. */
    const setting = async (codec: "json" | "msgpack" = "json") => {
      const { one, people, home } = await meet("Ada", "Bob");
      const [ada, bob] = people;
      const client = await session(ada, codec);
      const search = (text: string, more: object = {}) => ask(client, { op: "search", text, ...more });
      return { one, ada, bob, home, client, search };
    };
    const texts = ({ hits }: Frame) =>
      (hits as { event: Frame }[]).map(({ event }) => (event.data as { text: string }).text);

    test.each(["json", "msgpack"] as const)(
      "[GW-14.1] [GW-14.4] a hit (%s) is the event of history, and says where the words are",
      async (codec) => {
        const { one, bob, home, client, search } = await setting(codec);
        await say(one, bob, home, "tea at four?");
        const { seq } = await say(one, bob, home, "Tea, 😀 green téa");
        const { events } = await client.ask({ op: "history", ref: "h", room: home.token, after: seq - 1 });
        const answer = await search("TEA green", { room: home.token });
        expect(answer).toEqual({
          op: "ok",
          ref: answer.ref,
          hits: [
            {
              event: (events as Frame[])[0],
              highlights: [
                [0, 3],
                [8, 5],
                [14, 3],
              ],
            },
          ],
        });
        expect(texts(await search("tea"))).toEqual(["Tea, 😀 green téa", "tea at four?"]);
      },
    );

    test("[GW-14.3] [GW-14.5] pages are asked for with the cursor; author and times narrow them", async () => {
      const { one, ada, bob, home, search } = await setting();
      for (const n of [1, 2, 3]) await say(one, n === 2 ? ada : bob, home, `word ${n}`);
      const first = await search("word", { limit: 2 });
      expect(texts(first)).toEqual(["word 3", "word 2"]);
      await say(one, bob, home, "word 4");
      const second = await search("word", { limit: 2, cursor: first.cursor });
      expect(texts(second)).toEqual(["word 1"]);
      expect(second).not.toHaveProperty("cursor");
      expect(texts(await search("word", { from: String(ada.id) }))).toEqual(["word 2"]);
      expect(texts(await search("", { from: String(ada.id) }))).toEqual(["word 2"]);
      expect(texts(await search("word", { after: Date.now() + 60_000 }))).toEqual([]);
    });

    test("[GW-14.6] what was edited away or deleted is not found", async () => {
      const { one, bob, home, search } = await setting();
      const [first, second] = [await say(one, bob, home, "before"), await say(one, bob, home, "before")];
      const bobs = await raw(one, "json");
      await bobs.hello(bob.token);
      await bobs.ask({ op: "edit", ref: 1, room: home.token, seq: first.seq, text: "after" });
      await bobs.ask({ op: "delete", ref: 2, room: home.token, seq: second.seq });
      expect(texts(await search("before"))).toEqual([]);
      expect(texts(await search("after"))).toEqual(["after"]);
    });

    test.each([
      ["text", "x ".repeat(101), {}],
      ["text", "?!", {}],
      ["limit", "word", { limit: 0 }],
      ["limit", "word", { limit: LIMITS.SEARCH_MOST + 1 }],
      ["has", "word", { has: "video" }],
      ["before", "word", { before: -1 }],
      ["cursor", "word", { cursor: "nonsense" }],
      ["where", "word", { where: "here" }],
    ])("[GW-14.2] [GW-14.5] refuses %s of %j %j", async (field, text, more) => {
      const { search } = await setting();
      expect(await search(text, more)).toMatchObject({ code: "bad_request", field });
    });

    test("[GW-3.7] a foreign room is not_found", async () => {
      const { one, bob, search } = await setting();
      const other = await room(one, [bob]);
      await say(one, bob, other, "secret");
      expect(await search("secret", { room: other.token })).toMatchObject({ code: "not_found" });
      expect(texts(await search("secret"))).toEqual([]);
    });
  });
});
