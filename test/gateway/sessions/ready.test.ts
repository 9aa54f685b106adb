/** What hello costs: counted, because a storm of clients that come back multiplies it. */
import { expect, test } from "vitest";
import type { HotState } from "../../../src/domain/ports/hot.ts";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import { describeWith } from "../../services/need.ts";
import { newRoom } from "../../store/fixtures.ts";
import { metric, type Node, type Person, person, room, say, site } from "../fixtures.ts";

/** Counts calls that are round trips with Redis. */
function counting(hot: HotState): { hot: HotState; trips: () => string[] } {
  const trips: string[] = [];
  const counted = <T extends object>(name: string, part: T): T =>
    new Proxy(part, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          // The gateway sweeps by itself; nobody waits for it.
          if (key !== "sweep") trips.push(`${name}.${String(key)}`);
          return Reflect.apply(value, target, given);
        };
      },
    });
  const parts = Object.entries(hot).map(([name, part]) => [
    name,
    typeof part === "object" ? counted(name, part as object) : part,
  ]);
  return { hot: Object.fromEntries(parts) as HotState, trips: () => trips.splice(0) };
}

async function manyRooms({ store }: Node, { id, actor }: Person, count: number): Promise<void> {
  await store.transaction(async (tx) => {
    for (let n = 0; n < count; n++) {
      const made = await tx.createRoom(newRoom({ name: `Room ${n}` }));
      await tx.putMembers(made.id, [{ member: `u:${id}`, userId: id, name: actor.name, role: "user" }]);
      await tx.appendEvents(made.id, [
        { type: "member.joined", actor, data: { member: actor, role: "user" } },
      ]);
    }
  });
}

describeWith("postgres", "hello", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  test("[GW-2.3] of a user with 500 rooms needs one query beside the token's and two looks at hot state", async () => {
    const memory = createMemoryHot();
    const { hot, trips } = counting(memory.hot);
    const one = await node({ shared: { hot, bus: memory.bus } });
    const ada = await person(one, "Ada");
    await manyRooms(one, ada, 500);
    const client = await raw(one);
    const before = one.store.stats().statements;
    trips();
    const ready = await client.hello(ada.token);
    const statements = one.store.stats().statements - before;
    expect(ready.rooms).toHaveLength(500);
    expect(statements).toBe(2);
    // The registry of sessions is written in its own time.
    expect(trips().filter((trip) => trip !== "sessions.put")).toEqual(["presence.lastPings", "calls.flags"]);
  });

  test("[GW-7.1] that resumes 20 rooms needs one query more for what was missed", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const rooms = [];
    for (let n = 0; n < 20; n++) rooms.push(await room(one, [ada, bob]));
    const seen: Record<string, number> = {};
    for (const each of rooms) seen[each.token] = (await say(one, ada, each, "seen")).seq;
    for (const each of rooms) for (let n = 0; n < 5; n++) await say(one, ada, each, `missed ${n}`);
    // Somebody else is here already: what hello costs is only its own.
    await (await raw(one)).hello(ada.token);
    const client = await raw(one);
    const before = one.store.stats().statements;
    const ready = await client.hello(bob.token, { resume: { epoch: one.store.epoch, rooms: seen } });
    for (let n = 0; n < 100; n++) await client.next(({ op }) => op === "event");
    const statements = one.store.stats().statements - before;
    expect((ready.resumed as { recovered: boolean }[]).every(({ recovered }) => recovered)).toBe(true);
    // Token, rooms, missed events; at most one look of the head probe falls into this.
    expect(statements).toBeLessThanOrEqual(4);
    expect(await metric(one, "causeway_resumes_total", { recovered: "true" })).toBe(20);
  });

  test("works without hot state, and sends too", async () => {
    const memory = createMemoryHot();
    const away = async () => {
      throw new Error("hot state is away");
    };
    const hot: HotState = {
      ...memory.hot,
      presence: { ...memory.hot.presence, lastPings: away },
      calls: { ...memory.hot.calls, flags: away },
      sessions: { ...memory.hot.sessions, put: away, remove: away },
    };
    const one = await node({ shared: { hot, bus: memory.bus } });
    const ada = await person(one, "Ada");
    const home = await room(one, [ada]);
    const client = await raw(one);
    expect(await client.hello(ada.token)).toMatchObject({ op: "ready", rooms: [{ lastPing: 0, call: 0 }] });
    expect(await client.ask({ op: "send", ref: 1, room: home.token, id: "a", text: "hi" })).toMatchObject({
      op: "ok",
    });
  });

  test("sessions are in the registry while they live", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const client = await raw(one);
    const { session } = await client.hello(ada.token, { device: "phone" });
    const until = async (wanted: number) => {
      for (;;) {
        const found = await one.hot.sessions.ofUser(ada.id);
        if (found.length === wanted) return found;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    expect(await until(1)).toMatchObject([{ id: session, userId: ada.id, device: "phone" }]);
    await client.drop();
    await until(0);
  });

  test("/metrics tells what the gateway does", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const [a, b] = [await raw(one), await raw(one)];
    await a.hello(ada.token);
    await b.hello(bob.token);
    await a.ask({ op: "send", ref: 1, room: home.token, id: "a", text: "hi" });
    await a.ask({ op: "send", ref: 2, room: "nowhere1", id: "a", text: "hi" });
    await b.next(({ op }) => op === "event");
    expect(await metric(one, "causeway_connections")).toBe(2);
    expect(await metric(one, "causeway_sessions")).toBe(2);
    expect(await metric(one, "causeway_sends_total")).toBe(1);
    expect(await metric(one, "causeway_deliveries_total")).toBe(2);
    expect(await metric(one, "causeway_commands_total", { op: "send", outcome: "ok" })).toBe(1);
    expect(await metric(one, "causeway_commands_total", { op: "send", outcome: "not_found" })).toBe(1);
    expect(await one.registry.metrics()).toContain("causeway_ack_seconds_bucket");
  });
});
