/** Messages that expire: only in rooms with a timer, once, and told by Causeway itself. */
import { expect, test } from "vitest";
import { describeDomain, message } from "../world.ts";

const FAR = 10 * 365 * 24 * 3_600_000;

describeDomain("message timer", (world) => {
  async function setting(timer: number | null) {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    await world.useCases.roomSettings.setMessageTimer(ada.actor, room.token, timer);
    const send = async (text: string) =>
      (await world.useCases.messages.send(ada.actor, room.token, message(text))).seq;
    return { ada, bob, room, send };
  }
  const deletions = async (room: { id: number }) =>
    (await world.events(room))
      .filter(({ type }) => type === "message.deleted")
      .map(({ actor, dataJson }) => `${actor.kind} ${JSON.parse(dataJson).seq}`);

  test("deletes each message when its time is over, told by the system, in the order of the log", async () => {
    const { ada, room, send } = await setting(5_000);
    const seqs = [await send("one"), await send("two")];
    const { timeline } = world.useCases;
    await timeline.sweep(Date.now() - 60_000);
    expect(await deletions(room)).toEqual([]);
    await timeline.sweep(Date.now() + 60_000);
    expect(await deletions(room)).toEqual(seqs.map((seq) => `system ${seq}`));
    expect((await timeline.page(ada.actor, room.token, { limit: 5 })).entries).toEqual([]);
  });

  test("many gateways sweep at once and each message is deleted once", async () => {
    const { room, send } = await setting(1);
    const seqs = [];
    for (let i = 0; i < 30; i++) seqs.push(await send(`${i}`));
    const gateways = [world.useCases, world.another(), world.another()];
    await Promise.all(gateways.map(({ timeline }) => timeline.sweep(Date.now() + 60_000)));
    expect(await deletions(room)).toEqual(seqs.map((seq) => `system ${seq}`));
  });

  test("0 and null keep messages, and a timer counts for what is sent after it", async () => {
    for (const timer of [0, null]) {
      const { ada, room, send } = await setting(timer);
      await send("kept");
      await world.useCases.roomSettings.setMessageTimer(ada.actor, room.token, 1_000);
      const seq = await send("goes");
      await world.useCases.timeline.sweep(Date.now() + FAR);
      expect(await deletions(room)).toEqual([`system ${seq}`]);
    }
  });

  test("a message that was deleted before does not expire a second time, and a deleted room holds up nothing", async () => {
    const { ada, room, send } = await setting(1_000);
    const seq = await send("mine");
    await world.useCases.messages.remove(ada.actor, room.token, seq);
    const other = await setting(1_000);
    await other.send("in a room that goes");
    await world.useCases.roomLifecycle.delete(other.ada.actor, other.room.token);
    await world.useCases.timeline.sweep(Date.now() + FAR);
    expect(await deletions(room)).toEqual([`user ${seq}`]);
  });
});
