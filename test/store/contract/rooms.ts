/** What transactions on rooms promise, and what queries then see. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Actor, LoggedEvent } from "../../../src/domain/model.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import type { NewEvent, StoreTransaction } from "../../../src/domain/ports/store/transaction.ts";
import { createPerson, createRoom, join, messageBy, newRoom, say, upTo } from "../fixtures.ts";

export function roomContract(store: () => Store): void {
  describe("rooms", () => conversationContract(store));
  describe("members", () => memberContract(store));
  describe("events and messages in place", () => eventContract(store));
  describe("transactions", () => transactionContract(store));
}

/** Runs `work` with the room locked. */
function inRoom<T>(store: Store, roomId: number, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
  return store.transaction(async (tx) => {
    await tx.lockRooms([roomId]);
    return await work(tx);
  });
}

async function createOrganization(store: Store): Promise<number> {
  return (await store.transaction((tx) => tx.organizations.create("Org"))).id;
}

function conversationContract(store: () => Store): void {
  test("a new room has its ids and an empty log", async () => {
    const room = await store().transaction((tx) => tx.createRoom(newRoom({ name: "Büro" })));
    expect(room.token).toMatch(/^[a-km-z2-9]{8}$/);
    expect(room.publicId).toMatch(/^[A-Za-z0-9]{16}$/);
    expect(room).toMatchObject({
      name: "Büro",
      readOnly: false,
      posting: "all",
      lobby: false,
      matrixRoomId: null,
      kind: null,
    });
    expect(await store().rooms.byToken(room.token)).toEqual(room);
    expect(await store().rooms.byId(room.id)).toEqual(room);
    expect(await store().log.heads([room.id])).toEqual([
      {
        roomId: room.id,
        head: 0,
        messages: 0,
        lastActivity: room.createdAt,
        accessVersion: 1,
        callSeq: null,
      },
    ]);
  });

  test("Messenger rooms have a name, a default and an event each only once in their organization", async () => {
    const organizationId = await createOrganization(store());
    const create = (input: object) =>
      store().transaction((tx) => tx.createRoom(newRoom({ organizationId, ...input })));
    const first = await create({ kind: "custom", name: "Straße" });
    await expect(create({ kind: "custom", name: "STRASSE" })).resolves.toBeTruthy();
    await expect(create({ kind: "custom", name: "STRAßE" })).rejects.toMatchObject({
      code: "conflict",
      field: "name",
    });
    await expect(create({ name: "Straße" })).resolves.toMatchObject({ kind: null });
    await create({ kind: "default", name: "All" });
    await expect(create({ kind: "default", name: "All 2" })).rejects.toMatchObject({ code: "conflict" });
    const ofEvent = await create({ kind: "event", name: "Event", eventId: 7 });
    await expect(create({ kind: "event", name: "E2", eventId: 7 })).rejects.toMatchObject({
      field: "eventId",
    });
    const renamed = (tx: StoreTransaction) => tx.updateRoom(first.id, { name: "event" });
    await expect(inRoom(store(), first.id, renamed)).rejects.toMatchObject({
      code: "conflict",
      field: "name",
    });
    expect(await store().chatrooms.byEvent(organizationId, 7)).toEqual(ofEvent);
    expect(await store().chatrooms.defaultOf(organizationId)).toMatchObject({ name: "All" });
  });

  test("Messenger's list has pages, a total, and can keep to a member's rooms", async () => {
    const organizationId = await createOrganization(store());
    const person = await createPerson(store());
    const ids: number[] = [];
    for (let i = 0; i < 4; i++) {
      const room = await store().transaction(async (tx) => {
        const made = await tx.createRoom(newRoom({ organizationId, kind: "custom", name: `R${i}` }));
        if (i % 2 === 0) await join(tx, made.id, [person]);
        return made;
      });
      ids.push(room.id);
    }
    const page = async (limit: number | null, offset: number, member?: string) => {
      const { entries, total } = await store().chatrooms.ofOrganization(organizationId, {
        limit,
        offset,
        ...(member !== undefined && { member }),
      });
      return [entries.map(({ id }) => ids.indexOf(id)), total];
    };
    expect(await page(2, 1)).toEqual([[1, 2], 4]);
    expect(await page(null, 0)).toEqual([[0, 1, 2, 3], 4]);
    expect(await page(10, 9)).toEqual([[], 4]);
    expect(await page(10, 0, person.key)).toEqual([[0, 2], 2]);
  });

  test("a change is seen, and makes sends that were judged before it stale", async () => {
    const room = await createRoom(store());
    const patch = { name: "New", readOnly: true, lobbyUntil: 5, description: null, scheduledDeletion: 9 };
    const changed = await inRoom(store(), room.id, (tx) => tx.updateRoom(room.id, patch));
    expect(changed).toEqual({ ...room.room, ...patch });
    expect((await store().rooms.access(room.token, room.people[0]!.key))?.accessVersion).toBe(
      room.version + 1,
    );
    expect(await store().log.append(messageBy(room))).toEqual({ status: "stale" });
    const due = await store().rooms.dueForDeletion(9, 1_000);
    expect(due.map(({ id }) => id)).toContain(room.id);
    expect((await store().rooms.dueForDeletion(8, 1_000)).map(({ id }) => id)).not.toContain(room.id);
  });

  test("the roles of those asked for who are in the room, and null for a room that is gone", async () => {
    const room = await createRoom(store());
    const [first] = room.people;
    const stranger = await createPerson(store());
    const found = await store().memberships.roles(room.id, [first!.key, stranger.key]);
    expect(found).toEqual({
      room: room.room,
      members: [{ userId: first!.id, role: expect.stringMatching(/owner|user/) }],
    });
    expect((await store().memberships.roles(room.id, []))?.members).toEqual([]);
    expect(await store().memberships.roles(2 ** 40, [first!.key])).toBeNull();
  });

  test("a deleted room is gone, but its last events can be read for a while", async () => {
    const room = await createRoom(store());
    const key = room.people[0]!.key;
    const versions = await Promise.all(room.people.map(({ id }) => store().users.version(id)));
    await inRoom(store(), room.id, async (tx) => {
      await tx.appendEvents(room.id, [{ type: "room.deleted", actor: room.people[0]!.actor, data: {} }]);
      await tx.deleteRoom(room.id);
    });
    expect(await store().rooms.byId(room.id)).toBeNull();
    expect(await store().rooms.access(room.token, key)).toBeNull();
    expect(await store().roomLists.list(key)).toEqual([]);
    expect(await store().memberships.list([room.id])).toEqual([]);
    expect(await store().log.heads([room.id])).toEqual([]);
    expect(await store().log.history(room.token, key, { limit: 1 })).toBeNull();
    const [last] = await store().log.range(room.id, 2, 3, 1);
    expect(last).toMatchObject({ type: "room.deleted", room: room.token });
    const after = await Promise.all(room.people.map(({ id }) => store().users.version(id)));
    expect(after).toEqual(versions.map((version) => version! + 1));
    const again = await store().transaction((tx) => tx.lockRooms([room.id]));
    expect(again).toEqual([]);
  });

  test("the list of a member has all rooms with heads, markers, mentions and the last visible message", async () => {
    const [quiet, busy] = [await createRoom(store()), await createRoom(store())];
    const person = await createPerson(store());
    await say(store(), quiet);
    for (const { id } of [quiet, busy]) await inRoom(store(), id, (tx) => join(tx, id, [person]));
    const version = (await store().rooms.access(busy.token, busy.people[0]!.key))!.accessVersion;
    const seq = await say(store(), { ...busy, version }, 0, { mentions: [String(person.id)], text: "Look" });
    const listings = await store().roomLists.list(person.key);
    expect(listings.map(({ room }) => room.id)).toEqual([busy.id, quiet.id]);
    const [first, second] = listings;
    expect(first).toMatchObject({
      mentions: 1,
      head: { head: seq, messages: 1 },
      membership: { member: person.key, userId: person.id, role: "user", readMessages: 0 },
    });
    expect(first?.last).toEqual(await store().log.event(busy.id, seq));
    // Said before they joined a room that hides what was before.
    expect(second).toMatchObject({ mentions: 0, last: null, head: { messages: 1 } });
    expect(second?.membership.readMessages).toBe(1);
    expect(await store().roomLists.idsOf(person.key)).toEqual([quiet.id, busy.id]);
  });
}

function memberContract(store: () => Store): void {
  test("new members join in order; those who are here get the role and name", async () => {
    const room = await createRoom(store());
    const [old, second] = [room.people[1]!, await createPerson(store(), "Guest")];
    await say(store(), room);
    await inRoom(store(), room.id, (tx) =>
      tx.putMembers(room.id, [
        { member: "g:xyz", userId: null, name: "Guest", role: "guest" },
        { member: old.key, userId: old.id, name: "Renamed", role: "moderator" },
        { member: second.key, userId: second.id, name: "Second", role: "user" },
      ]),
    );
    const members = await store().memberships.list([room.id]);
    expect(
      members.map(({ member, joinedSeq, historyFrom, readSeq, readMessages, role, name }) => [
        member,
        joinedSeq,
        historyFrom,
        readSeq,
        readMessages,
        role,
        name,
      ]),
    ).toEqual([
      [room.people[0]!.key, 1, 0, 3, 1, "user", "Person 0"],
      [old.key, 2, 1, 2, 0, "moderator", "Renamed"],
      ["g:xyz", 4, 3, 4, 1, "guest", "Guest"],
      [second.key, 6, 5, 6, 1, "user", "Second"],
    ]);
    expect(members.every(({ favourite, muted, pinned }) => !favourite && !muted && !pinned)).toBe(true);
    const narrowed = await inRoom(store(), room.id, (tx) => tx.members(room.id, ["g:xyz", "g:abc"]));
    expect(narrowed).toEqual([members[2]]);
  });

  test("changes of membership raise the versions of the users they concern", async () => {
    const room = await createRoom(store(), { size: 3 });
    const [a, b, c] = room.people.map(({ id }) => id) as [number, number, number];
    const before = await Promise.all([a, b, c].map((id) => store().users.version(id)));
    const seen = [a, b, c].map((userId, i) => ({ userId, version: before[i]! }));
    expect(await store().users.changed(seen)).toEqual([]);
    await inRoom(store(), room.id, async (tx) => {
      await tx.removeMembers(room.id, [`u:${b}`, "u:0"]);
      await tx.putMembers(room.id, [{ member: `u:${c}`, userId: c, name: "C", role: "owner" }]);
      await tx.putMembers(room.id, [{ member: `u:${c}`, userId: c, name: "C", role: "moderator" }]);
      await tx.users.delete(a);
    });
    const changed = await store().users.changed(seen);
    expect(changed.sort((x, y) => x.userId - y.userId)).toEqual([
      { userId: a, version: null },
      { userId: b, version: before[1]! + 1 },
      { userId: c, version: before[2]! + 1 },
    ]);
    expect(await store().users.version(a)).toBeNull();
    expect(await store().users.changed([])).toEqual([]);
  });

  test("who leaves and comes back starts anew, without old mentions", async () => {
    const room = await createRoom(store());
    const leaver = room.people[1]!;
    await say(store(), room, 0, { mentions: [leaver.actor.id] });
    await inRoom(store(), room.id, (tx) => tx.removeMembers(room.id, [leaver.key]));
    expect(await store().roomLists.list(leaver.key)).toEqual([]);
    await inRoom(store(), room.id, (tx) => join(tx, room.id, [leaver]));
    const [listing] = await store().roomLists.list(leaver.key);
    expect(listing).toMatchObject({ mentions: 0, last: null, membership: { joinedSeq: 4, readMessages: 1 } });
  });

  test("a hundred members join in one go", async () => {
    const room = await createRoom(store());
    const people = Array.from({ length: 100 }, (_, i) => ({
      member: `g:${i}`,
      userId: null,
      name: `Guest ${i}`,
      role: "guest" as const,
    }));
    const actor = room.people[0]!.actor;
    await inRoom(store(), room.id, async (tx) => {
      await tx.putMembers(room.id, people);
      await tx.appendEvents(
        room.id,
        people.map(({ member, name }) => ({
          type: "member.joined",
          actor,
          data: { member: { kind: "guest", id: member.slice(2), name }, role: "guest" },
        })),
      );
    });
    const members = await store().memberships.list([room.id]);
    expect(members.map(({ joinedSeq }) => joinedSeq)).toEqual(upTo(102));
    const events = await store().log.range(room.id, 0, 1_000, 1_000);
    expect(events.map(({ seq }) => seq)).toEqual(upTo(102));
  });
}

function eventContract(store: () => Store): void {
  test("a call starts and ends once, however often it is said", async () => {
    const room = await createRoom(store());
    const { actor } = room.people[0]!;
    const started: NewEvent = { type: "call.started", actor, data: {} };
    const ended: NewEvent = { type: "call.ended", actor, data: {} };
    const append = async (events: NewEvent[]) =>
      (await inRoom(store(), room.id, (tx) => tx.appendEvents(room.id, events))).map(({ seq, type }) => [
        seq,
        type,
      ]);
    expect(await append([ended])).toEqual([]);
    const both = await Promise.all([append([started]), append([started])]);
    expect(both.flat()).toEqual([[3, "call.started"]]);
    const running = await store().log.runningCalls();
    expect(running.filter(({ roomId }) => roomId === room.id)).toHaveLength(1);
    expect((await store().log.heads([room.id]))[0]?.callSeq).toBe(3);
    expect(await append([ended, ended])).toEqual([[4, "call.ended"]]);
    expect(await append([started, ended, started])).toEqual([
      [5, "call.started"],
      [6, "call.ended"],
      [7, "call.started"],
    ]);
    expect((await store().log.heads([room.id]))[0]?.callSeq).toBe(7);
  });

  test("who is in a running call is read off the log, and nobody joins or leaves one that does not run", async () => {
    const [room, other] = [await createRoom(store()), await createRoom(store())];
    const [ada, bob] = room.people.map(({ actor }) => actor) as [Actor, Actor];
    const call = (
      type: "call.started" | "call.joined" | "call.left" | "call.ended",
      actor: Actor,
    ): NewEvent => ({
      ...{ type, actor, data: {} },
    });
    const append = (...events: NewEvent[]) =>
      inRoom(store(), room.id, async (tx) => {
        const appended = await tx.appendEvents(room.id, events);
        return { appended: appended.map(({ type }) => type), callers: await tx.callers(room.id) };
      });
    const none = { appended: [], callers: null };
    expect(await append(call("call.joined", ada), call("call.left", ada))).toEqual(none);
    expect((await append(call("call.started", ada))).callers).toEqual([ada]);
    await say(store(), room, 0);
    expect((await append(call("call.joined", bob))).callers).toEqual([ada, bob]);
    expect((await append(call("call.left", ada))).callers).toEqual([bob]);
    expect((await append(call("call.joined", ada))).callers).toEqual([bob, ada]);
    const running = { roomId: room.id, callers: [bob, ada] };
    expect(await store().log.runningCalls([other.id, room.id])).toEqual([running]);
    expect(await store().log.runningCalls()).toContainEqual(running);
    expect((await append(call("call.left", bob), call("call.left", ada))).callers).toEqual([]);
    expect(await store().log.runningCalls([room.id])).toEqual([{ ...running, callers: [] }]);
    expect(await append(call("call.ended", ada), call("call.left", ada))).toEqual({
      ...{ appended: ["call.ended"], callers: null },
    });
    expect(await store().log.runningCalls([room.id])).toEqual([]);
    expect((await append(call("call.started", bob))).callers).toEqual([bob]);
    const listing = (await store().roomLists.list(room.people[1]!.key))[0]!;
    expect(listing.unread).toBe(1);
  });

  test("a message is edited and deleted in place, and then mentions nobody", async () => {
    const room = await createRoom(store());
    const reader = room.people[1]!;
    const seq = await say(store(), room, 0, { mentions: [reader.actor.id] });
    const rewrite = (change: { text: string; edited: number }) =>
      inRoom(store(), room.id, (tx) => tx.rewriteMessage(room.id, seq, change));
    const data = async () => JSON.parse((await store().log.event(room.id, seq))!.dataJson);
    expect(await rewrite({ text: "Better", edited: 5 })).toBe(true);
    expect(await data()).toEqual({ text: "Better", mentions: [reader.actor.id], edited: 5 });
    const erase = () => inRoom(store(), room.id, (tx) => tx.eraseMessages(room.id, [99, seq, 1]));
    expect(await erase()).toEqual([{ seq, mentions: [reader.actor.id], thread: undefined }]);
    expect(await data()).toEqual({ text: "", deleted: true });
    expect((await store().roomLists.list(reader.key))[0]?.mentions).toBe(0);
    expect(await rewrite({ text: "Again", edited: 6 })).toBe(false);
    expect(await erase()).toEqual([]);
  });
}

function transactionContract(store: () => Store): void {
  test("nothing of a failed transaction is stored or told", async () => {
    const room = await createRoom(store());
    const heard: LoggedEvent[] = [];
    store().onCommitted((events) => {
      heard.push(...events.filter(({ roomId }) => roomId === room.id));
    });
    const failing = inRoom(store(), room.id, async (tx) => {
      await tx.appendEvents(room.id, [
        { type: "room.changed", actor: room.people[0]!.actor, data: { name: "X" } },
      ]);
      await tx.updateRoom(room.id, { name: "X" });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await inRoom(store(), room.id, (tx) =>
      tx.appendEvents(room.id, [{ type: "room.changed", actor: room.people[0]!.actor, data: { name: "Y" } }]),
    );
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(heard.map(({ seq, dataJson }) => [seq, dataJson])).toEqual([[3, '{"name":"Y"}']]);
    expect((await store().rooms.byId(room.id))?.name).toBe("Room");
  });

  test("a failed statement undoes the transaction even when its error is caught", async () => {
    const handle = `h-${randomUUID()}`;
    const user = { handle, displayName: "A", email: null, passwordHash: null, administrator: false };
    const twice = store().transaction(async (tx) => {
      await tx.users.create(user);
      await expect(tx.users.create(user)).rejects.toMatchObject({ code: "conflict", field: "handle" });
    });
    await expect(twice).rejects.toMatchObject({ code: "conflict", field: "handle" });
    expect(await store().users.byHandle(handle)).toBeNull();
  });

  test("a room must be locked before it is written", async () => {
    const room = await createRoom(store());
    const unlocked = store().transaction((tx) => tx.removeMembers(room.id, [room.people[0]!.key]));
    await expect(unlocked).rejects.toThrow("call lockRooms first");
  });

  test("locking reads rooms as they are now and leaves out those that are gone", async () => {
    const [a, b] = [await createRoom(store()), await createRoom(store())];
    const locked = await store().transaction((tx) => tx.lockRooms([b.id, 0, a.id]));
    expect(locked).toEqual([a.room, b.room]);
    const head = await inRoom(store(), a.id, (tx) => tx.head(a.id));
    expect(head).toMatchObject({ head: 2, messages: 0, callSeq: null });
  });

  test("sends and transactions on one room share one order", async () => {
    const room = await createRoom(store());
    const rename = (i: number) =>
      inRoom(store(), room.id, (tx) =>
        tx.appendEvents(room.id, [
          { type: "room.changed", actor: room.people[0]!.actor, data: { name: `${i}` } },
        ]),
      );
    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? rename(i) : say(store(), room))));
    const events = await store().log.range(room.id, 0, 1_000, 1_000);
    expect(events.map(({ seq }) => seq)).toEqual(upTo(42));
    expect((await store().log.heads([room.id]))[0]).toMatchObject({ head: 42, messages: 30 });
  });
}
