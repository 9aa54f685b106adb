/** Reactions and pins: once each, for everybody in the room. */
import { expect, test } from "vitest";
import { describeDomain, message, refused } from "../world.ts";

describeDomain("reactions", (world) => {
  async function setting() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { seq } = await world.useCases.messages.send(ada.actor, room.token, message());
    return { ada, bob, room, seq };
  }
  const told = async (room: { id: number }) =>
    (await world.events(room)).filter(({ type }) => type.startsWith("reaction")).map((event) => event.type);

  test("are added and taken back with one event each, however often it is said", async () => {
    const { ada, bob, room, seq } = await setting();
    const { reactions } = world.useCases;
    await reactions.add(bob.actor, room.token, seq, "👍");
    await reactions.add(bob.actor, room.token, seq, "👍");
    await reactions.add(ada.actor, room.token, seq, "👍");
    expect(await reactions.list(ada.actor, room.token, seq)).toEqual([
      {
        name: "👍",
        by: [
          { actor: bob.actor, handle: bob.user.handle },
          { actor: ada.actor, handle: ada.user.handle },
        ],
      },
    ]);
    await reactions.remove(bob.actor, room.token, seq, "👍");
    await reactions.remove(bob.actor, room.token, seq, "👍");
    expect(await reactions.list(bob.actor, room.token, seq)).toMatchObject([
      { name: "👍", by: [{ actor: { id: String(ada.id) } }] },
    ]);
    expect(await told(room)).toEqual(["reaction.added", "reaction.added", "reaction.removed"]);
  });

  test("that look the same are the same: with and without the variation selector, and however they are composed", async () => {
    const { ada, bob, room, seq } = await setting();
    const { reactions } = world.useCases;
    await reactions.add(ada.actor, room.token, seq, "❤");
    await reactions.add(ada.actor, room.token, seq, "❤️");
    await reactions.add(bob.actor, room.token, seq, "❤️");
    expect(await reactions.list(bob.actor, room.token, seq)).toMatchObject([
      { name: "❤️", by: [{ actor: ada.actor }, { actor: bob.actor }] },
    ]);
    await reactions.set(bob.actor, room.token, seq, ["❤", "cafe\u0301", "caf\u00e9"]);
    await reactions.remove(ada.actor, room.token, seq, "❤️");
    await reactions.remove(ada.actor, room.token, seq, "❤");
    expect(await reactions.list(ada.actor, room.token, seq)).toMatchObject([
      { name: "❤️", by: [{ actor: bob.actor }] },
      { name: "caf\u00e9" },
    ]);
    expect(await told(room)).toEqual([
      "reaction.added",
      "reaction.added",
      "reaction.added",
      "reaction.removed",
    ]);
    await refused(reactions.add(ada.actor, room.token, seq, "\u200b"), "bad_request", "name");
  });

  test("that were stored in another form before are found by their looks", async () => {
    const { ada, room, seq } = await setting();
    const { reactions } = world.useCases;
    const place = { roomId: room.id, seq };
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.messages.addReaction(place, ada.actor, "❤");
    });
    expect(await reactions.add(ada.actor, room.token, seq, "❤️")).toBeNull();
    expect(await reactions.list(ada.actor, room.token, seq)).toMatchObject([{ name: "❤️" }]);
    await reactions.remove(ada.actor, room.token, seq, "❤️");
    expect(await reactions.list(ada.actor, room.token, seq)).toEqual([]);
    expect(await told(room)).toEqual(["reaction.removed"]);
  });

  test("set replaces one's own and leaves the others'", async () => {
    const { ada, bob, room, seq } = await setting();
    const { reactions, timeline } = world.useCases;
    await reactions.add(ada.actor, room.token, seq, "heart");
    await reactions.set(bob.actor, room.token, seq, ["heart", "smile", "smile"]);
    await reactions.set(bob.actor, room.token, seq, ["smile"]);
    const view = await timeline.message(ada.actor, { roomId: room.id, seq });
    expect(view.reactions.map(({ name, by }) => [name, by.map((one) => one.actor.name)])).toEqual([
      ["heart", ["Ada"]],
      ["smile", ["Bob"]],
    ]);
  });

  test("names have 1 to 64 characters, a member at most 20 of a message", async () => {
    const { bob, room, seq } = await setting();
    const { reactions } = world.useCases;
    await refused(reactions.add(bob.actor, room.token, seq, ""), "bad_request", "name");
    await refused(reactions.add(bob.actor, room.token, seq, "x".repeat(65)), "bad_request", "name");
    await reactions.add(bob.actor, room.token, seq, "👍".repeat(64));
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    await reactions.set(bob.actor, room.token, seq, names);
    await refused(reactions.add(bob.actor, room.token, seq, "one more"), "too_large", "name");
  });

  test("go with the message; a deleted or unknown one takes none, nor does a locked room", async () => {
    const { ada, bob, room, seq } = await setting();
    const { reactions, messages, roomLifecycle } = world.useCases;
    await reactions.add(bob.actor, room.token, seq, "👍");
    await refused(reactions.add(bob.actor, room.token, 1, "👍"), "not_found");
    await refused(reactions.add(bob.actor, room.token, 99, "👍"), "not_found");
    await messages.remove(ada.actor, room.token, seq);
    await refused(reactions.add(bob.actor, room.token, seq, "👍"), "not_found");
    expect(await reactions.list(bob.actor, room.token, seq)).toEqual([]);
    const { seq: next } = await messages.send(ada.actor, room.token, message());
    await roomLifecycle.setReadOnly(ada.actor, room.token, true);
    await refused(reactions.add(bob.actor, room.token, next, "👍"), "read_only");
    await refused(reactions.add((await world.person()).actor, room.token, next, "👍"), "not_found");
  });

  test("that are gone in Matrix are taken back, whatever the room allows by now, and also where their maker left", async () => {
    const { ada, bob, room, seq } = await setting();
    const { reactions, roomLifecycle, roomSettings, messages } = world.useCases;
    const { token } = room;
    for (const name of ["a", "b", "c"]) await reactions.add(bob.actor, token, seq, name);
    await reactions.add(ada.actor, token, seq, "a");
    await roomLifecycle.setReadOnly(ada.actor, token, true);
    await refused(reactions.remove(bob.actor, token, seq, "a"), "read_only");
    await reactions.takenBack(bob.actor, token, seq, "a");
    expect((await world.events(room)).at(-1)).toMatchObject({ type: "reaction.removed", actor: bob.actor });
    expect(await reactions.takenBack(bob.actor, token, seq, "a")).toBeNull();
    await roomSettings.update(ada.actor, token, { lobby: true });
    await reactions.takenBack(bob.actor, token, seq, "b");
    await roomLifecycle.removeMember(ada.actor, token, bob.actor);
    await reactions.takenBack(bob.actor, token, seq, "c");
    expect(await reactions.list(ada.actor, token, seq)).toMatchObject([
      { name: "a", by: [{ actor: ada.actor }] },
    ]);
    await messages.remove(ada.actor, token, seq);
    expect(await reactions.takenBack(ada.actor, token, seq, "a")).toBeNull();
    expect(await reactions.takenBack(ada.actor, "nowhere", seq, "a")).toBeNull();
  });
});

describeDomain("pins", (world) => {
  async function setting() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const send = async () => (await world.useCases.messages.send(ada.actor, room.token, message())).seq;
    return { ada, bob, room, first: await send(), second: await send() };
  }
  const told = async (room: { id: number }) =>
    (await world.events(room))
      .filter(({ type }) => type.includes("pinned") || type === "message.deleted")
      .map(({ type, dataJson }) => `${type} ${JSON.parse(dataJson).seq}`);

  test("a moderator pins one message; another takes its place; each change is told once", async () => {
    const { ada, room, first, second } = await setting();
    const { pins } = world.useCases;
    await pins.pin(ada.actor, room.token, first);
    await pins.pin(ada.actor, room.token, first);
    await pins.pin(ada.actor, room.token, second);
    expect(await pins.of([{ roomId: room.id, membership: null }])).toEqual(new Map([[room.id, second]]));
    await pins.unpin(ada.actor, room.token);
    await pins.unpin(ada.actor, room.token);
    expect((await pins.of([{ roomId: room.id, membership: null }])).size).toBe(0);
    expect(await told(room)).toEqual([
      `message.pinned ${first}`,
      `message.unpinned ${first}`,
      `message.pinned ${second}`,
      `message.unpinned ${second}`,
    ]);
  });

  test("only the named message is unpinned, and each change says which event it made", async () => {
    const { ada, room, first, second } = await setting();
    const { pins } = world.useCases;
    const pinned = await pins.pin(ada.actor, room.token, first);
    expect(await pins.unpin(ada.actor, room.token, second)).toBeNull();
    expect((await world.events(room)).at(-1)).toMatchObject(pinned ?? {});
    const other = await pins.pin(ada.actor, room.token, second);
    expect(other?.seq).toBe((pinned?.seq ?? 0) + 2);
    expect(await pins.pin(ada.actor, room.token, second)).toBeNull();
    expect((await pins.unpin(ada.actor, room.token, second))?.seq).toBe((other?.seq ?? 0) + 1);
  });

  test("plain members pin nothing in a group, both do in a one-to-one room", async () => {
    const { ada, bob, room: group, first } = await setting();
    const { pins, oneToOne, messages } = world.useCases;
    await refused(pins.pin(bob.actor, group.token, first), "forbidden");
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    const { seq } = await messages.send(ada.actor, room.token, message());
    await pins.pin(bob.actor, room.token, seq);
    await pins.unpin(ada.actor, room.token);
    await refused(pins.pin(bob.actor, room.token, 1), "not_found");
  });

  test("a deleted message is pinned no longer, and can't be pinned", async () => {
    const { ada, room, first } = await setting();
    const { pins, messages } = world.useCases;
    await pins.pin(ada.actor, room.token, first);
    await messages.remove(ada.actor, room.token, first);
    expect((await pins.of([{ roomId: room.id, membership: null }])).size).toBe(0);
    await refused(pins.pin(ada.actor, room.token, first), "not_found");
    expect(await told(room)).toEqual([
      `message.pinned ${first}`,
      `message.unpinned ${first}`,
      `message.deleted ${first}`,
    ]);
  });
});
