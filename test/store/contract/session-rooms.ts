/** The rooms of members who come at once, as in a storm: each has what they would have alone. */
import { expect, test } from "vitest";
import type { SessionRoom } from "../../../src/domain/ports/store/room-lists.ts";
import type { StoreTransaction } from "../../../src/domain/ports/store/transaction.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { createPerson, createRoom, join, newRoom, type Person, type StoredRoom, say } from "../fixtures.ts";

/** Comes in statements of more than one size, and each of them is a crowd. */
const CROWD = 40;

export function sessionRoomsContract(store: () => PostgresStore): void {
  async function alone(people: readonly Person[]): Promise<SessionRoom[][]> {
    const found: SessionRoom[][] = [];
    for (const { key } of people) found.push(await store().roomLists.sessionRooms(key));
    return found;
  }

  async function atOnce(people: readonly Person[], most?: number): Promise<SessionRoom[][]> {
    const wanted = most === undefined ? {} : { most };
    return await Promise.all(people.map(({ key }) => store().roomLists.sessionRooms(key, wanted)));
  }

  async function roomOf(people: Person[], name: string): Promise<StoredRoom> {
    const room = await store().transaction(async (tx) => {
      const made = await tx.createRoom(newRoom({ name }));
      await join(tx, made.id, people);
      return made;
    });
    const [head] = await store().log.heads([room.id]);
    return { room, id: room.id, token: room.token, people, version: head!.accessVersion };
  }

  async function inRoom({ id }: StoredRoom, work: (tx: StoreTransaction) => Promise<unknown>): Promise<void> {
    await store().transaction(async (tx) => {
      await tx.lockRooms([id]);
      await work(tx);
    });
  }

  async function crowd(): Promise<{ people: Person[]; rooms: StoredRoom[] }> {
    const people: Person[] = [];
    for (let n = 0; n < CROWD; n++) people.push(await createPerson(store(), `Person ${n}`));
    const rooms = [await roomOf(people, "All"), await roomOf(people.slice(0, 20), "Half")];
    for (const room of rooms) await say(store(), room, 1, { mentions: [String(people[10]!.id)] });
    return { people, rooms };
  }

  test("members who come at once have what each would have alone, and share what is the room's", async () => {
    const { people, rooms } = await crowd();
    const late = await createPerson(store(), "Late");
    await inRoom(rooms[0]!, (tx) => join(tx, rooms[0]!.id, [late]));
    const everybody = [...people, late];
    await store().memberships.update(rooms[0]!.id, people[3]!.key, { muted: true, favourite: true });
    const found = await atOnce(everybody);
    expect(found).toEqual(await alone(everybody));
    expect(found.map((each) => each.length)).toEqual([...Array(20).fill(2), ...Array(21).fill(1)]);
    const inAll = found.map((each) => each.find(({ id }) => id === rooms[0]!.id)!);
    // Two statements go out at once, and neither knows what the other reads.
    expect(new Set(inAll.map(({ shown }) => shown)).size).toBeLessThanOrEqual(2);
    // Who joined after the last message sees nothing of it.
    expect(found.at(-1)![0]).toMatchObject({ last: null, unread: 0 });
    expect(inAll[10]).toMatchObject({ mentions: 1, unread: 1, last: { type: "message" } });
    expect(inAll[11]).toMatchObject({ mentions: 0, unread: 1, last: { type: "message" } });
  });

  test("who hid the last message for themselves sees the one before, or none; the others see no difference", async () => {
    const { people, rooms } = await crowd();
    const [all, half] = rooms as [StoredRoom, StoredRoom];
    const newest = await say(store(), all, 1, { text: "Newest" });
    await store().messages.hide(people[4]!.key, { roomId: all.id, seq: newest });
    await store().messages.hide(people[6]!.key, { roomId: half.id, seq: 21 });
    const found = await atOnce(people);
    expect(found).toEqual(await alone(people));
    const lastIn = ({ id }: StoredRoom, who: number) => found[who]!.find((room) => room.id === id)!.last?.seq;
    expect([lastIn(all, 3), lastIn(all, 4), lastIn(half, 3), lastIn(half, 6)]).toEqual([
      42,
      41,
      21,
      undefined,
    ]);
  });

  test("of more rooms than are listed the others show nothing to a crowd", async () => {
    const { people } = await crowd();
    const found = await atOnce(people, 1);
    for (const [n, { key }] of people.entries()) {
      expect(found[n]).toEqual(await store().roomLists.sessionRooms(key, { most: 1 }));
    }
    expect(found[0]!.map(({ shown }) => shown === null)).toEqual([false, true]);
  });

  test("what changes between two crowds is seen by the second", async () => {
    const { people, rooms } = await crowd();
    const [all, half] = rooms as [StoredRoom, StoredRoom];
    const until = { lobby: true, lobbyUntil: 4_000_000_000_000 };
    const changes: (() => Promise<unknown>)[] = [
      () => say(store(), all, 2, { text: "Newer" }),
      () => inRoom(half, (tx) => tx.updateRoom(half.id, { name: "Renamed", description: "New" })),
      () => inRoom(all, (tx) => tx.updateRoom(all.id, until)),
      () => inRoom(half, (tx) => tx.removeMembers(half.id, [people[5]!.key])),
      () => inRoom(half, (tx) => tx.eraseMessages(half.id, [21])),
    ];
    await atOnce(people);
    for (const change of changes) {
      await change();
      const found = await atOnce(people);
      expect(found).toEqual(await alone(people));
    }
  });

  test("a room that changes while a crowd reads is of one moment for each of them", async () => {
    const { people, rooms } = await crowd();
    const room = rooms[0]!;
    let isReading = true;
    const reading = (async () => {
      const seen: SessionRoom[] = [];
      for (let n = 0; n < 12; n++) for (const each of await atOnce(people)) seen.push(...each);
      isReading = false;
      return seen.filter(({ id }) => id === room.id);
    })();
    while (isReading) await say(store(), room, 4);
    for (const { head, last, unread, historyFrom } of await reading) {
      // After the joins, each event is a message of somebody else, or one's own.
      expect(last!.seq).toBe(head);
      expect(unread).toBeLessThanOrEqual(head - historyFrom);
    }
  });

  test("a crowd reads the part of a room once", async () => {
    const { people } = await crowd();
    await atOnce(people);
    const before = store().stats().statements;
    await atOnce(people);
    expect(store().stats().statements - before).toBe(2);
    const lonely = await createRoom(store());
    expect(await atOnce(lonely.people)).toEqual(await alone(lonely.people));
  });
}
