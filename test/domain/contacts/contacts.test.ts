/** Contact books. */
import { expect, test } from "vitest";
import { describeDomain, message, type Person, refused } from "../world.ts";

describeDomain("contacts", (world) => {
  const contacts = () => world.useCases.contacts;
  const add = (owner: Person, other: Person, more = {}) =>
    contacts().add(owner.actor, { name: other.user.handle, phoneNumber: "+49 1", ...more });

  test("are other users by handle or id, once each, with their one-to-one room", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { contact, created } = await add(ada, bob, { avatarUrl: "https://example.org/a.png" });
    expect(created).toBe(true);
    expect(contact).toMatchObject({
      user: { id: bob.id },
      phoneNumber: "+49 1",
      avatarUrl: "https://example.org/a.png",
      displayName: null,
    });
    const { room } = await world.useCases.oneToOne.open(bob.actor, ada.actor);
    expect(contact.room?.id).toBe(room.id);
    const again = await contacts().add(ada.actor, { name: bob.user.publicId, displayName: "Bobby" });
    expect(again.created).toBe(false);
    expect(again.contact).toMatchObject({ phoneNumber: "+49 1", displayName: "Bobby" });
    await refused(contacts().get(bob.actor, ada.user.publicId), "not_found");
  });

  test("unknown users, foreign ones and oneself are none", async () => {
    const ada = await world.person("Ada", await world.organization());
    const foreign = await world.person("Eve", await world.organization());
    await refused(contacts().add(ada.actor, { name: "nobody" }), "not_found", "username");
    await refused(contacts().add(ada.actor, { name: "no such handle!" }), "not_found", "username");
    await refused(add(ada, foreign), "not_found", "username");
    await refused(add(ada, ada), "forbidden");
  });

  test("have bounds: phone number, name and picture", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    await refused(add(ada, bob, { phoneNumber: "1".repeat(65) }), "bad_request", "phoneNumber");
    await refused(add(ada, bob, { displayName: "x".repeat(201) }), "bad_request", "displayName");
    await refused(add(ada, bob, { avatarUrl: "javascript:alert(1)" }), "bad_request", "avatarUrl");
  });

  test("are renamed by their owner alone, and null gives the username back", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    await add(ada, bob);
    expect((await contacts().rename(ada.actor, bob.user.publicId, " Bobby ")).displayName).toBe("Bobby");
    expect((await contacts().rename(ada.actor, bob.user.publicId, null)).displayName).toBeNull();
  });

  test("of former colleagues, and of who is blocked, tell no longer when they were active", async () => {
    const organization = await world.organization();
    const [ada, bob] = [await world.person("Ada", organization), await world.person("Bob", organization)];
    const { contact } = await add(ada, bob);
    await world.useCases.messages.send(bob.actor, contact.room?.token ?? "", message());
    const seen = async () => [
      (await contacts().get(ada.actor, bob.user.publicId)).lastActiveAt !== null,
      (await contacts().list(ada.actor, { limit: 5 })).contacts[0]?.lastActiveAt !== null,
      (await contacts().cards(ada.actor, [bob.id])).get(bob.id)?.lastActiveAt !== null,
    ];
    expect(await seen()).toEqual([true, true, true]);
    const { connections, directory } = world.useCases;
    await connections.update(bob.actor, ada.user.uuid, "blocked");
    expect(await seen()).toEqual([false, false, false]);
    await connections.update(bob.actor, ada.user.uuid, "accepted");
    expect(await seen()).toEqual([true, true, true]);
    await directory.removeOrganizationUser(organization.id, bob.id);
    expect(await seen()).toEqual([false, false, false]);
  });

  test("deleted take their room away for both, and may come again as new ones", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { contact } = await add(ada, bob, { displayName: "Old" });
    await add(bob, ada);
    await contacts().delete(ada.actor, bob.user.publicId);
    expect(await world.store.rooms.byId(contact.room?.id ?? 0)).toBeNull();
    await refused(contacts().get(ada.actor, bob.user.publicId), "not_found");
    await refused(contacts().delete(ada.actor, bob.user.publicId), "not_found");
    expect((await contacts().get(bob.actor, ada.user.publicId)).room).toBeNull();
    const again = await add(ada, bob);
    expect(again).toMatchObject({ created: true, contact: { displayName: null } });
    expect(again.contact.room).not.toBeNull();
  });

  test("are deleted also when their owner left the room before", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { contact } = await add(ada, bob);
    await world.useCases.roomLifecycle.leave(ada.actor, contact.room?.token ?? "");
    await contacts().delete(ada.actor, bob.user.publicId);
    await refused(contacts().get(ada.actor, bob.user.publicId), "not_found");
  });

  test("are listed newest activity first, with cursors that outlive them", async () => {
    const ada = await world.person("Ada");
    const others = [];
    for (const name of ["B", "C", "D"]) {
      const other = await world.person(name);
      others.push({ other, room: (await add(ada, other)).contact.room });
    }
    const list = async (page = {}) =>
      (await contacts().list(ada.actor, { limit: 10, ...page })).contacts.map(({ user }) => user.displayName);
    expect(await list()).toEqual(["D", "C", "B"]);
    await world.useCases.messages.send(ada.actor, others[0]?.room?.token ?? "", message());
    expect(await list()).toEqual(["B", "D", "C"]);
    const cursor = others[2]?.other.user.publicId as string;
    await contacts().delete(ada.actor, cursor);
    expect(await list({ startingAfter: cursor })).toEqual(["C"]);
    expect(await list({ endingBefore: cursor })).toEqual(["B"]);
    await refused(contacts().list(ada.actor, { limit: 1, startingAfter: ada.user.publicId }), "bad_request");
    await refused(contacts().list(ada.actor, { limit: 101 }), "bad_request", "limit");
    expect((await contacts().list(ada.actor, { limit: 1 })).more).toBe(true);
  });

  test("were last active when they read or wrote anywhere", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    await add(ada, bob);
    const seen = async () => (await contacts().get(ada.actor, bob.user.publicId)).lastActiveAt;
    expect(await seen()).toBeNull();
    const room = await world.group([bob, await world.person("Cyd")]);
    const { at } = await world.useCases.messages.send(bob.actor, room.token, message());
    expect(await seen()).toBe(at);
  });

  test("go with the account, on both sides", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    await add(ada, bob);
    await world.useCases.directory.deleteUser(bob.id);
    await refused(contacts().get(ada.actor, bob.user.publicId), "not_found");
    expect((await contacts().list(ada.actor, { limit: 5 })).contacts).toEqual([]);
  });

  test("cards show any sender as a contact, in the book or not", async () => {
    const [ada, bob, cyd] = [await world.person("Ada"), await world.person("Bob"), await world.person("Cyd")];
    await add(ada, bob);
    const cards = await contacts().cards(ada.actor, [bob.id, cyd.id, 999_999]);
    expect([...cards].map(([id, { phoneNumber }]) => [id, phoneNumber])).toEqual([
      [bob.id, "+49 1"],
      [cyd.id, null],
    ]);
  });
});
