/** Open rooms, typing, presence, receipts and calls: hot state that sessions show each other. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, say, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const is = (op: string) => (frame: Frame) => frame.op === op;

describeWith("postgres", "looking at rooms", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;

    /** Ada and Bob with a session each, in one room; Bob's speaks MessagePack. */
    const pair = async () => {
      started ??= node({ transport });
      const one = await started;
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const [a, b] = [await raw(one), await raw(one, "msgpack")];
      await a.hello(ada.token);
      await b.hello(bob.token);
      return { one, ada, bob, home, a, b };
    };
    /** Frames that came to the client before its answer to a ping. */
    const sawUntilNow = async (client: RawClient): Promise<string[]> => {
      await client.ask({ op: "ping", ref: "barrier" });
      return client.pending().map(({ op }) => op);
    };
    const inRoom = (op: string, token: string, more: object = {}) => ({ op, ref: op, room: token, ...more });

    test("[GW-8.1] [GW-8.2] typing is shown to sessions that have the room open, and to no others", async () => {
      const { ada, home, a, b } = await pair();
      await a.ask(inRoom("typing", home.token, { on: true }));
      await b.ask(inRoom("open", home.token));
      await a.ask(inRoom("typing", home.token, { on: false }));
      const actor = { kind: "user", id: String(ada.id), name: "Ada" };
      expect(await b.next(is("typing"))).toEqual({ op: "typing", room: home.token, actor, on: false });
      await a.ask(inRoom("typing", home.token, { on: true }));
      expect(await b.next(is("typing"))).toMatchObject({ on: true });
      // Said again, it is no news.
      await a.ask(inRoom("typing", home.token, { on: true }));
      await a.ask(inRoom("typing", home.token, { on: false }));
      expect(await b.next(is("typing"))).toMatchObject({ on: false });
      await b.ask(inRoom("close", home.token));
      await a.ask(inRoom("typing", home.token, { on: true }));
      expect(await sawUntilNow(b)).not.toContain("typing");
      expect(await sawUntilNow(a)).not.toContain("typing");
    });

    test("[GW-8.2] typing ends by itself, and with its session", async () => {
      const { home, a, b } = await pair();
      await b.ask(inRoom("open", home.token));
      await a.ask(inRoom("typing", home.token, { on: true }));
      expect(await b.next(is("typing"))).toMatchObject({ on: true });
      expect(await b.next(is("typing"))).toMatchObject({ on: false });
      await a.ask(inRoom("typing", home.token, { on: true }));
      expect(await b.next(is("typing"))).toMatchObject({ on: true });
      await a.drop();
      expect(await b.next(is("typing"))).toMatchObject({ on: false });
    });

    test("[GW-8.1] who opens a room is told who looks, who types, how far all have read, and who is in the call", async () => {
      const { ada, bob, home, a, b } = await pair();
      const [adas, bobs] = [ada, bob].map(({ id, name }) => ({ kind: "user", id: String(id), name }));
      const empty = await a.ask(inRoom("open", home.token));
      expect(empty).toMatchObject({ op: "ok", present: [adas], typing: [], reads: expect.any(Array) });
      expect(empty).not.toHaveProperty("call");
      await a.ask(inRoom("typing", home.token, { on: true }));
      await a.ask(inRoom("call.join", home.token, { flags: 3 }));
      const { seq } = await a.ask({ ...inRoom("send", home.token), id: "1", text: "read me" });
      const now = await b.ask(inRoom("open", home.token));
      expect(now).toMatchObject({
        typing: [adas],
        call: { flags: 3, participants: [{ actor: adas, flags: 3 }] },
      });
      expect(now.present).toEqual(expect.arrayContaining([adas, bobs]));
      expect(now.reads).toContainEqual({ actor: adas, seq });
      expect((now.reads as { actor: object }[]).map(({ actor }) => actor)).toContainEqual(bobs);
    });

    test("[GW-8.4] a person is gone with their last session, whether it closes the room or is lost", async () => {
      const { one, ada, home, a, b } = await pair();
      await b.ask(inRoom("open", home.token));
      const phone = await raw(one);
      await phone.hello(ada.token);
      const adas = (frame: Frame) =>
        frame.op === "presence" && (frame.actor as { name: string }).name === "Ada";
      for (const session of [a, phone]) await session.ask(inRoom("open", home.token));
      expect(await b.next(adas)).not.toHaveProperty("gone");
      await phone.ask(inRoom("close", home.token));
      expect(await sawUntilNow(b)).not.toContain("presence");
      await phone.ask(inRoom("open", home.token));
      await a.drop();
      await phone.ask(inRoom("close", home.token));
      expect(await b.next(adas)).toMatchObject({
        room: home.token,
        gone: true,
        lastPing: expect.any(Number),
      });
    });

    test("[GW-8.2] who was lost while they typed is shown typing again in their next session, until they are removed", async () => {
      const { one, ada, bob, home, a, b } = await pair();
      await a.ask(inRoom("open", home.token));
      await b.ask(inRoom("typing", home.token, { on: true }));
      expect(await a.next(is("typing"))).toMatchObject({ on: true });
      await b.drop();
      expect(await a.next(is("typing"))).toMatchObject({ on: false });
      const again = await raw(one);
      await again.hello(bob.token);
      await again.ask(inRoom("typing", home.token, { on: true }));
      expect(await a.next(is("typing"))).toMatchObject({ on: true });
      await one.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
      expect(await a.next(is("typing"))).toMatchObject({ on: false });
    });

    test("[GW-8.3] [GW-8.4] ping keeps lastPing fresh, and who comes is shown once", async () => {
      const { one, ada, bob, home, a, b } = await pair();
      await b.ask(inRoom("open", home.token));
      const before = one.useCases.clock.now();
      await a.ask({ op: "ping", ref: 1, rooms: [home.token] });
      const shown = await b.next(
        (frame) => frame.op === "presence" && (frame.actor as { name: string }).name === "Ada",
      );
      expect(shown).toMatchObject({ room: home.token, lastPing: expect.any(Number) });
      await a.ask({ op: "ping", ref: 2, rooms: [home.token] });
      expect(await sawUntilNow(b)).not.toContain("presence");
      const [lastPing] = await one.hot.presence.lastPings(`u:${ada.id}`, [home.id]);
      expect(lastPing).toBeGreaterThanOrEqual(before);
      // A ping without rooms is for the open ones: Ada has none.
      await a.ask({ op: "ping", ref: 3 });
      expect(await one.hot.presence.lastPings(`u:${bob.id}`, [home.id])).not.toEqual([0]);
      const again = await raw(one);
      const { rooms } = await again.hello(ada.token);
      expect(rooms).toMatchObject([{ lastPing: expect.any(Number) }]);
      expect((rooms as { lastPing: number }[])[0]?.lastPing).toBeGreaterThanOrEqual(before);
    });

    test("[GW-8.5] a read marker that moved is shown to who has the room open", async () => {
      const { one, ada, bob, home, a, b } = await pair();
      const { seq } = await say(one, ada, home, "read me");
      await a.ask(inRoom("open", home.token));
      await b.ask(inRoom("read", home.token, { seq }));
      const actor = { kind: "user", id: String(bob.id), name: "Bob" };
      expect(await a.next(is("receipt"))).toEqual({
        ...{ op: "receipt", room: home.token, actor, read: seq, delivered: seq },
      });
      await b.ask(inRoom("read", home.token, { seq }));
      expect(await sawUntilNow(a)).not.toContain("receipt");
    });

    test("[GW-9.1] [GW-9.3] a call has one participant per session, the OR of their flags, and one start and end", async () => {
      const { one, ada, bob, home, a, b } = await pair();
      const join = await a.ask(inRoom("call.join", home.token, { flags: 3 }));
      const actorA = { kind: "user", id: String(ada.id), name: "Ada" };
      const actorB = { kind: "user", id: String(bob.id), name: "Bob" };
      const session = expect.any(String);
      const alone = { room: home.token, flags: 3, participants: [{ session, actor: actorA, flags: 3 }] };
      expect(join).toEqual({ op: "ok", ref: "call.join", ...alone });
      // Bob has not opened the room: calls ring everywhere.
      expect(await b.next(is("event"))).toMatchObject({ type: "call.started", actor: actorA, data: {} });
      await b.ask(inRoom("call.join", home.token, { flags: 5 }));
      const both = await a.next((frame) => frame.op === "call" && frame.flags === 7);
      expect(both.participants).toEqual(
        expect.arrayContaining([
          { session, actor: actorA, flags: 3 },
          { session, actor: actorB, flags: 5 },
        ]),
      );
      const { rooms } = await (await raw(one)).hello(ada.token);
      expect(rooms).toMatchObject([{ call: 7 }]);
      await b.ask(inRoom("call.flags", home.token, { flags: 1 }));
      expect(await a.next((frame) => frame.op === "call" && frame.flags === 3)).toBeTruthy();
      await a.ask(inRoom("call.leave", home.token));
      await b.ask(inRoom("call.leave", home.token));
      await b.ask(inRoom("call.leave", home.token));
      expect(await a.next((frame) => frame.op === "call" && frame.flags === 0)).toMatchObject({
        participants: [],
      });
      const { events } = await one.useCases.messages.history(ada.actor, home.token, { limit: 200 });
      expect(events.map(({ type }) => type).filter((type) => type.startsWith("call"))).toEqual([
        "call.started",
        "call.joined",
        "call.left",
        "call.left",
        "call.ended",
      ]);
    });

    test("[GW-9.1] flags need a call that was joined, and lie between 1 and 7", async () => {
      const { home, a } = await pair();
      expect(await a.ask(inRoom("call.flags", home.token, { flags: 1 }))).toMatchObject({ code: "conflict" });
      expect(await a.ask(inRoom("call.join", home.token, { flags: 8 }))).toMatchObject({
        code: "bad_request",
        field: "flags",
      });
    });

    test("[GW-9.2] who says goodbye leaves the call at once", async () => {
      const { home, a, b } = await pair();
      await a.ask(inRoom("call.join", home.token, { flags: 1 }));
      await b.next((frame) => frame.op === "call" && frame.flags === 1);
      a.socket.close(1000);
      expect(await b.next((frame) => frame.op === "call" && frame.flags === 0)).toMatchObject({
        participants: [],
      });
      const event = (type: string) => b.next((frame) => frame.op === "event" && frame.type === type);
      expect(await event("call.left")).toMatchObject({ actor: { name: "Ada" }, data: {} });
      expect(await event("call.ended")).toMatchObject({ actor: { name: "Ada" }, data: {} });
    });

    test("[GW-9.2] who is lost leaves the call a little later", async () => {
      const { home, a, b } = await pair();
      await a.ask(inRoom("call.join", home.token, { flags: 1 }));
      await b.next((frame) => frame.op === "call" && frame.flags === 1);
      await a.drop();
      expect(await b.next((frame) => frame.op === "call" && frame.flags === 0)).toMatchObject({
        participants: [],
      });
    });

    test("calls that hot state forgot are put back by the session's heartbeat", async () => {
      const { one, home, a, b } = await pair();
      await a.ask(inRoom("call.join", home.token, { flags: 3 }));
      const session = (await one.hot.calls.get(home.id)).participants[0]!.session;
      await b.next((frame) => frame.op === "call" && frame.flags === 3);
      await one.hot.calls.remove(home.id, session);
      expect(await b.next((frame) => frame.op === "call" && frame.flags === 3)).toBeTruthy();
      expect((await one.hot.calls.get(home.id)).participants).toMatchObject([{ session, flags: 3 }]);
    });
  });
});
