import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Actor } from "../../../src/domain/model.ts";
import { describeDomain, guest, matrixUser, message, refused, SYSTEM_ACTOR } from "../world.ts";

describeDomain("conversations.create", (world) => {
  test("the creator owns the room, and its log tells how it began", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const members = [{ member: { ...bob.actor, name: "" }, role: "moderator" as const }];
    const room = await world.useCases.roomLifecycle.create(ada.actor, {
      type: "public",
      name: "  Plaza ",
      members,
    });
    expect(room).toMatchObject({ name: "Plaza", type: "public", kind: null, history: "joined" });
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${bob.id} moderator`]);
    expect(await world.story(room)).toEqual([
      "room.created",
      `member.joined ${ada.id}`,
      `member.joined ${bob.id}`,
    ]);
    const joined = (await world.events(room))[2]!;
    expect(JSON.parse(joined.dataJson).member.name).toBe("Bob");
    expect(joined.actor).toEqual(ada.actor);
  });

  test.each(["", "   ", "\u200b\u3164", "x".repeat(201), "a\0b", "a\ud800"])(
    "the name %j is refused",
    async (name) => {
      const ada = await world.person();
      await refused(
        world.useCases.roomLifecycle.create(ada.actor, { type: "group", name }),
        "bad_request",
        "name",
      );
    },
  );

  test("two people who write to each other at once have one one-to-one room", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const create = (from: Actor, to: Actor) =>
      world.useCases.roomLifecycle.create(from, {
        type: "one_to_one",
        name: "",
        members: [{ member: to, role: "user" }],
      });
    const rooms = await Promise.all([
      create(ada.actor, bob.actor),
      create(bob.actor, ada.actor),
      create(ada.actor, bob.actor),
    ]);
    expect(new Set(rooms.map(({ id }) => id)).size).toBe(1);
    expect((await world.people(rooms[0]!)).sort()).toEqual([`${ada.id} owner`, `${bob.id} owner`].sort());
    await refused(create(ada.actor, ada.actor), "bad_request", "members");
  });

  test("a one-to-one room can't be changed, deleted or grown", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const { roomLifecycle } = world.useCases;
    const { token } = await roomLifecycle.create(ada.actor, {
      type: "one_to_one",
      name: "",
      members: [{ member: bob.actor, role: "user" }],
    });
    await refused(roomLifecycle.rename(ada.actor, token, "Us"), "bad_request");
    await refused(roomLifecycle.setReadOnly(ada.actor, token, true), "bad_request");
    await refused(
      roomLifecycle.addMembers(ada.actor, token, [{ member: cy.actor, role: "user" }]),
      "bad_request",
    );
    await refused(roomLifecycle.removeMember(ada.actor, token, bob.actor), "bad_request");
    await refused(roomLifecycle.delete(ada.actor, token), "bad_request");
  });

  test("people of another organization do not exist", async () => {
    const [one, two] = [await world.organization(), await world.organization("Fire")];
    const [ada, bob] = [await world.person("Ada", one), await world.person("Bob", two)];
    const [cy, nobody] = [await world.person("Cy", one), await world.person()];
    const { roomLifecycle } = world.useCases;
    const withMember = (from: Actor, to: Actor) =>
      roomLifecycle.create(from, {
        type: "group",
        name: "Room",
        members: [{ member: to, role: "user" }],
      });
    await withMember(ada.actor, cy.actor);
    for (const [from, to] of [
      [ada, bob],
      [bob, ada],
      [ada, nobody],
      [nobody, ada],
    ] as const) {
      await refused(withMember(from.actor, to.actor), "not_found", "members");
    }
    const unknown: Actor = { kind: "user", id: "999999", name: "" };
    await refused(withMember(ada.actor, unknown), "not_found", "members");
    await refused(withMember(ada.actor, { ...unknown, id: "x" }), "not_found", "members");
    const input = { type: "group", name: "Ours" } as const;
    await refused(
      roomLifecycle.create(ada.actor, { ...input, organizationId: two.id }),
      "not_found",
      "organizationId",
    );
    const ours = await roomLifecycle.create(ada.actor, { ...input, organizationId: one.id });
    expect(ours.organizationId).toBe(one.id);
  });

  test("only users make rooms, and bring in only users", async () => {
    const ada = await world.person();
    const { roomLifecycle } = world.useCases;
    await refused(roomLifecycle.create(matrixUser(), { type: "group", name: "Room" }), "forbidden");
    const room = await world.group([ada]);
    const add = (actor: Actor, member: Actor, role: "guest" | "user") =>
      roomLifecycle.addMembers(actor, room.token, [{ member, role }]);
    await refused(add(ada.actor, guest(), "guest"), "bad_request", "members");
    await refused(add(SYSTEM_ACTOR, guest(), "user"), "bad_request", "role");
    await refused(add(SYSTEM_ACTOR, ada.actor, "guest"), "bad_request", "role");
    await refused(add(SYSTEM_ACTOR, SYSTEM_ACTOR, "user"), "bad_request", "member");
    await add(SYSTEM_ACTOR, guest(), "guest");
    await add(SYSTEM_ACTOR, matrixUser(), "user");
    expect(await world.people(room)).toHaveLength(3);
  });
});

describeDomain("conversations: changes", (world) => {
  test("renaming is for moderators, trims, and is silent when nothing changes", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { roomLifecycle } = world.useCases;
    expect(await roomLifecycle.rename(ada.actor, room.token, " Harbour ")).toMatchObject({ name: "Harbour" });
    await roomLifecycle.rename(ada.actor, room.token, "Harbour");
    expect((await world.story(room)).filter((line) => line === "room.changed")).toHaveLength(1);
    await refused(roomLifecycle.rename(bob.actor, room.token, "Mine"), "forbidden");
    await refused(roomLifecycle.rename(cy.actor, room.token, "Mine"), "not_found", "room");
    await roomLifecycle.rename(SYSTEM_ACTOR, room.token, "From Matrix");
    await refused(roomLifecycle.rename(SYSTEM_ACTOR, "nosuchro", "x"), "not_found", "room");
    const { name } = (await world.store.rooms.byId(room.id))!;
    expect(name).toBe("From Matrix");
  });

  test("a member who is in already keeps the role when added again", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob], ["moderator"]);
    await world.useCases.roomLifecycle.addMembers(ada.actor, room.token, [
      { member: bob.actor, role: "user" },
    ]);
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${bob.id} moderator`]);
    expect(await world.story(room)).toHaveLength(3);
  });

  test("ten processes that add the same person make one member.joined", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const add = () =>
      world.another().roomLifecycle.addMembers(ada.actor, room.token, [{ member: bob.actor, role: "user" }]);
    await Promise.all(Array.from({ length: 10 }, add));
    expect(await world.story(room)).toEqual([
      "room.created",
      `member.joined ${ada.id}`,
      `member.joined ${bob.id}`,
    ]);
  });

  test("moderators remove members and not owners; plain members remove nobody", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada, bob, cy], ["moderator"]);
    const { roomLifecycle } = world.useCases;
    await refused(roomLifecycle.removeMember(cy.actor, room.token, bob.actor), "forbidden");
    await refused(roomLifecycle.removeMember(bob.actor, room.token, ada.actor), "forbidden");
    expect(await roomLifecycle.removeMember(bob.actor, room.token, guest())).toBeNull();
    await roomLifecycle.removeMember(bob.actor, room.token, cy.actor);
    const last = (await world.events(room)).at(-1)!;
    expect(last).toMatchObject({ type: "member.left", actor: bob.actor });
    expect(JSON.parse(last.dataJson)).toEqual({ member: cy.actor, role: "user" });
    await roomLifecycle.removeMember(bob.actor, room.token, bob.actor);
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
  });

  test("roles: owners alone make and unmake owners, and somebody always moderates", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada, bob, cy]);
    const { roomLifecycle } = world.useCases;
    await refused(roomLifecycle.setRole(bob.actor, room.token, bob.actor, "moderator"), "forbidden");
    await refused(roomLifecycle.setRole(ada.actor, room.token, ada.actor, "user"), "bad_request", "role");
    await roomLifecycle.setRole(ada.actor, room.token, bob.actor, "moderator");
    await refused(roomLifecycle.setRole(bob.actor, room.token, bob.actor, "owner"), "forbidden");
    await refused(roomLifecycle.setRole(bob.actor, room.token, ada.actor, "user"), "forbidden");
    const owner = [{ member: (await world.person()).actor, role: "owner" as const }];
    await refused(roomLifecycle.addMembers(bob.actor, room.token, owner), "forbidden");
    await roomLifecycle.setRole(bob.actor, room.token, cy.actor, "moderator");
    await roomLifecycle.setRole(ada.actor, room.token, ada.actor, "user");
    await roomLifecycle.setRole(SYSTEM_ACTOR, room.token, cy.actor, "owner");
    expect(await world.people(room)).toEqual([`${ada.id} user`, `${bob.id} moderator`, `${cy.id} owner`]);
    await refused(roomLifecycle.setRole(cy.actor, room.token, guest(), "guest"), "not_found", "member");
  });

  test("an owner who leaves hands the room to the one who is in it longest", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const mel = matrixUser();
    const room = await world.group([ada]);
    const { roomLifecycle } = world.useCases;
    const add = (member: Actor, role: "self_joined" | "user") =>
      roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [{ member, role }]);
    await add(mel, "user");
    await add(bob.actor, "self_joined");
    await add(cy.actor, "user");
    await roomLifecycle.leave(ada.actor, room.token);
    expect(await world.people(room)).toEqual([`m:${mel.id} user`, `${bob.id} self_joined`, `${cy.id} owner`]);
    expect((await world.story(room)).slice(-2)).toEqual([`member.left ${ada.id}`, `member.changed ${cy.id}`]);
    expect(await roomLifecycle.leave(ada.actor, room.token)).toBeNull();
    await refused(roomLifecycle.leave(guest(), room.token), "not_found", "room");
  });

  test("a room that nobody is left in is deleted, and its log ends with room.deleted", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { roomLifecycle } = world.useCases;
    await roomLifecycle.leave(ada.actor, room.token);
    await roomLifecycle.leave(bob.actor, room.token);
    expect(await world.store.rooms.byId(room.id)).toBeNull();
    expect((await world.story(room)).slice(-2)).toEqual([`member.left ${bob.id}`, "room.deleted"]);
  });

  test("deleting a room ends its running call first", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { roomLifecycle, calls } = world.useCases;
    await refused(roomLifecycle.delete(bob.actor, room.token), "forbidden");
    await calls.join(bob.actor, room.token, "s", 1);
    await roomLifecycle.delete(ada.actor, room.token);
    expect((await world.story(room)).slice(-3)).toEqual(["call.started", "call.ended", "room.deleted"]);
    expect(await roomLifecycle.delete(ada.actor, room.token)).toBe(false);
    await refused(roomLifecycle.delete(guest(), room.token), "not_found", "room");
    await refused(world.useCases.messages.send(ada.actor, room.token, message()), "not_found", "room");
  });

  test("the list has one entry per room, newest activity first", async () => {
    const ada = await world.person();
    const [one, two] = [await world.group([ada]), await world.group([ada])];
    await world.useCases.messages.send(ada.actor, one.token, { id: randomUUID(), text: "newest" });
    const list = await world.useCases.roomLifecycle.list(ada.actor);
    expect(list.map(({ room }) => room.id)).toEqual([one.id, two.id]);
  });
});
