/** Messages that a member hides for themselves: nowhere for them, and everywhere for others. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { purgeStep } from "../../../src/store/schema/housekeeping.ts";
import { createRoom, join, type StoredRoom, say } from "../fixtures.ts";

const PAGE = { limit: 50 };

export function hiddenContract(store: () => PostgresStore): void {
  const hide = ({ id, people }: StoredRoom, seq: number, n = 1) =>
    store().messages.hide(people[n]!.key, { roomId: id, seq });

  async function remove(room: StoredRoom, seq: number): Promise<void> {
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.eraseMessages(room.id, [seq]);
    });
  }

  /** What a member of the room sees of it, by all queries that tell of messages. */
  async function seen({ id, token, people }: StoredRoom, n = 1) {
    const { key } = people[n]!;
    const [listing] = await store().roomLists.list(key, [id]);
    const session = (await store().roomLists.sessionRooms(key)).find((room) => room.id === id)!;
    const [counted] = await store().log.unread(id, [key]);
    const page = await store().log.history(token, key, PAGE);
    const { unread, mentions } = session;
    expect(listing).toMatchObject({ unread, mentions });
    expect(counted).toMatchObject({ unread, mentions });
    expect(listing?.last?.seq).toBe(session.last?.seq);
    const texts = page!.events.flatMap(({ type, dataJson }) =>
      type === "message" ? [JSON.parse(dataJson).text as string] : [],
    );
    return { unread, mentions, last: session.last?.seq, pinned: session.shown?.pinnedSeq, texts };
  }

  test("a hidden message is in no page, list or count of its member; others see no difference", async () => {
    const room = await createRoom(store());
    const { id, people } = room;
    const mentions = [String(people[1]!.id)];
    const one = await say(store(), room, 0, { text: "one", mentions });
    const two = await say(store(), room, 0, { text: "two", mentions: ["all"] });
    await store().transaction(async (tx) => {
      await tx.lockRooms([id]);
      await tx.messages.setPinned(id, two);
    });
    const all = { unread: 2, mentions: 2, last: two, pinned: two, texts: ["one", "two"] };
    expect(await seen(room)).toEqual(all);
    expect(await hide(room, two)).toEqual({ status: "hidden", no: 1 });
    expect(await seen(room)).toEqual({ unread: 1, mentions: 1, last: one, pinned: null, texts: ["one"] });
    expect(await hide(room, one)).toEqual({ status: "hidden", no: 2 });
    expect(await seen(room)).toMatchObject({ unread: 0, mentions: 0, last: undefined, texts: [] });
    expect(await seen(room, 0)).toMatchObject({ unread: 0, last: two, pinned: two, texts: ["one", "two"] });
    expect(await hide(room, one)).toEqual({ status: "already", no: 0 });
    const [own] = await store().messages.roomsOf(people[1]!.key);
    expect(own?.membership.hiddenNo).toBe(2);
  });

  test("of a user who is deleted at the same moment nothing stays hidden", async () => {
    const room = await createRoom(store());
    const { id, key } = room.people[1]!;
    const seqs = [await say(store(), room, 0), await say(store(), room, 0)];
    expect(await hide(room, seqs[0]!)).toEqual({ status: "hidden", no: 1 });
    const late = await store().transaction(async (tx) => {
      await tx.users.delete(id);
      return { hiding: hide(room, seqs[1]!) };
    });
    expect(await late.hiding).toEqual({ status: "not_found", no: 0 });
    const { sql } = store();
    expect(await sql`select from hidden_messages where member = ${key}`).toEqual([]);
    expect(await sql`select from hidden_counts where member = ${key}`).toEqual([]);
  });

  test("pages, last messages and files leave out what the reader of the room hid", async () => {
    const room = await createRoom(store());
    const { id, people } = room;
    const seqs = [await say(store(), room), await say(store(), room), await say(store(), room)];
    await hide(room, seqs[1]!);
    await hide(room, seqs[2]!);
    const hiddenBy = people[1]!.key;
    const types = ["message"] as const;
    const range = { roomId: id, after: 0, before: 99, from: "oldest", types, ...PAGE } as const;
    const visible = [{ roomId: id, historyFrom: 0, hiddenBy }];
    const found = [
      await store().messages.page({ ...range, hiddenBy }),
      await store().messages.recent(visible, PAGE),
      await store().messages.last(visible, types),
    ];
    for (const events of found) expect(events.map(({ seq }) => seq)).toEqual([seqs[0]]);
    expect((await store().messages.page(range)).map(({ seq }) => seq)).toEqual(seqs);
    const places = seqs.map((seq) => ({ roomId: id, seq }));
    const hidden = await store().messages.hiddenOf(hiddenBy, places);
    expect(hidden.map(({ seq }) => seq).sort()).toEqual(seqs.slice(1));
    expect(await store().messages.hiders([places[1]!])).toEqual([{ ...places[1]!, member: hiddenBy }]);
  });

  test("an unread message that was hidden and then deleted counts once, and stays gone", async () => {
    const room = await createRoom(store());
    const one = await say(store(), room);
    const two = await say(store(), room);
    await hide(room, one);
    expect(await seen(room)).toMatchObject({ unread: 1, last: two });
    await remove(room, one);
    expect(await seen(room)).toMatchObject({ unread: 1, last: two, texts: ["Hello"] });
    const state = await store().log.markRead(room.people[1]!.key, room.id, one);
    expect(state).toMatchObject({ read: one, unread: 1 });
    await hide(room, two);
    const moved = await store().log.markRead(room.people[1]!.key, room.id, one);
    expect(moved).toMatchObject({ unread: 0, mentions: 0 });
  });

  test("answers that were hidden are in no count of their thread, and a thread without others is none", async () => {
    const room = await createRoom(store());
    const root = await say(store(), room);
    const first = await say(store(), room, 0, { thread: root });
    const second = await say(store(), room, 0, { thread: root });
    const { key } = room.people[1]!;
    const summary = () => store().threads.between(room.id, key, root, root);
    expect(await summary()).toMatchObject([{ count: 2, lastSeq: second, unread: 2 }]);
    await hide(room, second);
    expect(await summary()).toMatchObject([{ count: 1, lastSeq: first, unread: 1 }]);
    expect(await store().threads.markRead(key, room.id, { root, seq: root })).toMatchObject({ unread: 1 });
    const page = await store().log.history(room.token, key, { thread: root, ...PAGE });
    expect(page?.events.map(({ seq }) => seq)).toEqual([first]);
    await hide(room, first);
    expect(await summary()).toEqual([]);
    expect(await store().threads.between(room.id, room.people[0]!.key, root, root)).toMatchObject([
      { count: 2, lastSeq: second },
    ]);
  });

  test("a session is told what was hidden after a number, and what is after the place that it resumes from", async () => {
    const room = await createRoom(store());
    const other = await createRoom(store());
    const { key } = room.people[1]!;
    await store().transaction(async (tx) => {
      await tx.lockRooms([other.id]);
      await join(tx, other.id, [room.people[1]!]);
    });
    const seqs = [await say(store(), room), await say(store(), room), await say(store(), room)];
    const elsewhere = await say(store(), other);
    await hide(room, seqs[2]!);
    await store().messages.hide(key, { roomId: other.id, seq: elsewhere });
    await hide(room, seqs[0]!);
    const told = async (wanted?: object) =>
      Object.fromEntries(
        (await store().roomLists.sessionRooms(key, wanted)).map((each) => [
          each.id,
          [each.hiddenNo, ...each.hidden],
        ]),
      );
    expect(await told()).toEqual({ [room.id]: [3], [other.id]: [2] });
    expect(await told({ hiddenAfter: 0 })).toEqual({
      [room.id]: [3, seqs[0], seqs[2]],
      [other.id]: [2, elsewhere],
    });
    expect(await told({ hiddenAfter: 1, most: 1 })).toEqual({
      [room.id]: [3, seqs[0]],
      [other.id]: [2, elsewhere],
    });
    const asked = { rooms: [room.token], seqs: [seqs[1]!] };
    expect(await told({ hiddenAfter: 3, asked })).toEqual({ [room.id]: [3, seqs[2]], [other.id]: [2] });
    expect(await store().roomLists.sessionRoom(key, room.id)).toMatchObject({ hiddenNo: 3, hidden: [] });
  });

  test("it is hidden still when the member left and came back; the log's end is its end", async () => {
    const room = await createRoom(store(), { history: "shared" });
    const { id, people } = room;
    const seq = await say(store(), room);
    await hide(room, seq);
    await store().transaction(async (tx) => {
      await tx.lockRooms([id]);
      await tx.removeMembers(id, [people[1]!.key]);
    });
    expect(await hide(room, seq)).toEqual({ status: "not_found", no: 0 });
    await store().transaction(async (tx) => {
      await tx.lockRooms([id]);
      await join(tx, id, [people[1]!]);
    });
    expect(await seen(room)).toMatchObject({ texts: [] });
    await store().transaction(async (tx) => {
      await tx.lockRooms([id]);
      await tx.deleteRoom(id);
    });
    while (await purgeStep({ transaction: store().sql.begin }, -60_000));
    expect(await store().messages.hiders([{ roomId: id, seq }])).toEqual([]);
  });

  test("many who hide at once get numbers without a gap; what a member hides has a bound", async () => {
    const room = await createRoom(store());
    const { key } = room.people[1]!;
    const seqs: number[] = [];
    for (let n = 0; n < 8; n++) seqs.push(await say(store(), room, 0, { id: randomUUID() }));
    const results = await Promise.all([...seqs, ...seqs].map((seq) => hide(room, seq)));
    const numbers = results.flatMap((result) => (result.status === "hidden" ? [result.no] : []));
    expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const beyond = (inRoom: number, inAll: number) => store().sql<{ status: string; no: number }[]>`
      select status, no from causeway_hide(${room.id}, ${key}, 1, ${inRoom}, ${inAll})`;
    expect(await beyond(8, 100)).toMatchObject([{ status: "too_many" }]);
    expect(await beyond(100, 8)).toMatchObject([{ status: "too_many" }]);
    expect(await beyond(9, 9)).toMatchObject([{ status: "hidden", no: 9 }]);
  });
}
