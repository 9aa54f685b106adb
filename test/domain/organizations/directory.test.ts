import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Room } from "../../../src/domain/model.ts";
import { describeDomain, message, type Person, refused, type World } from "../world.ts";

async function defaultRoomOf(world: World, organizationId: number): Promise<Room> {
  return (await world.store.chatrooms.defaultOf(organizationId)) as Room;
}

describeDomain("directory: organizations", (world) => {
  test("users who come and go come and go in the default room", async () => {
    const organization = await world.organization("Rescue", true);
    const room = await defaultRoomOf(world, organization.id);
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob")];
    const { putOrganizationUser, removeOrganizationUser } = world.useCases.directory;
    await putOrganizationUser(organization.id, bob.id, "member");
    await putOrganizationUser(organization.id, bob.id, "admin");
    expect(await world.people(room)).toEqual([`${ada.id} user`, `${bob.id} user`]);
    await removeOrganizationUser(organization.id, ada.id);
    expect(await world.story(room)).toEqual([
      "room.created",
      `member.joined ${ada.id}`,
      `member.joined ${bob.id}`,
      `member.left ${ada.id}`,
    ]);
    await refused(removeOrganizationUser(organization.id, ada.id), "not_found", "userId");
    await refused(putOrganizationUser(999_999, ada.id, "member"), "not_found", "organizationId");
    await refused(putOrganizationUser(organization.id, 999_999, "member"), "not_found", "userId");
    await refused(putOrganizationUser(organization.id, ada.id, "boss" as never), "bad_request", "role");
  });

  test("without automation nobody is brought in, but who leaves the organization reads on nowhere", async () => {
    const organization = await world.organization("Rescue", true);
    const room = await defaultRoomOf(world, organization.id);
    const { chatrooms, directory, messages } = world.useCases;
    const ada = await world.person("Ada", organization);
    await chatrooms.update(organization.principal, room.id, { automationEnabled: false });
    const bob = await world.person("Bob", organization);
    expect(await world.people(room)).toEqual([`${ada.id} user`]);
    const custom = await chatrooms.create(organization.principal, {
      organizationId: organization.id,
      name: "Shift",
      assignedUsers: [ada.id, bob.id],
    });
    await directory.removeOrganizationUser(organization.id, ada.id);
    expect(await world.people(room)).toEqual([]);
    expect(await world.people(custom.room)).toEqual([`${bob.id} user`]);
    await refused(messages.send(ada.actor, room.token, message()), "not_found");
  });

  test("who left the default room stays out while others come", async () => {
    const organization = await world.organization("Rescue", true);
    const room = await defaultRoomOf(world, organization.id);
    const ada = await world.person("Ada", organization);
    await world.useCases.roomLifecycle.leave(ada.actor, room.token);
    const bob = await world.person("Bob", organization);
    expect(await world.people(room)).toEqual([`${bob.id} user`]);
  });

  test("many changes of one organization at once leave room and organization alike", async () => {
    const organization = await world.organization("Rescue", true);
    const room = await defaultRoomOf(world, organization.id);
    const people: Person[] = [];
    for (let i = 0; i < 8; i++) people.push(await world.person(`Person ${i}`));
    const processes = [world.useCases, world.another()];
    const change = async (i: number) => {
      const { directory, chatrooms } = processes[i % 2]!;
      const person = people[i % people.length]!;
      await directory.putOrganizationUser(organization.id, person.id, "member");
      if (i % 5 === 0) {
        await chatrooms.update(organization.principal, room.id, { automationEnabled: i % 10 === 0 });
      }
      if (i % 3 === 0) {
        await directory.removeOrganizationUser(organization.id, person.id).catch((error) => {
          if (error.code !== "not_found") throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, i) => change(i)));
    await world.useCases.chatrooms.update(organization.principal, room.id, { automationEnabled: false });
    await world.useCases.chatrooms.update(organization.principal, room.id, { automationEnabled: true });
    const users = await world.store.organizations.users(organization.id);
    const members = await world.store.memberships.list([room.id]);
    expect(members.map(({ userId }) => userId).sort()).toEqual(users.map(({ user }) => user.id).sort());
    const inside = new Set<string>();
    for (const line of await world.story(room)) {
      const [type, id = ""] = line.split(" ");
      if (type === "member.joined") {
        expect(inside.has(id), line).toBe(false);
        inside.add(id);
      }
      if (type === "member.left") expect(inside.delete(id), line).toBe(true);
    }
  });

  test("deleting an organization deletes its rooms and revokes its tokens", async () => {
    const organization = await world.organization("Rescue", true);
    const room = await defaultRoomOf(world, organization.id);
    const ada = await world.person("Ada", organization);
    const { directory, accounts, messages } = world.useCases;
    const { token } = await directory.createToken({ organizationId: organization.id, name: "t" });
    await directory.deleteOrganization(organization.id);
    await refused(messages.send(ada.actor, room.token, message()), "not_found");
    await refused(accounts.authenticate(token), "unauthorized");
    expect((await world.story(room)).at(-1)).toBe("room.deleted");
    await refused(directory.deleteOrganization(organization.id), "not_found", "organizationId");
    await refused(directory.createOrganization({ name: " " }), "bad_request", "name");
  });
});

describeDomain("directory: events", (world) => {
  const HOUR = 3_600_000;

  test("an event's room has those who accepted, its name, and ends 60 minutes after it", async () => {
    const organization = await world.organization();
    const people = [];
    for (let i = 0; i < 3; i++) people.push(await world.person(`P${i}`, organization));
    const [ada, bob, cy] = people.map(({ id }) => id) as [number, number, number];
    const { directory } = world.useCases;
    const endsAt = world.clock.now + HOUR;
    const put = (more: object) =>
      directory.putEvent({
        organizationId: organization.id,
        eventId: 7,
        name: "Fire",
        endsAt,
        acceptedUsers: [],
        ...more,
      });
    const room = (await put({ acceptedUsers: [ada, bob] }))!;
    expect(room).toMatchObject({
      kind: "event",
      eventId: 7,
      name: "Fire",
      automationEnabled: true,
      scheduledDeletion: endsAt + HOUR,
    });
    const changed = await put({ name: "Big fire", endsAt: null, acceptedUsers: [bob, cy] });
    expect(changed).toMatchObject({ id: room.id, name: "Big fire", scheduledDeletion: null });
    expect(await world.people(room)).toEqual([`${bob} user`, `${cy} user`]);
    expect(await world.story(room)).toEqual([
      "room.created",
      `member.joined ${ada}`,
      `member.joined ${bob}`,
      "room.changed",
      `member.joined ${cy}`,
      `member.left ${ada}`,
    ]);
    await put({ name: "Big fire", endsAt: null, acceptedUsers: [bob, cy] });
    expect(await world.story(room)).toHaveLength(6);
  });

  test("without automation the room's people stay, and its name and end still follow", async () => {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("A", organization), await world.person("B", organization)];
    const { directory, chatrooms } = world.useCases;
    const event = { organizationId: organization.id, eventId: 1, endsAt: null };
    const room = (await directory.putEvent({ ...event, name: "Fire", acceptedUsers: [ada.id] }))!;
    await chatrooms.update(organization.principal, room.id, { automationEnabled: false });
    await directory.putEvent({ ...event, name: "Flood", acceptedUsers: [bob.id] });
    expect(await world.people(room)).toEqual([`${ada.id} user`]);
    expect((await world.store.rooms.byId(room.id))!.name).toBe("Flood");
    await chatrooms.update(organization.principal, room.id, { automationEnabled: true });
    expect(await world.people(room)).toEqual([`${bob.id} user`]);
  });

  test("an admin of an event's room stays although they did not accept; not outside of the organization", async () => {
    const organization = await world.organization();
    const ada = await world.person("A", organization);
    const { directory, chatrooms } = world.useCases;
    const event = { organizationId: organization.id, eventId: 1, name: "Fire", endsAt: null };
    const room = (await directory.putEvent({ ...event, acceptedUsers: [] }))!;
    await chatrooms.claim(ada.principal, room.id);
    await directory.putEvent({ ...event, acceptedUsers: [] });
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
    await directory.removeOrganizationUser(organization.id, ada.id);
    expect(await world.people(room)).toEqual([]);
  });

  test("who accepted comes back with the organization", async () => {
    const organization = await world.organization();
    const ada = await world.person("A", organization);
    const { directory } = world.useCases;
    const event = { organizationId: organization.id, eventId: 1, name: "Fire", endsAt: null };
    const room = (await directory.putEvent({ ...event, acceptedUsers: [ada.id] }))!;
    await directory.removeOrganizationUser(organization.id, ada.id);
    expect(await world.people(room)).toEqual([]);
    await directory.putOrganizationUser(organization.id, ada.id, "member");
    expect(await world.people(room)).toEqual([`${ada.id} user`]);
  });

  test("an event that is over gets no room, and a deleted event takes its room along", async () => {
    const organization = await world.organization();
    const { directory } = world.useCases;
    const event = { organizationId: organization.id, name: "Fire", acceptedUsers: [] };
    const over = { ...event, eventId: 1, endsAt: world.clock.now - HOUR };
    expect(await directory.putEvent(over)).toBeNull();
    const room = (await directory.putEvent({ ...event, eventId: 2, endsAt: world.clock.now - HOUR + 1 }))!;
    await directory.deleteEvent(organization.id, 2);
    expect((await world.story(room)).at(-1)).toBe("room.deleted");
    await refused(directory.deleteEvent(organization.id, 2), "not_found", "eventId");
    await refused(directory.deleteEvent(999_999, 2), "not_found", "organizationId");
  });

  test("what an event must be", async () => {
    const organization = await world.organization();
    const outsider = await world.person();
    const put = (more: object) =>
      world.useCases.directory.putEvent({
        organizationId: organization.id,
        eventId: 1,
        name: "Fire",
        endsAt: null,
        acceptedUsers: [],
        ...more,
      });
    await refused(put({ organizationId: 999_999 }), "not_found", "organizationId");
    await refused(put({ eventId: 0 }), "bad_request", "eventId");
    await refused(put({ name: "" }), "bad_request", "name");
    await refused(put({ endsAt: 1.5 }), "bad_request", "endsAt");
    await refused(put({ acceptedUsers: [outsider.id] }), "bad_request", "acceptedUsers");
    expect(await world.store.organizations.event(organization.id, 1)).toBeNull();
  });

  test("ten processes that tell of the same new event make one room", async () => {
    const organization = await world.organization();
    const ada = await world.person("A", organization);
    const event = { organizationId: organization.id, eventId: 1, name: "Fire", endsAt: null };
    const rooms = await Promise.all(
      Array.from({ length: 10 }, () =>
        world.another().directory.putEvent({ ...event, acceptedUsers: [ada.id] }),
      ),
    );
    expect(new Set(rooms.map((room) => room?.id)).size).toBe(1);
    expect(await world.story(rooms[0]!)).toEqual(["room.created", `member.joined ${ada.id}`]);
  });
});

describeDomain("directory: users", (world) => {
  test("what a user must be", async () => {
    const create = (more: object) =>
      world.useCases.directory.createUser({ handle: `h-${randomUUID()}`, ...more });
    for (const handle of ["", "a b", "ä", "x".repeat(65), "a/b"]) {
      await refused(create({ handle }), "bad_request", "handle");
    }
    for (const email of ["", "x", "a@b@c", "a b@c", `${"x".repeat(251)}@a.b`]) {
      await refused(create({ email }), "bad_request", "email");
    }
    await refused(create({ displayName: " " }), "bad_request", "displayName");
    await refused(create({ password: "" }), "bad_request", "password");
    await refused(create({ password: "x".repeat(1_001) }), "bad_request", "password");
    const unknown = [{ id: 999_999, role: "member" }];
    await refused(create({ organizations: unknown }), "bad_request", "organizations");
    const handle = `Ada-${randomUUID()}`;
    expect(await create({ handle })).toMatchObject({ handle, displayName: handle, email: null });
    await refused(create({ handle: handle.toUpperCase() }), "conflict", "handle");
    const email = `${randomUUID()}@example.org`;
    await create({ email });
    await refused(create({ email: email.toUpperCase() }), "conflict", "email");
  });

  test("a least length of new passwords counts characters", async () => {
    const settings = { passwordMinLength: 4, rateLimits: false };
    const { directory } = world.another({ settings });
    const create = (password: string) => directory.createUser({ handle: `h-${randomUUID()}`, password });
    await refused(create("😀😀😀"), "bad_request", "password");
    await create("😀😀😀😀");
  });

  test("a new display name shows in rooms, and unknown users can't be changed", async () => {
    const ada = await world.person("Ada");
    const room = await world.group([ada]);
    const { updateUser } = world.useCases.directory;
    await updateUser(ada.id, { displayName: "Ada L.", email: null });
    const [membership] = await world.store.memberships.list([room.id]);
    expect(membership!.name).toBe("Ada L.");
    await refused(updateUser(999_999, { displayName: "x" }), "not_found", "id");
    await refused(updateUser(ada.id, { handle: "no spaces" }), "bad_request", "handle");
  });

  test("a deleted user leaves every room, hands over what they owned, and nothing lets them in", async () => {
    const organization = await world.organization("Rescue", true);
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    const [shared, alone] = [await world.group([ada, bob]), await world.group([ada])];
    const standard = await defaultRoomOf(world, organization.id);
    const { directory, accounts, calls } = world.useCases;
    const { token } = await directory.createToken({ userId: ada.id, name: "t" });
    await calls.join(ada.actor, shared.token, "s", 1);
    await directory.deleteUser(ada.id);
    expect(await world.people(shared)).toEqual([`${bob.id} owner`]);
    expect(await world.people(standard)).toEqual([`${bob.id} user`]);
    expect(await world.store.rooms.byId(alone.id)).toBeNull();
    expect(await world.hot.calls.get(shared.id)).toEqual({ flags: 0, participants: [] });
    await refused(accounts.authenticate(token), "unauthorized");
    expect(await world.store.roomLists.idsOf(`u:${ada.id}`)).toEqual([]);
    await refused(directory.deleteUser(ada.id), "not_found", "id");
  });

  test("a user who is deleted while others bring them into rooms is in none afterwards", async () => {
    const organization = await world.organization("Rescue", true);
    const boss = await world.person("Boss", organization);
    for (let round = 0; round < 5; round++) {
      const ada = await world.person("Ada", organization);
      const rooms = [];
      for (let i = 0; i < 6; i++) rooms.push(await world.group([boss]));
      const add = (room: Room) =>
        world.useCases.roomLifecycle
          .addMembers(boss.actor, room.token, [{ member: ada.actor, role: "user" }])
          .catch((error) => {
            if (error.code !== "not_found") throw error;
          });
      await Promise.all([...rooms.map(add), world.another().directory.deleteUser(ada.id)]);
      expect(await world.store.roomLists.idsOf(`u:${ada.id}`)).toEqual([]);
    }
  });
});

describeDomain("directory: groups and tokens", (world) => {
  test("a group has existing users, named by handle", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const { putGroup, deleteGroup } = world.useCases.directory;
    const members = [ada.user.handle, bob.user.handle, ada.user.handle.toUpperCase()];
    await putGroup("crew.1", { name: "Crew", members });
    expect(await world.store.groups.byId("crew.1")).toEqual({
      id: "crew.1",
      name: "Crew",
      members: [ada.id, bob.id],
    });
    const wrong = { name: "Crew", members: [ada.user.handle, "nobody"] };
    await refused(putGroup("crew.1", wrong), "bad_request", "members");
    await refused(putGroup("a b", { name: "Crew", members: [] }), "bad_request", "groupId");
    await refused(putGroup("crew.1", { name: "", members: [] }), "bad_request", "name");
    await deleteGroup("crew.1");
    await refused(deleteGroup("crew.1"), "not_found", "groupId");
  });

  test("what a token must be", async () => {
    const ada = await world.person();
    const organization = await world.organization();
    const { createToken, deleteToken } = world.useCases.directory;
    const both = { userId: ada.id, organizationId: organization.id };
    await refused(createToken({ name: "t" }), "bad_request", "userId");
    await refused(createToken({ ...both, name: "t" }), "bad_request", "userId");
    await refused(createToken({ userId: ada.id, name: "" }), "bad_request", "name");
    await refused(createToken({ userId: 999_999, name: "t" }), "not_found", "userId");
    await refused(createToken({ organizationId: 999_999, name: "t" }), "not_found", "organizationId");
    const expiresAt = world.clock.now;
    await refused(createToken({ userId: ada.id, name: "t", expiresAt }), "bad_request", "expiresAt");
    await refused(deleteToken(999_999), "not_found", "id");
    await refused(deleteToken(Number.MAX_VALUE), "not_found", "id");
  });
});
