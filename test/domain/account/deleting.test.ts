/** Deleting one's own account: at once for its owner, and step by step in the log. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { userActor } from "../../../src/domain/model.ts";
import { account, describeDomain, PASSWORD, type World } from "../world.ts";

const ip = "192.0.2.1";

describeDomain("deleting one's own account", (world) => {
  async function deletes(of: World, user: Awaited<ReturnType<typeof account>>, erase: boolean) {
    const proof = { password: PASSWORD, ip, credential: { via: "password" } } as const;
    return await of.useCases.accountDeletions.delete(user, proof, { erase });
  }

  /** Somebody who wrote in two rooms with another, and left one of them. */
  async function setting() {
    const user = await account(world);
    const actor = userActor(user);
    const bob = await world.person("Bob");
    const { messages, roomLifecycle } = world.useCases;
    const [home, left] = [await world.group([bob]), await world.group([bob])];
    for (const room of [home, left]) {
      await roomLifecycle.addMembers(bob.actor, room.token, [{ member: actor, role: "user" }]);
      for (const text of ["first", "second"]) {
        await messages.send(actor, room.token, { id: randomUUID(), text });
      }
    }
    await messages.send(bob.actor, home.token, { id: randomUUID(), text: "Bob's" });
    const bobs = (await world.events(home)).find(({ dataJson }) => dataJson.includes("Bob's"));
    await world.useCases.reactions.add(actor, home.token, bobs?.seq ?? 0, "smile");
    const mine = (await world.events(home)).find(({ dataJson }) => dataJson.includes("first"));
    await messages.edit(actor, home.token, mine?.seq ?? 0, { text: "first, edited" });
    await roomLifecycle.leave(actor, left.token);
    return { user, actor, bob, home, left };
  }

  async function written(room: { id: number }): Promise<string> {
    return JSON.stringify(await world.events(room));
  }

  test("needs the password", async () => {
    const { user } = await setting();
    await expect(
      world.useCases.accountDeletions.delete(
        user,
        { password: "wrong", ip, credential: { via: "password" } },
        { erase: true },
      ),
    ).rejects.toMatchObject({ code: "forbidden", field: "password" });
    expect(await world.store.users.byId(user.id)).toMatchObject({ id: user.id });
  });

  test("erases all messages, those of rooms that were left too, with the text before edits", async () => {
    const { user, home, left, bob } = await setting();
    expect(await deletes(world, user, true)).toEqual({ erased: true });
    expect(await world.store.users.byId(user.id)).toBeNull();
    await world.useCases.accountDeletions.sweep();
    for (const room of [home, left]) {
      const log = await written(room);
      for (const gone of ["first", "second", "edited", user.displayName])
        expect(log).not.toContain(`"${gone}`);
      expect((await world.story(room)).filter((type) => type === "message.deleted")).toHaveLength(2);
      expect(await world.people(room)).toEqual([`${bob.id} owner`]);
    }
    expect(await written(home)).toContain("Bob's");
  });

  test("keeps messages under another name, where their author wishes nothing else", async () => {
    const { user, bob, home } = await setting();
    expect(await deletes(world, user, false)).toEqual({ erased: false });
    await world.useCases.accountDeletions.sweep();
    const messages = (await world.events(home)).filter(({ type }) => type === "message");
    const bobs = messages.find(({ dataJson }) => dataJson.includes("Bob's"));
    expect(await world.useCases.reactions.list(bob.actor, home.token, bobs?.seq ?? 0)).toMatchObject([
      { name: "smile" },
    ]);
    const names = await world.store
      .sql`select distinct actor_name from reactions where conversation_id = ${home.id}`;
    expect(names).toEqual([{ actor_name: "Deleted user" }]);
    expect(messages.map(({ actor }) => actor.name)).toEqual(["Deleted user", "Deleted user", "Bob"]);
    expect(messages[0]?.dataJson).toContain("first, edited");
    const [joined] = (await world.events(home)).filter(({ dataJson }) =>
      dataJson.includes(`"id":"${user.id}"`),
    );
    expect(joined?.dataJson).toContain("Deleted user");
  });

  test.each([
    [["keep"], true, false],
    [["erase"], false, true],
    [["choice"], true, true],
    [["keep", "erase"], false, true],
    [["choice", "keep"], true, false],
  ] as const)("organizations that say %j and the wish %s: erased is %s", async (rules, wish, erased) => {
    const { user } = await setting();
    const { directory } = world.useCases;
    for (const deletedMessages of rules) {
      const { id } = await world.organization();
      await directory.updateOrganization(id, { deletedMessages });
      await directory.putOrganizationUser(id, user.id, "member");
    }
    expect(await deletes(world, user, wish)).toEqual({ erased });
    await world.useCases.accountDeletions.sweep();
  });

  test("goes on after a process was killed between two steps, and is done once by two at a time", async () => {
    const { user, home, actor } = await setting();
    await world.store.sql`
      insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, data)
      select 0, n, 0, 0, 'call.started', 's:x', 'x', '{}' from generate_series(1, 6000) n`;
    await deletes(world, user, true);
    let steps = 0;
    const dying = world.another({
      store: {
        ...world.store,
        transaction: (work) => {
          if (++steps > 2) throw new Error("killed");
          return world.store.transaction(work);
        },
      },
    });
    await expect(dying.accountDeletions.sweep()).rejects.toThrow("killed");
    const [one, other] = [world.useCases, world.another()];
    await Promise.all([one.accountDeletions.sweep(), other.accountDeletions.sweep()]);
    expect((await world.story(home)).filter((type) => type === "message.deleted")).toHaveLength(2);
    expect(await written(home)).not.toContain(actor.name);
    expect(await world.store.sql`select from account_deletions`).toHaveLength(0);
    await world.store.sql`delete from events where conversation_id = 0`;
  });
});
