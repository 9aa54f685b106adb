import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { type Actor, memberKey, type Room } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { describeDomain, matrixUser, message, refused, type World } from "../world.ts";

/** A public room of Ada's, with a user who was invited. */
async function plaza(world: World) {
  const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
  const room = await world.useCases.roomLifecycle.create(ada.actor, {
    type: "public",
    name: "Plaza",
    history: "shared",
    members: [{ member: bob.actor, role: "user" }],
  });
  return { ada, bob, room, token: room.token };
}

/** A guest with a secret of their own; `join` comes with it. */
async function visitor(world: World, token: string) {
  const secret = world.useCases.guests.newSecret();
  const actor = await world.useCases.guests.actorOf(secret, token);
  const join = (more: { password?: string; from?: string } = {}) =>
    world.useCases.joining.join(actor, token, { secret, ...more });
  return { secret, actor, join };
}

function roles(world: World, room: Room): Promise<string[]> {
  return world.people(room);
}

describeDomain("joining", (world) => {
  test("[B.4] members join and leave as they like and stay members; their session is '512 characters' or none", async () => {
    const { bob, room, token } = await plaza(world);
    const { joining, finding } = world.useCases;
    const before = await finding.view(bob.actor, { token });
    expect(before.me).toMatchObject({ sessionId: null, lastPing: 0 });
    const joined = await joining.join(bob.actor, token);
    expect(joined.me.sessionId).toMatch(/^[A-Za-z0-9_-]{512}$/);
    expect(joined.me.lastPing).toBe(world.clock.now);
    expect([joined.active, joined.activeGuests]).toEqual([1, 0]);
    const again = await world.another().joining.join(bob.actor, token);
    expect(again.me.sessionId).toBe(joined.me.sessionId);
    await joining.leave(bob.actor, token);
    const after = await finding.view(bob.actor, { token });
    expect(after.me).toMatchObject({ sessionId: null, lastPing: world.clock.now });
    expect(after.active).toBe(0);
    expect(await world.story(room)).toHaveLength(3);
  });

  test("[B.6] strangers join public rooms as self-joined members, and are nobody there after leaving", async () => {
    const { ada, room, token } = await plaza(world);
    const cy = await world.person("Cy");
    const { joining, messages } = world.useCases;
    await refused(messages.send(cy.actor, token, message()), "not_found", "room");
    const view = await joining.join(cy.actor, token);
    expect(view.me.membership.role).toBe("self_joined");
    await messages.send(cy.actor, token, message());
    const joined = (await world.events(room)).find(({ actor }) => actor.id === String(cy.id))!;
    expect(joined).toMatchObject({ type: "member.joined", actor: cy.actor });
    await joining.leave(cy.actor, token);
    expect(await roles(world, room)).not.toContain(`${cy.id} self_joined`);
    await refused(messages.send(cy.actor, token, message()), "not_found", "room");
    expect((await world.events(room)).at(-1)).toMatchObject({ type: "member.left", actor: cy.actor });
    await refused(joining.join(cy.actor, (await world.group([ada])).token), "not_found", "room");
  });

  test("[B.6] leaving refuses nobody: strangers, guests and unknown rooms", async () => {
    const { token } = await plaza(world);
    const cy = await world.person();
    const { joining } = world.useCases;
    await joining.leave(cy.actor, token);
    await joining.leave(cy.actor, "nosuchro");
    await joining.leave((await visitor(world, token)).actor, token);
    await joining.leave(cy.actor, "no\0such");
  });

  test("[B.4] a guest is the hash of their session, another one in each room, the same after a restart", async () => {
    const { room, token } = await plaza(world);
    const other = await plaza(world);
    const gus = await visitor(world, token);
    const { me } = await gus.join();
    expect(me.membership.role).toBe("guest");
    expect(me.actor).toEqual({ kind: "guest", id: gus.actor.id, name: "" });
    expect(createHash("sha1").update(me.sessionId!).digest("hex")).toBe(gus.actor.id);
    expect(world.useCases.guests.idOf(me.sessionId!)).toBe(gus.actor.id);
    const restarted = world.another().guests;
    expect((await restarted.actorOf(gus.secret, token)).id).toBe(gus.actor.id);
    expect((await restarted.actorOf(gus.secret, other.token)).id).not.toBe(gus.actor.id);
    expect(await roles(world, room)).toContain(`g:${gus.actor.id} guest`);
    const view = await world.useCases.finding.view(other.ada.actor, { token: other.token });
    expect(view.activeGuests).toBe(0);
  });

  test("nobody comes as a guest without that guest's secret", async () => {
    const { token } = await plaza(world);
    const gus = await visitor(world, token);
    const { joining, guests } = world.useCases;
    await refused(joining.join(gus.actor, token), "forbidden");
    const secret = guests.newSecret();
    await refused(joining.join(gus.actor, token, { secret }), "forbidden");
    await refused(joining.join(matrixUser(), token), "not_found", "room");
  });

  test("[B.6] guests read and write after joining, not before, and count while they are seen", async () => {
    const { ada, token } = await plaza(world);
    const gus = await visitor(world, token);
    const { messages, finding } = world.useCases;
    await refused(messages.send(gus.actor, token, message()), "not_found", "room");
    await gus.join();
    await messages.send(gus.actor, token, message());
    const seen = await finding.view(ada.actor, { token });
    expect([seen.active, seen.activeGuests]).toEqual([1, 1]);
    world.clock.now += 31_000;
    const later = await finding.view(ada.actor, { token });
    expect([later.active, later.activeGuests]).toEqual([0, 1]);
    expect(later.people.at(-1)!.sessionId).toHaveLength(512);
  });

  test("[B.3] count is who was seen within 30 s, numGuests the guests seen within 100 s", async () => {
    const { ada, bob, token } = await plaza(world);
    const gus = await visitor(world, token);
    const { joining, finding } = world.useCases;
    await gus.join();
    await joining.join(bob.actor, token);
    const counted = async (pass: number) => {
      world.clock.now += pass;
      const { active, activeGuests } = await finding.view(ada.actor, { token });
      return [active, activeGuests];
    };
    expect(await counted(29_999)).toEqual([2, 1]);
    expect(await counted(1)).toEqual([0, 1]);
    expect(await counted(69_999)).toEqual([0, 1]);
    expect(await counted(1)).toEqual([0, 0]);
  });

  test("[B.6] a password is for strangers only: wrong 403, right 200, and none after it was removed", async () => {
    const { ada, bob, token } = await plaza(world);
    const cy = await world.person();
    const { joining, roomSettings } = world.useCases;
    await roomSettings.setPassword(ada.actor, token, "sesame");
    const gus = await visitor(world, token);
    await refused(joining.join(cy.actor, token), "forbidden", "password");
    await refused(joining.join(cy.actor, token, { password: "wrong" }), "forbidden", "password");
    await refused(gus.join({ password: "" }), "forbidden", "password");
    await joining.join(bob.actor, token);
    await joining.join(cy.actor, token, { password: "sesame" });
    await joining.join(cy.actor, token);
    await gus.join({ password: "sesame" });
    await joining.leave(cy.actor, token);
    await refused(joining.join(cy.actor, token), "forbidden", "password");
    await roomSettings.setPassword(ada.actor, token, "");
    await joining.join(cy.actor, token);
  });

  test("a password that changes while somebody joins is asked for as it then is", async () => {
    const { ada, token } = await plaza(world);
    const [cy, dan] = [await world.person(), await world.person()];
    const { roomSettings } = world.useCases;
    await roomSettings.setPassword(ada.actor, token, "old");
    let changes = 1;
    const transaction: World["store"]["transaction"] = async (work) => {
      if (changes-- > 0) await roomSettings.setPassword(ada.actor, token, "new");
      return await world.store.transaction(work);
    };
    const { joining } = world.another({ store: { ...world.store, transaction } });
    await refused(joining.join(cy.actor, token, { password: "old" }), "forbidden", "password");
    changes = 1;
    await joining.join(dan.actor, token, { password: "new" });
  });

  test("guessing a room's password, and coming and going, are limited by address", async () => {
    const { ada, token } = await plaza(world);
    const cy = await world.person();
    const settings = { passwordMinLength: 1, rateLimits: true };
    const { joining } = world.another({ settings });
    await world.useCases.roomSettings.setPassword(ada.actor, token, "sesame");
    const guess = (from: string) => joining.join(cy.actor, token, { password: "wrong", from });
    for (let i = 0; i < 10; i++) await refused(guess("192.0.2.1"), "forbidden", "password");
    const refusal = await refused(guess("192.0.2.1"), "rate_limited");
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    await refused(guess("192.0.2.2"), "forbidden", "password");
    await world.useCases.roomSettings.setPassword(ada.actor, token, "");
    const visit = async (host: number) => {
      await joining.join(cy.actor, token, { from: `2001:db8::${host.toString(16)}` });
      await joining.leave(cy.actor, token);
    };
    for (let i = 1; i <= 60; i++) await visit(i);
    await refused(visit(61), "rate_limited");
  });

  test("looks of strangers at rooms and links, also at ones that are none, count as joins of their address", async () => {
    const { ada, token } = await plaza(world);
    const cy = await world.person();
    const settings = { passwordMinLength: 1, rateLimits: true };
    const { joining, guestLinks } = world.another({ settings });
    const from = { from: "192.0.2.77" };
    for (let i = 0; i < 20; i++) {
      await joining.look(cy.actor, token, from);
      await refused(joining.look(cy.actor, "nowhere1", from), "not_found");
      await refused(guestLinks.preview(cy.actor, { code: "nonsense" }, from), "not_found");
    }
    await refused(joining.look(cy.actor, token, from), "rate_limited");
    await refused(guestLinks.preview(cy.actor, { code: "nonsense" }, from), "rate_limited");
    expect(await joining.look(ada.actor, token, from)).toMatchObject({ member: true });
  });

  test("a guesser is not told by an open door that a guess was right, and those who know the password share an address", async () => {
    const { ada, token } = await plaza(world);
    const settings = { passwordMinLength: 1, rateLimits: true };
    const { joining } = world.another({ settings });
    await world.useCases.roomSettings.setPassword(ada.actor, token, "sesame");
    const cy = await world.person();
    const enter = async (password: string, from: string) => {
      await joining.join(cy.actor, token, { password, from });
      await joining.leave(cy.actor, token);
    };
    for (let i = 0; i < 20; i++) await enter("sesame", "192.0.2.4");
    for (let i = 0; i < 10; i++) await refused(enter("wrong", "192.0.2.5"), "forbidden", "password");
    await refused(enter("sesame", "192.0.2.5"), "rate_limited");
  });

  test("[B.6] a lobby keeps nobody from joining and leaving, and from everything else", async () => {
    const { ada, bob, token } = await plaza(world);
    const { joining, roster, roomSettings, messages } = world.useCases;
    await roomSettings.setLobby(ada.actor, token, { on: true });
    const gus = await visitor(world, token);
    expect((await gus.join()).waiting).toBe(true);
    expect((await joining.join(bob.actor, token)).waiting).toBe(true);
    expect((await joining.join(ada.actor, token)).waiting).toBe(false);
    for (const { actor } of [gus, bob]) {
      await refused(messages.send(actor, token, message()), "lobby");
      await refused(joining.joinCall(actor, token, 1), "lobby");
      await refused(joining.leaveCall(actor, token), "lobby");
      await refused(roster.peers(actor, token), "lobby");
      await joining.leave(actor, token);
    }
    await joining.joinCall(ada.actor, token, 1);
    await joining.leave(ada.actor, token);
  });

  test("[B.6] a call needs the room joined; leaving the room ends it; peers go 0, 1, 2, 1", async () => {
    const { ada, bob, room, token } = await plaza(world);
    const { roster, joining } = world.useCases;
    const peers = async () => (await roster.peers(ada.actor, token)).map(({ user }) => user!.id);
    await refused(joining.joinCall(bob.actor, token, 7), "not_found");
    await refused(joining.leaveCall(bob.actor, token), "not_found");
    expect(await peers()).toEqual([]);
    await joining.join(ada.actor, token);
    await joining.join(bob.actor, token);
    await joining.leaveCall(bob.actor, token);
    await joining.joinCall(ada.actor, token, 3);
    expect(await peers()).toEqual([ada.id]);
    await joining.joinCall(bob.actor, token, 7);
    expect(await peers()).toEqual([ada.id, bob.id]);
    const view = await world.useCases.finding.view(ada.actor, { token });
    expect([view.me.callFlags, view.call.flags]).toEqual([3, 7]);
    await joining.leave(bob.actor, token);
    expect(await peers()).toEqual([ada.id]);
    await joining.leaveCall(ada.actor, token);
    const story = ["call.started", "call.joined", "call.left", "call.left", "call.ended"];
    expect((await world.story(room)).slice(-5)).toEqual(story);
  });

  test("[B.6] nobody joins a call in a locked room, nor sees its peers; leaving it still works", async () => {
    const { ada, token } = await plaza(world);
    const { joining, roster, roomSettings } = world.useCases;
    await joining.join(ada.actor, token);
    await joining.joinCall(ada.actor, token, 1);
    await roomSettings.setReadOnly(ada.actor, token, true);
    await refused(joining.joinCall(ada.actor, token, 1), "read_only");
    await refused(roster.peers(ada.actor, token), "read_only");
    await joining.leaveCall(ada.actor, token);
    await joining.join(ada.actor, token);
  });

  test("a ping keeps those in who joined, in the room and its call, and lets nobody else in", async () => {
    const { ada, bob, token, room } = await plaza(world);
    const { joining, finding } = world.useCases;
    const cy = await world.person();
    expect(await joining.ping(bob.actor, token)).toBe(false);
    expect(await joining.ping(cy.actor, token)).toBe(false);
    await joining.join(ada.actor, token);
    await joining.joinCall(ada.actor, token, 1);
    for (let i = 0; i < 5; i++) {
      world.clock.now += 50_000;
      expect(await joining.ping(ada.actor, token)).toBe(true);
    }
    const { me } = await finding.view(ada.actor, { token });
    expect(me).toMatchObject({ callFlags: 1, lastPing: world.clock.now });
    world.clock.now += 60_000;
    expect((await world.hot.calls.get(room.id)).participants).toEqual([]);
    world.clock.now += 41_000;
    expect(await joining.ping(ada.actor, token)).toBe(false);
  });

  test("[B.8] sessions of the WebSocket hear of calls, typing and presence that other faces make", async () => {
    const { ada, token, room } = await plaza(world);
    const { joining } = world.useCases;
    const heard: Record<string, unknown>[] = [];
    const listen = (bytes: Uint8Array) => void heard.push(JSON.parse(Buffer.from(bytes).toString()));
    await world.bus.subscribe(channels.room(room.id), listen);
    await joining.join(ada.actor, token);
    await joining.joinCall(ada.actor, token, 3);
    await joining.typing(ada.actor, token, true);
    await joining.typing(ada.actor, token, true);
    await joining.typing(ada.actor, token, false);
    await joining.leave(ada.actor, token);
    await expect.poll(() => heard.length).toBe(6);
    await world.bus.unsubscribe(channels.room(room.id), listen);
    const by = { room: token, actor: ada.actor };
    expect(heard).toEqual([
      { op: "presence", ...by, lastPing: world.clock.now },
      {
        op: "call",
        room: token,
        flags: 3,
        participants: [{ session: expect.any(String), actor: ada.actor, flags: 3 }],
      },
      { op: "typing", ...by, on: true },
      { op: "typing", ...by, on: false },
      { op: "call", room: token, flags: 0, participants: [] },
      { op: "presence", ...by, lastPing: world.clock.now, gone: true },
    ]);
  });

  test("without hot state rooms are found and left, and nobody is in them", async () => {
    const { bob, token } = await plaza(world);
    const away = () => Promise.reject(new DomainError("unavailable"));
    const presence = { ...world.hot.presence, active: away, lastPings: away, leave: away, isActive: away };
    const { joining, finding } = world.another({ hot: { ...world.hot, presence } });
    const view = await finding.view(bob.actor, { token });
    expect([view.active, view.me.sessionId]).toEqual([0, null]);
    await joining.leave(bob.actor, token);
  });
});

describeDomain("guests", (world) => {
  test("[B.4] name themselves as they like, up to 64 characters; users do not", async () => {
    const { ada, token, room } = await plaza(world);
    const gus = await visitor(world, token);
    const { guests, messages } = world.useCases;
    await refused(guests.setName(gus.actor, token, "Gus"), "not_found");
    await gus.join();
    const before = await world.story(room);
    await guests.setName(gus.actor, token, "  Gus 🦊 ");
    const named = await guests.actorOf(gus.secret, token);
    expect(named.name).toBe("Gus 🦊");
    await messages.send(named, token, message());
    expect((await world.events(room)).at(-1)!.actor).toEqual(named);
    expect(await world.story(room)).toHaveLength(before.length + 1);
    await refused(guests.setName(gus.actor, token, "x".repeat(65)), "bad_request", "displayName");
    await refused(guests.setName(gus.actor, token, "\u3164"), "bad_request", "displayName");
    await refused(guests.setName(ada.actor, token, "Queen"), "forbidden");
    await guests.setName(gus.actor, token, "");
    expect((await guests.actorOf(gus.secret, token)).name).toBe("");
  });

  test("who was not seen for a while is removed, a guest moderator too; who was seen and users stay", async () => {
    const { ada, room, token } = await plaza(world);
    const [gone, mod, here] = [
      await visitor(world, token),
      await visitor(world, token),
      await visitor(world, token),
    ];
    for (const one of [gone, mod, here]) await one.join();
    await world.useCases.roster.promote(ada.actor, token, mod.actor);
    const { guests } = world.another();
    world.clock.now += 101_000;
    await here.join();
    await guests.sweep();
    expect(await roles(world, room)).toHaveLength(5);
    world.clock.now += 44_000;
    await guests.sweep();
    expect(await roles(world, room)).toHaveLength(5);
    world.clock.now += 1_000;
    await Promise.all([guests.sweep(), guests.sweep()]);
    const keys = (await roles(world, room)).join();
    expect(keys).toContain(here.actor.id);
    expect(keys).not.toContain(gone.actor.id);
    expect(keys).not.toContain(mod.actor.id);
    expect(await roles(world, room)).toHaveLength(3);
    const left = (await world.events(room)).filter(({ type }) => type === "member.left");
    expect(left.map(({ actor }) => memberKey(actor)).sort()).toEqual(
      [memberKey(gone.actor), memberKey(mod.actor)].sort(),
    );
  });

  test("who comes back in time after hot state was lost stays", async () => {
    const { room, token } = await plaza(world);
    const gus = await visitor(world, token);
    await gus.join();
    const { guests } = world.another();
    await world.hot.presence.forget(memberKey(gus.actor), room.id, world.clock.now);
    await guests.sweep();
    await gus.join();
    world.clock.now += 60_000;
    await guests.sweep();
    expect((await roles(world, room)).join()).toContain(gus.actor.id);
  });

  test("[B.8] a guest moderator who leaves is removed like any guest", async () => {
    const { ada, room, token } = await plaza(world);
    const gus = await visitor(world, token);
    await gus.join();
    await world.useCases.roster.promote(ada.actor, token, gus.actor);
    await world.useCases.joining.leave(gus.actor, token);
    expect(await roles(world, room)).toHaveLength(2);
  });

  test("a room takes a thousand guests and no more", async () => {
    const { room, token } = await plaza(world);
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      const members = Array.from({ length: 999 }, (_, i) => ({
        member: `g:${i}`,
        userId: null,
        name: "",
        role: "guest" as const,
      }));
      await tx.putMembers(room.id, members);
      const joined = members.map(({ member }) => {
        const actor: Actor = { kind: "guest", id: member.slice(2), name: "" };
        return { type: "member.joined" as const, actor, data: { member: actor, role: "guest" as const } };
      });
      await tx.appendEvents(room.id, joined);
    });
    await (await visitor(world, token)).join();
    await refused((await visitor(world, token)).join(), "busy");
  });
});
