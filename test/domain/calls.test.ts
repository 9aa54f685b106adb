import { expect, test } from "vitest";
import { CALL_TTL_MS } from "../../src/domain/calls.ts";
import { DomainError } from "../../src/domain/errors.ts";
import type { HotState } from "../../src/domain/ports/hot.ts";
import { describeDomain, refused, type World } from "./world.ts";

async function callStory(world: World, room: { id: number }): Promise<string[]> {
  return (await world.story(room)).filter((line) => line.startsWith("call."));
}

const away = () => Promise.reject(new DomainError("unavailable"));

describeDomain("calls", (world) => {
  test("the first to join starts the call and the last to leave ends it, once each", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    expect(await calls.join(ada.actor, room.token, "s1", 3)).toEqual({
      flags: 3,
      participants: [{ session: "s1", actor: ada.actor, flags: 3 }],
    });
    expect(await calls.join(bob.actor, room.token, "s2", 5)).toMatchObject({ flags: 7 });
    expect(await calls.join(bob.actor, room.token, "s2", 1)).toMatchObject({ flags: 3 });
    await calls.leave(ada.actor, room.token, "s1");
    expect(await callStory(world, room)).toEqual(["call.started"]);
    expect(await calls.leave(bob.actor, room.token, "s2")).toEqual({ flags: 0, participants: [] });
    await calls.leave(bob.actor, room.token, "s2");
    expect(await callStory(world, room)).toEqual(["call.started", "call.ended"]);
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
    expect(await callStory(world, room)).toEqual(["call.started", "call.ended"]);
  });

  test("who joins while the last one leaves never ends up in a call that the log says is over", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { calls } = world.useCases;
    for (let i = 0; i < 20; i++) {
      await calls.join(ada.actor, room.token, "a", 1);
      await Promise.all([calls.leave(ada.actor, room.token, "a"), calls.join(ada.actor, room.token, "b", 1)]);
      expect((await callStory(world, room)).at(-1)).toBe("call.started");
      await calls.leave(ada.actor, room.token, "b");
      expect((await callStory(world, room)).at(-1)).toBe("call.ended");
    }
    const story = await callStory(world, room);
    expect(story.every((line, i) => line === (i % 2 === 0 ? "call.started" : "call.ended"))).toBe(true);
  });

  test.each([0, 8, -1, 1.5, Number.NaN])("flags %s are refused", async (flags) => {
    const ada = await world.person();
    const room = await world.group([ada]);
    await refused(world.useCases.calls.join(ada.actor, room.token, "s", flags), "bad_request", "flags");
  });

  test("strangers can't join, and nobody joins in a locked room", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { calls, conversations } = world.useCases;
    await refused(calls.join(bob.actor, room.token, "s", 1), "not_found", "room");
    await conversations.setReadOnly(ada.actor, room.token, true);
    await refused(calls.join(ada.actor, room.token, "s", 1), "read_only");
  });

  test("a session that is gone leaves every call it was in", async () => {
    const ada = await world.person();
    const rooms = [await world.group([ada]), await world.group([ada]), await world.group([ada])];
    const { calls } = world.useCases;
    for (const room of rooms.slice(0, 2)) await calls.join(ada.actor, room.token, "gone", 1);
    await calls.sessionGone(
      ada.actor,
      "gone",
      rooms.map(({ id }) => id),
    );
    const stories = await Promise.all(rooms.map((room) => callStory(world, room)));
    expect(stories).toEqual([["call.started", "call.ended"], ["call.started", "call.ended"], []]);
  });

  test("who is removed from the room is out of its call", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { calls, conversations } = world.useCases;
    await calls.join(bob.actor, room.token, "phone", 1);
    await calls.join(bob.actor, room.token, "laptop", 1);
    await conversations.removeMember(ada.actor, room.token, bob.actor);
    expect(await world.hot.calls.get(room.id)).toEqual({ flags: 0, participants: [] });
    expect(await callStory(world, room)).toEqual(["call.started", "call.ended"]);
  });

  test("the sweep ends a call whose participants decayed, at the second look", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const calls = world.another().calls;
    await calls.join(ada.actor, room.token, "lost", 1);
    await calls.sweep();
    world.clock.now += CALL_TTL_MS;
    await calls.sweep();
    expect(await callStory(world, room)).toEqual(["call.started"]);
    world.clock.now += 10_000;
    await Promise.all([calls.sweep(), calls.sweep()]);
    expect(await callStory(world, room)).toEqual(["call.started", "call.ended"]);
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
    expect(await callStory(world, room)).toEqual(["call.started"]);
    await calls.leave(ada.actor, room.token, "s");
  });

  test("a call that was taken for dead is in the log again with the next one who joins", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { calls } = world.useCases;
    const { conversationId } = (await world.store.rooms.access(room.token, `u:${ada.id}`))!.membership;
    await world.hot.calls.put(
      conversationId,
      { session: "s", actor: ada.actor, flags: 1 },
      world.clock.now,
      CALL_TTL_MS,
    );
    await calls.join(bob.actor, room.token, "t", 1);
    expect(await callStory(world, room)).toEqual(["call.started"]);
  });

  test("without hot state joining is unavailable, and nothing is in the log", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const hot: HotState = { ...world.hot, calls: { ...world.hot.calls, put: away, remove: away, get: away } };
    const { calls } = world.another({ hot });
    await refused(calls.join(ada.actor, room.token, "s", 1), "unavailable");
    await refused(calls.leave(ada.actor, room.token, "s"), "unavailable");
    await calls.sessionGone(ada.actor, "s", [room.id]);
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

describeDomain("presence", (world) => {
  test("a ping tells where the member was not active before", async () => {
    const ada = await world.person();
    const { presence } = world.useCases;
    expect(await presence.ping(ada.actor, [901, 902])).toEqual([901, 902]);
    expect(await presence.ping(ada.actor, [901, 903])).toEqual([903]);
    await presence.close(ada.actor, [901]);
    expect(await presence.ping(ada.actor, [901])).toEqual([901]);
  });

  test("typing is told once per change, to members only", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { presence } = world.useCases;
    expect(await presence.typing(ada.actor, room.token, true)).toBe(true);
    expect(await presence.typing(ada.actor, room.token, true)).toBe(false);
    expect(await presence.typing(ada.actor, room.token, false)).toBe(true);
    await refused(presence.typing(bob.actor, room.token, true), "not_found", "room");
  });

  test("who was removed elsewhere can type for some seconds at most", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { presence } = world.useCases;
    await presence.typing(bob.actor, room.token, true);
    await world.another().conversations.removeMember(ada.actor, room.token, bob.actor);
    world.clock.now += 6_000;
    await refused(presence.typing(bob.actor, room.token, true), "not_found", "room");
  });

  test("without hot state nobody is active and nobody types, and nothing fails", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const presence = { ...world.hot.presence, ping: away, leave: away };
    const typing = { ...world.hot.typing, set: away };
    const useCases = world.another({ hot: { ...world.hot, presence, typing } });
    expect(await useCases.presence.ping(ada.actor, [room.id])).toEqual([]);
    await useCases.presence.close(ada.actor, [room.id]);
    expect(await useCases.presence.typing(ada.actor, room.token, true)).toBe(false);
  });
});
