/** One-to-one rooms that people of Matrix ask for: who may ask, who may accept, and the bounds. */
import { expect, test } from "vitest";
import { describeDomain, guest, matrixUser, message, type Person, refused } from "../world.ts";

describeDomain("requests from Matrix", (world) => {
  const requests = () => world.useCases.matrixRequests;
  const rooms = async ({ actor }: Person) => await world.useCases.roomLifecycle.list(actor);

  test("nobody writes in one until the user accepts, once; nobody else accepts or leaves it", async () => {
    const [ada, eve, mel] = [await world.person("Ada"), await world.person("Eve"), matrixUser()];
    const room = await requests().ask(mel, ada.id);
    expect((await requests().ask(mel, ada.id)).id, "the same request").toBe(room.id);
    expect(await world.people(room)).toEqual([`m:${mel.id} owner`, `${ada.id} owner`]);
    for (const actor of [ada.actor, mel])
      await refused(world.useCases.messages.send(actor, room.token, message()), "forbidden");
    for (const actor of [eve.actor, guest(), matrixUser()]) {
      await refused(world.useCases.joining.enter(actor, room.token), "not_found");
      await refused(world.useCases.roomLifecycle.leave(actor, room.token), "not_found");
    }
    const { event } = await world.useCases.joining.enter(ada.actor, room.token);
    expect(event).toMatchObject({ type: "room.changed", dataJson: JSON.stringify({ request: false }) });
    expect((await world.useCases.joining.enter(ada.actor, room.token)).event).toBeNull();
    for (const actor of [ada.actor, mel]) await world.useCases.messages.send(actor, room.token, message());
    await refused(requests().ask(mel, ada.id), "conflict");
  });

  test("who leaves one refuses it: it is gone, and to leave it again is the same", async () => {
    const [ada, mel] = [await world.person(), matrixUser()];
    const room = await requests().ask(mel, ada.id);
    expect(await world.useCases.roomLifecycle.leave(ada.actor, room.token)).toMatchObject({
      type: "member.left",
    });
    expect(await world.useCases.roomLifecycle.leave(ada.actor, room.token)).toBeNull();
    expect(await rooms(ada)).toEqual([]);
    expect(await world.store.rooms.byId(room.id)).toBeNull();
    expect((await requests().ask(mel, ada.id)).id).not.toBe(room.id);
  });

  test("users of an organization, deleted ones, and those who block that person are nobody", async () => {
    const [ada, gone, mel] = [await world.person(), await world.person(), matrixUser()];
    const colleague = await world.person("Cy", await world.organization());
    await world.useCases.directory.deleteUser(gone.id);
    for (const id of [colleague.id, gone.id, 999_999_999])
      await refused(requests().ask(mel, id), "not_found");
    for (const id of ["mel", "@mel", "@mel:a b", "@mel:hs u:1"])
      await refused(requests().ask({ ...mel, id }, ada.id), "not_found");
    expect(await requests().block(ada.actor, mel.id)).toBe(true);
    await refused(requests().ask(mel, ada.id), "not_found");
    await refused(requests().block(guest(), mel.id), "forbidden");
    await refused(requests().block(ada.actor, "@mel"), "not_found", "user");
  });

  test("a block shuts the room that the two have, for both, until it ends", async () => {
    const [ada, mel] = [await world.person(), matrixUser()];
    const room = await requests().ask(mel, ada.id);
    await world.useCases.joining.enter(ada.actor, room.token);
    await requests().block(ada.actor, mel.id);
    for (const actor of [ada.actor, mel])
      await refused(world.useCases.messages.send(actor, room.token, message()), "forbidden");
    expect(await requests().blocked(ada.actor)).toEqual([mel.id]);
    expect(await requests().unblock(ada.actor, mel.id)).toBe(true);
    expect(await requests().unblock(ada.actor, mel.id)).toBe(false);
    await world.useCases.messages.send(mel, room.token, message());
  });

  test("a user is asked 50 times at once, a person asks 20 users, and no more", async () => {
    const ada = await world.person();
    for (let n = 0; n < 50; n++) await requests().ask(matrixUser(), ada.id);
    await refused(requests().ask(matrixUser(), ada.id), "too_large");
    const mel = matrixUser();
    for (let n = 0; n < 20; n++) await requests().ask(mel, (await world.person()).id);
    await refused(requests().ask(mel, (await world.person()).id), "too_large");
    const [first] = await rooms(ada);
    await world.useCases.roomLifecycle.leave(ada.actor, first?.room.token ?? "");
    await requests().ask(matrixUser(), ada.id);
  });
});
