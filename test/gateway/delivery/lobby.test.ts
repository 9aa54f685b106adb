/** [GW-12] What a shut lobby holds back on live connections, and what they hear when it opens. */
import { describe, expect, test, vi } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import type { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import {
  type Node,
  type Person,
  person,
  places,
  type Room,
  room,
  say,
  site,
  TRANSPORTS,
} from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const isEvent = ({ op }: Frame) => op === "event";
const seqsOf = (frames: readonly Frame[], { token }: Room) =>
  frames.filter((frame) => isEvent(frame) && frame.room === token).map(({ seq }) => seq);
const LIMIT = { timeout: 15_000 };

describeWith("postgres", "the lobby", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, raw, client } = site(postgres.url);

    interface Scene {
      here: Node;
      there: Node;
      ada: Person;
      bob: Person;
      /** Ada's room with Bob, and another in which what comes shows that nothing came before. */
      home: Room;
      other: Room;
      a: RawClient;
      b: RawClient;
      b2: RawClient;
    }

    async function scene({ here, there }: { here: Node; there: Node }): Promise<Scene> {
      const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
      const [home, other] = [await room(there, [ada, bob]), await room(there, [ada, bob])];
      const [a, b, b2] = [await raw(here), await raw(here, "json"), await raw(here, "msgpack")];
      await a.hello(ada.token);
      for (const each of [b, b2]) await each.hello(bob.token);
      return { here, there, ada, bob, home, other, a, b, b2 };
    }

    const lobby = ({ there, ada, home }: Scene, on: boolean, until: number | null = null) =>
      there.useCases.roomSettings.setLobby(ada.actor, home.token, { on, until });

    /**
     * What came before a message in the other room, which is said now. Entries of the list are left out: who waits gets
     * those, too [GW-15.4].
     */
    async function until(scene: Scene, client: RawClient): Promise<Frame[]> {
      await say(scene.there, scene.ada, scene.other, "so far");
      const before: Frame[] = [];
      const isMark = (frame: Frame) => frame.room === scene.other.token && isEvent(frame);
      await client.next((frame) => {
        if (!isMark(frame) && frame.op !== "room") before.push(frame);
        return isMark(frame);
      });
      return before;
    }

    /** The next events of the room, with nothing missing between them. */
    async function hear(client: RawClient, { token }: Room, count: number): Promise<Frame[]> {
      const events: Frame[] = [];
      while (events.length < count) {
        events.push(await client.next((frame) => isEvent(frame) && frame.room === token));
      }
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => Number(events[0]?.seq) + n));
      return events;
    }

    describe.each(places(node, { transport }))("shut %s", (_, nodes) => {
      test("[GW-12.1] who waits hears that it is shut, then nothing, and all of it in order when it opens", async () => {
        const now = await scene(await nodes());
        const { there, ada, home, a, b, b2 } = now;
        await lobby(now, true);
        await say(there, ada, home, "for moderators");
        await say(there, ada, home, "more for moderators");
        const heard = await hear(a, home, 3);
        expect(heard.map(({ type }) => type)).toEqual(["room.changed", "message", "message"]);
        for (const each of [b, b2]) {
          expect((await hear(each, home, 1))[0]).toMatchObject({
            type: "room.changed",
            data: { lobby: true },
          });
          expect(seqsOf(await until(now, each), home)).toEqual([]);
        }
        await lobby(now, false);
        await say(there, ada, home, "for all");
        for (const each of [b, b2]) {
          const events = await hear(each, home, 4);
          expect(events[0]?.seq).toBe(heard[1]?.seq);
          expect(events.map(({ type, data }) => (data as { text?: string }).text ?? type)).toEqual([
            ...["for moderators", "more for moderators", "room.changed", "for all"],
          ]);
        }
      });

      test("[GW-12.1] who is made a moderator hears what they missed, and waits again when they are none", async () => {
        const now = await scene(await nodes());
        const { there, ada, bob, home, b, b2 } = now;
        const { setRole } = there.useCases.roomLifecycle;
        await lobby(now, true);
        await say(there, ada, home, "missed");
        await setRole(ada.actor, home.token, bob.actor, "moderator");
        for (const each of [b, b2]) {
          const events = await hear(each, home, 3);
          expect(events.map(({ type }) => type)).toEqual(["room.changed", "message", "member.changed"]);
        }
        await say(there, ada, home, "heard");
        await setRole(ada.actor, home.token, bob.actor, "user");
        for (const each of [b, b2]) {
          expect((await hear(each, home, 2)).map(({ type }) => type)).toEqual(["message", "member.changed"]);
        }
        await say(there, ada, home, "not for Bob");
        for (const each of [b, b2]) expect(seqsOf(await until(now, each), home)).toEqual([]);
      });

      test("[GW-12.4] who is removed while they wait hears their member.left at once and nothing else, also later", async () => {
        const now = await scene(await nodes());
        const { there, ada, bob, home, b, b2 } = now;
        await lobby(now, true);
        await say(there, ada, home, "not for Bob");
        for (const each of [b, b2]) await hear(each, home, 1);
        await there.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
        await lobby(now, false);
        await say(there, ada, home, "not for Bob either");
        for (const each of [b, b2]) {
          const [left] = await hear(each, home, 1);
          expect(left).toMatchObject({ type: "member.left", data: { member: bob.actor } });
          expect(seqsOf(await until(now, each), home)).toEqual([]);
          expect(await each.ask({ op: "open", ref: 1, room: home.token })).toMatchObject({
            code: "not_found",
          });
        }
      });

      test("[GW-12.4] who comes into a room with a shut lobby hears their member.joined, and waits", async () => {
        const now = await scene(await nodes());
        const { there, ada, bob, b, b2 } = now;
        const shut = await room(there, [ada]);
        await lobby({ ...now, home: shut }, true);
        await say(there, ada, shut, "before Bob");
        await there.useCases.roomLifecycle.addMembers(ada.actor, shut.token, [
          { member: bob.actor, role: "user" },
        ]);
        await say(there, ada, shut, "for moderators");
        for (const each of [b, b2]) {
          expect((await hear(each, shut, 1))[0]).toMatchObject({ type: "member.joined" });
          expect(seqsOf(await until(now, each), shut)).toEqual([]);
        }
        await lobby({ ...now, home: shut }, false);
        for (const each of [b, b2]) {
          expect((await hear(each, shut, 2)).map(({ type }) => type)).toEqual(["message", "room.changed"]);
        }
      });

      test("[GW-12.4] a room that is deleted while they wait ends with room.deleted", async () => {
        const now = await scene(await nodes());
        const { there, ada, home, b, b2 } = now;
        await lobby(now, true);
        await say(there, ada, home, "not for Bob");
        for (const each of [b, b2]) await hear(each, home, 1);
        await there.useCases.roomLifecycle.delete(ada.actor, home.token);
        for (const each of [b, b2]) {
          expect((await hear(each, home, 1))[0]).toMatchObject({ type: "room.deleted" });
        }
      });
    });

    const alone = async () => {
      const here = await node({ transport });
      return scene({ here, there: here });
    };

    test("[GW-12.1] a lobby whose time has come lets in", async () => {
      const now = await alone();
      const { there, ada, home, b } = now;
      const opensAt = Date.now() + 60_000;
      await lobby(now, true, opensAt);
      await say(there, ada, home, "early");
      expect(await until(now, b)).toHaveLength(1);
      // Put off by its moderators: still shut, though no change of `lobby` itself is told.
      await lobby(now, true, opensAt + 1);
      await there.useCases.roomSettings.sweep(opensAt);
      expect(await until(now, b)).toEqual([]);
      await there.useCases.roomSettings.sweep(opensAt + 1);
      expect((await hear(b, home, 3)).map(({ type }) => type)).toEqual([
        ...["message", "room.changed", "room.changed"],
      ]);
    });

    test("[GW-12.2] typing, presence, receipts and call frames pass by who waits, and commands answer lobby", async () => {
      const now = await alone();
      const { there, ada, home, a, b } = now;
      await b.ask({ op: "open", ref: 1, room: home.token });
      const { seq } = await say(there, ada, home, "read me");
      await lobby(now, true);
      await hear(b, home, 2);
      await a.ask({ op: "open", ref: 1, room: home.token });
      await a.ask({ op: "typing", ref: 2, room: home.token, on: true });
      await a.ask({ op: "read", ref: 3, room: home.token, seq });
      await a.ask({ op: "call.join", ref: 4, room: home.token, flags: 3 });
      expect(await until(now, b)).toEqual([]);
      const at = { room: home.token };
      for (const command of [
        { op: "open", ...at },
        { op: "typing", on: true, ...at },
        { op: "history", ...at },
        { op: "read", seq, ...at },
        { op: "send", id: "1", text: "hello", ...at },
        { op: "call.join", flags: 1, ...at },
        { op: "call.leave", ...at },
      ]) {
        expect([command.op, await b.ask({ ref: 9, ...command })]).toMatchObject([
          command.op,
          { op: "error", code: "lobby" },
        ]);
      }
      await lobby(now, false);
      // What was open is open still, and the call that runs is told.
      expect(await b.next(({ op }) => op === "call")).toMatchObject({
        flags: 3,
        participants: [{ actor: ada.actor, flags: 3 }],
      });
      await a.ask({ op: "typing", ref: 5, room: home.token, on: false });
      expect(await b.next(({ op }) => op === "typing")).toMatchObject({ on: false });
    });

    test("[GW-12.2] who is in the call when the lobby is shut leaves it", async () => {
      const now = await alone();
      const { home, a, b } = now;
      await a.ask({ op: "call.join", ref: 1, room: home.token, flags: 1 });
      await b.ask({ op: "call.join", ref: 1, room: home.token, flags: 7 });
      await lobby(now, true);
      const left = await a.next(({ op, flags }) => op === "call" && flags === 1);
      expect(left).toMatchObject({ participants: [{ flags: 1 }] });
    });

    test("[GW-12.3] ready says who waits and nothing of the room; what was missed and its figures come later", async () => {
      const now = await alone();
      const { there, ada, bob, home, a } = now;
      await there.useCases.messages.send(ada.actor, home.token, { id: "m", text: "hi", mentions: ["all"] });
      await lobby(now, true);
      await a.ask({ op: "call.join", ref: 1, room: home.token, flags: 1 });
      const b = await raw(there, "msgpack");
      const ready = await b.hello(bob.token);
      const [shown] = (ready.rooms as Record<string, unknown>[]).filter((each) => each.room === home.token);
      expect(shown).toMatchObject({ waiting: true, unread: 0, mention: 0, last: null, call: 0 });
      const moderator = await a.hello(ada.token).catch(() => null);
      expect(moderator).toMatchObject({ code: "conflict" });
      const again = await raw(there);
      const rooms = (await again.hello(ada.token)).rooms as Record<string, unknown>[];
      expect(rooms.find((each) => each.room === home.token)).not.toHaveProperty("waiting");
      await say(there, ada, home, "missed");
      expect(seqsOf(await until(now, b), home)).toEqual([]);
      await lobby(now, false);
      expect(await b.next((frame) => frame.room === home.token)).toMatchObject({
        ...{ op: "unread", unread: 1, mention: 1 },
      });
      const [first] = await hear(b, home, 2);
      expect(first).toMatchObject({ seq: Number(shown?.head) + 1, data: { text: "missed" } });
    });

    test("[GW-12.3] who resumes while they wait is recovered, and gets everything after their last seq when it opens", async () => {
      const now = await alone();
      const { there, ada, bob, home } = now;
      const b = client("bob", bob.token, "msgpack");
      await b.connect(there.url);
      await b.drop();
      const last = b.last(home.token);
      await say(there, ada, home, "before the lobby");
      await lobby(now, true);
      await say(there, ada, home, "in the lobby");
      const { resumed } = await b.connect(there.url);
      expect(resumed?.find((each) => each.room === home.token)).toMatchObject({
        ...{ recovered: true, from: last + 1, head: last + 3 },
      });
      await say(there, ada, now.other, "so far");
      await b.message(now.other.token, "so far");
      expect(b.last(home.token)).toBe(last);
      await lobby(now, false);
      await b.until("the opening", () => b.last(home.token) === last + 4);
      expect(b.faults).toEqual([]);
    });

    test.each([false, true])(
      "[GW-12.1] who was still reading the log hears it up to the shutting (removed then: %s)",
      async (removed) => {
        const shared = createMemoryHot();
        const there = await node({ transport, shared });
        let held = -1;
        let release = () => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const slow = (store: PostgresStore): PostgresStore => {
          const rangeMany: typeof store.log.rangeMany = async (wanted, limit) => {
            if (wanted.some(({ after }) => after === held)) await released;
            return await store.log.rangeMany(wanted, limit);
          };
          return { ...store, sql: store.sql, log: { ...store.log, rangeMany } };
        };
        const now = await scene({ here: there, there });
        const { ada, bob, home, other } = now;
        await say(there, ada, home, "seen");
        const { seq } = await say(there, ada, home, "missed");
        held = seq - 1;
        const here = await node({ transport, shared, store: slow });
        const [a, b] = [await raw(here), await raw(here)];
        await a.hello(ada.token);
        const { epoch } = there.store;
        await b.hello(bob.token, { resume: { epoch, rooms: { [home.token]: held } } });
        await lobby(now, true);
        await say(there, ada, home, "for moderators");
        if (removed) await there.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
        await say(there, ada, home, "more for moderators");
        await hear(a, home, removed ? 4 : 3);
        release();
        await hear(b, home, 2);
        const rest = await until({ ...now, here, other }, b);
        expect(rest.filter(isEvent).map(({ type }) => type)).toEqual(removed ? ["member.left"] : []);
      },
    );

    test("[GW-12.1] a gateway that can't ask who waits lets nobody hear more until it can", async () => {
      let fails = false;
      const unsure = (store: PostgresStore): PostgresStore => {
        const roles: typeof store.memberships.roles = async (...what) => {
          if (fails) throw new Error("away");
          return await store.memberships.roles(...what);
        };
        return { ...store, sql: store.sql, memberships: { ...store.memberships, roles } };
      };
      const here = await node({ transport, store: unsure });
      const now = await scene({ here, there: here });
      const { ada, home, a, b } = now;
      fails = true;
      await lobby(now, true);
      await say(here, ada, home, "for moderators");
      for (const each of [a, b]) expect(await until(now, each)).toHaveLength(1);
      fails = false;
      await hear(a, home, 1);
      expect(await until(now, b)).toEqual([]);
    });

    test("[GW-12.1] [GW-4.2] a lobby that opens and shuts all the time, with many who talk, makes no gap and no double", async () => {
      const shared = createMemoryHot();
      const nodes = [await node({ transport, shared }), await node({ transport, shared })] as const;
      const [ada, bob, eve] = [
        await person(nodes[0], "Ada"),
        await person(nodes[0], "Bob"),
        await person(nodes[0], "Eve"),
      ];
      const home = await room(nodes[0], [ada, bob, eve]);
      const clients: SocketClient[] = [];
      for (const [n, who] of [ada, bob, eve, bob].entries()) {
        const each = client(`${who.name}-${n}`, who.token, n % 2 === 0 ? "json" : "msgpack");
        await each.connect((nodes[n % 2] as Node).url);
        clients.push(each);
      }
      const { setLobby } = nodes[0].useCases.roomSettings;
      const { setRole } = nodes[1].useCases.roomLifecycle;
      let over = false;
      const talk = async (there: Node, n: number) => {
        for (let i = 0; !over; i++) await say(there, ada, home, `${n}-${i}`);
      };
      const talking = [talk(nodes[0], 0), talk(nodes[1], 1), talk(nodes[1], 2)];
      for (let round = 0; round < 40; round++) {
        await setLobby(ada.actor, home.token, { on: true });
        if (round % 5 === 0) await setRole(ada.actor, home.token, eve.actor, "moderator");
        if (round % 5 === 2) await setRole(ada.actor, home.token, eve.actor, "user");
        if (round % 7 === 3) {
          const comes = clients[round % 4] as SocketClient;
          await comes.drop();
          await comes.connect((nodes[round % 2] as Node).url);
        }
        await setLobby(ada.actor, home.token, { on: false });
      }
      over = true;
      await Promise.all(talking);
      const [head] = await nodes[0].store.log.heads([home.id]);
      for (const each of clients)
        await each.until(`${head?.head}`, () => each.last(home.token) === head?.head);
      expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
    });
  });

  describe("and the feed", () => {
    const { node } = site(postgres.url);

    test.each(["on the same gateway", "on another process"])(
      "a user's reader that waits is told nothing until the lobby opens, and its member.left at once, %s",
      async (where) => {
        const shared = createMemoryHot();
        const here = await node({ shared });
        const there = where === "on another process" ? await node({ shared }) : here;
        const [ada, bob] = [await person(there, "Ada"), await person(there, "Bob")];
        const [home, other] = [await room(there, [ada, bob]), await room(there, [ada, bob])];
        const events: LoggedEvent[] = [];
        const typing = vi.fn();
        const reader = { event: (event: LoggedEvent) => void events.push(event), typing };
        await here.gateway.feed.followUser(bob, reader);
        const typesOf = ({ id }: Room) =>
          events.filter(({ roomId }) => roomId === id).map(({ type }) => type);
        const soFar = async () => {
          const { seq } = await say(there, ada, other, "so far");
          const isMark = (event: LoggedEvent) => event.roomId === other.id && event.seq === seq;
          await vi.waitFor(() => expect(events.some(isMark)).toBe(true), LIMIT);
        };
        // The news of their joining may be on its way still.
        await soFar();
        events.length = 0;
        const { setLobby } = there.useCases.roomSettings;
        await setLobby(ada.actor, home.token, { on: true });
        await say(there, ada, home, "for moderators");
        await there.useCases.joining.typing(ada.actor, home.token, true);
        await soFar();
        expect(typesOf(home)).toEqual(["room.changed"]);
        expect(typing).not.toHaveBeenCalled();
        // Who begins to follow while they wait is told nothing either, from where the room stands on.
        const late: LoggedEvent[] = [];
        const { stop } = await (await node({ shared })).gateway.feed.followUser(bob, {
          event: (event) => void late.push(event),
        });
        await say(there, ada, home, "still for moderators");
        await setLobby(ada.actor, home.token, { on: false });
        await vi.waitFor(() => expect(typesOf(home)).toHaveLength(4), LIMIT);
        await vi.waitFor(() => expect(late.map(({ type }) => type)).toContain("room.changed"), LIMIT);
        expect(late.filter(({ roomId }) => roomId === home.id).map(({ type }) => type)).toEqual([
          ...["message", "room.changed"],
        ]);
        stop();
        const seqs = events.filter(({ roomId }) => roomId === home.id).map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.map((__, n) => Number(seqs[0]) + n));
        await setLobby(ada.actor, home.token, { on: true });
        await say(there, ada, home, "not for Bob");
        await there.useCases.roomLifecycle.removeMember(ada.actor, home.token, bob.actor);
        await vi.waitFor(() => expect(typesOf(home).at(-1)).toBe("member.left"), LIMIT);
        expect(typesOf(home).slice(4)).toEqual(["room.changed", "member.left"]);
      },
    );
  });
});
