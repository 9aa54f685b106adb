/** What is told of texts that were taken back, of messages from before a member's history, and of what counted because of them. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, type Room, room, say, site, TRANSPORTS } from "../fixtures.ts";

const CODECS = ["json", "msgpack"] as const;

/** A group that shows everything to who joins. */
async function sharedRoom({ useCases }: Node, { actor }: Person): Promise<Room> {
  return await useCases.roomLifecycle.create(actor, { type: "group", name: "Shared", history: "shared" });
}

function join({ useCases }: Node, { actor }: Person, { token }: Room, other: Person) {
  return useCases.roomLifecycle.addMembers(actor, token, [{ member: other.actor, role: "user" }]);
}

/** What the client was told since the seq, as `seq type data`. */
function told(client: SocketClient, { token }: Room, since: number): string[] {
  return client
    .log(token)
    .filter(({ seq }) => seq > since)
    .map(({ seq, type, data }) => `${seq} ${type} ${JSON.stringify(data)}`);
}

describeWith("postgres", "texts that were taken back", ({ postgres }) => {
  const { node, client } = site(postgres.url);

  describe.each(TRANSPORTS)("over %s", (transport) => {
    test.each(CODECS)(
      "[GW-4.5] who joined later learns nothing of older messages by what happens to them (%s)",
      async (codec) => {
        const one = await node({ transport });
        const [ada, bob, cat] = [
          await person(one, "Ada"),
          await person(one, "Bob"),
          await person(one, "Cat"),
        ];
        const joined = await room(one, [ada, bob]);
        const [adas, cats] = [client("ada", ada.token, codec), client("cat", cat.token, codec)];
        await Promise.all([adas.connect(one.url), cats.connect(one.url)]);
        const { messages, reactions, pins } = one.useCases;
        const { seq } = await say(one, ada, joined, "before Cat");
        await join(one, ada, joined, cat);
        await cats.until("the joining", () => cats.last(joined.token) > 0);
        const since = cats.last(joined.token);
        await messages.edit(ada.actor, joined.token, seq, { text: "before Cat, edited" });
        await reactions.add(bob.actor, joined.token, seq, "telling");
        await pins.pin(ada.actor, joined.token, seq);
        const { seq: own } = await say(one, ada, joined, "after Cat");
        await reactions.add(bob.actor, joined.token, own, "seen");
        await reactions.remove(bob.actor, joined.token, seq, "telling");
        await pins.unpin(ada.actor, joined.token);
        await messages.remove(ada.actor, joined.token, seq);
        await Promise.all(
          [adas, cats].map((each) => each.until("the deletion", () => each.last(joined.token) === since + 8)),
        );
        const hidden = JSON.stringify({ seq, hidden: true });
        expect(told(cats, joined, since)).toEqual([
          `${since + 1} message.edited ${hidden}`,
          `${since + 2} reaction.added ${hidden}`,
          `${since + 3} message.pinned ${hidden}`,
          `${since + 4} message {"text":"after Cat"}`,
          `${since + 5} reaction.added {"seq":${own},"name":"seen"}`,
          `${since + 6} reaction.removed ${hidden}`,
          `${since + 7} message.unpinned ${hidden}`,
          `${since + 8} message.deleted {"seq":${seq}}`,
        ]);
        expect(told(adas, joined, since).join()).not.toContain("hidden");
        expect([...adas.faults, ...cats.faults]).toEqual([]);
      },
    );
  });

  test("[GW-4.5] nor by resuming, from memory or from the log, nor from history; where history is shared all is told", async () => {
    const [one, two] = [await node(), await node()];
    const [ada, bob, cat] = [await person(one, "Ada"), await person(one, "Bob"), await person(one, "Cat")];
    const [joined, shared] = [await room(one, [ada, bob]), await sharedRoom(one, ada)];
    const cats = client("cat", cat.token);
    await cats.connect(one.url);
    const adas = client("ada", ada.token);
    await adas.connect(one.url);
    const old = new Map<Room, number>();
    for (const where of [joined, shared]) {
      old.set(where, (await say(one, ada, where, "before Cat")).seq);
      await join(one, ada, where, cat);
      await cats.until("the joining", () => cats.last(where.token) > 0);
    }
    await cats.drop();
    for (const [where, seq] of old)
      await one.useCases.messages.edit(ada.actor, where.token, seq, { text: "before Cat, edited" });
    await adas.until("the edits", () => [joined, shared].every(({ token }) => adas.log(token).length === 3));
    const expected = (where: Room) => {
      const seq = old.get(where) as number;
      const text = { seq, text: "before Cat, edited", mentions: [], attachments: [] };
      return where === shared ? text : { seq, hidden: true };
    };
    for (const gateway of [one, two]) {
      await cats.connect(gateway.url);
      for (const where of [joined, shared]) {
        await cats.until("the edit", () => cats.log(where.token).at(-1)?.type === "message.edited");
        expect(cats.log(where.token).at(-1)?.data).toEqual(expected(where));
        const page = await cats.ask({ op: "history", room: where.token, limit: 1 });
        expect((page.events as { data: unknown }[])[0]?.data).toEqual(expected(where));
      }
      await cats.drop();
    }
    expect(cats.faults).toEqual([]);
  });

  test("[GW-4.4] a resume tells no text that was taken back meanwhile, from memory or from the log", async () => {
    const [one, two] = [await node(), await node()];
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const where = await room(one, [ada, bob]);
    const secret = `secret-${randomUUID()}`;
    const { messages } = one.useCases;
    const [adas, fromMemory, fromLog] = [
      client("ada", ada.token),
      client("bob", bob.token),
      client("bob", bob.token),
    ];
    await Promise.all([adas, fromMemory, fromLog].map((each) => each.connect(one.url)));
    await Promise.all([fromMemory.drop(), fromLog.drop()]);
    const { seq } = await say(one, ada, where, "kept");
    const { seq: gone } = await say(one, ada, where, secret);
    await messages.edit(ada.actor, where.token, seq, { text: secret });
    await messages.edit(ada.actor, where.token, seq, { text: "kept, after all" });
    await messages.remove(ada.actor, where.token, gone);
    const last = await say(one, ada, where, "the last");
    await adas.until("the last", () => adas.last(where.token) === last.seq);
    expect(JSON.stringify(adas.log(where.token))).toContain(secret);
    await fromMemory.connect(one.url);
    await fromLog.connect(two.url);
    for (const each of [fromMemory, fromLog]) {
      await each.until("the last", () => each.last(where.token) === last.seq);
      const events = each.log(where.token);
      expect(events.filter(({ type }) => type === "message.edited").map(({ data }) => data)).toMatchObject([
        { seq, hidden: true },
        { seq, text: "kept, after all" },
      ]);
      expect(JSON.stringify([events, await each.history(where.token)])).not.toContain(secret);
      expect(each.faults).toEqual([]);
    }
  });

  test("[GW-6.6] who is mentioned anew, or no more, is told what is unread, and `ready` says the same", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const where = await room(one, [ada, bob]);
    const bobs = client("bob", bob.token);
    await bobs.connect(one.url);
    const { messages } = one.useCases;
    const told = (unread: number, mention: number) =>
      bobs.until(`${unread} unread, ${mention} mentions`, () => {
        const frame = bobs.others.at(-1);
        return frame?.op === "unread" && frame.unread === unread && frame.mention === mention;
      });
    const { seq } = await say(one, ada, where, "for nobody");
    await messages.edit(ada.actor, where.token, seq, { text: "for Bob", mentions: [String(bob.id)] });
    await told(1, 1);
    await messages.edit(ada.actor, where.token, seq, { text: "for nobody, after all" });
    await told(1, 0);
    await messages.edit(ada.actor, where.token, seq, { text: "for you", mentions: [String(bob.id)] });
    await told(1, 1);
    await messages.edit(ada.actor, where.token, seq, { text: "it is for you" });
    await messages.remove(ada.actor, where.token, seq);
    await told(0, 0);
    expect(bobs.others.at(-1)).toMatchObject({ room: where.token, head: expect.any(Number) });
    await say(one, ada, where, "lives");
    const { seq: gone } = await say(one, ada, where, "gone");
    await messages.remove(ada.actor, where.token, gone);
    const raw = client("bob", bob.token);
    const ready = await raw.connect(one.url);
    expect(ready.rooms.find((each) => each.room === where.token)).toMatchObject({
      ...{ unread: 1, mention: 0 },
      last: { data: { text: "lives" } },
    });
  });
});
