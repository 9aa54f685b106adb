/** Who looks and who types, session by session; and what everybody is told when that ends by itself. */
import { expect, test } from "vitest";
import { HEARTBEAT_GRACE_MS } from "../../../src/domain/context/hot-age.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { CALL_TTL_MS } from "../../../src/domain/live/calls.ts";
import { TYPING_TTL_MS } from "../../../src/domain/live/presence.ts";
import { memberKey, type Room } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { describeDomain, guest, message, type Person, refused, type World } from "../world.ts";

const away = () => Promise.reject(new DomainError("unavailable"));

/** What those who look at the room are told while `work` is done; so much at least. */
async function heardWhile(world: World, room: Room, work: () => Promise<unknown>, count = 0) {
  const heard: Record<string, unknown>[] = [];
  const listen = (bytes: Uint8Array) => void heard.push(JSON.parse(Buffer.from(bytes).toString()));
  await world.bus.subscribe(channels.room(room.id), listen);
  await work();
  // Presence is told when it is known whether the person tells when they were last seen.
  await expect.poll(() => heard.length).toBeGreaterThanOrEqual(count);
  // The bus delivers in order: this comes last.
  world.bus.publish(channels.room(room.id), Buffer.from('{"op":"end"}'));
  await expect.poll(() => heard.at(-1)?.op).toBe("end");
  await world.bus.unsubscribe(channels.room(room.id), listen);
  return heard.slice(0, -1);
}

describeDomain("presence", (world) => {
  test("those who look are told when a person comes and goes, not when one of their sessions does", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { presence } = world.useCases;
    const heard = await heardWhile(
      world,
      room,
      async () => {
        for (const session of ["phone", "laptop", "phone"]) await presence.ping(ada.actor, [room], session);
        expect(await presence.close(ada.actor, [room], "phone")).toEqual([]);
        await presence.close(ada.actor, [room], "phone");
        expect(await presence.close(ada.actor, [room], "laptop")).toEqual([room.id]);
      },
      2,
    );
    const by = { op: "presence", room: room.token, actor: ada.actor, lastPing: world.clock.now };
    expect(heard).toEqual([by, { ...by, gone: true }]);
  });

  test("typing is told once per person and change, to members only", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { presence } = world.useCases;
    const type = (on: boolean, session: string) => presence.typing(ada.actor, room.token, on, session);
    const heard = await heardWhile(world, room, async () => {
      await type(true, "phone");
      await type(true, "phone");
      await type(true, "laptop");
      await presence.stopTyping(ada.actor, [room], "phone");
      await type(false, "phone");
      await type(false, "laptop");
    });
    expect(heard.map(({ op, on }) => [op, on])).toEqual([
      ["typing", true],
      ["typing", false],
    ]);
    await refused(presence.typing(bob.actor, room.token, true, "s"), "not_found", "room");
  });

  test("who types again in a new session, because the one before was lost, is shown", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { presence } = world.useCases;
    const heard = await heardWhile(world, room, async () => {
      await presence.typing(ada.actor, room.token, true, "lost");
      await presence.stopTyping(ada.actor, [room], "lost");
      await presence.typing(ada.actor, room.token, true, "new");
    });
    expect(heard.map(({ on }) => on)).toEqual([true, false, true]);
  });

  test("who was removed elsewhere can type for some seconds at most", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { presence } = world.useCases;
    await presence.typing(bob.actor, room.token, true, "s");
    await world.another().roomLifecycle.removeMember(ada.actor, room.token, bob.actor);
    world.clock.now += 6_000;
    await refused(presence.typing(bob.actor, room.token, true, "s"), "not_found", "room");
  });

  type End = (by: Person, whom: Person, room: Room) => Promise<unknown>;
  test.each<[string, End]>([
    [
      "removed",
      ({ actor }, whom, { token }) => world.useCases.roomLifecycle.removeMember(actor, token, whom.actor),
    ],
    ["deleted", (_, { id }) => world.useCases.directory.deleteUser(id)],
  ])("who is %s while they type and look does neither any more, and all are told", async (_, end) => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { presence } = world.useCases;
    for (const session of ["phone", "laptop"]) {
      await presence.ping(bob.actor, [room], session);
      await presence.typing(bob.actor, room.token, true, session);
    }
    const heard = await heardWhile(world, room, () => end(ada, bob, room));
    expect(heard).toContainEqual({ op: "typing", room: room.token, actor: bob.actor, on: false });
    expect(heard).toContainEqual(expect.objectContaining({ op: "presence", actor: bob.actor, gone: true }));
    const now = await presence.look(room, ada.actor);
    expect([now.present, now.typing]).toEqual([[], []]);
  });

  test("who opens a room is told who looks, who types, who is in the call, and how far all have read", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { presence, calls, messages } = world.useCases;
    const joined = (await world.events(room)).length;
    expect(await presence.look(room, ada.actor)).toMatchObject({ present: [], typing: [], call: null });
    await presence.ping(ada.actor, [room], "s");
    await presence.typing(ada.actor, room.token, true, "s");
    const call = await calls.join(ada.actor, room.token, "s", 3);
    const { seq } = await messages.send(ada.actor, room.token, message());
    expect(await presence.look(room, ada.actor)).toEqual({
      ...{ present: [ada.actor], typing: [ada.actor], call },
      reads: [
        { actor: ada.actor, seq },
        { actor: bob.actor, seq: joined },
      ],
    });
    world.clock.now += TYPING_TTL_MS;
    expect((await presence.look(room, ada.actor)).typing).toEqual([]);
  });

  test("of a room with very many members the 500 who have read furthest are told", async () => {
    const ada = await world.person("Ada");
    const room = await world.group([ada]);
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      const members = Array.from({ length: 600 }, () => ({
        ...{ member: memberKey(guest()), userId: null, name: "Gast", role: "guest" as const },
      }));
      await tx.putMembers(room.id, members);
    });
    const { reads } = await world.useCases.presence.look(room, ada.actor);
    const seqs = reads.map(({ seq }) => seq);
    const furthest = Math.max(...seqs);
    expect(seqs).toEqual(Array.from({ length: 500 }, (_, i) => furthest - i));
  });

  test("without hot state nobody is active and nobody types, and nothing fails", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const presence = { ...world.hot.presence, ping: away, leave: away, active: away, sweep: away };
    const typing = { ...world.hot.typing, set: away, get: away, sweep: away };
    const calls = { ...world.hot.calls, get: away, sweep: away };
    const useCases = world.another({ hot: { ...world.hot, presence, typing, calls } });
    await useCases.presence.ping(ada.actor, [room], "s");
    await useCases.presence.close(ada.actor, [room], "s");
    await useCases.presence.typing(ada.actor, room.token, true, "s");
    await useCases.presence.stopTyping(ada.actor, [room], "s");
    expect(await useCases.presence.look(room, ada.actor)).toMatchObject({
      present: [],
      typing: [],
      call: null,
    });
    for (const tell of Object.values(useCases.decay)) await tell();
  });
});

describeDomain("what ends by itself", (world) => {
  test("is told once, by whichever process finds it: typing, looking, being in the call", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { presence, calls } = world.useCases;
    await calls.join(ada.actor, room.token, "stays", 1, 10 * CALL_TTL_MS);
    // Presence is told when it is known whether the person tells when they were last seen, so its end is awaited here.
    await heardWhile(world, room, () => presence.ping(bob.actor, [room], "lost"), 1);
    await presence.typing(bob.actor, room.token, true, "lost");
    await calls.join(bob.actor, room.token, "lost", 3);
    const lastPing = world.clock.now;
    const processes = [world.another().decay, world.another().decay];
    const told = (part: keyof (typeof processes)[0], count = 0) =>
      heardWhile(world, room, () => Promise.all(processes.map((decay) => decay[part]())), count);
    world.clock.now += TYPING_TTL_MS - 1;
    expect(await told("typing")).toEqual([]);
    world.clock.now += 1;
    const by = { room: room.token, actor: bob.actor };
    expect(await told("typing")).toEqual([{ op: "typing", ...by, on: false }]);
    world.clock.now += CALL_TTL_MS;
    const participants = [{ session: "stays", actor: ada.actor, flags: 1 }];
    expect(await told("calls")).toEqual([{ op: "call", room: room.token, flags: 1, participants }]);
    world.clock.now += 100_000;
    expect(await told("presence", 1)).toEqual([{ op: "presence", ...by, lastPing, gone: true }]);
    await calls.leave(ada.actor, room.token, "stays");
  });

  test("whom the log lets leave a call because they were lost, is followed by how the call is then", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { calls } = world.another();
    world.clock.now += HEARTBEAT_GRACE_MS;
    await calls.join(ada.actor, room.token, "stays", 1, 10 * CALL_TTL_MS);
    await calls.join(bob.actor, room.token, "lost", 3);
    world.clock.now += CALL_TTL_MS;
    await calls.sweep();
    world.clock.now += 10_000;
    const heard = await heardWhile(world, room, () => calls.sweep());
    expect((await world.story(room)).at(-1)).toBe("call.left");
    const participants = [{ session: "stays", actor: ada.actor, flags: 1 }];
    expect(heard).toEqual([{ op: "call", room: room.token, flags: 1, participants }]);
    await calls.leave(ada.actor, room.token, "stays");
  });
});
