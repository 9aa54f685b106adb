/** Sessions of people who joined a room: one for each client, and back again after a loss of hot state. */
import { expect, test } from "vitest";
import { HEARTBEAT_GRACE_MS } from "../../../src/domain/context/hot-age.ts";
import type { Actor, Room } from "../../../src/domain/model.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import { describeDomain, message, refused, type World } from "../world.ts";

const PHONE = { id: "phone.a", part: ":phone.a" };
const LAPTOP = { id: "laptop.a", part: ":laptop.a" };
/** Cookies are lost on the way: it can't be told which of the two it is. */
const EITHER = { id: "new.a", part: ".a" };

/** A public room of Ada's. */
async function plaza(world: World) {
  const ada = await world.person("Ada");
  const room = await world.useCases.roomLifecycle.create(ada.actor, {
    ...{ type: "public", name: "Plaza", history: "shared" },
  });
  return { ada, room, token: room.token };
}

async function visitor({ useCases: { guests, joining } }: World, token: string) {
  const secret = guests.newSecret();
  const actor = await guests.actorOf(secret, token);
  return { secret, actor, join: () => joining.join(actor, token, { secret }) };
}

/** The same people with hot state that is empty, a moment later: a restart, or Redis lost everything. */
async function afterLoss(world: World): Promise<UseCases> {
  world.clock.now += 1;
  return world.another(createMemoryHot({ now: () => world.clock.now }));
}

async function rolesIn(world: World, room: Room): Promise<string> {
  return (await world.people(room)).join();
}

describeDomain("two clients of one person", (world) => {
  const sessionIds = async (actor: Actor, token: string) =>
    (await world.useCases.finding.view(actor, { token })).me.sessions.map(({ sessionId }) => sessionId);

  test("have a session each, and what one leaves the other has still: the room, the call, the membership", async () => {
    const { room, token } = await plaza(world);
    const cy = await world.person("Cy");
    const { joining } = world.useCases;
    const [phone = ""] = (await joining.join(cy.actor, token, { client: PHONE })).me.sessions.map(
      ({ sessionId }) => sessionId,
    );
    await joining.joinCall(cy.actor, token, 3, PHONE);
    await joining.join(cy.actor, token, { client: LAPTOP });
    await joining.joinCall(cy.actor, token, 1, LAPTOP);
    const [first, second, ...more] = await sessionIds(cy.actor, token);
    expect([first, more]).toEqual([phone, []]);
    expect(second).toMatch(/^[\w-]{512}$/);
    expect(second).not.toBe(phone);
    // Joining again is the same session.
    await joining.join(cy.actor, token, { client: PHONE });
    expect(await sessionIds(cy.actor, token)).toEqual([first, second]);
    await joining.leaveCall(cy.actor, token, LAPTOP);
    await joining.leave(cy.actor, token, LAPTOP);
    await joining.leave(cy.actor, token, LAPTOP);
    expect(await sessionIds(cy.actor, token)).toEqual([phone]);
    expect((await world.hot.calls.get(room.id)).participants).toMatchObject([{ flags: 3 }]);
    expect(await rolesIn(world, room)).toContain(`${cy.id} self_joined`);
    await refused(joining.joinCall(cy.actor, token, 1, LAPTOP), "not_found");
    await joining.leave(cy.actor, token, PHONE);
    expect(await rolesIn(world, room)).not.toContain(`${cy.id}`);
    const calls = (await world.story(room)).filter((type) => type.startsWith("call"));
    expect(calls).toEqual(["call.started", "call.left", "call.ended"]);
  });

  test("a session of the WebSocket and one that joined do not end each other", async () => {
    const { room, token } = await plaza(world);
    const cy = await world.person("Cy");
    const { joining, presence, calls } = world.useCases;
    await joining.join(cy.actor, token, { client: PHONE });
    await joining.joinCall(cy.actor, token, 1, PHONE);
    await presence.ping(cy.actor, [room], "socket");
    await calls.join(cy.actor, token, "socket", 2);
    await presence.close(cy.actor, [room], "socket");
    await calls.sessionGone(cy.actor, "socket", [room]);
    expect(await sessionIds(cy.actor, token)).toHaveLength(1);
    expect((await world.hot.calls.get(room.id)).flags).toBe(1);
    await presence.ping(cy.actor, [room], "socket");
    await calls.join(cy.actor, token, "socket", 2);
    await joining.leave(cy.actor, token, PHONE);
    expect((await world.hot.calls.get(room.id)).flags).toBe(2);
    expect((await presence.look(room, cy.actor)).present).toEqual([cy.actor]);
    expect(await rolesIn(world, room)).toContain(`${cy.id} self_joined`);
    await calls.leave(cy.actor, token, "socket");
  });

  test("of several that can't be told apart the one that joined last leaves, and all are kept alive", async () => {
    const { ada, token } = await plaza(world);
    const { joining } = world.useCases;
    await joining.join(ada.actor, token, { client: PHONE });
    world.clock.now += 1_000;
    await joining.join(ada.actor, token, { client: LAPTOP });
    world.clock.now += 90_000;
    expect(await joining.ping(ada.actor, token, EITHER)).toBe(true);
    world.clock.now += 90_000;
    const [phone] = await sessionIds(ada.actor, token);
    await joining.leave(ada.actor, token, EITHER);
    expect(await sessionIds(ada.actor, token)).toEqual([phone]);
    expect(await joining.ping(ada.actor, token, PHONE)).toBe(true);
    expect(await joining.ping(ada.actor, token, LAPTOP)).toBe(false);
    await joining.leave(ada.actor, token, EITHER);
    expect(await sessionIds(ada.actor, token)).toEqual([]);
  });

  test("somebody's clients in a room are bounded: the first to join give way", async () => {
    const { ada, room, token } = await plaza(world);
    for (let i = 0; i < 22; i++) {
      world.clock.now += 1;
      await world.useCases.joining.join(ada.actor, token, { client: { id: `${i}.x`, part: `:${i}.x` } });
    }
    const kept = await world.store.visits.of(room.id, `u:${ada.id}`, "");
    expect(kept.map(({ session }) => session.split(":").at(-1))).toEqual(
      Array.from({ length: 20 }, (_, i) => `${i + 2}.x`),
    );
  });

  test("signaling is for a session, not for a person", async () => {
    const { ada, token } = await plaza(world);
    const { joining, signaling } = world.useCases;
    for (const client of [PHONE, LAPTOP]) await joining.join(ada.actor, token, { client });
    const [phone = "", laptop = ""] = await sessionIds(ada.actor, token);
    await signaling.send(ada.actor, token, [{ from: phone, to: laptop, data: "offer" }], PHONE);
    // In the name of the other client.
    await signaling.send(ada.actor, token, [{ from: laptop, to: laptop, data: "forged" }], PHONE);
    expect((await signaling.take(ada.actor, token, PHONE)).messages).toEqual([]);
    expect(await signaling.take(ada.actor, token, LAPTOP)).toMatchObject({
      ...{ messages: ["offer"], sessionIds: [laptop] },
    });
    await joining.leave(ada.actor, token, LAPTOP);
    await refused(signaling.take(ada.actor, token, LAPTOP), "not_found");
  });
});

describeDomain("after a loss of hot state", (world) => {
  test("a sign of life puts a session back, with its id and its place in the call, which goes on", async () => {
    const { ada, room, token } = await plaza(world);
    const bob = await world.person("Bob");
    const before = world.useCases.joining;
    for (const [actor, client] of [
      [ada.actor, PHONE],
      [ada.actor, LAPTOP],
      [bob.actor, PHONE],
    ] as const)
      await before.join(actor, token, { client });
    const { sessions } = (await world.useCases.finding.view(ada.actor, { token })).me;
    await before.joinCall(ada.actor, token, 3, PHONE);
    await before.joinCall(bob.actor, token, 5, PHONE);
    await before.leave(ada.actor, token, LAPTOP);
    const { joining, calls, finding, signaling } = await afterLoss(world);
    expect((await finding.view(ada.actor, { token })).me.sessions).toEqual([]);
    for (let passed = 0; passed < HEARTBEAT_GRACE_MS - 10_000; passed += 10_000) {
      await calls.sweep();
      world.clock.now += 10_000;
    }
    expect(await joining.ping(ada.actor, token, PHONE)).toBe(true);
    // It left.
    expect(await joining.ping(ada.actor, token, LAPTOP)).toBe(false);
    await calls.sweep();
    expect((await signaling.take(bob.actor, token, PHONE)).room.call.flags).toBe(7);
    const { me, call } = await finding.view(ada.actor, { token });
    expect(me.sessions).toMatchObject([{ sessionId: sessions[0]?.sessionId, callFlags: 3 }]);
    expect(call.participants).toHaveLength(2);
    for (let i = 0; i < 3; i++) {
      world.clock.now += 10_000;
      await calls.sweep();
    }
    const story = (await world.story(room)).filter((type) => type.startsWith("call"));
    expect(story).toEqual(["call.started", "call.joined"]);
  });

  test("who gives no sign of life within a heartbeat has left the call", async () => {
    const { ada, room, token } = await plaza(world);
    await world.useCases.joining.join(ada.actor, token, { client: PHONE });
    await world.useCases.joining.joinCall(ada.actor, token, 1, PHONE);
    const { calls } = await afterLoss(world);
    world.clock.now += HEARTBEAT_GRACE_MS;
    await calls.sweep();
    world.clock.now += 10_000;
    await calls.sweep();
    expect((await world.story(room)).slice(-2)).toEqual(["call.left", "call.ended"]);
  });

  test("nobody is put back who had not joined, who was away before, or who may not be in the call now", async () => {
    const { ada, room, token } = await plaza(world);
    const bob = await world.person("Bob");
    await world.useCases.joining.join(bob.actor, token, { client: PHONE });
    await world.useCases.joining.joinCall(bob.actor, token, 1, PHONE);
    await world.useCases.roomSettings.setReadOnly(ada.actor, token, true);
    const { joining, finding } = await afterLoss(world);
    expect(await joining.ping(ada.actor, token, PHONE)).toBe(false);
    expect(await joining.ping(bob.actor, token, PHONE)).toBe(true);
    expect((await finding.view(bob.actor, { token })).me).toMatchObject({ callFlags: 0 });
    // Silent for longer than sessions live, and not because of a loss.
    world.clock.now += 101_000;
    expect(await joining.ping(bob.actor, token, PHONE)).toBe(false);
    await world.useCases.roomSettings.setReadOnly(ada.actor, token, false);
    expect((await world.store.visits.of(room.id, `u:${bob.id}`, "")).length).toBe(1);
  });

  test("guests who go on polling stay, with no word in the log; who does not is gone after a heartbeat", async () => {
    const { room, token } = await plaza(world);
    const [here, gone] = [await visitor(world, token), await visitor(world, token)];
    for (const one of [here, gone]) await one.join();
    const { guests, joining } = await afterLoss(world);
    await guests.sweep();
    world.clock.now += 30_000;
    expect(await joining.ping(here.actor, token)).toBe(true);
    await guests.sweep();
    expect(await rolesIn(world, room)).toContain(gone.actor.id);
    for (let i = 0; i < 6; i++) {
      world.clock.now += 15_000;
      await joining.ping(here.actor, token);
      await guests.sweep();
    }
    const roles = await rolesIn(world, room);
    expect(roles).toContain(here.actor.id);
    expect(roles).not.toContain(gone.actor.id);
    const left = (await world.events(room)).filter(({ type }) => type === "member.left");
    expect(left.map(({ actor }) => actor.id)).toEqual([gone.actor.id]);
  });

  test("a self-joined person whose other client was not heard of yet stays a member when one client leaves", async () => {
    const { room, token } = await plaza(world);
    const cy = await world.person("Cy");
    for (const client of [PHONE, LAPTOP]) await world.useCases.joining.join(cy.actor, token, { client });
    const { joining } = await afterLoss(world);
    await joining.leave(cy.actor, token, LAPTOP);
    expect(await rolesIn(world, room)).toContain(`${cy.id} self_joined`);
    expect(await joining.ping(cy.actor, token, PHONE)).toBe(true);
    await joining.leave(cy.actor, token, PHONE);
    expect(await rolesIn(world, room)).not.toContain(`${cy.id}`);
  });
});

describeDomain("guests who come back", (world) => {
  test("have the name of before, whether they left or were lost", async () => {
    const { token } = await plaza(world);
    const gus = await visitor(world, token);
    const { guests, joining } = world.useCases;
    await gus.join();
    await guests.setName(gus.actor, token, "Gus 🦊");
    await joining.leave(gus.actor, token);
    expect((await guests.actorOf(gus.secret, token)).name).toBe("");
    expect((await gus.join()).me.actor.name).toBe("Gus 🦊");
    const sweeping = world.another().guests;
    for (let i = 0; i < 10; i++) {
      world.clock.now += 15_000;
      await sweeping.sweep();
    }
    await refused(world.useCases.messages.send(gus.actor, token, message()), "not_found");
    expect((await gus.join()).me.actor.name).toBe("Gus 🦊");
  });

  test("do not come back once a moderator took them out: only as somebody else", async () => {
    const { ada, room, token } = await plaza(world);
    const { roster, joining, guests, roomLifecycle } = world.useCases;
    const [gus, gil] = [await visitor(world, token), await visitor(world, token)];
    const { sessionId } = (await gus.join()).me;
    await gil.join();
    await roster.removeGuest(ada.actor, token, sessionId as string);
    await roomLifecycle.removeMember(ada.actor, token, gil.actor);
    for (const one of [gus, gil]) {
      await refused(one.join(), "forbidden");
      expect(await joining.ping(one.actor, token)).toBe(false);
    }
    expect(await world.people(room)).toHaveLength(1);
    await (await visitor(world, token)).join();
    // In another room they were taken out of nothing.
    const other = await plaza(world);
    const actor = await guests.actorOf(gus.secret, other.token);
    await joining.join(actor, other.token, { secret: gus.secret });
  });

  test("come back to a room that was closed to strangers for a while", async () => {
    const { ada, token } = await plaza(world);
    const gus = await visitor(world, token);
    await gus.join();
    await world.useCases.guests.setName(gus.actor, token, "Gus");
    await world.useCases.roomSettings.setPublic(ada.actor, token, false);
    await refused(gus.join(), "not_found");
    await world.useCases.roomSettings.setPublic(ada.actor, token, true);
    expect((await gus.join()).me.actor.name).toBe("Gus");
  });

  test("are remembered by name in bounded number, those who were taken out apart from it", async () => {
    const { ada, room, token } = await plaza(world);
    const { roster } = world.useCases;
    const out = await visitor(world, token);
    const { sessionId } = (await out.join()).me;
    await roster.removeGuest(ada.actor, token, sessionId as string);
    const keys = Array.from({ length: 1_005 }, (_, i) => `g:${i}`);
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      const guests = keys.map((member) => ({ member, userId: null, name: "Gast", role: "guest" as const }));
      await tx.putMembers(room.id, guests);
      await tx.removeMembers(room.id, keys);
    });
    const known = await world.store.transaction(async (tx) => {
      const found = [];
      for (const key of keys) found.push(await tx.visits.formerGuest(room.id, key));
      return found.filter((one) => one !== null).length;
    });
    expect(known).toBe(1_000);
    await refused(out.join(), "forbidden");
  });
});

describeDomain("a closed lobby", (world) => {
  type Demote = (world: World, owner: Actor, whom: Actor, token: string) => Promise<unknown>;
  test.each<[string, Demote]>([
    ["Talk's", ({ useCases }, owner, whom, token) => useCases.roster.demote(owner, token, whom)],
    [
      "any other face's",
      ({ useCases }, owner, whom, token) => useCases.roomLifecycle.setRole(owner, token, whom, "user"),
    ],
  ])("whoever moderates no more, by %s change, leaves the call at once", async (_, demote) => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob], ["moderator"]);
    const { token } = room;
    const { joining, calls, roomSettings } = world.useCases;
    await joining.join(bob.actor, token, { client: PHONE });
    await joining.joinCall(bob.actor, token, 7, PHONE);
    await calls.join(bob.actor, token, "socket", 1);
    await calls.join(ada.actor, token, "owner", 1);
    await roomSettings.setLobby(ada.actor, token, { on: true });
    expect((await world.hot.calls.get(room.id)).participants).toHaveLength(3);
    await demote(world, ada.actor, bob.actor, token);
    await expect
      .poll(async () => (await world.hot.calls.get(room.id)).participants)
      .toMatchObject([{ session: "owner" }]);
    await expect.poll(async () => (await world.story(room)).at(-1)).toBe("call.left");
    await calls.leave(ada.actor, token, "owner");
  });
});
