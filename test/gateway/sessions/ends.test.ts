/** How connections end, and what bounds what a client can grow. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { describeWith } from "../../services/need.ts";
import { metric, person, room, say, site, TRANSPORTS } from "../fixtures.ts";

/** A store whose appends wait until they are let go. */
function holding(): { wrap: (store: PostgresStore) => PostgresStore; release: () => void } {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const wrap = (store: PostgresStore): PostgresStore => ({
    ...store,
    sql: store.sql,
    log: {
      ...store.log,
      append: async (message) => {
        await released;
        return store.log.append(message);
      },
    },
  });
  return { wrap, release };
}

describeWith("postgres", "the end of a connection", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw, client } = site(postgres.url);

    test("[GW-10.3] a silent client is closed with 4001, and one that pings is not", async () => {
      const one = await node({ transport, gateway: { heartbeatMs: 1_000 } });
      const ada = await person(one, "Ada");
      const [silent, loud, wsPings] = [await raw(one), await raw(one), await raw(one)];
      for (const each of [silent, loud, wsPings])
        expect(await each.hello(ada.token)).toMatchObject({ heartbeatMs: 1_000 });
      const signs = setInterval(() => {
        loud.say({ op: "ping", ref: 1 });
        wsPings.socket.ping();
      }, 300);
      expect(await silent.next(({ op }) => op === "bye")).toMatchObject({
        code: 4001,
        reconnectMs: expect.any(Number),
      });
      expect((await silent.closed).code).toBe(4001);
      clearInterval(signs);
      for (const each of [loud, wsPings])
        expect(await each.ask({ op: "ping", ref: 2 })).toMatchObject({ op: "ok" });
    });

    test("[GW-10.4] a client that does not read is closed with 4002, misses nothing, and slows nobody", async () => {
      const one = await node({ transport });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const [slow, quick] = [client("slow", bob.token), client("quick", ada.token)];
      const stuck = await raw(one);
      const { epoch, rooms } = await stuck.hello(bob.token);
      const [{ head }] = rooms as [{ head: number }];
      await quick.connect(one.url);
      stuck.socket.pause();
      const text = "x".repeat(16_000);
      const sent: Promise<unknown>[] = [];
      let seq = 0;
      while ((await metric(one, "causeway_slow_consumers_closed_total")) === 0) {
        sent.push(say(one, ada, home, text).then((result) => (seq = Math.max(seq, result.seq))));
        if (sent.length % 50 === 0) await Promise.all(sent);
        expect(sent.length).toBeLessThan(5_000);
      }
      await Promise.all(sent);
      await quick.until("everything", () => quick.last(home.token) === seq);
      expect(quick.faults).toEqual([]);
      stuck.socket.resume();
      const got: number[] = [];
      const closed = stuck.closed;
      for (let isOpen = true; isOpen; ) {
        const frame = await stuck.next(({ op }) => op === "event").catch(() => null);
        if (frame) got.push(Number(frame.seq));
        else isOpen = false;
      }
      expect((await closed).code).toBe(4002);
      expect(got).toEqual(got.map((_, n) => head + 1 + n));
      // It comes back with what it has, and gets the rest: nothing was left out.
      const back = await raw(one);
      const last = got.at(-1) ?? head;
      const ready = await back.hello(bob.token, { resume: { epoch, rooms: { [home.token]: last } } });
      expect(ready.resumed).toEqual([{ room: home.token, recovered: true, from: last + 1, head: seq }]);
      for (let next = last + 1; next <= seq; next++)
        expect((await back.next(({ op }) => op === "event")).seq).toBe(next);
      await slow.connect(one.url);
    }, 60_000);

    test("[GW-3.5] more commands than may be under way are busy, and cost the others nothing", async () => {
      const held = holding();
      const one = await node({ transport, store: held.wrap });
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const a = await raw(one);
      await a.hello(ada.token);
      for (let n = 0; n < 1_100; n++)
        a.say({ op: "send", ref: n, room: home.token, id: randomUUID(), text: "x" });
      for (let n = 1_024; n < 1_100; n++) {
        expect(await a.next()).toMatchObject({
          op: "error",
          ref: n,
          code: "busy",
          retry: true,
          retryAfterMs: expect.any(Number),
        });
      }
      expect(one.gateway.stats().queued).toBe(1_024);
      held.release();
      const oks = new Set<unknown>();
      while (oks.size < 1_024) oks.add((await a.next(({ op }) => op === "ok")).ref);
      expect(one.gateway.stats().queued).toBe(0);
    });

    test("[GW-3.6] a flood of frames is rate_limited, and closed with 4004 when it goes on", async () => {
      const one = await node({ transport, gateway: { rateLimits: true } });
      const ada = await person(one, "Ada");
      const [flood, other] = [await raw(one), await raw(one)];
      for (const each of [flood, other]) await each.hello(ada.token);
      for (let n = 0; n < 1_600; n++) flood.say({ op: "ping", ref: n });
      const refused = await flood.next(({ code }) => code === "rate_limited");
      expect(refused).toMatchObject({ retry: true, retryAfterMs: expect.any(Number) });
      expect(Number(refused.ref)).toBeGreaterThan(380);
      expect((await flood.closed).code).toBe(4004);
      expect(await other.ask({ op: "ping", ref: 1 })).toMatchObject({ op: "ok" });
    });

    test("[GW-2.7] where limits are on a user has 100 sessions on a gateway", async () => {
      const one = await node({ transport, gateway: { rateLimits: true } });
      const ada = await person(one, "Ada");
      const all = await Promise.all(Array.from({ length: 101 }, () => raw(one)));
      const answers = await Promise.all(all.map((each) => each.hello(ada.token)));
      expect(answers.filter(({ op }) => op === "ready")).toHaveLength(100);
      expect(answers.find(({ op }) => op === "error")).toMatchObject({
        code: "rate_limited",
        retryAfterMs: expect.any(Number),
      });
    });

    test("[GW-10.2] [GW-10.5] a gateway that drains answers what is under way, says bye, and takes nobody new", async () => {
      const held = holding();
      const one = await node({ transport, store: held.wrap, gateway: { drainMs: 200 } });
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const sessions = await Promise.all(Array.from({ length: 20 }, () => raw(one)));
      for (const each of sessions) await each.hello(ada.token);
      const [busy] = sessions as [(typeof sessions)[number]];
      busy.say({ op: "send", ref: "last", room: home.token, id: "last", text: "said before the end" });
      while (one.gateway.stats().queued === 0) await new Promise(setImmediate);
      const drained = one.gateway.drain();
      held.release();
      expect(await busy.next(({ ref }) => ref === "last")).toMatchObject({ op: "ok" });
      const waits = new Set<unknown>();
      for (const each of sessions) {
        const bye = await each.next(({ op }) => op === "bye");
        expect(bye).toMatchObject({ code: 4000 });
        waits.add(bye.reconnectMs);
        expect((await each.closed).code).toBe(4000);
      }
      expect(waits.size).toBeGreaterThan(10);
      await drained;
      expect(one.gateway.stats()).toMatchObject({ connections: 0, sessions: 0 });
      await expect(raw(one)).rejects.toThrow(/ECONNREFUSED/);
      await one.gateway.close();
    });
  });
});
