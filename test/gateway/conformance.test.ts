/** PROTOCOL.md, rule by rule, on both transports and both codecs where they differ. */
import { once } from "node:events";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { describeWith } from "../services/need.ts";
import { type Node, person, room, type Room as SiteRoom, say, site, TRANSPORTS } from "./fixtures.ts";

const packr = new Packr({ useRecords: false });

describeWith("postgres", "the protocol", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<Node> | null = null;
    /** The node that all of these share. */
    const shared = () => {
      started ??= node({ transport });
      return started;
    };
    /** A connection that has said hello, with its user and a room. */
    const session = async (codec: "json" | "msgpack" = "json") => {
      const one = await shared();
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const client = await raw(one, codec);
      const ready = await client.hello(ada.token);
      return { one, ada, home, client, ready };
    };
    const ping = { op: "ping", ref: "still here" };
    const alive = { op: "ok", ref: "still here", at: expect.any(Number) };

    // ── 1. Connection and frames ─────────────────────────────────────────────────────────────────────

    test.each([
      [[], ""],
      [["causeway.v1.json"], "causeway.v1.json"],
      [["other", "causeway.v1.msgpack"], "causeway.v1.msgpack"],
    ])("[GW-1.1] who asks for %j gets %j", async (asked, given) => {
      const { url } = await shared();
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, asked);
      await once(socket, "open");
      expect(socket.protocol).toBe(given);
      socket.terminate();
    });

    test("[GW-1.1] who asks only for others is refused, and told which there are", async () => {
      const { url } = await shared();
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, ["causeway.v9"]);
      const [, answer] = await once(socket, "unexpected-response");
      expect(answer.statusCode).toBe(400);
      let body = "";
      for await (const chunk of answer) body += chunk;
      expect(body).toContain("causeway.v1.json");
    });

    test.each([
      ["json", packr.pack(ping), /binary frames/],
      ["msgpack", JSON.stringify(ping), /text frames/],
    ] as const)("[GW-1.2] %s refuses the other kind of frame", async (codec, frame, message) => {
      const { client } = await session(codec);
      client.bytes(frame);
      expect(await client.next()).toMatchObject({ op: "error", ref: null, code: "bad_request" });
      client.bytes(frame);
      expect((await client.next()).message).toMatch(message);
      expect(await client.ask(ping)).toEqual(alive);
    });

    test.each([
      ["json", "{"],
      ["json", "[]"],
      ["json", "null"],
      ["msgpack", packr.pack([])],
      ["msgpack", new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])],
      ["msgpack", new Uint8Array([0xa2, 0xff, 0xfe])],
    ] as const)(
      "[GW-1.3] [GW-1.6] a malformed frame (%s %j) is bad_request, and the connection lives",
      async (codec, bytes) => {
        const { client } = await session(codec);
        client.bytes(bytes);
        expect(await client.next()).toMatchObject({
          op: "error",
          ref: null,
          code: "bad_request",
          retry: false,
        });
        expect(await client.ask(ping)).toEqual(alive);
      },
    );

    test("[GW-1.3] text that is not UTF-8 ends its connection and no other", async () => {
      const [broken, other] = [await session(), await session()];
      broken.client.socket.send(new Uint8Array([0x22, 0xff, 0x22]), { binary: false });
      expect([1006, 1007]).toContain((await broken.client.closed).code);
      expect(await other.client.ask(ping)).toEqual(alive);
    });

    test.each(["json", "msgpack"] as const)(
      "[GW-1.4] a frame (%s) beyond 64 KiB is too_large, and the connection lives",
      async (codec) => {
        const { client, home } = await session(codec);
        client.say({ op: "send", ref: 1, room: home.token, id: "a", text: "x".repeat(70_000) });
        expect(await client.next()).toMatchObject({
          op: "error",
          ref: null,
          code: "too_large",
          retry: false,
        });
        expect(await client.ask(ping)).toEqual(alive);
      },
    );

    test("[GW-1.4] fragments count together, and make one frame", async () => {
      const { client, home } = await session();
      const frame = JSON.stringify({ op: "send", ref: 1, room: home.token, id: "a", text: "in three parts" });
      client.socket.send(frame.slice(0, 10), { fin: false });
      client.socket.send(frame.slice(10, 30), { fin: false });
      client.socket.send(frame.slice(30), { fin: true });
      expect(await client.next((answer) => answer.ref === 1)).toMatchObject({ op: "ok" });
      for (let part = 0; part < 4; part++) client.socket.send("x".repeat(20_000), { fin: false });
      client.socket.send("x", { fin: true });
      expect(await client.next((answer) => answer.op === "error")).toMatchObject({
        ref: null,
        code: "too_large",
      });
      expect(await client.ask(ping)).toEqual(alive);
    });

    test("[GW-1.4] a frame beyond 256 KiB cuts its connection and no other", async () => {
      const [huge, other] = [await session(), await session()];
      huge.client.bytes("x".repeat(300_000));
      expect([1006, 1009]).toContain((await huge.client.closed).code);
      expect(await other.client.ask(ping)).toEqual(alive);
    });

    // ── 2. Hello ─────────────────────────────────────────────────────────────────────────────────────

    test.each([ping, { op: "shout", ref: "still here" }])(
      "[GW-2.1] %j before hello is unauthorized and closes with 4501",
      async (frame) => {
        const client = await raw(await shared());
        client.say(frame);
        expect(await client.next()).toMatchObject({ op: "error", ref: "still here", code: "unauthorized" });
        expect(await client.closed).toEqual({ code: 4501, reason: "unauthorized" });
      },
    );

    test("[GW-2.1] a malformed frame or hello before hello is bad_request, and hello may follow", async () => {
      const one = await shared();
      const ada = await person(one, "Ada");
      const client = await raw(one);
      client.bytes("{");
      expect(await client.next()).toMatchObject({ ref: null, code: "bad_request" });
      client.say({ op: "hello", ref: 5, token: 7 });
      expect(await client.next()).toMatchObject({ ref: 5, code: "bad_request", field: "token" });
      expect(await client.hello(ada.token)).toMatchObject({ op: "ready" });
    });

    test("[GW-2.2] no hello within 10 s closes with 4003", async () => {
      const client = await raw(await shared());
      expect(await client.next()).toMatchObject({ op: "bye", code: 4003, reconnectMs: expect.any(Number) });
      expect((await client.closed).code).toBe(4003);
    });

    test.each(["json", "msgpack"] as const)(
      "[GW-2.3] ready (%s) says who, where and how things stand",
      async (codec) => {
        const one = await shared();
        const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
        const home = await room(one, [ada, bob], "Home");
        await room(one, [ada], "Quiet");
        const user = await one.store.users.byId(bob.id);
        await say(one, ada, home, "one");
        const { seq } = await one.useCases.messages.send(ada.actor, home.token, {
          id: "x",
          text: "two",
          mentions: [String(bob.id)],
        });
        const client = await raw(one, codec);
        const { rooms, ...ready } = await client.hello(bob.token);
        expect(ready).toEqual({
          op: "ready",
          ref: "hello",
          session: expect.stringMatching(/^.{16,}$/),
          user: {
            ...{
              id: String(bob.id),
              uuid: user?.uuid,
              publicId: user?.publicId,
              handle: user?.handle,
              name: "Bob",
            },
            privacy: { receipts: "everybody", lastSeen: "everybody" },
          },
          blocked: [],
          epoch: one.store.epoch,
          heartbeatMs: 25_000,
        });
        const log = await one.useCases.messages.history(bob.actor, home.token, { limit: 1 });
        expect(rooms).toMatchObject([
          {
            ...{
              room: home.token,
              name: "Home",
              type: "group",
              role: "user",
              head: seq,
              unread: 2,
              mention: 1,
            },
            at: log.events[0]?.at,
            ...{ read: seq - 2, delivered: seq - 2, rev: expect.any(Number), members: 2 },
            ids: { id: String(home.id), uuid: expect.any(String), publicId: expect.any(String) },
            ...{ lastPing: 0, call: 0, readOnly: false, lobby: false, hasPassword: false, pinned: [] },
            settings: {
              ...{ muted: false, pinned: false, archived: false, favorite: false, notify: "mentions" },
            },
            last: {
              ...{ op: "event", room: home.token, seq, type: "message", id: "x", at: log.events[0]?.at },
              actor: { kind: "user", id: String(ada.id), name: "Ada" },
              data: { text: "two", mentions: [String(bob.id)] },
            },
          },
        ]);
      },
    );

    test("[GW-2.4] a wrong token is unauthorized and closes with 4501", async () => {
      const client = await raw(await shared());
      expect(await client.hello("nobody's")).toMatchObject({
        op: "error",
        code: "unauthorized",
        retry: false,
      });
      expect((await client.closed).code).toBe(4501);
    });

    test("[GW-2.4] an organization's token opens no session", async () => {
      const one = await shared();
      const organization = await one.useCases.directory.createOrganization({ name: "Org" });
      const { token } = await one.useCases.directory.createToken({
        organizationId: organization.id,
        name: "t",
      });
      const client = await raw(one);
      expect(await client.hello(token)).toMatchObject({
        op: "error",
        code: "unauthorized",
        message: expect.stringContaining("organization"),
      });
    });

    test("[GW-2.5] frames that follow hello at once are answered after ready", async () => {
      const one = await shared();
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const client = await raw(one);
      client.say({ op: "hello", ref: 0, token: ada.token });
      for (let n = 1; n <= 70; n++)
        client.say({ op: "send", ref: n, room: home.token, id: `${n}`, text: `${n}` });
      const answers = new Map<unknown, string>();
      const order: unknown[] = [];
      while (answers.size < 71) {
        const { op, ref, code } = await client.next((frame) => frame.ref !== undefined);
        answers.set(ref, op === "error" ? String(code) : op);
        order.push(ref);
      }
      expect(answers.get(0)).toBe("ready");
      const outcomes = Array.from({ length: 70 }, (_, n) => answers.get(n + 1));
      expect(outcomes).toEqual([...Array(64).fill("ok"), ...Array(6).fill("busy")]);
      expect(order.indexOf(0)).toBeLessThan(order.indexOf(1));
    });

    test("[GW-2.6] a second hello is conflict", async () => {
      const { client, ada } = await session();
      expect(await client.hello(ada.token)).toMatchObject({ op: "error", code: "conflict" });
      expect(await client.ask(ping)).toEqual(alive);
    });

    // ── 3. Commands and answers ──────────────────────────────────────────────────────────────────────

    test("[GW-3.4] unknown ops and fields are bad_request and named, and the connection lives", async () => {
      const { client, home } = await session();
      expect(await client.ask({ op: "shout", ref: 1 })).toMatchObject({
        code: "bad_request",
        field: "op",
      });
      const odd = { op: "open", ref: 2, room: home.token, loudly: true };
      expect(await client.ask(odd)).toMatchObject({ code: "bad_request", field: "loudly" });
      client.say({ op: "ping" });
      expect(await client.next()).toMatchObject({
        op: "error",
        ref: null,
        code: "bad_request",
        field: "ref",
      });
      expect(await client.ask(ping)).toEqual(alive);
    });

    test("[GW-3.7] unknown and foreign rooms are both not_found", async () => {
      const { one, client } = await session();
      const stranger = await person(one, "Eve");
      const foreign = await room(one, [stranger]);
      const answers = [];
      for (const token of [foreign.token, "nowhere1", "", "\0", "x".repeat(1_000)]) {
        for (const frame of [
          { op: "send", id: "a", text: "hi" },
          { op: "history" },
          { op: "read", seq: 1 },
          { op: "open" },
          { op: "close" },
          { op: "typing", on: true },
          { op: "call.join", flags: 1 },
          { op: "call.leave" },
          { op: "call.signal", to: "nobody", data: {} },
        ]) {
          answers.push(await client.ask({ ...frame, ref: answers.length, room: token }));
        }
        answers.push(await client.ask({ op: "ping", ref: "p", rooms: [token] }));
      }
      for (const { code, retry } of answers)
        expect({ code, retry }).toEqual({ code: "not_found", retry: false });
    });

    // ── 5 and 6. Send, history, read ─────────────────────────────────────────────────────────────────

    test("[GW-5.2] the same id returns the first result, whatever the text, and stands once in the log", async () => {
      const { client, home } = await session();
      const send = { op: "send", room: home.token, id: "mine", text: "first" };
      const first = await client.ask({ ...send, ref: 1 });
      expect(first).toEqual({
        op: "ok",
        ref: 1,
        room: home.token,
        seq: expect.any(Number),
        at: expect.any(Number),
      });
      const again = await client.ask({ ...send, ref: 2, text: "second" });
      expect(again).toEqual({ ...first, ref: 2, duplicate: true });
      const { events } = await client.ask({ op: "history", ref: 3, room: home.token });
      const texts = (events as { type: string; data: { text: string } }[]).filter(
        ({ type }) => type === "message",
      );
      expect(texts.map(({ data }) => data.text)).toEqual(["first"]);
    });

    test("[GW-5.4] texts, ids and mentions have bounds", async () => {
      const { client, home } = await session();
      const send = { op: "send", room: home.token, id: "a", text: "x" };
      const cases: [object, string][] = [
        [{ text: "" }, "text"],
        [{ text: " \u200b\u202e" }, "text"],
        [{ text: "x".repeat(16_001) }, "text"],
        [{ text: "\ud800" }, "text"],
        [{ id: "" }, "id"],
        [{ id: "x".repeat(65) }, "id"],
        [{ replyTo: 10_000 }, "replyTo"],
        [{ mentions: Array(101).fill("1") }, "mentions"],
      ];
      for (const [n, [change, field]] of cases.entries()) {
        expect(await client.ask({ ...send, ...change, ref: n })).toMatchObject({
          code: "bad_request",
          field,
        });
      }
      expect(await client.ask({ ...send, text: "👋".repeat(16_000), ref: "most" })).toMatchObject({
        op: "ok",
      });
    });

    test.each(["json", "msgpack"] as const)(
      "[GW-6.1] [GW-6.2] history (%s) pages both ways and says whether there is more",
      async (codec) => {
        const { one, ada, client, home } = await session(codec);
        for (let n = 0; n < 60; n++) await say(one, ada, home, `${n}`);
        const page = async (ref: number, more: object) => {
          const answer = await client.ask({ op: "history", ref, room: home.token, ...more });
          const seqs = (answer.events as { seq: number }[] | undefined)?.map(({ seq }) => seq);
          return {
            first: seqs?.[0],
            last: seqs?.at(-1),
            count: seqs?.length,
            more: answer.more,
            code: answer.code,
          };
        };
        const head = (await one.store.log.heads([home.id]))[0]!.head;
        expect(await page(1, {})).toMatchObject({ last: head, count: 50, more: true });
        // The room shows its history from the joining on: room.created is from before it.
        expect(await page(2, { after: 0, limit: 10 })).toMatchObject({ first: 2, last: 11, more: true });
        expect(await page(3, { after: head - 3 })).toMatchObject({
          first: head - 2,
          last: head,
          more: false,
        });
        expect(await page(4, { before: 4 })).toMatchObject({ first: 2, last: 3, more: false });
        expect(await page(5, { after: head })).toMatchObject({ count: 0, more: false });
        expect(await page(6, { before: 5, after: 1 })).toMatchObject({ code: "bad_request" });
      },
    );

    test("[GW-6.5] [GW-2.3] long texts make a page of history shorter, and are cut in the list of rooms", async () => {
      const { one, ada, client, home } = await session();
      const text = `${"x".repeat(499)}👋${"x".repeat(15_000)}`;
      for (let n = 0; n < 60; n++) await say(one, ada, home, text);
      const page = async (ref: number, more: object) => {
        const { events, more: hasMore } = await client.ask({
          op: "history",
          ref,
          room: home.token,
          limit: 200,
          ...more,
        });
        const seqs = (events as { seq: number }[]).map(({ seq }) => seq);
        return { seqs, hasMore };
      };
      const walk = async (
        step: (seen: number[]) => object,
        join: (seen: number[], page: number[]) => number[],
      ) => {
        let seen: number[] = [];
        let pages = 0;
        for (let hasMore = true; hasMore; pages++) {
          const next = await page(pages, step(seen));
          expect(next.seqs.length).toBeLessThan(40);
          seen = join(seen, next.seqs);
          hasMore = next.hasMore === true;
        }
        expect(pages).toBeGreaterThan(1);
        return seen;
      };
      const forth = await walk(
        (seen) => ({ after: seen.at(-1) ?? 0 }),
        (seen, more) => [...seen, ...more],
      );
      const back = await walk(
        (seen) => (seen[0] === undefined ? {} : { before: seen[0] }),
        (seen, more) => [...more, ...seen],
      );
      expect(forth).toEqual(Array.from({ length: 61 }, (_, n) => n + 2));
      expect(back).toEqual(forth);
      const { rooms } = await (await raw(one)).hello(ada.token);
      expect(rooms).toMatchObject([{ last: { data: { text: "x".repeat(499) } } }]);
    });

    test("[GW-6.3] [GW-6.4] the marker never goes back, not past the head, and the user's other sessions follow", async () => {
      const { one, ada, home } = await session();
      const bob = await person(one, "Bob");
      await one.useCases.roomLifecycle.addMembers(ada.actor, home.token, [
        { member: bob.actor, role: "user" },
      ]);
      const seqs: number[] = [];
      for (let n = 0; n < 3; n++) seqs.push((await say(one, ada, home, `${n}`)).seq);
      const [phone, tablet] = [await raw(one), await raw(one, "msgpack")];
      for (const device of [phone, tablet]) await device.hello(bob.token);
      const read = { op: "read", room: home.token };
      expect(await phone.ask({ ...read, ref: 1, seq: seqs[1]! })).toEqual({
        op: "ok",
        ref: 1,
        read: seqs[1],
        unread: 1,
        mention: 0,
      });
      const news = { op: "unread", room: home.token, read: seqs[1], unread: 1, mention: 0 };
      expect(await tablet.next()).toEqual(news);
      expect(await phone.ask({ ...read, ref: 2, seq: 1 })).toMatchObject({ read: seqs[1], unread: 1 });
      expect(await phone.ask({ ...read, ref: 3, seq: seqs[2]! + 1 })).toMatchObject({
        code: "bad_request",
        field: "seq",
      });
      expect(phone.pending()).toEqual([]);
    });

    // ── 7. Resume ────────────────────────────────────────────────────────────────────────────────────

    test("[GW-7.1] [GW-7.2] [GW-7.3] [GW-7.4] resume is recovered, or plainly not", async () => {
      const one = await shared();
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const [stays, returns, foreign] = [
        await room(one, [ada, bob]),
        await room(one, [ada, bob]),
        await room(one, [ada]),
      ];
      const { removeMember, addMembers } = one.useCases.roomLifecycle;
      await removeMember(ada.actor, returns.token, bob.actor);
      await say(one, ada, returns, "not for Bob");
      await addMembers(ada.actor, returns.token, [{ member: bob.actor, role: "user" }]);
      const heads = new Map(
        (await one.store.log.heads([stays.id, returns.id])).map((each) => [each.roomId, each.head]),
      );
      const [head, headOfReturns] = [heads.get(stays.id)!, heads.get(returns.id)!];
      const { epoch } = one.store;
      const resume = async (asked: object) => {
        const client = await raw(one);
        return { client, resumed: (await client.hello(bob.token, { resume: asked })).resumed as object[] };
      };

      const good = await resume({
        epoch,
        rooms: { [stays.token]: head - 1, [returns.token]: 1, [foreign.token]: 2, nowhere1: 3 },
      });
      expect(good.resumed).toEqual(
        expect.arrayContaining([
          { room: stays.token, recovered: true, from: head, head },
          { room: returns.token, recovered: false, from: 2, head: headOfReturns },
          { room: foreign.token, recovered: false, from: 3, head: 0 },
          { room: "nowhere1", recovered: false, from: 4, head: 0 },
        ]),
      );
      expect(await good.client.next()).toMatchObject({ op: "event", room: stays.token, seq: head });

      const elsewhere = await resume({ epoch: "another", rooms: { [stays.token]: head - 1 } });
      expect(elsewhere.resumed).toEqual([{ room: stays.token, recovered: false, from: head, head }]);
      const future = await resume({ epoch, rooms: { [stays.token]: head + 5 } });
      expect(future.resumed).toEqual([{ room: stays.token, recovered: false, from: head + 6, head }]);
      const { seq } = await say(one, ada, stays, "live");
      // [GW-7.5] No old events: the first that comes is the next one of the log.
      for (const { client } of [good, elsewhere, future]) {
        expect(await client.next()).toMatchObject({ op: "event", room: stays.token, seq });
      }
    });

    test("[GW-7.6] a seq with the time of its event is compared with the log, room by room", async () => {
      const one = await shared();
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const rooms = await Promise.all(Array.from({ length: 4 }, () => room(one, [ada, bob])));
      const [whole, behind, cut, atHead] = rooms as SiteRoom[];
      for (const each of rooms) {
        await say(one, ada, each, "one");
        await new Promise((resolve) => setTimeout(resolve, 2));
        await say(one, ada, each, "two");
      }
      const client = await raw(one);
      const listed = (await client.hello(bob.token)).rooms as unknown as {
        room: string;
        head: number;
        at: number;
      }[];
      const { head } = listed[0]!;
      const timeAt = async ({ id }: SiteRoom, seq: number) => (await one.store.log.event(id, seq))!.at;
      expect(listed.map(({ at }) => at)).toEqual(
        await Promise.all(listed.map(({ room }) => timeAt(rooms.find(({ token }) => token === room)!, head))),
      );
      const asked: [SiteRoom, seq: number, at: number, recovered: boolean][] = [
        [whole!, head, await timeAt(whole!, head), true],
        [behind!, head - 1, await timeAt(behind!, head - 1), true],
        [cut!, head - 1, (await timeAt(cut!, head - 1)) - 1, false],
        [atHead!, head, (await timeAt(atHead!, head)) + 1, false],
      ];
      const places = Object.fromEntries(asked.map(([{ token }, seq, at]) => [token, { seq, at }]));
      const again = await raw(one);
      const ready = await again.hello(ada.token, { resume: { epoch: one.store.epoch, rooms: places } });
      expect(ready.resumed).toEqual(
        asked.map(([{ token }, seq, , recovered]) => ({ room: token, recovered, from: seq + 1, head })),
      );

      const bad = await raw(one);
      const refused = await bad.hello(ada.token, {
        resume: { epoch: "e", rooms: { [whole!.token]: { seq: 1 } } },
      });
      expect(refused).toMatchObject({
        op: "error",
        code: "bad_request",
        field: expect.stringContaining("resume.rooms"),
      });
    });
  });
});
