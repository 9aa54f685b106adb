/** [GW-6.9] [GW-6.10] [GW-8.5] How far members have come: markers of delivery, and who has a message. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { meetings, person, room, say, site } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const is = (op: string) => (frame: Frame) => frame.op === op;

describeWith("postgres", "how far members have come", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  const { meet, session, ask } = meetings({ node, raw });

  const setting = async () => {
    const { one, people, home } = await meet("Ada", "Bob", "Eve");
    const [ada, bob, eve] = people;
    const b = await raw(one, "msgpack");
    const ready = await b.hello(bob.token);
    const a = await session(ada);
    const delivered = (rooms: Record<string, unknown>) => ask(b, { op: "delivered", rooms });
    const receipts = (seq: number) => ask(a, { op: "receipts", room: home.token, seq });
    const read = (seq: number) => ask(b, { op: "read", room: home.token, seq });
    const actor = { kind: "user", id: String(bob.id), name: "Bob" };
    return { one, ada, bob, eve, home, a, b, ready, delivered, receipts, read, actor };
  };

  test("[GW-6.9] [GW-6.10] a message is delivered, then read; what is read was delivered", async () => {
    const { one, ada, home, delivered, receipts, read, actor } = await setting();
    const first = await say(one, ada, home, "one");
    const { seq, at } = await say(one, ada, home, "two");
    const nobody = { read: [], delivered: [], counts: { members: 2, delivered: 0, read: 0 } };
    expect(await receipts(seq)).toMatchObject(nobody);
    expect(await delivered({ [home.token]: seq })).toEqual({ op: "ok", ref: expect.any(String) });
    const { delivered: [got] = [], ...rest } = (await receipts(seq)) as { delivered?: Frame[] } & Frame;
    expect(rest).toMatchObject({ read: [], counts: { members: 2, delivered: 1, read: 0 } });
    expect(got).toEqual({ actor, seq, at: expect.any(Number) });
    expect(got?.at).toBeGreaterThanOrEqual(at);
    await read(first.seq);
    expect(await receipts(first.seq)).toMatchObject({
      read: [{ actor, seq: first.seq }],
      delivered: [{ actor, seq }],
      counts: { delivered: 1, read: 1 },
    });
    expect(await receipts(seq)).toMatchObject({ read: [], counts: { delivered: 1, read: 0 } });
  });

  test("[GW-6.9] the marker never goes back, is not before the read marker, and stands in ready", async () => {
    const { one, ada, bob, home, delivered, receipts, read } = await setting();
    const { seq } = await say(one, ada, home, "one");
    await read(seq);
    const { seq: last } = await say(one, ada, home, "two");
    await delivered({ [home.token]: 1 });
    expect(await receipts(seq)).toMatchObject({ delivered: [{ seq }] });
    await delivered({ [home.token]: last });
    await delivered({ [home.token]: seq });
    const again = await raw(one);
    const { rooms } = (await again.hello(bob.token)) as unknown as { rooms: object[] };
    expect(rooms).toMatchObject([{ room: home.token, read: seq, delivered: last, unread: 1 }]);
  });

  test("[GW-6.9] one op says many rooms, and one that is refused holds up none", async () => {
    const { one, ada, bob, eve, home, delivered, receipts } = await setting();
    const other = await room(one, [bob, ada]);
    const foreign = await room(one, [eve]);
    const [{ seq }, { seq: otherSeq }] = [await say(one, ada, home, "1"), await say(one, ada, other, "2")];
    const refusal = { op: "error", code: "not_found", field: `rooms.${foreign.token}` };
    expect(await delivered({ [foreign.token]: 1, [home.token]: seq })).toMatchObject(refusal);
    expect(await receipts(seq)).toMatchObject({ counts: { delivered: 1 } });
    const past = { op: "error", code: "bad_request", field: `rooms.${home.token}` };
    expect(await delivered({ [home.token]: seq + 1, [other.token]: otherSeq })).toMatchObject(past);
    for (const bad of [-1, 0.5, "1", null]) {
      expect(await delivered({ [home.token]: bad })).toMatchObject(past);
    }
    const tooMany = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`r${i}`, 1]));
    expect(await delivered(tooMany)).toMatchObject({ code: "bad_request", field: "rooms" });
    expect(await delivered({})).toMatchObject({ op: "ok" });
    const statements = one.store.stats().statements;
    expect(await delivered({ [home.token]: seq, [other.token]: otherSeq })).toMatchObject({ op: "ok" });
    expect(one.store.stats().statements - statements).toBe(1);
  });

  test("[GW-8.5] who has the room open hears of both markers, and of none that did not move", async () => {
    const { one, ada, home, a, delivered, read, actor } = await setting();
    const first = await say(one, ada, home, "one");
    const { seq } = await say(one, ada, home, "two");
    await a.ask({ op: "open", ref: "open", room: home.token });
    await delivered({ [home.token]: first.seq });
    const receipt = { op: "receipt", room: home.token, actor };
    expect(await a.next(is("receipt"))).toMatchObject({ ...receipt, delivered: first.seq });
    await delivered({ [home.token]: first.seq });
    await delivered({ [home.token]: seq });
    expect(await a.next(is("receipt"))).toMatchObject({ ...receipt, delivered: seq });
    await read(first.seq);
    expect(await a.next(is("receipt"))).toEqual({ ...receipt, read: first.seq, delivered: seq });
  });

  test("[GW-6.10] the author and who joined later are not among them; a message that can't be seen has none", async () => {
    const { one, ada, bob, home, receipts } = await setting();
    const { seq } = await say(one, ada, home, "one");
    const late = await person(one, "Late");
    await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
      { member: late.actor, role: "user" },
    ]);
    const { seq: bobs } = await say(one, bob, home, "two");
    expect(await receipts(seq)).toMatchObject({
      read: [{ actor: { name: "Bob" }, seq: bobs }],
      counts: { members: 2 },
    });
    expect(await receipts(bobs)).toMatchObject({ counts: { members: 3, read: 0 } });
    const lates = await raw(one);
    await lates.hello(late.token);
    const unseen = { op: "error", code: "not_found", field: "seq" };
    expect(await lates.ask({ op: "receipts", ref: 1, room: home.token, seq })).toMatchObject(unseen);
    for (const none of [1, 999]) expect(await receipts(none)).toMatchObject(unseen);
    await one.useCases.messages.remove(ada.actor, home.token, seq);
    expect(await receipts(seq)).toMatchObject(unseen);
  });

  describe("in a big room", () => {
    test("[GW-6.10] [GW-8.5] members are counted, and their markers of delivery told to nobody", async () => {
      const { one, ada, bob, home, a, delivered, receipts, read } = await setting();
      const many = await Promise.all(Array.from({ length: 99 }, (_, i) => person(one, `M${i}`)));
      const members = many.map(({ actor }) => ({ member: actor, role: "user" as const }));
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, members);
      const { seq } = await say(one, ada, home, "hello");
      await a.ask({ op: "open", ref: "open", room: home.token });
      await one.useCases.receipts.delivered((many[0] as { actor: typeof bob.actor }).actor, {
        [home.token]: seq,
      });
      await delivered({ [home.token]: seq });
      await read(seq);
      expect(await a.next(is("receipt"))).toMatchObject({ actor: { name: "Bob" }, read: seq });
      const { ref: _, ...answer } = await receipts(seq);
      expect(answer).toEqual({ op: "ok", counts: { members: 101, delivered: 2, read: 1 } });
    });
  });
});
