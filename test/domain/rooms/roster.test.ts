import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Actor, Role } from "../../../src/domain/model.ts";
import { describeDomain, guest, type Person, refused, type World } from "../world.ts";

/** A public room of Ada's with one of each kind of member. */
async function plaza(world: World) {
  const [ada, mod, bob, self] = await Promise.all(
    ["Ada", "Mod", "Bob", "Self"].map((name) => world.person(name)),
  );
  const room = await world.useCases.roomLifecycle.create(ada!.actor, {
    type: "public",
    name: "Plaza",
    history: "shared",
    members: [
      { member: mod!.actor, role: "moderator" },
      { member: bob!.actor, role: "user" },
    ],
  });
  const { joining, roster } = world.useCases;
  await joining.join(self!.actor, room.token);
  const gus = await visitor(world, room.token);
  const guestMod = await visitor(world, room.token);
  await roster.promote(ada!.actor, room.token, guestMod.actor);
  return { ada: ada!, mod: mod!, bob: bob!, self: self!, gus, guestMod, room, token: room.token };
}

async function visitor(world: World, token: string) {
  const secret = world.useCases.guests.newSecret();
  const actor = await world.useCases.guests.actorOf(secret, token);
  const { me } = await world.useCases.joining.join(actor, token, { secret });
  return { actor, sessionId: me.sessionId as string };
}

async function roleOf(world: World, room: { id: number }, one: { actor: Actor }): Promise<Role | undefined> {
  const members = await world.store.memberships.list([room.id]);
  return members.find(({ member }) => member.slice(2) === one.actor.id)?.role;
}

describeDomain("roster.list", (world) => {
  test("[B.4] everybody in order of joining, with sessions and flags of those who joined", async () => {
    const { ada, mod, bob, self, gus, guestMod, token } = await plaza(world);
    const { joining, roster } = world.useCases;
    await joining.join(bob.actor, token);
    await joining.joinCall(bob.actor, token, 5);
    world.clock.now += 5_000;
    const list = await roster.list(mod.actor, token);
    expect(list.map(({ actor }) => actor.id)).toEqual(
      [ada, mod, bob, self, gus, guestMod].map(({ actor }) => actor.id),
    );
    expect(list[2]).toMatchObject({
      user: { id: bob.id, handle: bob.user.handle },
      callFlags: 5,
      lastPing: world.clock.now - 5_000,
      membership: { role: "user" },
    });
    expect(list[2]!.sessionId).toHaveLength(512);
    expect(list[0]).toMatchObject({ sessionId: null, lastPing: 0, callFlags: 0 });
    expect(list[4]).toMatchObject({ user: null, sessionId: gus.sessionId });
    world.clock.now += 200_000;
    const later = await roster.list(mod.actor, token);
    expect(later[2]).toMatchObject({ sessionId: null, lastPing: world.clock.now - 205_000 });
  });

  test("[B.4] guests see no list (403), guest moderators do; strangers 404; in the lobby 412", async () => {
    const { ada, bob, gus, guestMod, token } = await plaza(world);
    const { roster, roomSettings } = world.useCases;
    await refused(roster.list(gus.actor, token), "forbidden");
    expect(await roster.list(guestMod.actor, token)).toHaveLength(6);
    await refused(roster.list((await world.person()).actor, token), "not_found", "room");
    await roomSettings.setLobby(ada.actor, token, { on: true });
    await refused(roster.list(bob.actor, token), "lobby");
    expect(await roster.list(guestMod.actor, token)).toHaveLength(6);
  });
});

describeDomain("participants: promoting and demoting", (world) => {
  test("[B.4] 3↔2 and 4↔6, by owners, moderators and guest moderators", async () => {
    const { ada, mod, bob, gus, guestMod, room, token } = await plaza(world);
    const { roster, guests } = world.useCases;
    await roster.promote(mod.actor, token, bob.actor);
    expect(await roleOf(world, room, bob)).toBe("moderator");
    await roster.demote(guestMod.actor, token, bob.actor);
    expect(await roleOf(world, room, bob)).toBe("user");
    const byId: Actor = { kind: "guest", id: guests.idOf(gus.sessionId), name: "" };
    await roster.promote(ada.actor, token, byId);
    expect(await roleOf(world, room, gus)).toBe("guest_moderator");
    await roster.demote(ada.actor, token, byId);
    expect(await roleOf(world, room, gus)).toBe("guest");
    const changes = (await world.events(room)).filter(({ type }) => type === "member.changed").slice(-4);
    expect(changes.map(({ dataJson }) => JSON.parse(dataJson).role)).toEqual([
      "moderator",
      "user",
      "guest_moderator",
      "guest",
    ]);
  });

  test("[B.4] 400 for any other role: an owner, who moderates already, who does not, self-joined", async () => {
    const { ada, mod, bob, self, gus, guestMod, token } = await plaza(world);
    const { roster } = world.useCases;
    for (const one of [ada, mod, guestMod, self]) {
      await refused(roster.promote(ada.actor, token, one.actor), "bad_request", "member");
    }
    for (const one of [bob, gus, self]) {
      await refused(roster.demote(ada.actor, token, one.actor), "bad_request", "member");
    }
    await refused(roster.demote(mod.actor, token, ada.actor), "bad_request", "member");
  });

  test("[B.4] 403 for who does not moderate and for demoting oneself; 404 for strangers", async () => {
    const { ada, mod, bob, gus, guestMod, token } = await plaza(world);
    const { roster } = world.useCases;
    const stranger = await world.person();
    for (const one of [bob, gus]) {
      await refused(roster.promote(one.actor, token, bob.actor), "forbidden");
      await refused(roster.demote(one.actor, token, mod.actor), "forbidden");
    }
    for (const one of [ada, mod, guestMod]) {
      await refused(roster.demote(one.actor, token, one.actor), "forbidden");
    }
    await refused(roster.promote(ada.actor, token, stranger.actor), "not_found", "member");
    await refused(roster.promote(stranger.actor, token, bob.actor), "not_found", "room");
  });

  test("[B.6] in a one-to-one room 400 for the other, 404 for who is not in it", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const { roster, oneToOne } = world.useCases;
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    for (const change of [roster.promote, roster.demote]) {
      await refused(change(ada.actor, room.token, bob.actor), "bad_request", "member");
      await refused(change(ada.actor, room.token, cy.actor), "not_found", "member");
    }
  });
});

describeDomain("participants: taking out", (world) => {
  test("[B.6] who removes whom: owners nobody, moderators everybody else, plain members nobody", async () => {
    const { ada, mod, bob, self, gus, guestMod, room, token } = await plaza(world);
    const { roster } = world.useCases;
    const stranger = await world.person();
    await refused(roster.remove(mod.actor, token, ada.actor), "forbidden");
    await refused(roster.remove(bob.actor, token, mod.actor), "forbidden");
    await refused(roster.remove(bob.actor, token, stranger.actor), "forbidden");
    await refused(roster.remove(gus.actor, token, bob.actor), "forbidden");
    await refused(roster.remove(mod.actor, token, stranger.actor), "not_found", "member");
    await refused(roster.remove(stranger.actor, token, bob.actor), "not_found", "room");
    await roster.remove(guestMod.actor, token, self.actor);
    await roster.remove(mod.actor, token, bob.actor);
    await roster.remove(ada.actor, token, mod.actor);
    expect((await world.people(room)).slice(0, 1)).toEqual([`${ada.id} owner`]);
    expect(await world.people(room)).toHaveLength(3);
  });

  test("[B.4] another owner is not removed either, not even by an owner", async () => {
    const { ada, mod, token } = await plaza(world);
    const { roster, roomLifecycle } = world.useCases;
    await roomLifecycle.setRole(ada.actor, token, mod.actor, "owner");
    await refused(roster.remove(ada.actor, token, mod.actor), "forbidden");
  });

  test("[B.4] guests are removed by their session: 400 for a user's, 403 for one's own, 404 for nobody's", async () => {
    const { ada, mod, bob, gus, guestMod, room, token } = await plaza(world);
    const { joining, roster } = world.useCases;
    const { me } = await joining.join(bob.actor, token);
    await refused(roster.removeGuest(bob.actor, token, gus.sessionId), "forbidden");
    await refused(roster.removeGuest(mod.actor, token, me.sessionId!), "bad_request", "sessionId");
    await refused(roster.removeGuest(guestMod.actor, token, guestMod.sessionId), "forbidden");
    await refused(roster.removeGuest(ada.actor, token, randomUUID()), "not_found", "member");
    await roster.removeGuest(guestMod.actor, token, gus.sessionId);
    expect(await roleOf(world, room, gus)).toBeUndefined();
    await roster.removeGuest(ada.actor, token, guestMod.sessionId);
    expect(await roleOf(world, room, guestMod)).toBeUndefined();
  });

  test("[B.6] the last one who moderates leaves for good only when no other user is left", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const { roster, roomLifecycle } = world.useCases;
    const alone = await world.group([ada]);
    await roster.removeSelf(ada.actor, alone.token);
    expect(await world.store.rooms.byId(alone.id)).toBeNull();
    const room = await world.group([ada, bob]);
    await refused(roster.removeSelf(ada.actor, room.token), "bad_request", "member");
    await refused(roster.remove(ada.actor, room.token, ada.actor), "bad_request", "member");
    await roster.removeSelf(bob.actor, room.token);
    await roomLifecycle.addMembers(ada.actor, room.token, [{ member: bob.actor, role: "moderator" }]);
    await roster.removeSelf(ada.actor, room.token);
    expect(await world.people(room)).toEqual([`${bob.id} moderator`]);
    await refused(roster.removeSelf(ada.actor, room.token), "not_found", "room");
  });

  test("guests do not count as those who are left, nor as those who moderate", async () => {
    const { ada, mod, bob, self, guestMod, room, token } = await plaza(world);
    const { roster } = world.useCases;
    await roster.remove(ada.actor, token, mod.actor);
    await refused(roster.removeSelf(ada.actor, token), "bad_request", "member");
    await roster.remove(ada.actor, token, bob.actor);
    await roster.remove(ada.actor, token, self.actor);
    await roster.removeSelf(ada.actor, token);
    expect(await roleOf(world, room, guestMod)).toBe("guest_moderator");
  });

  test("[B.4] leaving a one-to-one room for good keeps it for the other", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const { room } = await world.useCases.oneToOne.open(ada.actor, bob.actor);
    const { roster } = world.useCases;
    await refused(roster.remove(ada.actor, room.token, bob.actor), "bad_request");
    await roster.removeSelf(ada.actor, room.token);
    expect(await world.people(room)).toEqual([`${bob.id} owner`]);
    await roster.removeSelf(bob.actor, room.token);
    expect(await world.store.rooms.byId(room.id)).toBeNull();
  });
});

describeDomain("participants: bringing in", (world) => {
  async function group(people: Person[]): Promise<string> {
    const id = `g-${randomUUID()}`;
    await world.useCases.directory.putGroup(id, {
      name: "Crew",
      members: people.map(({ user }) => user.handle),
    });
    return id;
  }

  test("[B.4] adding tells who came, keeps who is in already, and is not for guests, even moderating ones", async () => {
    const { ada, mod, bob, self, gus, guestMod, room, token } = await plaza(world);
    const { roomLifecycle } = world.useCases;
    const cy = await world.person("Cy");
    const add = (by: { actor: Actor }, ...people: { actor: Actor }[]) =>
      roomLifecycle.addMembers(
        by.actor,
        token,
        people.map(({ actor }) => ({ member: actor, role: "user" as const })),
      );
    const events = await add(mod, bob, cy, self);
    expect(events.map(({ type, dataJson }) => [type, JSON.parse(dataJson).member])).toEqual([
      ["member.joined", cy.actor],
    ]);
    expect(await add(ada, bob)).toEqual([]);
    expect(await roleOf(world, room, self)).toBe("self_joined");
    for (const one of [bob, self, gus, guestMod]) await refused(add(one, cy), "forbidden");
    await refused(add(ada, { actor: guest() }), "bad_request", "role");
  });

  test("[A.4] a room takes no more members than the caller allows", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { roomLifecycle } = world.useCases;
    const members = [bob, cy].map(({ actor }) => ({ member: actor, role: "user" as const }));
    await refused(
      roomLifecycle.addMembers(ada.actor, room.token, members, { most: 2 }),
      "too_large",
      "members",
    );
    expect(await world.people(room)).toHaveLength(1);
    expect(await roomLifecycle.addMembers(ada.actor, room.token, members, { most: 3 })).toHaveLength(2);
    expect(await roomLifecycle.addMembers(ada.actor, room.token, members, { most: 2 })).toEqual([]);
  });

  test("[B.4] a group brings in those of its users who exist for the inviter", async () => {
    const [one, two] = [await world.organization(), await world.organization("Fire")];
    const [ada, bob] = [await world.person("Ada", one), await world.person("Bob", one)];
    const stranger = await world.person("Eve", two);
    const id = await group([ada, bob, stranger]);
    const room = await world.group([ada]);
    const { roster, finding } = world.useCases;
    const members = (await finding.group(ada.actor, id)).members.map((actor) => actor.id);
    expect(members).toEqual([String(ada.id), String(bob.id)]);
    expect(await roster.addGroup(ada.actor, room.token, id)).toHaveLength(1);
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${bob.id} user`]);
    await refused(roster.addGroup(ada.actor, room.token, "nobody"), "not_found", "group");
    await refused(roster.addGroup(bob.actor, room.token, id), "forbidden");
    await refused(roster.addGroup(stranger.actor, room.token, id), "not_found", "room");
  });

  test("[B.4] an e-mail address makes the room public", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const group = await world.group([ada, bob]);
    const { roster } = world.useCases;
    await refused(roster.addEmail(bob.actor, group.token, "eve@example.org"), "forbidden");
    await refused(roster.addEmail(ada.actor, group.token, "not an address"), "bad_request", "email");
    const { room, event } = await roster.addEmail(ada.actor, group.token, "eve@example.org");
    expect(room.type).toBe("public");
    expect(event).toMatchObject({ type: "room.changed", dataJson: '{"type":"public"}' });
    expect((await roster.addEmail(ada.actor, group.token, "eve@example.org")).event).toBeNull();
  });
});
