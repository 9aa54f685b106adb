/** [GW-5.10] [GW-6.11] [GW-6.12] Threads: answers in the log, pages of one thread, and what is unread in it. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { meetings, person, say, site } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const is = (op: string) => (frame: Frame) => frame.op === op;
type Events = { seq: number; type: string; data: Record<string, unknown> }[];

describeWith("postgres", "threads", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  const { meet, session, ask: askAny } = meetings({ node, raw });

  const setting = async () => {
    const { one, people, home } = await meet("Ada", "Bob");
    const [ada, bob] = people;
    const [a, b] = [await session(ada), await session(bob, "msgpack")];
    const ask = (client: typeof a, frame: { op: string } & Record<string, unknown>) =>
      askAny(client, { room: home.token, ...frame });
    const answer = (client: typeof a, thread: number, more: object = {}) =>
      ask(client, { op: "send", id: randomUUID(), text: "answer", thread, ...more }) as Promise<
        Frame & { seq: number; at: number }
      >;
    const page = async (more: object = {}) => {
      const { events, ...rest } = await ask(a, { op: "history", ...more });
      return {
        ...rest,
        events: (events ?? []) as Events,
        seqs: ((events ?? []) as Events).map(({ seq }) => seq),
      };
    };
    const at = async (seq: number) => (await page({ after: seq - 1, limit: 1 })).events[0]?.data;
    const { seq: root } = await say(one, ada, home, "root");
    return { one, ada, bob, home, a, b, ask, answer, page, at, root };
  };

  test("[GW-5.10] an answer is in the log and names the root, also when it answers an answer", async () => {
    const { a, b, answer, at, root } = await setting();
    const first = await answer(b, root);
    expect(first).toMatchObject({ op: "ok", thread: root });
    const event = await a.next(({ op, seq }) => op === "event" && seq === first.seq);
    expect(event).toMatchObject({ data: { text: "answer", thread: root } });
    const second = await answer(a, first.seq, { replyTo: first.seq });
    expect(second).toMatchObject({ op: "ok", seq: first.seq + 1, thread: root });
    expect(await at(second.seq)).toMatchObject({
      thread: root,
      replyTo: first.seq,
      reply: { seq: first.seq },
    });
  });

  test("[GW-5.10] the same send has the same thread, and what is no message has none", async () => {
    const { one, ada, home, a, ask, answer, root } = await setting();
    const { seq: other } = await say(one, ada, home, "other");
    const id = randomUUID();
    const { ref: _, ...sent } = await answer(a, root, { id });
    expect(await answer(a, other, { id })).toMatchObject({ ...sent, duplicate: true });
    expect(await answer(a, 1, { id })).toMatchObject({ ...sent, duplicate: true });
    const refused = { op: "error", code: "bad_request", field: "thread" };
    for (const none of [0, 1, 999]) expect(await answer(a, none)).toMatchObject(refused);
    await one.useCases.messages.remove(ada.actor, home.token, other);
    expect(await answer(a, other)).toMatchObject(refused);
    expect(await ask(a, { op: "send", id: "x", text: "x", thread: "1" })).toMatchObject(refused);
  });

  test("[GW-6.11] a page of a thread has its answers; the root tells how many, the last one and the unread", async () => {
    const { one, ada, home, a, b, ask, answer, page, at, root } = await setting();
    const [x, y] = [await answer(b, root), await answer(b, root)];
    await say(one, ada, home, "between");
    const z = await answer(b, root);
    const own = await answer(a, root);
    expect((await page({ thread: root })).seqs).toEqual([x.seq, y.seq, z.seq, own.seq]);
    expect((await page({ thread: y.seq })).seqs).toEqual([x.seq, y.seq, z.seq, own.seq]);
    expect(await page({ thread: root, limit: 2 })).toMatchObject({ seqs: [z.seq, own.seq], more: true });
    expect(await page({ thread: root, after: x.seq, limit: 2 })).toMatchObject({
      seqs: [y.seq, z.seq],
      more: true,
    });
    expect(await page({ thread: root, before: y.seq })).toMatchObject({ seqs: [x.seq], more: false });
    expect(await at(root)).toEqual({
      text: "root",
      thread: { count: 4, lastSeq: own.seq, lastAt: own.at, unread: 0 },
    });
    const bobs = (await ask(b, { op: "history", after: root - 1, limit: 1 })) as { events?: Events } & Frame;
    expect(bobs.events?.[0]?.data.thread).toMatchObject({ count: 4, unread: 1 });
    expect(await page({ thread: 999 })).toMatchObject({ code: "not_found", field: "thread" });
    expect(await page({ thread: root, around: x.seq })).toMatchObject({
      code: "bad_request",
      field: "thread",
    });
  });

  test("[GW-6.11] a deleted answer is counted no more; a deleted root keeps its thread while it has answers", async () => {
    const { one, ada, bob, home, b, answer, page, at, root } = await setting();
    const { messages } = one.useCases;
    const [x, y] = [await answer(b, root), await answer(b, root)];
    await messages.remove(bob.actor, home.token, y.seq);
    expect(await at(y.seq)).toEqual({ text: "", deleted: true, thread: root });
    const told = (await page()).events.find(({ type }) => type === "message.deleted");
    expect(told?.data).toEqual({ seq: y.seq, thread: root });
    expect(await at(root)).toMatchObject({ thread: { count: 1, lastSeq: x.seq, lastAt: x.at, unread: 1 } });
    await messages.remove(ada.actor, home.token, root);
    expect(await at(root)).toMatchObject({ text: "", deleted: true, thread: { count: 1 } });
    expect((await page({ thread: root })).seqs).toEqual([x.seq]);
    const z = await answer(b, root);
    expect(z).toMatchObject({ op: "ok", thread: root });
    for (const { seq } of [x, z]) await messages.remove(bob.actor, home.token, seq);
    expect(await at(root)).toEqual({ text: "", deleted: true });
  });

  test("[GW-6.12] a thread is read by itself, and with the room; other sessions hear of it", async () => {
    const { one, ada, home, a, b, ask, answer, at, root } = await setting();
    await ask(a, { op: "read", seq: root });
    const [x, y] = [await answer(b, root), await answer(b, root)];
    const phone = await raw(one);
    await phone.hello(ada.token);
    const read = await ask(a, { op: "read", seq: x.seq, thread: y.seq });
    const thread = { seq: root, read: x.seq, unread: 1 };
    expect(read).toMatchObject({ op: "ok", read: root, unread: 2, mention: 0, thread });
    expect(await phone.next(is("unread"))).toMatchObject({ room: home.token, read: root, unread: 2, thread });
    expect(await ask(a, { op: "read", seq: root, thread: root })).toMatchObject({ thread });
    expect(await at(root)).toMatchObject({ thread: { unread: 1 } });
    const refused = { op: "error", code: "bad_request", field: "seq" };
    expect(await ask(a, { op: "read", seq: y.seq + 1, thread: root })).toMatchObject(refused);
    expect(await ask(a, { op: "read", seq: 1, thread: 1 })).toMatchObject({
      code: "not_found",
      field: "thread",
    });
    await ask(a, { op: "read", seq: y.seq });
    expect(await at(root)).toMatchObject({ thread: { unread: 0 } });
  });

  test("[GW-5.10] APIs without threads show an answer as a reply to the first message, or to the one that it names", async () => {
    const { one, ada, home, b, answer, root } = await setting();
    const first = await answer(b, root);
    const second = await answer(b, root, { replyTo: first.seq });
    const { entries } = await one.useCases.timeline.page(ada.actor, home.token, { after: root, limit: 2 });
    expect(entries.map(({ message }) => message?.parent?.seq)).toEqual([root, first.seq]);
    expect(second.thread).toBe(root);
  });

  describe("what is not seen", () => {
    test("who joined later sees the answers since then, and not the message with which the thread begins", async () => {
      const { one, ada, home, b, ask, answer, root } = await setting();
      const before = await answer(b, root);
      const late = await person(one, "Late");
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
        { member: late.actor, role: "user" },
      ]);
      const after = await answer(b, root);
      const c = await raw(one);
      await c.hello(late.token);
      const seen = (await ask(c, { op: "history", thread: root })) as { events?: Events } & Frame;
      expect(seen.events?.map(({ seq }) => seq)).toEqual([after.seq]);
      expect(await answer(c, before.seq)).toMatchObject({ code: "bad_request", field: "thread" });
      expect(await answer(c, after.seq)).toMatchObject({ op: "ok", thread: root });
    });
  });
});
