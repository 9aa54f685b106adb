/** Who waits in a lobby reads nothing in Matrix either. */
import { expect, test } from "vitest";
import { userActor } from "../../../src/domain/model.ts";
import { describeBridge } from "../world.ts";

describeBridge("the lobby in Matrix", (world) => {
  test("takes out who waits, brings nobody in meanwhile, and lets in who moderates, then all", async () => {
    const { ada, ben, room, matrixRoom, client } = await world.meeting();
    const by = userActor(ada);
    const clients = { ben: await world.signIn(ben), cat: await world.signIn(await world.user("Cat")) };
    const catId = world.ghosts.read(clients.cat.id);
    const cat = await world.store.users.byId(catId?.kind === "user" ? catId.userId : 0);
    if (!cat) throw new Error("Cat is not there");
    const membership = async (id: string) =>
      (await world.bot.state<{ membership: string }>(matrixRoom, "m.room.member", id))?.membership;
    const reads = async (who: typeof client, text: string) =>
      (await who.timeline(matrixRoom).catch(() => [])).some(({ content }) => content.body === text);
    await clients.ben.join(matrixRoom);

    await world.say(ben, room, "before");
    await world.useCases.roomSettings.update(by, room.token, { lobby: true });
    await world.useCases.roomLifecycle.addMembers(by, room.token, [{ member: userActor(cat), role: "user" }]);
    await world.say(ada, room, "behind the door");
    await world.mirrored(room);
    expect(await membership(clients.ben.id)).toBe("leave");
    expect(await membership(clients.cat.id)).toBeUndefined();
    expect(await membership(client.id)).toBe("join");
    expect([await reads(client, "before"), await reads(client, "behind the door")]).toEqual([true, true]);
    expect([await reads(clients.ben, "behind the door"), await reads(clients.cat, "before")]).toEqual([
      false,
      false,
    ]);
    const members = await world.store.memberships.list([room.id]);
    expect(members.map(({ userId }) => userId).sort()).toEqual([ada.id, ben.id, cat.id].sort());
    // A new sign-in brings nobody in, either.
    await world.signIn(ben);
    expect(await membership(clients.ben.id)).toBe("leave");

    await world.useCases.roster.promote(by, room.token, userActor(ben));
    await world.mirrored(room);
    expect([await membership(clients.ben.id), await membership(clients.cat.id)]).toEqual([
      "invite",
      undefined,
    ]);
    await world.useCases.roster.demote(by, room.token, userActor(ben));
    await world.mirrored(room);
    expect(await membership(clients.ben.id)).toBe("leave");

    await world.useCases.roomSettings.update(by, room.token, { lobby: false });
    await world.say(ada, room, "open");
    await world.mirrored(room);
    expect([await membership(clients.ben.id), await membership(clients.cat.id)]).toEqual([
      "invite",
      "invite",
    ]);
    for (const who of [clients.ben, clients.cat]) await who.join(matrixRoom);
    expect([await reads(clients.ben, "open"), await reads(clients.cat, "open")]).toEqual([true, true]);
  });
});
