/** Connections: how people of different organizations come to exist for each other. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { describeDomain, message, type Person, refused } from "../world.ts";

describeDomain("connections", (world) => {
  /** Two people who do not exist for each other. */
  async function strangers() {
    const [one, two] = [await world.organization(), await world.organization()];
    return { ada: await world.person("Ada", one), bob: await world.person("Bob", two) };
  }
  const connections = () => world.useCases.connections;
  const ask = (from: Person, to: Person, text?: string) =>
    connections().connect(from.actor, to.user.uuid, text === undefined ? {} : { message: text });
  const answer = (who: Person, other: Person, status: "accepted" | "blocked" | "ignored" | "cancelled") =>
    connections().update(who.actor, other.user.uuid, status);
  const statusOf = async (who: Person, other: Person) =>
    (await connections().get(who.actor, other.user.uuid)).status;

  test("are asked for and accepted; until then only who asked is in the room", async () => {
    const { ada, bob } = await strangers();
    const { connection, created } = await ask(ada, bob, "It is me");
    expect(created).toBe(true);
    expect(connection).toMatchObject({
      status: "sent",
      message: "It is me",
      from: { id: ada.id },
      to: { id: bob.id },
    });
    expect(await statusOf(bob, ada)).toBe("pending");
    const room = connection.room;
    if (!room) throw new Error("The connection has a room");
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
    expect(await connections().waiting(ada.actor, [room.id])).toEqual(new Set([room.id]));
    expect(await connections().connected(ada.actor, [bob.user.uuid])).toEqual([]);

    expect((await answer(bob, ada, "accepted")).changed).toBe(true);
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["accepted", "accepted"]);
    expect(await world.people(room)).toEqual([`${ada.id} owner`, `${bob.id} owner`]);
    expect(await connections().waiting(ada.actor, [room.id])).toEqual(new Set());
    expect((await answer(bob, ada, "accepted")).changed).toBe(false);
    expect((await ask(ada, bob)).created).toBe(false);
  });

  test("once accepted lift the isolation, and blocking brings it back for both", async () => {
    const { ada, bob } = await strangers();
    const invite = () =>
      world.useCases.roomLifecycle.create(ada.actor, {
        type: "group",
        name: "Both",
        members: [{ member: bob.actor, role: "user" }],
      });
    await refused(invite(), "not_found", "members");
    await ask(ada, bob);
    await refused(invite(), "not_found", "members");
    await answer(bob, ada, "accepted");
    await invite();
    expect((await connections().connected(bob.actor, [ada.user.uuid])).map(({ id }) => id)).toEqual([ada.id]);
    await answer(bob, ada, "blocked");
    await refused(invite(), "not_found", "members");
    expect(await connections().connected(ada.actor, [bob.user.uuid])).toEqual([]);
    await refused(ask(bob, ada), "forbidden");
    await answer(bob, ada, "accepted");
    await invite();
  });

  test("what one sends before the other accepts brings nobody into the room", async () => {
    const { ada, bob } = await strangers();
    const room = (await ask(ada, bob)).connection.room;
    if (!room) throw new Error("The connection has a room");
    await world.useCases.messages.send(ada.actor, room.token, message("Let me in"));
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
    await refused(world.useCases.messages.send(bob.actor, room.token, message("?")), "not_found");
  });

  test("asking back accepts", async () => {
    const { ada, bob } = await strangers();
    await ask(ada, bob);
    expect((await ask(bob, ada)).created).toBe(false);
    expect(await statusOf(ada, bob)).toBe("accepted");
  });

  test("two who ask each other at the same moment are connected, in one room", async () => {
    const { ada, bob } = await strangers();
    const [one, two] = await Promise.all([ask(ada, bob), ask(bob, ada)]);
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["accepted", "accepted"]);
    expect(one.connection.room?.id).toBe(two.connection.room?.id);
  });

  test("taken back take the room away; ignored ones stay sent for who asked", async () => {
    const { ada, bob } = await strangers();
    const room = (await ask(ada, bob)).connection.room;
    await answer(bob, ada, "ignored");
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["sent", "ignored"]);
    const { connection } = await answer(ada, bob, "cancelled");
    expect(connection).toMatchObject({ status: "cancelled", room: null });
    expect(await world.store.rooms.byId(room?.id ?? 0)).toBeNull();
    await refused(answer(bob, ada, "accepted"), "conflict", "status");
    expect((await ask(ada, bob)).created).toBe(true);
    expect(await statusOf(bob, ada)).toBe("pending");
  });

  test("who is blocked is not told, and is not let in by asking again", async () => {
    const { ada, bob } = await strangers();
    await ask(ada, bob);
    await answer(bob, ada, "blocked");
    expect(await statusOf(ada, bob)).toBe("sent");
    await answer(ada, bob, "cancelled");
    await ask(ada, bob);
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["sent", "blocked"]);
  });

  test.each([
    ["sent", "accepted"],
    ["sent", "ignored"],
    ["sent", "pending"],
    ["sent", "sent"],
  ] as const)("nobody makes their own question (%s) %s", async (_from, to) => {
    const { ada, bob } = await strangers();
    await ask(ada, bob);
    const change = connections().update(ada.actor, bob.user.uuid, to);
    if (to === "sent") expect((await change).changed).toBe(false);
    else await refused(change, "conflict", "status");
  });

  test("people of one organization are connected without asking", async () => {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    expect((await connections().connected(ada.actor, [bob.user.uuid])).map(({ id }) => id)).toEqual([bob.id]);
    const { connection, created } = await ask(ada, bob);
    expect({ created, status: connection.status }).toEqual({ created: false, status: "accepted" });
    expect(connection.room?.type).toBe("one_to_one");
  });

  test("unknown users, nonsense and oneself can't be asked", async () => {
    const { ada } = await strangers();
    await refused(connections().connect(ada.actor, randomUUID()), "not_found");
    await refused(connections().connect(ada.actor, "nonsense"), "not_found");
    await refused(connections().connect(ada.actor, ada.user.uuid), "bad_request");
    await refused(connections().get(ada.actor, randomUUID()), "not_found");
    expect(await connections().connected(ada.actor, ["nonsense", randomUUID()])).toEqual([]);
  });

  test("are listed by the other's UUID, page by page", async () => {
    const ada = await world.person("Ada");
    const others = [await world.person("B"), await world.person("C"), await world.person("D")];
    for (const other of others) await ask(ada, other);
    const uuids = others.map(({ user }) => user.uuid).sort();
    const first = await connections().list(ada.actor, { limit: 2 });
    expect(first.connections.map(({ to }) => to.uuid)).toEqual(uuids.slice(0, 2));
    expect(first.more).toBe(true);
    const rest = await connections().list(ada.actor, { limit: 2, after: uuids[1] as string });
    expect(rest.connections.map(({ to }) => to.uuid)).toEqual(uuids.slice(2));
    await world.useCases.directory.deleteUser(others[0]?.id as number);
    expect((await connections().list(ada.actor, { limit: 5 })).connections).toHaveLength(2);
  });
});
