import { expect, test } from "vitest";
import { describeDomain, message, type Person, refused, type World } from "../world.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** An organization with an admin, somebody with the `chat` role, and a plain member. */
async function rescue(world: World) {
  const organization = await world.organization();
  const { id } = organization;
  const admin = await world.person("Admin", { id, role: "admin" });
  const chat = await world.person("Chat", { id, role: "chat" });
  const member = await world.person("Member", { id });
  const create = (by: Pick<Person, "principal">, name: string, more = {}) =>
    world.useCases.chatrooms.create(by.principal, { organizationId: id, name, ...more });
  return { ...organization, admin, chat, member, create };
}

describeDomain("chatrooms: creating", (world) => {
  test("a user who creates a room becomes one of its admins, whatever the lists say", async () => {
    const { admin, chat, member, create } = await rescue(world);
    const room = await create(chat, " Night shift ", {
      assignedUsers: [chat.id, member.id],
      moderators: [admin.id],
    });
    expect(room.room).toMatchObject({
      name: "Night shift",
      kind: "custom",
      type: "group",
      history: "joined",
      automationEnabled: false,
      createdBy: `u:${chat.id}`,
      scheduledDeletion: null,
      avatarId: null,
    });
    expect(room).toMatchObject({ admins: [chat.id], moderators: [admin.id], assignedUsers: [member.id] });
  });

  test("an API token creates a room without being in it", async () => {
    const { principal, member, create } = await rescue(world);
    const room = await create({ principal }, "Back office", { admins: [member.id] });
    expect(room).toMatchObject({ admins: [member.id], moderators: [], assignedUsers: [] });
    const [created] = await world.events(room.room);
    expect(created!.actor).toMatchObject({ kind: "system", name: "Rescue" });
  });

  test("plain members and outsiders can't manage; an administrator among the members can", async () => {
    const { id, member, create, principal } = await rescue(world);
    const outsider = await world.person();
    const other = await world.organization("Fire");
    await refused(create(member, "Mine"), "forbidden");
    await refused(create(outsider, "Mine"), "forbidden");
    await refused(create(other, "Mine"), "forbidden");
    await refused(
      world.useCases.chatrooms.create(principal, { organizationId: 999_999, name: "x" }),
      "forbidden",
    );
    const boss = await world.person("Boss", { id });
    await world.useCases.directory.updateUser(boss.id, { administrator: true });
    const user = (await world.store.users.byId(boss.id))!;
    await create({ principal: { kind: "user", user, credential: { via: "password" } } }, "Boss's");
  });

  test("names are unique in an organization, whatever their case, and free in another one", async () => {
    const [one, two] = [await rescue(world), await rescue(world)];
    await one.create(one.admin, "Straße");
    await refused(one.create(one.admin, "STRASSE".replace("SS", "ß")), "conflict", "name");
    await two.create(two.admin, "Straße");
    await one.create(one.admin, "é".repeat(200));
    await refused(one.create(one.admin, "é".repeat(201)), "bad_request", "name");
    await refused(one.create(one.admin, " "), "bad_request", "name");
  });

  test("people are all or none, and the list with the wrong one is named", async () => {
    const { id, admin, member, create } = await rescue(world);
    const outsider = await world.person();
    for (const field of ["admins", "moderators", "assignedUsers"]) {
      for (const wrong of [outsider.id, 999_999, 0, -1, 1.5]) {
        await refused(create(admin, "Room", { [field]: [member.id, wrong] }), "bad_request", field);
      }
    }
    const { total } = await world.useCases.chatrooms.list(admin.principal, id, page({ all: true }));
    expect(total).toBe(0);
  });

  test("a deletion that lies in the past is refused", async () => {
    const { admin, create } = await rescue(world);
    for (const scheduledDeletion of [world.clock.now, 0, 1.5, Number.NaN]) {
      await refused(create(admin, "Room", { scheduledDeletion }), "bad_request", "scheduledDeletion");
    }
  });

  test("avatars are images of at most 1 MiB, recognised by their bytes", async () => {
    const { admin, create } = await rescue(world);
    const { room } = await create(admin, "With a face", { avatar: PNG });
    const image = await world.store.avatars.get(room.avatarId!);
    expect(image).toMatchObject({ mime: "image/png" });
    const svg = Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>');
    for (const avatar of [svg, Buffer.from("hello"), Buffer.from("%PDF-1.7\n")]) {
      await refused(create(admin, "Faceless", { avatar }), "bad_request", "avatar");
    }
    const huge = Buffer.concat([PNG, Buffer.alloc(1 << 20)]);
    await refused(create(admin, "Faceless", { avatar: huge }), "too_large", "avatar");
    const { room: plain } = await create(admin, "Faceless", { avatar: new Uint8Array() });
    expect(plain.avatarId).toBeNull();
  });
});

const page = (more: object = {}) => ({ all: false, limit: 10, offset: 0, ...more });

describeDomain("chatrooms: seeing", (world) => {
  test("managers list all rooms, plain users their own, others nothing", async () => {
    const { id, admin, member, create, principal } = await rescue(world);
    const { list, get } = world.useCases.chatrooms;
    const rooms = [];
    for (const name of ["A", "B", "C"]) rooms.push(await create(admin, name));
    await world.useCases.chatrooms.addUsers(principal, rooms[1]!.room.id, {
      assignedUsers: [member.id],
    });
    const names = async (by: Pick<Person, "principal">, more = {}) => {
      const { entries, total } = await list(by.principal, id, page(more));
      return { names: entries.map(({ room }) => room.name), total };
    };
    expect(await names(admin, { limit: 2 })).toEqual({ names: ["A", "B"], total: 3 });
    expect(await names(admin, { limit: 2, offset: 2 })).toEqual({ names: ["C"], total: 3 });
    expect(await names({ principal }, { all: true, limit: 0, offset: -1 })).toMatchObject({ total: 3 });
    expect(await names(member)).toEqual({ names: ["B"], total: 1 });
    await refused(names(await world.person()), "forbidden");
    for (const limit of [0, 51, 1.5]) await refused(names(admin, { limit }), "bad_request", "limit");
    await refused(names(admin, { offset: -1 }), "bad_request", "offset");
    expect(await get(member.principal, rooms[1]!.room.id)).toMatchObject({
      assignedUsers: [member.id],
    });
    await refused(get(member.principal, rooms[0]!.room.id), "not_found");
    await refused(get((await world.person()).principal, rooms[0]!.room.id), "forbidden");
    await refused(get(admin.principal, 999_999), "not_found");
    await refused(get(admin.principal, Number.MAX_VALUE), "not_found");
  });

  test("a room is found by its Matrix id, with or without a server", async () => {
    const { admin, create } = await rescue(world);
    const { room } = await create(admin, "Bridged");
    await world.store.sql`
      update conversations set matrix_room_id = '!opaque' where id = ${room.id}`;
    const { get } = world.useCases.chatrooms;
    for (const id of ["!opaque", "!opaque:example.org", String(room.id), room.id]) {
      expect((await get(admin.principal, id)).room.id).toBe(room.id);
    }
    for (const id of ["!other", "opaque", "", "!", "!\0", "9".repeat(40)]) {
      await refused(get(admin.principal, id), "not_found");
    }
  });

  test("rooms that were made through another face are no chatrooms", async () => {
    const { id, admin } = await rescue(world);
    const room = await world.useCases.roomLifecycle.create(admin.actor, {
      type: "group",
      name: "Talk",
      organizationId: id,
    });
    await refused(world.useCases.chatrooms.get(admin.principal, room.id), "not_found");
  });
});

describeDomain("chatrooms: changing", (world) => {
  test("a later, other role wins, and what stays the same makes no event", async () => {
    const { principal, admin, member, create } = await rescue(world);
    const { addUsers } = world.useCases.chatrooms;
    const { room } = await create(admin, "Room");
    await addUsers(principal, room.id, { moderators: [member.id] });
    await addUsers(principal, room.id, { moderators: [member.id] });
    const after = await addUsers(principal, room.id, { assignedUsers: [member.id, admin.id] });
    expect(after).toMatchObject({ admins: [], moderators: [], assignedUsers: [admin.id, member.id] });
    const expected = ["room.created", `member.joined ${admin.id}`, `member.joined ${member.id}`];
    expect(await world.story(room)).toEqual([
      ...expected,
      `member.changed ${member.id}`,
      `member.changed ${admin.id}`,
    ]);
    await refused(addUsers(member.principal, room.id, {}), "forbidden");
    await refused(addUsers(principal, 999_999, {}), "not_found");
  });

  test("claiming the default room: any user of the organization, once or twice; nobody else", async () => {
    const { id, principal, admin, member } = await rescue(world);
    const { claim, createDefault } = world.useCases.chatrooms;
    const { room } = await createDefault(principal, { organizationId: id, automationEnabled: false });
    await claim(admin.principal, room.id);
    expect(await claim(member.principal, room.id)).toMatchObject({ admins: [admin.id, member.id] });
    await claim(member.principal, String(room.id));
    expect(await world.story(room)).toHaveLength(3);
    await refused(claim(principal, room.id), "forbidden");
    await refused(claim((await world.person()).principal, room.id), "forbidden");
    await refused(claim(member.principal, 999_999), "not_found");
  });

  test("a custom room that has an owner is nobody else's to claim, whoever counts its number", async () => {
    const { admin, chat, member, create } = await rescue(world);
    const { claim } = world.useCases.chatrooms;
    const { room } = await create(admin, "Private");
    for (const { principal } of [member, chat]) await refused(claim(principal, room.id), "forbidden");
    expect(await world.people(room)).toEqual([`${admin.id} owner`]);
    await claim(admin.principal, room.id);
    expect(await world.story(room)).toHaveLength(2);
    await world.useCases.roomLifecycle.leave(admin.actor, room.token);
    await claim(member.principal, room.id);
    expect(await world.people(room)).toEqual([`${member.id} owner`]);
    await refused(claim(chat.principal, room.id), "forbidden");
  });

  test("custom rooms are deleted by managers; default and event rooms not this way", async () => {
    const { id, principal, admin, member, create } = await rescue(world);
    const { chatrooms, directory, roomLifecycle } = world.useCases;
    const { room } = await create(admin, "Room");
    await refused(chatrooms.delete(member.principal, room.id), "forbidden");
    await chatrooms.delete(principal, room.id);
    await refused(chatrooms.delete(principal, room.id), "not_found");
    expect((await world.story(room)).at(-1)).toBe("room.deleted");
    const standard = await chatrooms.createDefault(principal, {
      organizationId: id,
      automationEnabled: true,
    });
    await directory.putEvent({
      organizationId: id,
      eventId: 1,
      name: "Fire",
      endsAt: null,
      acceptedUsers: [],
    });
    const event = await chatrooms.byEvent(principal, id, 1);
    for (const room of [standard, event]) {
      await refused(chatrooms.delete(principal, room.room.id), "bad_request", "room");
      await chatrooms.claim(admin.principal, room.room.id);
      await refused(roomLifecycle.delete(admin.actor, room.room.token), "bad_request", "room");
    }
  });

  test("an admin who leaves a chatroom hands it to nobody: any user of the organization can claim it", async () => {
    const { admin, member, create } = await rescue(world);
    const { room } = await create(admin, "Room", { assignedUsers: [member.id] });
    await world.useCases.roomLifecycle.leave(admin.actor, room.token);
    expect(await world.people(room)).toEqual([`${member.id} user`]);
    await world.useCases.roomLifecycle.leave(member.actor, room.token);
    expect(await world.store.rooms.byId(room.id)).not.toBeNull();
  });
});

describeDomain("chatrooms: the default room", (world) => {
  test("it is named like the organization, has its users, and there is one", async () => {
    const { id, principal, admin, chat, member } = await rescue(world);
    const { createDefault, removeDefault } = world.useCases.chatrooms;
    const input = { organizationId: id, automationEnabled: true };
    await refused(createDefault(member.principal, input), "forbidden");
    const room = await createDefault(principal, input);
    expect(room.room).toMatchObject({ name: "Rescue", kind: "default", automationEnabled: true });
    expect(room.assignedUsers).toEqual([admin.id, chat.id, member.id]);
    await refused(createDefault(principal, input), "conflict", "organizationId");
    await removeDefault(principal, id);
    await refused(removeDefault(principal, id), "not_found");
    const empty = await createDefault(principal, { ...input, automationEnabled: false });
    expect(empty.assignedUsers).toEqual([]);
  });

  test("five who create it at once make one", async () => {
    const { id, principal } = await rescue(world);
    const input = { organizationId: id, automationEnabled: true };
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => world.another().chatrooms.createDefault(principal, input)),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason.code).toBe("conflict");
    }
  });

  test("switching automation on brings in who is missing and takes out who is none of its users", async () => {
    const { id, principal, admin, chat, member } = await rescue(world);
    const { createDefault, update, claim, addUsers } = world.useCases.chatrooms;
    const { room } = await createDefault(principal, { organizationId: id, automationEnabled: false });
    await claim(admin.principal, room.id);
    await addUsers(principal, room.id, { moderators: [member.id] });
    const on = await update(chat.principal, room.id, { automationEnabled: true });
    expect(on).toMatchObject({ admins: [admin.id], moderators: [member.id], assignedUsers: [chat.id] });
    const story = await world.story(room);
    expect(story.slice(-2)).toEqual(["room.changed", `member.joined ${chat.id}`]);
    await update(principal, room.id, { automationEnabled: true });
    expect(await world.story(room)).toEqual(story);
    await refused(update(member.principal, room.id, { automationEnabled: false }), "forbidden");
  });
});

describeDomain("chatrooms: scheduled deletion", (world) => {
  test("it is carried out when due, once, by any number of processes", async () => {
    const { admin, member, create } = await rescue(world);
    const at = world.clock.now + 60_000;
    const due = await create(admin, "Short", { scheduledDeletion: at, assignedUsers: [member.id] });
    const later = await create(admin, "Long", { scheduledDeletion: at + 1 });
    await world.useCases.messages.send(member.actor, due.room.token, message());
    await world.useCases.chatrooms.sweep(at - 1);
    expect(await world.store.rooms.byId(due.room.id)).not.toBeNull();
    await Promise.all([
      world.useCases.chatrooms.sweep(at),
      world.another().chatrooms.sweep(at),
      world.another().chatrooms.sweep(at),
    ]);
    expect(await world.store.rooms.byId(due.room.id)).toBeNull();
    expect(await world.store.rooms.byId(later.room.id)).not.toBeNull();
    const story = await world.story(due.room);
    expect(story.filter((line) => line === "room.deleted")).toHaveLength(1);
    expect(story.at(-1)).toBe("room.deleted");
  });

  test("more rooms than are looked up at once are all deleted", async () => {
    const { admin, create } = await rescue(world);
    const at = world.clock.now + 1_000;
    for (let i = 0; i < 55; i++) await create(admin, `Room ${i}`, { scheduledDeletion: at });
    await world.useCases.chatrooms.sweep(at);
    expect(await world.store.rooms.dueForDeletion(at, 100)).toEqual([]);
  });
});
