import { beforeAll, expect, test } from "vitest";
import { HEARTBEAT_GRACE_MS } from "../../../src/domain/context/hot-age.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { CALL_TTL_MS } from "../../../src/domain/live/calls.ts";
import type { HotState } from "../../../src/domain/ports/hot.ts";
import { describeDomain, refused, type World } from "../world.ts";

/** What the log tells of calls: who did what. */
async function callStory(world: World, room: { id: number }): Promise<string[]> {
  const events = (await world.events(room)).filter(({ type }) => type.startsWith("call."));
  return events.map(({ type, actor, dataJson }) => {
    expect(dataJson).toBe("{}");
    return `${actor.name} ${type.slice("call.".length)}`;
  });
}

/** Who is in the call after what the log tells; nobody joins or leaves twice, and a call ends empty. */
function inCall(story: string[]): string[] {
  const callers = new Set<string>();
  let runs = false;
  for (const line of story) {
    const [name = "", what] = line.split(" ");
    expect(runs).toBe(what !== "started");
    runs = what !== "ended";
    if (!runs) expect([...callers]).toEqual([]);
    else if (what === "left") expect(callers.delete(name)).toBe(true);
    else {
      expect(callers.has(name)).toBe(false);
      callers.add(name);
    }
  }
  return [...callers];
}

const away = () => Promise.reject(new DomainError("unavailable"));

describeDomain("calls", (world) => {
  // Hot state is whole for long.
  beforeAll(() => {
    world.clock.now += HEARTBEAT_GRACE_MS;
  });

  test("the first to join starts the call and the last to leave ends it, once each; others join and leave", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    expect(await calls.join(ada.actor, room.token, "s1", 3)).toEqual({
      flags: 3,
      participants: [{ session: "s1", actor: ada.actor, flags: 3 }],
    });
    expect(await calls.join(bob.actor, room.token, "s2", 5)).toMatchObject({ flags: 7 });
    expect(await calls.join(bob.actor, room.token, "s2", 1)).toMatchObject({ flags: 3 });
    await calls.leave(ada.actor, room.token, "s1");
    const before = ["Ada started", "Bob joined", "Ada left"];
    expect(await callStory(world, room)).toEqual(before);
    expect(await calls.leave(bob.actor, room.token, "s2")).toEqual({ flags: 0, participants: [] });
    await calls.leave(bob.actor, room.token, "s2");
    await calls.leave(ada.actor, room.token, "s1");
    expect(await callStory(world, room)).toEqual([...before, "Bob left", "Bob ended"]);
  });

  test("a member's further sessions, and their flags, are not told; only the last one leaves", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    await calls.join(ada.actor, room.token, "a", 1);
    for (const session of ["phone", "laptop", "phone"]) await calls.join(bob.actor, room.token, session, 1);
    await calls.join(bob.actor, room.token, "laptop", 7);
    await calls.leave(bob.actor, room.token, "phone");
    expect(await callStory(world, room)).toEqual(["Ada started", "Bob joined"]);
    await calls.sessionGone(bob.actor, "laptop", [room]);
    await calls.join(bob.actor, room.token, "phone", 1);
    const story = ["Ada started", "Bob joined", "Bob left", "Bob joined"];
    expect(await callStory(world, room)).toEqual(story);
  });

  test("nobody's unread count and nobody's mark is moved by who comes and goes", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    const listed = async () => {
      const [listing] = await world.store.roomLists.list(`u:${ada.id}`);
      return { last: listing?.last, unread: listing!.head.messages - listing!.membership.readMessages };
    };
    const before = await listed();
    for (const { actor } of [ada, bob]) await calls.join(actor, room.token, `${actor.id}`, 1);
    for (const { actor } of [ada, bob]) await calls.leave(actor, room.token, `${actor.id}`);
    expect(await listed()).toEqual(before);
  });

  test("twenty sessions that join at once, and leave at once, make one call", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const processes = [world.useCases, world.another()];
    const sessions = Array.from({ length: 20 }, (_, i) => ({
      session: `s${i}`,
      calls: processes[i % 2]!.calls,
    }));
    await Promise.all(sessions.map(({ session, calls }) => calls.join(ada.actor, room.token, session, 1)));
    await Promise.all(sessions.map(({ session, calls }) => calls.leave(ada.actor, room.token, session)));
    expect(await callStory(world, room)).toEqual(["Ada started", "Ada left", "Ada ended"]);
  });

  test("ten members who join at once, and leave at once, each join and leave once", async () => {
    const people = await Promise.all(Array.from({ length: 10 }, (_, i) => world.person(`P${i}`)));
    const room = await world.group(people);
    const sessions = people.flatMap(({ actor }, i) => [
      { actor, session: `${actor.id}-phone`, calls: world.useCases.calls, i },
      { actor, session: `${actor.id}-laptop`, calls: world.another().calls, i },
    ]);
    await Promise.all(sessions.map((one) => one.calls.join(one.actor, room.token, one.session, 1)));
    const joined = await callStory(world, room);
    expect(joined[0]).toMatch(/^P\d started$/);
    const names = (story: string[]) => story.map((line) => line.split(" ")[0]).sort();
    expect(joined.slice(1).every((line) => line.endsWith(" joined"))).toBe(true);
    expect(names(joined)).toEqual(people.map(({ actor }) => actor.name).sort());
    await Promise.all(sessions.map((one) => one.calls.leave(one.actor, room.token, one.session)));
    const left = (await callStory(world, room)).slice(10);
    expect(left).toHaveLength(11);
    expect(left.at(-1)).toMatch(/^P\d ended$/);
    expect(left.slice(0, -1).every((line) => line.endsWith(" left"))).toBe(true);
    expect(names(left.slice(0, -1))).toEqual(names(joined));
  });

  test("who joins while the last one leaves never ends up in a call that the log says is over", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    for (let i = 0; i < 20; i++) {
      await calls.join(ada.actor, room.token, "a", 1);
      const next = i % 2 === 0 ? ada.actor : bob.actor;
      await Promise.all([calls.leave(ada.actor, room.token, "a"), calls.join(next, room.token, "b", 1)]);
      expect(inCall(await callStory(world, room))).toEqual([next.name]);
      await calls.leave(next, room.token, "b");
      expect((await callStory(world, room)).at(-1)).toBe(`${next.name} ended`);
      expect(inCall(await callStory(world, room))).toEqual([]);
    }
  });

  test.each([0, 8, -1, 1.5, Number.NaN])("flags %s are refused", async (flags) => {
    const ada = await world.person();
    const room = await world.group([ada]);
    await refused(world.useCases.calls.join(ada.actor, room.token, "s", flags), "bad_request", "flags");
  });

  test("strangers can't join, and nobody joins in a locked room", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { calls, roomLifecycle } = world.useCases;
    await refused(calls.join(bob.actor, room.token, "s", 1), "not_found", "room");
    await roomLifecycle.setReadOnly(ada.actor, room.token, true);
    await refused(calls.join(ada.actor, room.token, "s", 1), "read_only");
  });

  test("a session that is gone leaves every call it was in", async () => {
    const ada = await world.person();
    const rooms = [await world.group([ada]), await world.group([ada]), await world.group([ada])];
    const { calls } = world.useCases;
    for (const room of rooms.slice(0, 2)) await calls.join(ada.actor, room.token, "gone", 1);
    await calls.sessionGone(ada.actor, "gone", rooms);
    const stories = await Promise.all(rooms.map((room) => callStory(world, room)));
    const story = ["Ada started", "Ada left", "Ada ended"];
    expect(stories).toEqual([story, story, []]);
  });

  test("who is removed from the room is out of its call", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls, roomLifecycle } = world.useCases;
    await calls.join(bob.actor, room.token, "phone", 1);
    await calls.join(bob.actor, room.token, "laptop", 1);
    await roomLifecycle.removeMember(ada.actor, room.token, bob.actor);
    expect(await world.hot.calls.get(room.id)).toEqual({ flags: 0, participants: [] });
    expect(await callStory(world, room)).toEqual(["Bob started", "Bob left", "Bob ended"]);
  });

  test("the sweep ends a call whose participants decayed, at the second look", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const calls = world.another().calls;
    await calls.join(ada.actor, room.token, "lost", 1);
    await calls.sweep();
    world.clock.now += CALL_TTL_MS;
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["Ada started"]);
    world.clock.now += 10_000;
    await Promise.all([calls.sweep(), calls.sweep()]);
    expect(await callStory(world, room)).toEqual(["Ada started", "Ada left", "Causeway ended"]);
  });

  test("the sweep lets one leave who decayed while others stay, at the second look", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const calls = world.another().calls;
    await calls.join(ada.actor, room.token, "stays", 1, 10 * CALL_TTL_MS);
    await calls.join(bob.actor, room.token, "lost", 1);
    world.clock.now += CALL_TTL_MS;
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["Ada started", "Bob joined"]);
    world.clock.now += 10_000;
    await Promise.all([calls.sweep(), calls.sweep()]);
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["Ada started", "Bob joined", "Bob left"]);
    await calls.leave(ada.actor, room.token, "stays");
  });

  test("who decayed and comes back before anybody missed them has neither left nor joined", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const calls = world.another().calls;
    for (const { actor } of [ada, bob]) await calls.join(actor, room.token, `${actor.id}`, 1);
    world.clock.now += CALL_TTL_MS;
    await calls.sweep();
    for (const { actor } of [bob, ada]) await calls.join(actor, room.token, `${actor.id}`, 1);
    world.clock.now += 10_000;
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["Ada started", "Bob joined"]);
    for (const { actor } of [ada, bob]) await calls.leave(actor, room.token, `${actor.id}`);
  });

  test("who leaves after a loss of hot state has left, and the last one who is known leaves for all", async () => {
    const people = [await world.person("Ada"), await world.person("Bob"), await world.person("Cy")];
    const [ada, bob, cy] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
    const room = await world.group(people);
    const { calls } = world.useCases;
    for (const { actor } of people) await calls.join(actor, room.token, `${actor.id}`, 1);
    for (const { actor } of people) await world.hot.calls.remove(room.id, `${actor.id}`);
    await calls.leave(ada.actor, room.token, `${ada.id}`);
    const story = ["Ada started", "Bob joined", "Cy joined", "Ada left"];
    expect(await callStory(world, room)).toEqual(story);
    await calls.join(bob.actor, room.token, `${bob.id}`, 1);
    expect(await callStory(world, room)).toEqual(story);
    await calls.leave(bob.actor, room.token, `${bob.id}`);
    expect(await callStory(world, room)).toEqual([...story, "Cy left", "Bob left", "Bob ended"]);
    await calls.leave(cy.actor, room.token, `${cy.id}`);
    expect(await callStory(world, room)).toHaveLength(7);
  });

  test("a call whose participants come back after a loss of hot state goes on", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const calls = world.another().calls;
    await calls.join(ada.actor, room.token, "s", 1);
    await world.hot.calls.remove(room.id, "s");
    await calls.sweep();
    await calls.join(ada.actor, room.token, "s", 1);
    world.clock.now += 10_000;
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["Ada started"]);
    await calls.leave(ada.actor, room.token, "s");
  });

  test("a call that was taken for dead is in the log again with the next one who joins", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    const { roomId } = (await world.store.rooms.access(room.token, `u:${ada.id}`))!.membership;
    await world.hot.calls.put(
      roomId,
      { session: "s", actor: ada.actor, flags: 1 },
      world.clock.now,
      CALL_TTL_MS,
    );
    await calls.join(bob.actor, room.token, "t", 1);
    await calls.join(ada.actor, room.token, "s", 3);
    expect(await callStory(world, room)).toEqual(["Bob started", "Ada joined"]);
  });

  test("without hot state joining is unavailable, and nothing is in the log", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const hot: HotState = { ...world.hot, calls: { ...world.hot.calls, put: away, remove: away, get: away } };
    const { calls } = world.another({ hot });
    await refused(calls.join(ada.actor, room.token, "s", 1), "unavailable");
    await refused(calls.leave(ada.actor, room.token, "s"), "unavailable");
    await calls.sessionGone(ada.actor, "s", [room]);
    expect(await callStory(world, room)).toEqual([]);
  });

  test("who could not be put into the log is not in the call", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { calls } = world.another({ store: { ...world.store, transaction: away } });
    await refused(calls.join(ada.actor, room.token, "s", 1), "unavailable");
    expect(await world.hot.calls.get(room.id)).toEqual({ flags: 0, participants: [] });
  });
});
