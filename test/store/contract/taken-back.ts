/** What becomes of texts that were edited away or deleted, and of what was counted because of them. */
import { expect, test } from "vitest";
import type { EditData } from "../../../src/domain/model.ts";
import { storeChecks } from "../../../src/store/log/restored.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { createRoom, type StoredRoom, say } from "../fixtures.ts";

/** More than two blocks of `withdrawn_messages`. */
const MANY = 2_100;

export function takenBackContract(store: () => PostgresStore): void {
  async function edit(room: StoredRoom, seq: number, text: string, mentions: string[] = []): Promise<number> {
    return await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.rewriteMessage(room.id, seq, { text, mentions, edited: 5 });
      const data: EditData = { seq, text, mentions, attachments: [] };
      const actor = room.people[0]!.actor;
      const [event] = await tx.appendEvents(room.id, [{ type: "message.edited", actor, data }]);
      return event!.seq;
    });
  }

  async function remove(room: StoredRoom, seqs: readonly number[]): Promise<void> {
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.eraseMessages(room.id, seqs);
    });
  }

  /** As {@link remove} does with each, in one statement. */
  async function removeMany(room: StoredRoom, seqs: readonly number[]): Promise<void> {
    await store().sql`
      with gone as (
        update events set deleted = true where conversation_id = ${room.id} and seq = any (${[...seqs]}::bigint[])
        returning seq
      )
      select causeway_withdraw(${room.id}, seq) from gone`;
  }

  async function dataAt(room: StoredRoom, seq: number): Promise<unknown> {
    return JSON.parse((await store().log.event(room.id, seq))!.dataJson);
  }

  /** As the second of the room sees it: unread, mentions, and the text of the last message. */
  async function listed({ id, people }: StoredRoom) {
    const { key } = people[1]!;
    const [listing] = await store().roomLists.list(key, [id]);
    const session = (await store().roomLists.sessionRooms(key)).find((room) => room.id === id)!;
    const [counted] = await store().log.unread(id, [key]);
    const last = session.last && (JSON.parse(session.last.dataJson).text as string);
    const seen = { unread: session.unread, mentions: session.mentions, last };
    expect(listing).toMatchObject({ unread: seen.unread, mentions: seen.mentions });
    expect(listing?.last?.seq).toBe(session.last?.seq);
    expect(counted).toMatchObject({ unread: seen.unread, mentions: seen.mentions });
    return seen;
  }

  /** What `npm run store:restored` would say of the room. */
  async function findings({ token }: StoredRoom): Promise<string[]> {
    const found = await Promise.all(storeChecks(store().sql).map((check) => check.violations()));
    return found.flatMap(({ examples }) => examples).filter((what) => what.includes(token));
  }

  test("only the newest text of a message is in the log, of a deleted one none; the events stay", async () => {
    const [room, other] = [await createRoom(store()), await createRoom(store())];
    const seq = await say(store(), room, 0, { text: "first" });
    const same = await say(store(), other, 0, { text: "of another room" });
    const [one, two] = [await edit(room, seq, "second"), await edit(room, seq, "third")];
    const elsewhere = await edit(other, same, "untouched");
    expect(await dataAt(room, seq)).toEqual({ text: "third", edited: 5 });
    expect(await dataAt(room, one)).toEqual({ seq, hidden: true });
    expect(await dataAt(room, two)).toMatchObject({ seq, text: "third" });
    await remove(room, [seq]);
    expect(await dataAt(room, seq)).toEqual({ text: "", deleted: true });
    expect(await dataAt(room, two)).toEqual({ seq, hidden: true });
    expect(await dataAt(other, elsewhere)).toMatchObject({ text: "untouched" });
  });

  test("deleted messages are not unread, and the last message is the newest that lives", async () => {
    const room = await createRoom(store());
    const { key } = room.people[1]!;
    const seqs: number[] = [];
    for (const text of ["a", "b", "c", "d"]) seqs.push(await say(store(), room, 0, { text }));
    const [a, b, c, d] = seqs as [number, number, number, number];
    await store().log.markRead(key, room.id, a);
    expect(await listed(room)).toEqual({ unread: 3, mentions: 0, last: "d" });
    await remove(room, [d]);
    expect(await listed(room)).toEqual({ unread: 2, mentions: 0, last: "c" });
    await edit(room, c, "c, edited");
    await remove(room, [a, b]);
    expect(await listed(room)).toEqual({ unread: 1, mentions: 0, last: "c, edited" });
    expect(await store().log.markRead(key, room.id, b)).toMatchObject({ unread: 1 });
    expect(await store().log.markRead(key, room.id, c)).toMatchObject({ unread: 0 });
    await remove(room, [c]);
    expect(await listed(room)).toEqual({ unread: 0, mentions: 0, last: null });
    await say(store(), room, 0, { text: "e" });
    expect(await listed(room)).toEqual({ unread: 1, mentions: 0, last: "e" });
    expect(await findings(room)).toEqual([]);
  });

  test("over thousands of messages with events between them, counts and the last one hold", async () => {
    const room = await createRoom(store());
    const { key } = room.people[1]!;
    const [kept, mark] = [
      await say(store(), room, 0, { text: "kept" }),
      await say(store(), room, 0, { text: "gone, too" }),
    ];
    const many = await Promise.all(Array.from({ length: MANY }, () => say(store(), room)));
    const last = await say(store(), room, 0, { text: "last" });
    await edit(room, kept, "kept, edited");
    await store().log.markRead(key, room.id, mark);
    await removeMany(room, many.slice(0, MANY - 3));
    expect(await listed(room)).toMatchObject({ unread: 4, last: "last" });
    const half = many[1_500] as number;
    expect(await store().log.markRead(key, room.id, half)).toMatchObject({ unread: 4 });
    await remove(room, [...many.slice(MANY - 3), mark, last]);
    expect(await listed(room)).toMatchObject({ unread: 0, last: "kept, edited" });
    expect(await findings(room)).toEqual([]);
  });

  test("an edit changes whom a message mentions: members, everybody, and never its author", async () => {
    const room = await createRoom(store());
    const [author, reader] = room.people.map(({ actor }) => actor.id) as [string, string];
    const seq = await say(store(), room, 0, { text: "you", mentions: [reader] });
    expect(await listed(room)).toMatchObject({ mentions: 1 });
    await edit(room, seq, "nobody", []);
    expect(await listed(room)).toMatchObject({ unread: 1, mentions: 0 });
    await edit(room, seq, "you and me", [reader, author, "4711"]);
    expect(await listed(room)).toMatchObject({ mentions: 1 });
    const rows = await store().sql<{ member: string }[]>`
      select member from mentions where conversation_id = ${room.id}`;
    expect(rows.map(({ member }) => member)).toEqual([room.people[1]!.key]);
    await edit(room, seq, "all of you", ["all"]);
    expect(await listed(room)).toMatchObject({ mentions: 1 });
    await remove(room, [seq]);
    expect(await listed(room)).toMatchObject({ unread: 0, mentions: 0 });
  });
}
