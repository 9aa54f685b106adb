import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { pairOf, userKey } from "../../../src/domain/model.ts";
import { describeDomain, message, type Person, refused, type World } from "../world.ts";

async function pair(world: World): Promise<{ ada: Person; bob: Person; token: string; id: number }> {
  const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
  const { room } = await world.useCases.oneToOne.open(ada.actor, bob.actor);
  return { ada, bob, token: room.token, id: room.id };
}

describeDomain("one-to-one rooms", (world) => {
  test("[B.3] the first opening makes the room, both own it, and the second finds it", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { oneToOne } = world.useCases;
    const first = await oneToOne.open(ada.actor, bob.actor, { history: "shared" });
    const second = await oneToOne.open(bob.actor, ada.actor);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.room.id).toBe(first.room.id);
    expect(first.room).toMatchObject({
      type: "one_to_one",
      name: "",
      history: "shared",
      pair: pairOf(userKey(ada.id), userKey(bob.id)),
    });
    expect((await world.people(first.room)).sort()).toEqual([`${ada.id} owner`, `${bob.id} owner`].sort());
  });

  test("[B.3] with oneself it is forbidden, with people of another organization they do not exist", async () => {
    const [one, two] = [await world.organization(), await world.organization("Fire")];
    const [ada, bob] = [await world.person("Ada", one), await world.person("Bob", two)];
    const { oneToOne } = world.useCases;
    await refused(oneToOne.open(ada.actor, ada.actor), "forbidden", "members");
    await refused(oneToOne.open(ada.actor, bob.actor), "not_found", "members");
  });

  test("twenty openings at once, from two processes and both sides, make one room", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const processes = [world.useCases, world.another()];
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const [from, to] = i % 3 === 0 ? [bob, ada] : [ada, bob];
        return processes[i % 2]!.oneToOne.open(from!.actor, to!.actor);
      }),
    );
    expect(new Set(opened.map(({ room }) => room.id)).size).toBe(1);
    expect(opened.filter(({ created }) => created)).toHaveLength(1);
  });

  test("[B.6] who left is in it again after opening it anew, in the same room", async () => {
    const { ada, bob, token } = await pair(world);
    const { roomLifecycle, oneToOne } = world.useCases;
    await roomLifecycle.leave(ada.actor, token);
    const { room, created } = await oneToOne.open(ada.actor, bob.actor);
    expect([room.token, created]).toEqual([token, false]);
    expect(await world.people(room)).toHaveLength(2);
    await roomLifecycle.leave(bob.actor, token);
    await oneToOne.open(ada.actor, bob.actor);
    expect(await world.people(room)).toHaveLength(2);
  });

  test("[B.6] a message of the other brings the leaver back, who hears it, also from another process", async () => {
    const { ada, bob, token, id } = await pair(world);
    await world.useCases.messages.send(ada.actor, token, message("first"));
    // This process remembers Ada's access; the other one lets Bob leave.
    await world.another().roomLifecycle.leave(bob.actor, token);
    expect(await world.people({ id })).toEqual([`${ada.id} owner`]);
    const { seq } = await world.useCases.messages.send(ada.actor, token, message("Are you there?"));
    expect(await world.people({ id })).toEqual([`${ada.id} owner`, `${bob.id} owner`]);
    const { events } = await world.useCases.messages.history(bob.actor, token, { limit: 10 });
    expect(events.map((event) => event.type)).toEqual(["member.joined", "message"]);
    expect(events.at(-1)!.seq).toBe(seq);
    expect((await world.events({ id })).at(-2)).toMatchObject({ type: "member.joined", actor: ada.actor });
  });

  test("messages that are sent at once while the other is away bring them back once, in their order", async () => {
    const { ada, bob, token, id } = await pair(world);
    await world.useCases.roomLifecycle.leave(bob.actor, token);
    const texts = Array.from({ length: 10 }, (_, i) => `m${i}`);
    const sent = await Promise.all(
      texts.map((text) => world.useCases.messages.send(ada.actor, token, message(text))),
    );
    const seqs = sent.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect((await world.story({ id })).filter((line) => line === `member.joined ${bob.id}`)).toHaveLength(2);
  });

  test("[B.6] a call of the other brings the leaver back", async () => {
    const { ada, bob, token, id } = await pair(world);
    const { roomLifecycle, calls } = world.useCases;
    await roomLifecycle.leave(bob.actor, token);
    await calls.join(ada.actor, token, "phone", 1);
    expect(await world.people({ id })).toHaveLength(2);
    await calls.leave(ada.actor, token, "phone");
  });

  test("the last one to leave deletes the room, and the next opening makes another", async () => {
    const { ada, bob, token, id } = await pair(world);
    const { roomLifecycle, oneToOne } = world.useCases;
    await roomLifecycle.leave(ada.actor, token);
    await roomLifecycle.leave(bob.actor, token);
    expect(await world.store.rooms.byId(id)).toBeNull();
    const again = await oneToOne.open(ada.actor, bob.actor);
    expect(again.created).toBe(true);
    expect(again.room.id).not.toBe(id);
  });

  test("who was deleted is not brought back, and the other still writes", async () => {
    const { ada, bob, token, id } = await pair(world);
    await world.useCases.directory.deleteUser(bob.id);
    await world.useCases.messages.send(ada.actor, token, message());
    await world.useCases.messages.send(ada.actor, token, message());
    expect(await world.people({ id })).toEqual([`${ada.id} owner`]);
    expect((await world.store.rooms.byId(id))!.pair).toBeNull();
  });

  test("who is no longer in an organization with the sender is not brought back", async () => {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    const { oneToOne, roomLifecycle, directory, messages } = world.useCases;
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    await roomLifecycle.leave(bob.actor, room.token);
    await directory.removeOrganizationUser(organization.id, bob.id);
    await messages.send(ada.actor, room.token, message());
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
  });

  test("[A.4] a user has one room with nobody else, which can't be changed and brings nobody in", async () => {
    const ada = await world.person();
    const { oneToOne, messages, roomLifecycle } = world.useCases;
    const opened = await Promise.all([
      oneToOne.openSelf(ada.actor),
      world.another().oneToOne.openSelf(ada.actor),
    ]);
    expect(opened.map(({ created }) => created).sort()).toEqual([false, true]);
    const { room } = opened[0]!;
    expect(opened[1]!.room.id).toBe(room.id);
    expect(room.pair).toBe(`u:${ada.id} u:${ada.id}`);
    await messages.send(ada.actor, room.token, message("Note to self"));
    expect(await world.people(room)).toEqual([`${ada.id} owner`]);
    const bob = { member: (await world.person()).actor, role: "user" as const };
    await refused(roomLifecycle.addMembers(ada.actor, room.token, [bob]), "bad_request");
  });

  test("deleting it for both is for both of them, and for one-to-one rooms only", async () => {
    const { ada, bob, token, id } = await pair(world);
    const cy = await world.person();
    const { oneToOne } = world.useCases;
    await refused(oneToOne.delete(cy.actor, token), "not_found", "room");
    await oneToOne.delete(bob.actor, token);
    expect(await world.store.rooms.byId(id)).toBeNull();
    expect(await world.useCases.roomLifecycle.list(ada.actor)).toEqual([]);
    const group = await world.group([ada]);
    await refused(oneToOne.delete(ada.actor, group.token), "bad_request", "room");
  });

  test("the same id sent again after the other left is the first result", async () => {
    const { ada, bob, token } = await pair(world);
    const input = { id: randomUUID(), text: "once" };
    const first = await world.useCases.messages.send(ada.actor, token, input);
    await world.useCases.roomLifecycle.leave(bob.actor, token);
    expect(await world.useCases.messages.send(ada.actor, token, input)).toEqual({
      ...first,
      duplicate: true,
      event: null,
    });
  });
});
