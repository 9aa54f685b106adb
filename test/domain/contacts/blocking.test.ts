/** Blocking: what one does towards the other is refused, both ways, wherever they found each other. */
import { expect, test } from "vitest";
import type { Room } from "../../../src/domain/model.ts";
import { describeDomain, message, type Person, refused } from "../world.ts";

describeDomain("blocking", (world) => {
  const connections = () => world.useCases.connections;
  const set = (who: Person, other: Person, status: "accepted" | "blocked") =>
    connections().update(who.actor, other.user.uuid, status);
  const statusOf = async (who: Person, other: Person) =>
    (await connections().get(who.actor, other.user.uuid)).status;

  async function colleagues() {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    const { room } = await world.useCases.oneToOne.open(ada.actor, bob.actor);
    return { organization, ada, bob, room };
  }

  /** What reaches the other in a one-to-one room. */
  function acts(who: Person, { token }: Room, seq: number): [string, () => Promise<unknown>][] {
    const { messages, reactions, pins, presence, calls, roomSettings } = world.useCases;
    const { actor } = who;
    return [
      ["send", () => messages.send(actor, token, message())],
      ["edit", () => messages.edit(actor, token, seq, { text: "Changed" })],
      ["react", () => reactions.add(actor, token, seq, "+1")],
      ["pin", () => pins.pin(actor, token, seq)],
      ["type", () => presence.typing(actor, token, true, "s")],
      ["call", () => calls.join(actor, token, `session of ${who.id}`, 1)],
      ["rename", () => roomSettings.rename(actor, token, "Look at me", "wire")],
    ];
  }

  test("shuts the one-to-one room for both, and unblocking opens it again", async () => {
    const { ada, bob, room } = await colleagues();
    const seqs = new Map<Person, number>();
    for (const who of [ada, bob]) {
      seqs.set(who, (await world.useCases.messages.send(who.actor, room.token, message())).seq);
    }
    expect((await set(ada, bob, "blocked")).changed).toBe(true);
    world.clock.now += 10_000;
    const before = await world.story(room);
    for (const who of [ada, bob]) {
      for (const [what, act] of acts(who, room, seqs.get(who) as number)) {
        const { message: text } = await refused(act(), "forbidden");
        expect(text, what).toContain("blocked");
      }
    }
    expect(await world.story(room)).toEqual(before);
    const { messages } = world.useCases;
    await messages.history(bob.actor, room.token, { limit: 10 });
    await messages.remove(bob.actor, room.token, seqs.get(bob) as number);
    await set(ada, bob, "accepted");
    for (const who of [ada, bob]) await messages.send(who.actor, room.token, message());
  });

  test("keeps what the other said: one's own messages go for both, the room only for whoever deletes it", async () => {
    const { ada, bob, room } = await colleagues();
    const { messages, oneToOne, contacts, finding } = world.useCases;
    const [fromAda, fromBob] = [
      (await messages.send(ada.actor, room.token, message())).seq,
      (await messages.send(bob.actor, room.token, message())).seq,
    ];
    await set(ada, bob, "blocked");
    await refused(messages.remove(bob.actor, room.token, fromAda), "forbidden");
    await refused(messages.remove(ada.actor, room.token, fromBob), "forbidden");
    await messages.remove(bob.actor, room.token, fromBob);
    await oneToOne.delete(bob.actor, room.token);
    await refused(messages.history(bob.actor, room.token, { limit: 10 }), "not_found");
    const { events } = await messages.history(ada.actor, room.token, { limit: 50 });
    expect(events.find(({ seq }) => seq === fromAda)?.type).toBe("message");
    await oneToOne.delete(ada.actor, room.token);
    expect(await world.store.rooms.byId(room.id)).toBeNull();

    const again = await colleagues();
    const { publicId } = (await contacts.add(again.bob.actor, { name: again.ada.user.handle })).contact.user;
    await set(again.ada, again.bob, "blocked");
    await contacts.delete(again.bob.actor, publicId);
    await refused(finding.view(again.bob.actor, { token: again.room.token }), "not_found");
    expect((await finding.view(again.ada.actor, { token: again.room.token })).people).toHaveLength(1);
  });

  test("is at once for a sender whom another process knew as let in", async () => {
    const { ada, bob, room } = await colleagues();
    const elsewhere = world.another();
    await elsewhere.messages.send(bob.actor, room.token, message());
    await set(ada, bob, "blocked");
    await refused(elsewhere.messages.send(bob.actor, room.token, message()), "forbidden");
    await set(ada, bob, "accepted");
    await elsewhere.messages.send(bob.actor, room.token, message());
  });

  test("ends the call of the two", async () => {
    const { ada, bob, room } = await colleagues();
    const { calls } = world.useCases;
    await calls.join(ada.actor, room.token, "phone", 1);
    await calls.join(bob.actor, room.token, "laptop", 1);
    await set(bob, ada, "blocked");
    expect((await world.hot.calls.get(room.id)).participants).toEqual([]);
    expect((await world.events(room)).at(-1)?.type).toBe("call.ended");
  });

  test("ends invitations and new rooms, both ways, and leaves group rooms as they are", async () => {
    const { ada, bob } = await colleagues();
    const group = await world.group([ada, bob]);
    await set(ada, bob, "blocked");
    const { roomLifecycle, oneToOne, contacts } = world.useCases;
    for (const [who, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const members = [{ member: other.actor, role: "user" as const }];
      await refused(
        roomLifecycle.create(who.actor, { type: "group", name: "New", members }),
        "not_found",
        "members",
      );
      const own = await world.group([who]);
      await refused(roomLifecycle.addMembers(who.actor, own.token, members), "not_found", "members");
      await refused(oneToOne.open(who.actor, other.actor), "not_found", "members");
      await refused(contacts.add(who.actor, { name: other.user.handle }), "not_found");
      await world.useCases.messages.send(who.actor, group.token, message());
    }
  });

  test("ends bringing each other into an organization's chatrooms, but for its token; who is in stays, and gets roles", async () => {
    const { organization, ada, bob } = await colleagues();
    const chief = await world.person("Chief", { id: organization.id, role: "admin" });
    const { chatrooms } = world.useCases;
    const make = (name: string, assignedUsers: number[]) =>
      chatrooms.create(chief.principal, { organizationId: organization.id, name, assignedUsers });
    const shared = (await make("Shared", [bob.id])).room.id;
    await set(bob, chief, "blocked");
    await refused(make("Refused", [ada.id, bob.id]), "bad_request", "assignedUsers");
    const { id } = (await make("Team", [ada.id])).room;
    await refused(
      chatrooms.addUsers(chief.principal, id, { moderators: [bob.id] }),
      "bad_request",
      "moderators",
    );
    expect((await chatrooms.addUsers(chief.principal, shared, { moderators: [bob.id] })).moderators).toEqual([
      bob.id,
    ]);
    const token = organization.principal;
    expect((await chatrooms.addUsers(token, id, { assignedUsers: [bob.id] })).assignedUsers).toContain(
      bob.id,
    );
  });

  test("a room that is made while the other blocks is shut", async () => {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    await set(ada, bob, "blocked");
    const room = await world.store.transaction(async (tx) => {
      const pair = [`u:${ada.id}`, `u:${bob.id}`] as const;
      await tx.oneToOne(...pair);
      return await tx.createRoom({
        ...{ organizationId: null, type: "one_to_one", kind: null, name: "", history: "joined" },
        ...{ pair: [...pair].sort().join(" "), createdBy: pair[0] },
      });
    });
    expect(room.blocked).toBe(true);
  });

  test("brings nobody back who left the room", async () => {
    const { ada, bob, room } = await colleagues();
    await world.useCases.roomLifecycle.leave(ada.actor, room.token);
    await set(ada, bob, "blocked");
    await refused(world.useCases.messages.send(bob.actor, room.token, message()), "forbidden");
    expect(await world.people(room)).toEqual([`${bob.id} owner`]);
    await set(ada, bob, "accepted");
    expect(await world.people(room)).toEqual([`${bob.id} owner`]);
  });

  test("colleagues are connected before and afterwards, and strangers once one leaves", async () => {
    const { organization, ada, bob } = await colleagues();
    expect(await statusOf(ada, bob)).toBe("accepted");
    expect((await set(ada, bob, "accepted")).changed).toBe(false);
    await set(ada, bob, "blocked");
    expect([await statusOf(ada, bob), await statusOf(bob, ada)]).toEqual(["blocked", "accepted"]);
    await refused(connections().connect(ada.actor, bob.user.uuid), "forbidden");
    await refused(connections().connect(bob.actor, ada.user.uuid), "not_found");
    expect((await set(ada, bob, "accepted")).connection.status).toBe("accepted");
    await world.useCases.directory.removeOrganizationUser(organization.id, bob.id);
    expect(await connections().connected(ada.actor, [bob.user.uuid])).toEqual([]);
    expect((await connections().connect(bob.actor, ada.user.uuid)).connection.status).toBe("sent");
  });

  test("who is blocked by both is let in once both let in", async () => {
    const { ada, bob, room } = await colleagues();
    await set(ada, bob, "blocked");
    await set(bob, ada, "blocked");
    await set(ada, bob, "accepted");
    await refused(world.useCases.messages.send(ada.actor, room.token, message()), "forbidden");
    await set(bob, ada, "accepted");
    await world.useCases.messages.send(ada.actor, room.token, message());
  });

  test("works among people without an organization who never asked each other", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { room } = await world.useCases.oneToOne.open(ada.actor, bob.actor);
    await refused(set(ada, bob, "accepted"), "not_found");
    expect((await set(ada, bob, "blocked")).connection.status).toBe("blocked");
    await refused(world.useCases.messages.send(bob.actor, room.token, message()), "forbidden");
    await refused(world.useCases.oneToOne.open(bob.actor, ada.actor), "not_found", "members");
    expect((await set(ada, bob, "accepted")).connection.status).toBe("cancelled");
    await world.useCases.messages.send(bob.actor, room.token, message());
  });

  test("of a stranger, or of oneself, is not possible", async () => {
    const [one, two] = [await world.organization(), await world.organization()];
    const [ada, bob] = [await world.person("Ada", one), await world.person("Bob", two)];
    await refused(set(ada, bob, "blocked"), "not_found");
    await refused(set(ada, ada, "blocked"), "not_found");
  });

  test("ends with the account of the other", async () => {
    const { ada, bob, room } = await colleagues();
    await set(bob, ada, "blocked");
    await world.useCases.directory.deleteUser(bob.id);
    await world.useCases.messages.send(ada.actor, room.token, message());
  });
});
