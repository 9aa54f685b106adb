import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Room } from "../../../src/domain/model.ts";
import type { RecentPage } from "../../../src/domain/use-cases/rooms.ts";
import { describeDomain, guest, message, type Person, refused } from "../world.ts";

describeDomain("finding", (world) => {
  test("a member finds the room by each of its names, with themselves and everybody in it", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const { seq } = await world.useCases.messages.send(
      ada.actor,
      room.token,
      message("Hi", { mentions: [String(bob.id)] }),
    );
    const { finding } = world.useCases;
    const { token, uuid, publicId, id } = room;
    for (const name of [{ token }, { uuid }, { uuid: uuid.toUpperCase() }, { publicId }, { id }]) {
      const view = await finding.view(bob.actor, name);
      expect(view.room).toEqual(room);
      expect(view).toMatchObject({
        mentions: 1,
        head: { head: seq, messages: 1 },
        last: { seq },
        peer: null,
      });
      expect(view.head.messages - view.membership.readMessages).toBe(1);
      expect(view.me).toMatchObject({ user: { id: bob.id }, membership: { role: "user" } });
      expect(view.people.map(({ user }) => user!.handle)).toEqual([ada.user.handle, bob.user.handle]);
    }
  });

  test("[B.2] private rooms exist for members only; a public one is told of to anybody, and no more than that", async () => {
    const [ada, cy] = [await world.person(), await world.person()];
    const { finding, roomLifecycle } = world.useCases;
    const secret = await world.group([ada]);
    const plaza = await roomLifecycle.create(ada.actor, { type: "public", name: "Plaza" });
    for (const actor of [cy.actor, guest(), null]) {
      await refused(finding.find(actor, secret.token), "not_found", "room");
      expect(await finding.find(actor, plaza.token)).toEqual({ member: false, room: plaza });
    }
    await refused(finding.view(cy.actor, { token: plaza.token }), "not_found", "room");
    expect(await finding.find(ada.actor, plaza.token)).toMatchObject({
      member: true,
      view: { room: plaza },
    });
    for (const token of ["nosuchro", "no\0such", "", "A".repeat(8), "x".repeat(99)]) {
      await refused(finding.find(ada.actor, token), "not_found", "room");
    }
  });

  test("[A.4] locating tells a room that exists from one that does not", async () => {
    const [ada, cy] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { finding } = world.useCases;
    const { uuid } = room;
    expect(await finding.locate(ada.actor, { uuid })).toMatchObject({
      room,
      membership: { role: "owner" },
    });
    expect(await finding.locate(cy.actor, { uuid })).toEqual({ room, membership: null });
    expect(await finding.locate(ada.actor, { uuid: randomUUID() })).toBeNull();
    for (const name of [{ uuid: "x" }, { publicId: "%" }, { id: 0.5 }, { token: "\0" }]) {
      expect(await finding.locate(ada.actor, name)).toBeNull();
    }
  });

  test("[B.3] the other of a one-to-one room is shown also after leaving it", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const { oneToOne, finding, roomLifecycle } = world.useCases;
    const { token } = (await oneToOne.open(ada.actor, bob.actor)).room;
    expect((await finding.view(bob.actor, { token })).peer).toEqual(ada.user);
    await roomLifecycle.leave(bob.actor, token);
    const view = await finding.view(ada.actor, { token });
    expect(view.peer).toEqual(bob.user);
    expect(view.people).toHaveLength(1);
    const self = (await oneToOne.openSelf(ada.actor)).room;
    expect((await finding.view(ada.actor, self)).peer).toEqual(ada.user);
  });

  test("the list has all rooms, newest activity first, each with its own people", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const [one, two] = [await world.group([ada, bob]), await world.group([ada, cy])];
    await world.group([bob]);
    await world.useCases.messages.send(ada.actor, one.token, message());
    const list = await world.useCases.finding.list(ada.actor);
    expect(list.map(({ room }) => room.id)).toEqual([one.id, two.id]);
    expect(list.map(({ people }) => people.map(({ user }) => user!.id))).toEqual([
      [ada.id, bob.id],
      [ada.id, cy.id],
    ]);
    expect(await world.useCases.finding.list((await world.person()).actor)).toEqual([]);
  });
});

describeDomain("finding: by UUID", (world) => {
  async function fourteen(): Promise<{ ada: Person; uuids: string[] }> {
    const ada = await world.person();
    const rooms: Room[] = [];
    for (let i = 0; i < 14; i++) rooms.push(await world.group([ada]));
    return { ada, uuids: rooms.map(({ uuid }) => uuid).sort() };
  }

  test("[A.7] walking 14 rooms by 3 gives 3, 3, 3, 3, 2, in ascending order", async () => {
    const { ada, uuids } = await fourteen();
    const { finding } = world.useCases;
    const walked: string[][] = [];
    let after: string | undefined;
    for (let more = true; more; after = walked.at(-1)!.at(-1)) {
      const page = { limit: 3, ...(after !== undefined && { after }) };
      const names = await finding.names(ada.actor, page);
      const { rooms } = await finding.page(ada.actor, page);
      expect(rooms.map(({ room: { uuid, token } }) => ({ uuid, token }))).toEqual(names.rooms);
      walked.push(names.rooms.map(({ uuid }) => uuid));
      more = names.more;
    }
    expect(walked.map((page) => page.length)).toEqual([3, 3, 3, 3, 2]);
    expect(walked.flat()).toEqual(uuids);
    expect((await finding.names(ada.actor, { limit: 14 })).more).toBe(false);
  });

  test("[A.4] named rooms come without the unknown and foreign ones", async () => {
    const { ada, uuids } = await fourteen();
    const foreign = await world.group([await world.person()]);
    const wanted = [uuids[5]!, randomUUID(), foreign.uuid, "x", uuids[2]!];
    const { rooms, more } = await world.useCases.finding.page(ada.actor, { uuids: wanted });
    expect(rooms.map(({ room }) => room.uuid)).toEqual([uuids[2], uuids[5]]);
    expect(more).toBe(false);
    const { finding } = world.useCases;
    await refused(finding.names(ada.actor, { limit: 1_001 }), "bad_request", "limit");
    await refused(finding.names(ada.actor, { limit: 5, after: "x" }), "bad_request", "after");
  });
});

describeDomain("finding: by activity", (world) => {
  /** Five rooms of Ada's, the last one the newest, and how to page through them by their numbers. */
  async function five() {
    const [ada, bob] = [await world.person(), await world.person()];
    const rooms: Room[] = [];
    for (let i = 0; i < 5; i++) rooms.push(await world.group([ada, bob]));
    const number = new Map(rooms.map(({ id }, i) => [id, i]));
    const page = async (query: Omit<RecentPage, "limit"> & { limit?: number }) => {
      const found = await world.useCases.finding.recent(ada.actor, { limit: 2, ...query });
      return [found.rooms.map(({ room }) => number.get(room.id)), found.more];
    };
    const idOf = (i: number) => rooms[i]!.publicId;
    return { ada, bob, rooms, page, idOf };
  }

  test("[D.2] pages go on after and end before a room, in the same order, and say whether there are more", async () => {
    const { page, idOf } = await five();
    expect(await page({})).toEqual([[4, 3], true]);
    expect(await page({ startingAfter: idOf(3) })).toEqual([[2, 1], true]);
    expect(await page({ startingAfter: idOf(1) })).toEqual([[0], false]);
    expect(await page({ endingBefore: idOf(0) })).toEqual([[2, 1], true]);
    expect(await page({ endingBefore: idOf(2) })).toEqual([[4, 3], false]);
    expect(await page({ endingBefore: idOf(4) })).toEqual([[], false]);
  });

  test("[D] a cursor survives the deletion of its room, for those who were in it", async () => {
    const { ada, bob, rooms, page, idOf } = await five();
    await world.useCases.roomLifecycle.delete(ada.actor, rooms[3]!.token);
    expect(await page({})).toEqual([[4, 2], true]);
    expect(await page({ startingAfter: idOf(3) })).toEqual([[2, 1], true]);
    expect(await page({ endingBefore: idOf(3) })).toEqual([[4], false]);
    const { finding } = world.useCases;
    expect((await finding.recent(bob.actor, { limit: 9, startingAfter: idOf(3) })).rooms).toHaveLength(3);
    const stranger = (await world.person()).actor;
    await refused(finding.recent(stranger, { limit: 9, startingAfter: idOf(3) }), "bad_request");
  });

  test("[D] a cursor stays usable when its room was left", async () => {
    const { ada, bob, rooms, idOf } = await five();
    const { finding, roomLifecycle } = world.useCases;
    await roomLifecycle.removeMember(ada.actor, rooms[3]!.token, bob.actor);
    const { rooms: rest } = await finding.recent(bob.actor, { limit: 9, endingBefore: idOf(2) });
    expect(rest.map(({ room }) => room.id)).toEqual([rooms[4]!.id]);
    expect((await finding.recent(bob.actor, { limit: 9, startingAfter: idOf(3) })).rooms).toHaveLength(4);
  });

  test("[D] unknown and foreign cursors, both at once, and other limits are refused", async () => {
    const { page, idOf } = await five();
    const foreign = (await world.group([await world.person()])).publicId;
    await refused(page({ startingAfter: foreign }), "bad_request", "startingAfter");
    await refused(page({ endingBefore: "x".repeat(16) }), "bad_request", "endingBefore");
    await refused(page({ endingBefore: "\0" }), "bad_request", "endingBefore");
    await refused(page({ startingAfter: idOf(1), endingBefore: idOf(1) }), "bad_request");
    for (const limit of [0, 101, 1.5]) await refused(page({ limit }), "bad_request", "limit");
    expect(await page({ limit: 100 })).toEqual([[4, 3, 2, 1, 0], false]);
  });

  test("[D.1] filters: muted, archived, pinned, by type and by id", async () => {
    const { ada, bob, rooms, page, idOf } = await five();
    const { memberSettings, oneToOne, finding } = world.useCases;
    const set = (i: number, patch: object) => memberSettings.change(ada.actor, rooms[i]!.token, patch);
    await set(0, { muted: true });
    await set(1, { archivedAt: 5 });
    await set(2, { pinned: true, muted: true });
    expect(await page({ muted: true })).toEqual([[2, 0], false]);
    expect(await page({ archived: true })).toEqual([[1], false]);
    expect(await page({ archived: false, limit: 9 })).toEqual([[4, 3, 2, 0], false]);
    expect(await page({ pinned: true, muted: true })).toEqual([[2], false]);
    expect(await page({ publicId: idOf(3) })).toEqual([[3], false]);
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    expect(await page({ types: ["group", "public"], limit: 9 })).toEqual([[4, 3, 2, 1, 0], false]);
    const direct = await finding.recent(ada.actor, { types: ["one_to_one"], limit: 9 });
    expect(direct.rooms.map((room) => room.room.id)).toEqual([room.id]);
  });
});
