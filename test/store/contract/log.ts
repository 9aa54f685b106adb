/** What the room log promises: order, idempotence, refusals, reading, and read markers. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { LoggedEvent, MemberKey } from "../../../src/domain/model.ts";
import type { AppendResult } from "../../../src/domain/ports/store/log.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import {
  accessVersion,
  createPerson,
  createRoom,
  join,
  messageBy,
  repetitionOf,
  say,
  seqsOf,
  upTo,
} from "../fixtures.ts";

export function logContract(store: () => Store): void {
  describe("append", () => appendContract(store));
  describe("reading the log", () => readingContract(store));
  describe("read markers", () => markerContract(store));
}

function statuses(results: AppendResult[]): string[] {
  return results.map(({ status }) => status);
}

function appendContract(store: () => Store): void {
  test("gives each room a gapless order, also when rooms and senders mix in one batch", async () => {
    const rooms = [await createRoom(store()), await createRoom(store())];
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        store().log.append(messageBy(rooms[i % 2]!, i % 3 === 0 ? 1 : 0)),
      ),
    );
    expect(new Set(statuses(results))).toEqual(new Set(["appended"]));
    for (const room of rooms) expect(await seqsOf(store(), room.id)).toEqual(upTo(102));
  });

  test("keeps a sender's messages in the order in which they were sent", async () => {
    const room = await createRoom(store());
    const ids = Array.from({ length: 2_000 }, (_, i) => `${i}`);
    await Promise.all(ids.map((id) => store().log.append(messageBy(room, 0, { id }))));
    const events = await store().log.range(room.id, 2, 3_000, 3_000);
    expect(events.map(({ id }) => id)).toEqual(ids);
  });

  test("answers a repeated id with the first result, whatever the text", async () => {
    const room = await createRoom(store());
    const message = messageBy(room);
    const first = await store().log.append(message);
    const again = await store().log.append({ ...message, text: "Something else" });
    expect(again).toEqual(repetitionOf(first));
    expect(await seqsOf(store(), room.id)).toEqual([1, 2, 3]);
  });

  test("keeps ids apart by sender and by room", async () => {
    const [a, b] = [await createRoom(store()), await createRoom(store())];
    const id = randomUUID();
    const results = await Promise.all([
      store().log.append(messageBy(a, 0, { id })),
      store().log.append(messageBy(a, 1, { id })),
      store().log.append(messageBy(b, 0, { id })),
    ]);
    expect(statuses(results)).toEqual(["appended", "appended", "appended"]);
  });

  test("finds a duplicate inside one batch", async () => {
    const room = await createRoom(store());
    const message = messageBy(room);
    const other = messageBy(room, 1);
    const results = await Promise.all([message, other, message, message].map((m) => store().log.append(m)));
    expect(statuses(results)).toEqual(["appended", "appended", "duplicate", "duplicate"]);
    expect(results[2]).toEqual(repetitionOf(results[0]));
    expect(results[3]).toEqual(repetitionOf(results[0]));
  });

  test("inside one batch a refused message is no first: the next with its key is stored", async () => {
    const room = await createRoom(store());
    const message = messageBy(room);
    const stale = { ...message, accessVersion: 0 };
    const results = await Promise.all([stale, message, stale].map((m) => store().log.append(m)));
    expect(statuses(results)).toEqual(["stale", "appended", "stale"]);
  });

  test("refuses what was judged under older rules, and still answers its duplicate", async () => {
    const room = await createRoom(store());
    const message = messageBy(room, 1);
    const first = await store().log.append(message);
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.removeMembers(room.id, [room.people[1]!.key]);
    });
    expect(await store().log.append(messageBy(room, 1))).toEqual({ status: "stale" });
    expect(await store().log.append(message)).toEqual(repetitionOf(first));
  });

  test("a member of an open room may send, whatever changed since; in a locked room it is judged anew", async () => {
    const room = await createRoom(store());
    const change = (readOnly: boolean) =>
      store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.updateRoom(room.id, { readOnly });
      });
    await change(false);
    const results = await Promise.all(
      [messageBy(room), messageBy(room, 1)].map((m) => store().log.append(m)),
    );
    expect(statuses(results)).toEqual(["appended", "appended"]);
    await change(true);
    expect(await store().log.append(messageBy(room))).toEqual({ status: "stale" });
  });

  test("refuses a room that is gone", async () => {
    const room = await createRoom(store());
    const message = messageBy(room);
    await store().log.append(message);
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.deleteRoom(room.id);
    });
    const results = await Promise.all([message, messageBy(room)].map((m) => store().log.append(m)));
    expect(statuses(results)).toEqual(["not_found", "not_found"]);
  });

  test("a reply must answer a message of the room that is not deleted", async () => {
    const [room, other] = [await createRoom(store()), await createRoom(store())];
    for (let i = 0; i < 5; i++) await say(store(), other);
    const seq = await say(store(), room);
    const deleted = await say(store(), room);
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.eraseMessages(room.id, [deleted]);
    });
    const results = await Promise.all(
      [seq, deleted, 1, 6, 0].map((replyTo) => store().log.append(messageBy(room, 0, { replyTo }))),
    );
    expect(statuses(results)).toEqual(["appended", "bad_reply", "bad_reply", "bad_reply", "bad_reply"]);
    const [event] = await store().log.range(room.id, deleted, 100, 1);
    expect(JSON.parse(event!.dataJson)).toEqual({ text: "Hello", replyTo: seq });
  });

  test("times never go back within a room", async () => {
    const room = await createRoom(store());
    for (let i = 0; i < 5; i++) await say(store(), room);
    const times = (await store().log.range(room.id, 0, 100, 100)).map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.abs(Date.now() - times[0]!)).toBeLessThan(60_000);
  });

  test("takes any text, and refuses what the database can't hold without harm to others", async () => {
    const room = await createRoom(store());
    const text = `NUL \0, quote ", backslash \\, {braces}, null, 🎈, \ud800 alone`;
    const bad = [
      messageBy(room, 0, { id: "a\0b" }),
      messageBy(room, 0, { sender: { ...room.people[0]!.actor, name: "\0" } }),
      messageBy(room, 0, { roomId: 1e19 }),
    ];
    const results = await Promise.allSettled(
      [messageBy(room, 0, { text, id: 'i"\\,{}' }), ...bad, messageBy(room, 1)].map((m) =>
        store().log.append(m),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      ...bad.map(() => "rejected"),
      "fulfilled",
    ]);
    for (const result of results.slice(1, -1)) {
      expect((result as PromiseRejectedResult).reason).toMatchObject({ code: "bad_request" });
    }
    const event = await store().log.event(room.id, 3);
    expect(event?.id).toBe('i"\\,{}');
    expect(JSON.parse(event!.dataJson).text).toBe(text);
  });

  test("tells listeners what was committed, in order, after those who waited", async () => {
    const room = await createRoom(store());
    const heard: LoggedEvent[] = [];
    let told = false;
    const complete = new Promise<void>((resolve) => {
      store().onCommitted((events) => {
        told = true;
        heard.push(...events.filter(({ roomId }) => roomId === room.id));
        if (heard.length === 10) resolve();
      });
    });
    const beforeListeners = store()
      .log.append(messageBy(room))
      .then(() => told);
    await Promise.all(Array.from({ length: 9 }, () => say(store(), room)));
    expect(await beforeListeners).toBe(false);
    await complete;
    expect(heard).toEqual(await store().log.range(room.id, 2, 100, 100));
    expect(heard[0]).toMatchObject({ room: room.token, type: "message", actor: room.people[0]!.actor });
  });
}

function readingContract(store: () => Store): void {
  test("range, rangeMany, event and heads show the log as it is", async () => {
    const [a, b] = [await createRoom(store()), await createRoom(store())];
    for (let i = 0; i < 4; i++) await say(store(), a);
    await say(store(), b);
    expect((await store().log.range(a.id, 2, 5, 2)).map(({ seq }) => seq)).toEqual([3, 4]);
    const wanted = [
      { roomId: a.id, after: 3, upTo: 5 },
      { roomId: b.id, after: 0, upTo: 100 },
      { roomId: 0, after: 0, upTo: 100 },
    ];
    const many = await store().log.rangeMany(wanted, 2);
    expect(many.map(({ room, seq }) => [room, seq])).toEqual([
      [a.token, 4],
      [a.token, 5],
      [b.token, 1],
      [b.token, 2],
    ]);
    expect(await store().log.event(a.id, 4)).toEqual(many[0]);
    expect(await store().log.event(a.id, 400)).toBeNull();
    const heads = await store().log.heads([b.id, 0, a.id]);
    expect(heads.map(({ roomId, head, messages }) => [roomId, head, messages]).sort()).toEqual(
      [
        [a.id, 6, 4],
        [b.id, 3, 1],
      ].sort(),
    );
  });

  test("history pages from the end, before and after a seq, and tells whether there is more", async () => {
    const room = await createRoom(store());
    for (let i = 0; i < 8; i++) await say(store(), room);
    const page = async (input: { before?: number; after?: number; limit: number }) => {
      const result = await store().log.history(room.token, room.people[0]!.key, input);
      return [result?.events.map(({ seq }) => seq), result?.more];
    };
    expect(await page({ limit: 3 })).toEqual([[8, 9, 10], true]);
    expect(await page({ before: 8, limit: 3 })).toEqual([[5, 6, 7], true]);
    expect(await page({ before: 3, limit: 2 })).toEqual([[1, 2], false]);
    expect(await page({ after: 4, limit: 3 })).toEqual([[5, 6, 7], true]);
    expect(await page({ after: 8, limit: 2 })).toEqual([[9, 10], false]);
    expect(await page({ after: 10, limit: 2 })).toEqual([[], false]);
    expect(await page({ limit: 200 })).toEqual([upTo(10), false]);
  });

  test("a time stands for the first event at or after it", async () => {
    const room = await createRoom(store());
    for (let i = 0; i < 12; i++) await say(store(), room);
    const events = await store().log.range(room.id, 0, 100, 100);
    for (const { at } of events) {
      const first = events.find((event) => event.at >= at);
      expect(await store().log.seqAt(room.id, at)).toBe(first?.seq);
    }
    expect(await store().log.seqAt(room.id, 0)).toBe(1);
    expect(await store().log.seqAt(room.id, (events.at(-1)?.at ?? 0) + 1)).toBe(events.length + 1);
  });

  test("history shows a new member what came after joining, or all where it is shared", async () => {
    for (const [history, visible] of [
      ["joined", [5, 6]],
      ["shared", upTo(6)],
    ] as const) {
      const room = await createRoom(store(), { history });
      await say(store(), room);
      await say(store(), room);
      const late = await createPerson(store());
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await join(tx, room.id, [late]);
      });
      await say(store(), { ...room, version: await accessVersion(store(), room.id) });
      const result = await store().log.history(room.token, late.key, { limit: 50 });
      expect(result?.events.map(({ seq }) => seq)).toEqual(visible);
      expect(result?.more).toBe(false);
      expect(result?.membership).toMatchObject({ joinedSeq: 5, readSeq: 5, readMessages: 2 });
    }
  });

  test("history is null for strangers and unknown rooms", async () => {
    const room = await createRoom(store());
    expect(await store().log.history(room.token, "u:0", { limit: 1 })).toBeNull();
    expect(await store().log.history("nosuchroom", room.people[0]!.key, { limit: 1 })).toBeNull();
  });
}

function markerContract(store: () => Store): void {
  test("unread is the messages after the marker, whatever other events are between", async () => {
    const room = await createRoom(store());
    const [author, reader] = [room.people[0]!, room.people[1]!];
    const first = await say(store(), room);
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.appendEvents(room.id, [{ type: "message.pinned", actor: author.actor, data: { seq: first } }]);
    });
    for (let i = 0; i < 3; i++) await say(store(), room);
    const unreadAt = async (seq: number) => {
      const state = await store().log.markRead(reader.key, room.id, seq);
      if (state === null || state === "past_head") return state;
      return [state.read, state.unread, state.moved];
    };
    const [listing] = await store().roomLists.list(reader.key);
    expect(listing!.unread).toBe(4);
    expect(await unreadAt(first)).toEqual([3, 3, true]);
    expect(await unreadAt(4)).toEqual([4, 3, true]);
    expect(await unreadAt(6)).toEqual([6, 1, true]);
    expect(await unreadAt(5)).toEqual([6, 1, false]);
    expect(await unreadAt(8)).toBe("past_head");
    expect(await unreadAt(7)).toEqual([7, 0, true]);
    expect(await store().log.markRead("u:0", room.id, 1)).toBeNull();
    expect(await store().log.markRead(reader.key, 0, 1)).toBeNull();
  });

  test("opening a room notes the time and moves no marker; one that the member is not in is passed over", async () => {
    const room = await createRoom(store());
    const [author, reader] = [room.people[0]!, room.people[1]!];
    await say(store(), room);
    const of = async ({ key }: { key: MemberKey }) =>
      (await store().memberships.list([room.id])).find(({ member }) => member === key)!;
    const before = await of(reader);
    expect(before.lastOpenedAt).toBeNull();
    await Promise.all([
      ...[1, 2].map(() => store().log.opened(reader.key, room.id)),
      store().log.opened("u:0", room.id),
      store().log.opened(reader.key, 0),
      store().log.opened("u:\0", room.id),
    ]);
    const { lastOpenedAt, ...after } = await of(reader);
    expect(lastOpenedAt).toEqual(expect.any(Number));
    expect({ ...after, lastOpenedAt: null }).toEqual(before);
    expect((await of(author)).lastOpenedAt).toBeNull();
  });

  test("one's own messages are never unread", async () => {
    const room = await createRoom(store());
    await say(store(), room, 1);
    await say(store(), room, 0);
    const [mine] = await store().roomLists.list(room.people[0]!.key);
    expect(mine?.membership).toMatchObject({ readSeq: 4, readMessages: 2 });
    const [theirs] = await store().roomLists.list(room.people[1]!.key);
    expect(theirs?.membership).toMatchObject({ readSeq: 3, readMessages: 1 });
  });

  test("mentions count for members who did not read them, by id or as all, never for the author", async () => {
    const room = await createRoom(store(), { size: 3 });
    const [author, named, third] = room.people.map(({ key }) => key) as [string, string, string];
    const ids = room.people.map(({ actor }) => actor.id);
    await say(store(), room, 0, { mentions: [ids[1]!, ids[1]!, ids[0]!, "nobody"] });
    const all = await say(store(), room, 0, { mentions: ["all", ids[2]!] });
    const counted = async (member: string) => (await store().roomLists.list(member))[0]?.mentions;
    expect([await counted(author), await counted(named), await counted(third)]).toEqual([0, 2, 1]);
    expect(await store().log.markRead(named, room.id, all - 1)).toMatchObject({ mentions: 1 });
    expect(await store().log.markRead(named, room.id, all)).toMatchObject({ mentions: 0 });
  });

  test("many markers and sends at once all come through", async () => {
    const rooms = [await createRoom(store(), { size: 5 }), await createRoom(store(), { size: 5 })];
    for (const room of rooms) await say(store(), room);
    const work = Array.from({ length: 400 }, (_, i) => {
      const room = rooms[i % 2]!;
      const who = (i * 7) % 5;
      if (i % 3 === 0) return store().log.append(messageBy(room, who));
      return store().log.markRead(room.people[who]!.key, room.id, 1 + (i % 6));
    });
    const results = await Promise.all(work);
    expect(results.filter((result) => result === null)).toEqual([]);
    for (const { head, membership } of await store().roomLists.list(rooms[0]!.people[0]!.key)) {
      const event = await store().log.range(rooms[0]!.id, 0, membership.readSeq, 1_000);
      expect(membership.readMessages).toBe(event.filter(({ type }) => type === "message").length);
      expect(membership.readSeq).toBeLessThanOrEqual(head.head);
    }
  });
}
