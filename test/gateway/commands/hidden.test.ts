/** [GW-13.7] to [GW-13.9]: messages that a user hides for themselves. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

interface Entry {
  room: string;
  unread: number;
  mention: number;
  last: { seq: number } | null;
  pinned: number[];
}

describeWith("postgres", "hiding a message for oneself", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;
    let refs = 0;

    /** Ada with three sessions and Bob with one, in a room where Bob wrote twice. */
    const setting = async () => {
      started ??= node({ transport });
      const one = await started;
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const first = await say(one, bob, home, "first");
      const second = await say(one, bob, home, "second");
      const [laptop, phone, bobs] = [await raw(one), await raw(one), await raw(one)];
      const ready = await laptop.hello(ada.token);
      await phone.hello(ada.token);
      await bobs.hello(bob.token);
      const ask = (client: RawClient, op: string, more: object = {}): Promise<Frame> =>
        client.ask({ op, ref: refs++, room: home.token, ...more });
      // Asking passes over frames that come before the answer, so that the others are asked nothing meanwhile.
      const tablet = await raw(one);
      await tablet.hello(ada.token);
      const hide = (seq: number) => ask(tablet, "delete", { seq, forMe: true });
      const seqs = async (client: RawClient, more: object = {}) =>
        ((await ask(client, "history", more)).events as Frame[])
          .filter(({ type }) => type === "message")
          .map(({ seq }) => seq);
      return { one, ada, bob, home, first, second, laptop, phone, bobs, ready, ask, hide, seqs };
    };
    const is =
      (op: string) =>
      ({ op: said }: Frame) =>
        said === op;

    test("[GW-13.7] [GW-13.8] it is gone from one's sessions, history, search and counts; nobody else sees it", async () => {
      const { home, first, second, phone, laptop, bobs, ask, hide, seqs } = await setting();
      const answer = await hide(second.seq);
      expect(answer).toEqual({ op: "ok", ref: answer.ref, room: home.token });
      for (const client of [phone, laptop]) {
        expect(await client.next(is("hidden"))).toEqual({
          ...{ op: "hidden", room: home.token, seqs: [second.seq], no: 1 },
        });
        const counts = { read: expect.any(Number), unread: 1, mention: 0, head: second.seq };
        expect(await client.next(is("unread"))).toEqual({ op: "unread", room: home.token, ...counts });
        const { room } = (await client.next(is("room"))) as unknown as { room: Entry };
        expect(room).toMatchObject({ unread: 1, last: { seq: first.seq } });
      }
      expect(await seqs(phone)).toEqual([first.seq]);
      expect(await seqs(bobs)).toEqual([first.seq, second.seq]);
      expect(await ask(phone, "search", { text: "second" })).toMatchObject({ hits: [] });
      expect(await ask(phone, "search", { text: "first" })).toMatchObject({ hits: [{}] });
      expect(await ask(bobs, "search", { text: "second" })).toMatchObject({ hits: [{}] });
      expect(await ask(phone, "history", { around: second.seq })).toMatchObject({ code: "not_found" });
      await ask(bobs, "send", { id: randomUUID(), text: "third" });
      await bobs.next(({ type }) => type === "message");
      expect(bobs.pending().filter(({ op }) => op === "hidden" || op === "room")).toEqual([]);
      expect(await ask(phone, "read", { seq: 0 })).toMatchObject({ unread: 2 });
    });

    test("[GW-13.7] hiding again changes nothing; what is no message, or not to be seen, is refused", async () => {
      const { one, first, laptop, hide, ask } = await setting();
      await hide(first.seq);
      expect(await hide(first.seq)).toMatchObject({ op: "ok", duplicate: true });
      expect(await hide(first.seq - 1)).toMatchObject({ code: "bad_request", field: "seq" });
      expect(await hide(99)).toMatchObject({ code: "not_found", field: "seq" });
      expect(await ask(laptop, "delete", { seq: first.seq, forMe: "yes" })).toMatchObject({
        ...{ code: "bad_request", field: "forMe" },
      });
      const stranger = await raw(one);
      await stranger.hello((await person(one, "Eve")).token);
      const strange = await ask(stranger, "delete", { seq: first.seq, forMe: true });
      expect(strange).toMatchObject({ code: "not_found", field: "room" });
    });

    test("[GW-13.7] what is said of it later is not shown, and neither is it where it was answered or pinned", async () => {
      const { ada, home, second, first, laptop, bobs, ask, hide } = await setting();
      await hide(second.seq);
      await ask(bobs, "edit", { seq: second.seq, text: "changed" });
      await ask(bobs, "react", { seq: second.seq, name: "👍" });
      await ask(laptop, "pin", { seq: second.seq });
      await ask(bobs, "send", { id: randomUUID(), text: "an answer", replyTo: second.seq });
      const { events } = (await ask(laptop, "history", { after: first.seq })) as unknown as {
        events: { type: string; data: Record<string, unknown> }[];
      };
      const types = ["message.edited", "reaction.added", "message.pinned", "message"];
      expect(events.map(({ type }) => type)).toEqual(types);
      for (const { data } of events.slice(0, 3)) expect(data).toEqual({ seq: second.seq, hidden: true });
      expect(events[3]?.data).not.toHaveProperty("reply");
      const other = await raw(await (started as Promise<Node>));
      const { rooms } = (await other.hello(ada.token)) as unknown as { rooms: Entry[] };
      expect(rooms.find(({ room }) => room === home.token)?.pinned).toEqual([]);
      const { events: bobsEvents } = (await ask(bobs, "history", { after: first.seq })) as unknown as {
        events: { data: object }[];
      };
      expect(bobsEvents.at(-1)?.data).toMatchObject({ reply: { text: "changed" } });
    });

    test("[GW-13.8] deleted for all later it stays gone, and who counts by themselves is told the count", async () => {
      const { second, phone, laptop, bobs, hide, ask, seqs, first } = await setting();
      await hide(second.seq);
      await phone.next(is("unread"));
      await ask(bobs, "delete", { seq: second.seq });
      const { seq: head } = await phone.next(({ type }) => type === "message.deleted");
      const counts = { unread: 1, head };
      expect(await phone.next(is("unread"))).toMatchObject(counts);
      expect(await seqs(laptop)).toEqual([first.seq]);
      expect(await hide(second.seq)).toMatchObject({ duplicate: true });
    });

    test("[GW-13.9] ready tells what a client that resumes may not know of, and only that", async () => {
      const { one, ada, home, first, second, laptop, ready, hide } = await setting();
      expect(ready).not.toHaveProperty("hidden");
      const come = async (hidden?: number, seq = second.seq, at: number = second.at) => {
        const session = await raw(one);
        const resume = { epoch: ready.epoch, rooms: { [home.token]: { seq, at } } };
        const answer = await session.hello(ada.token, {
          resume: { ...resume, ...(hidden !== undefined && { hidden }) },
        });
        await session.drop();
        return answer.hidden;
      };
      expect(await come()).toBeUndefined();
      await hide(second.seq);
      expect(await come(0)).toEqual({ no: 1, rooms: { [home.token]: [second.seq] } });
      expect(await come(1)).toEqual({ no: 1, rooms: {} });
      await hide(first.seq);
      expect(await come(1)).toEqual({ no: 2, rooms: { [home.token]: [first.seq] } });
      expect(await come()).toEqual({ no: 2, rooms: { [home.token]: [first.seq, second.seq] } });
      // The message is still to come: its event follows, so that it is told once more.
      expect(await come(2, first.seq, first.at)).toEqual({ no: 2, rooms: { [home.token]: [second.seq] } });
      const fresh = await raw(one);
      expect((await fresh.hello(ada.token)).hidden).toEqual({ no: 2, rooms: {} });
      expect(await laptop.next(is("hidden"))).toMatchObject({ no: 1 });
    });
  });
});
