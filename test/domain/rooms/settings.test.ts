import { expect, test } from "vitest";
import type { Actor } from "../../../src/domain/model.ts";
import type { Change, RoomSettings } from "../../../src/domain/use-cases/room-settings.ts";
import { describeDomain, message, refused, type World } from "../world.ts";

async function plaza(world: World) {
  const [ada, mod, bob] = [await world.person("Ada"), await world.person("Mod"), await world.person("Bob")];
  const room = await world.useCases.roomLifecycle.create(ada.actor, {
    type: "public",
    name: "Plaza",
    members: [
      { member: mod.actor, role: "moderator" },
      { member: bob.actor, role: "user" },
    ],
  });
  return { ada, mod, bob, room, token: room.token };
}

async function visitor(world: World, token: string): Promise<Actor> {
  const secret = world.useCases.guests.newSecret();
  const actor = await world.useCases.guests.actorOf(secret, token);
  await world.useCases.joining.join(actor, token, { secret });
  return actor;
}

function told({ event }: Change): unknown {
  return event && JSON.parse(event.dataJson);
}

describeDomain("room settings", (world) => {
  const CHANGES: [string, (s: RoomSettings, a: Actor, t: string) => Promise<Change>, object][] = [
    ["a name", (s, a, t) => s.rename(a, t, " Harbour "), { name: "Harbour" }],
    ["the lock", (s, a, t) => s.setReadOnly(a, t, true), { readOnly: true }],
    ["a lobby", (s, a, t) => s.setLobby(a, t, { on: true }), { lobby: true }],
    ["a lobby's time", (s, a, t) => s.setLobby(a, t, { on: true, until: 9e12 }), { lobbyUntil: 9e12 }],
    ["a message timer", (s, a, t) => s.setMessageTimer(a, t, 60_000), { messageTimer: 60_000 }],
    ["a receipt mode", (s, a, t) => s.setReceiptMode(a, t, 0), { receiptMode: 0 }],
    [
      "access",
      (s, a, t) => s.setAccess(a, t, { access: ["invite", "code"], accessRole: "non_activated" }),
      { access: ["invite", "code"], accessRole: "non_activated" },
    ],
    [
      "a description",
      (s, a, t) => s.update(a, t, { description: "By the sea" }),
      { description: "By the sea" },
    ],
  ];

  test.each(CHANGES)(
    "%s changes once, with an event that names it; the same again is silent",
    async (_, set, data) => {
      const { mod, bob, room, token } = await plaza(world);
      const { roomSettings } = world.useCases;
      const first = await set(roomSettings, mod.actor, token);
      expect(told(first)).toMatchObject(data);
      expect(first.event).toMatchObject({ type: "room.changed", actor: mod.actor });
      expect(first.room).toMatchObject(data);
      const again = await set(roomSettings, mod.actor, token);
      expect(again.event).toBeNull();
      expect(again.room).toEqual(first.room);
      expect((await world.story(room)).filter((line) => line === "room.changed")).toHaveLength(1);
      await refused(set(roomSettings, bob.actor, token), "forbidden");
      await refused(set(roomSettings, (await world.person()).actor, token), "not_found", "room");
    },
  );

  test("[B.3] guest moderators rename, set the password and delete; they do not open, close or lock", async () => {
    const { ada, token } = await plaza(world);
    const actor = await visitor(world, token);
    const { roomSettings, roster, memberSettings, roomLifecycle } = world.useCases;
    await roster.promote(ada.actor, token, actor);
    await roomSettings.rename(actor, token, "Renamed");
    await roomSettings.setPassword(actor, token, "sesame");
    await refused(roomSettings.setPublic(actor, token, false), "forbidden");
    await refused(roomSettings.setReadOnly(actor, token, true), "forbidden");
    await refused(roomSettings.setLobby(actor, token, { on: true }), "forbidden");
    await refused(memberSettings.change(actor, token, { favourite: true }), "forbidden");
    await roomLifecycle.delete(actor, token);
  });

  test("[B.3] going private takes guests and self-joined members out, invited ones stay", async () => {
    const { ada, mod, bob, room, token } = await plaza(world);
    const self = await world.person("Self");
    const { roomSettings, joining, roster, messages } = world.useCases;
    await joining.join(self.actor, token);
    const [gus, guestMod] = [await visitor(world, token), await visitor(world, token)];
    await roster.promote(ada.actor, token, guestMod);
    expect((await roomSettings.setPublic(ada.actor, token, true)).event).toBeNull();
    const change = await roomSettings.setPublic(mod.actor, token, false);
    expect(told(change)).toEqual({ type: "group" });
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${mod.id} moderator`, `${bob.id} user`]);
    const story = await world.story(room);
    expect(story.slice(-4)).toEqual([
      "room.changed",
      `member.left ${self.id}`,
      `member.left ${gus.id}`,
      `member.left ${guestMod.id}`,
    ]);
    expect((await world.events(room)).at(-1)!.actor).toEqual(mod.actor);
    await refused(messages.send(gus, token, message()), "not_found", "room");
    expect((await roomSettings.setPublic(ada.actor, token, false)).event).toBeNull();
    expect(told(await roomSettings.setPublic(ada.actor, token, true))).toEqual({ type: "public" });
  });

  test("default and event chatrooms of an organization are never public; custom ones may be", async () => {
    const { id, principal } = await world.organization("Rescue", true);
    const ada = await world.person("Ada", { id, role: "admin" });
    const { chatrooms, roomSettings } = world.useCases;
    const everybody = (await world.store.chatrooms.defaultOf(id))!;
    await chatrooms.claim(ada.principal, everybody.id);
    await refused(roomSettings.setPublic(ada.actor, everybody.token, true), "bad_request", "room");
    const { room } = await chatrooms.create(principal, {
      organizationId: id,
      name: "Crew",
      admins: [ada.id],
    });
    expect((await roomSettings.setPublic(ada.actor, room.token, true)).event).not.toBeNull();
  });

  test("[B.3] a password is for public rooms only (403), told as hasPassword, each time it is set", async () => {
    const { ada, mod, bob, token } = await plaza(world);
    const { roomSettings, oneToOne } = world.useCases;
    expect(await told(await roomSettings.setPassword(ada.actor, token, ""))).toBeNull();
    expect(told(await roomSettings.setPassword(mod.actor, token, "x"))).toEqual({ hasPassword: true });
    expect(told(await roomSettings.setPassword(ada.actor, token, "x"))).toEqual({ hasPassword: true });
    expect(told(await roomSettings.setPassword(ada.actor, token, ""))).toEqual({ hasPassword: false });
    await refused(roomSettings.setPassword(bob.actor, token, "x"), "forbidden");
    await refused(roomSettings.setPassword(ada.actor, token, "x".repeat(1_001)), "bad_request", "password");
    await roomSettings.setPublic(ada.actor, token, false);
    await refused(roomSettings.setPassword(ada.actor, token, "x"), "forbidden");
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    await refused(roomSettings.setPassword(ada.actor, room.token, "x"), "forbidden");
  });

  test("a room's password may be short where accounts' may not", async () => {
    const { ada, token } = await plaza(world);
    const strict = world.another({ settings: { passwordMinLength: 10, rateLimits: false } });
    await strict.roomSettings.setPassword(ada.actor, token, "x");
  });

  test("[B.4] a lobby opens at its time, once, by the system, whoever sweeps", async () => {
    const { ada, bob, room, token } = await plaza(world);
    const { roomSettings, messages } = world.useCases;
    const until = world.clock.now + 60_000;
    await roomSettings.setLobby(ada.actor, token, { on: true, until });
    await refused(messages.send(bob.actor, token, message()), "lobby");
    await roomSettings.sweep(until - 1);
    expect((await world.store.rooms.byId(room.id))!.lobby).toBe(true);
    world.clock.now = until;
    await messages.send(bob.actor, token, message());
    await Promise.all([roomSettings.sweep(until), world.another().roomSettings.sweep(until)]);
    const opened = (await world.events(room)).filter(({ type }) => type === "room.changed").slice(1);
    expect(opened).toMatchObject([
      { actor: { kind: "system" }, dataJson: JSON.stringify({ lobby: false, lobbyUntil: null }) },
    ]);
    await roomSettings.setLobby(ada.actor, token, { on: true, until: until + 1_000 });
    expect(told(await roomSettings.setLobby(ada.actor, token, { on: false, until: 5 }))).toEqual({
      lobby: false,
      lobbyUntil: null,
    });
  });

  test("[A.4] a message timer: null and 0 differ, negative ones are 0, and appending finds it", async () => {
    const { ada, room, token } = await plaza(world);
    const { roomSettings } = world.useCases;
    const set = async (ms: number | null) => told(await roomSettings.setMessageTimer(ada.actor, token, ms));
    expect(await set(null)).toBeNull();
    expect(await set(0)).toEqual({ messageTimer: 0 });
    expect(await set(-5)).toBeNull();
    expect(await set(86_400_000)).toEqual({ messageTimer: 86_400_000 });
    const [row] = await world.store.sql<{ message_timer: number }[]>`
      select message_timer from room_heads where conversation_id = ${room.id}`;
    expect(row!.message_timer).toBe(86_400_000);
    expect(await set(null)).toEqual({ messageTimer: null });
    await refused(roomSettings.setMessageTimer(ada.actor, token, 1.5), "bad_request", "messageTimer");
  });

  test("[A.4] a receipt mode: unset is null, 0 is kept apart, any int32 is", async () => {
    const { ada, room, token } = await plaza(world);
    const { roomSettings } = world.useCases;
    expect(room.receiptMode).toBeNull();
    for (const mode of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(told(await roomSettings.setReceiptMode(ada.actor, token, mode))).toEqual({ receiptMode: mode });
    }
    for (const mode of [2 ** 31, 0.5, Number.NaN]) {
      await refused(roomSettings.setReceiptMode(ada.actor, token, mode), "bad_request", "receiptMode");
    }
    await refused(
      roomSettings.setAccess(ada.actor, token, { access: ["anyhow"], accessRole: "team" }),
      "bad_request",
      "access",
    );
    await refused(
      roomSettings.setAccess(ada.actor, token, { access: ["link"], accessRole: "king" }),
      "bad_request",
      "accessRole",
    );
  });

  test("[A.4] one-to-one rooms have a name for Wire and a receipt mode, and no timer, lock or lobby", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const { token } = (await world.useCases.oneToOne.open(ada.actor, bob.actor)).room;
    const { roomSettings } = world.useCases;
    expect(told(await roomSettings.rename(bob.actor, token, "Us", "wire"))).toEqual({ name: "Us" });
    expect(told(await roomSettings.setReceiptMode(ada.actor, token, 1))).toEqual({ receiptMode: 1 });
    await refused(roomSettings.setMessageTimer(ada.actor, token, 1), "bad_request");
    await refused(roomSettings.setPublic(ada.actor, token, true), "bad_request");
    await refused(roomSettings.setReadOnly(ada.actor, token, false), "bad_request");
    await refused(roomSettings.setLobby(ada.actor, token, { on: true }), "bad_request");
    await refused(roomSettings.update(ada.actor, token, { name: "Us" }), "bad_request");
  });

  test("[A.7] Wire's names have up to 256 characters and may be missing; everybody else's 200", async () => {
    const ada = await world.person();
    const { roomLifecycle, roomSettings } = world.useCases;
    const create = (name: string, naming?: "wire") =>
      roomLifecycle.create(ada.actor, { type: "group", name, ...(naming && { naming }) });
    const long = "é".repeat(256);
    const { token } = await create(long, "wire");
    await refused(create(`${long}x`, "wire"), "bad_request", "name");
    await refused(create("x".repeat(201)), "bad_request", "name");
    expect((await create("", "wire")).name).toBe("");
    await refused(create(""), "bad_request", "name");
    await refused(roomSettings.rename(ada.actor, token, "x".repeat(201)), "bad_request", "name");
    await refused(roomSettings.rename(ada.actor, token, "", "wire"), "bad_request", "name");
    await roomSettings.rename(ada.actor, token, "x".repeat(256), "wire");
    await roomSettings.rename(ada.actor, token, "😀".repeat(200));
  });

  test("what a room is created with is what it has", async () => {
    const ada = await world.person();
    const settings = {
      description: "Docks",
      avatarUrl: "https://example.org/a.png",
      messageTimer: 0,
      receiptMode: 1,
      access: ["private"],
      accessRole: "team",
    };
    const { roomLifecycle } = world.useCases;
    const room = await roomLifecycle.create(ada.actor, { type: "group", name: "Harbour", ...settings });
    expect(room).toMatchObject(settings);
    expect(await world.store.rooms.byId(room.id)).toEqual(room);
    const plain = await roomLifecycle.create(ada.actor, { type: "group", name: "Harbour" });
    expect(plain).toMatchObject({
      description: null,
      avatarUrl: null,
      messageTimer: null,
      receiptMode: null,
      access: ["invite"],
      accessRole: "activated",
      pair: null,
    });
    for (const avatarUrl of ["javascript:alert(1)", "ftp://example.org/a", "https://"]) {
      await refused(
        roomLifecycle.create(ada.actor, { type: "group", name: "Harbour", avatarUrl }),
        "bad_request",
        "avatarUrl",
      );
    }
    const description = "x".repeat(2_001);
    await refused(
      roomLifecycle.create(ada.actor, { type: "group", name: "Harbour", description }),
      "bad_request",
      "description",
    );
  });
});

describeDomain("room settings: several at once", (world) => {
  test("[D] name, picture and people change together, in one event and the joins and leaves", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { roomSettings } = world.useCases;
    const change = await roomSettings.update(ada.actor, room.token, {
      name: "Crew",
      description: null,
      avatarUrl: "https://example.org/crew.png",
      members: [cy.actor],
    });
    expect(told(change)).toEqual({ name: "Crew", avatarUrl: "https://example.org/crew.png" });
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${cy.id} user`]);
    expect((await world.story(room)).slice(-3)).toEqual([
      "room.changed",
      `member.joined ${cy.id}`,
      `member.left ${bob.id}`,
    ]);
  });

  test("it is all or none, and for those who moderate", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const eve = await world.person("Eve", await world.organization());
    const room = await world.group([ada, bob, cy], ["moderator"]);
    const { roomSettings } = world.useCases;
    const patch = { name: "Crew", members: [eve.actor] };
    await refused(roomSettings.update(ada.actor, room.token, patch), "not_found", "members");
    await refused(roomSettings.update(cy.actor, room.token, { name: "Crew" }), "forbidden");
    // Ada, who owns it, is not in the list.
    await refused(roomSettings.update(bob.actor, room.token, { name: "Crew", members: [] }), "forbidden");
    expect(await world.story(room)).toHaveLength(4);
    await roomSettings.update(ada.actor, room.token, { members: [] });
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
  });
});
