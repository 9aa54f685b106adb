/** Lists of messages, of one room and of many, and what belongs to each of them. */
import { expect, test } from "vitest";
import type { MessagePlace } from "../../../src/domain/ids.ts";
import type { Room } from "../../../src/domain/model.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import type { MessageView } from "../../../src/domain/use-cases/messages.ts";
import { purgeStep } from "../../../src/store/schema/housekeeping.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { describeDomain, message, type Person, refused, type World } from "../world.ts";

async function say(world: World, person: Person, room: Room, text: string, more = {}) {
  return (await world.useCases.messages.send(person.actor, room.token, message(text, more))).seq;
}

const texts = (views: readonly (MessageView | null)[]) => views.map((view) => view?.text);

describeDomain("timeline", (world) => {
  async function pair() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    return { ada, bob, room: await world.group([ada, bob]) };
  }

  /** A transaction that holds a file until it is set free. */
  async function holdFile(id: string) {
    let free = () => {};
    const freed = new Promise<void>((resolve) => {
      free = resolve;
    });
    let holding: Promise<void> = Promise.resolve();
    await new Promise<void>((held) => {
      holding = world.store.sql.begin(async (sql) => {
        await sql`select from attachments where id = ${id} for update`;
        held();
        await freed;
      });
    });
    return { free, holding };
  }

  test("a page has messages only, newest first, or oldest first after a seq; deleted ones are left out", async () => {
    const { ada, bob, room } = await pair();
    const first = await say(world, ada, room, "one");
    const second = await say(world, bob, room, "two");
    await say(world, ada, room, "three");
    await world.useCases.messages.remove(bob.actor, room.token, second);
    const { timeline } = world.useCases;

    const newest = await timeline.page(ada.actor, room.token, { limit: 10 });
    expect(texts(newest.entries.map((entry) => entry.message))).toEqual(["three", "one"]);
    expect(newest.more).toBe(false);
    const later = await timeline.page(ada.actor, room.token, { after: first, limit: 1 });
    expect(texts(later.entries.map((entry) => entry.message))).toEqual(["three"]);
    const older = await timeline.page(ada.actor, room.token, { before: second, limit: 10 });
    expect(texts(older.entries.map((entry) => entry.message))).toEqual(["one"]);
    expect((await timeline.page(ada.actor, room.token, { limit: 1 })).more).toBe(true);
  });

  test("a page can have other events too, without messages of their own", async () => {
    const { ada, bob, room } = await pair();
    await say(world, bob, room, "hello");
    const { entries } = await world.useCases.timeline.page(ada.actor, room.token, {
      after: 0,
      limit: 50,
      types: ["message", "room.created", "member.joined"],
    });
    expect(entries.map(({ event, message }) => message?.text ?? event.type)).toEqual([
      "member.joined",
      "member.joined",
      "hello",
    ]);
  });

  test("a message has its author's account, parent, edit, and what the client called it", async () => {
    const { ada, bob, room } = await pair();
    const question = await say(world, ada, room, "tea?");
    const answer = await say(world, bob, room, "yes", { replyTo: question, mentions: [String(ada.id)] });
    await world.useCases.messages.edit(bob.actor, room.token, answer, { text: "yes, please" });
    const view = await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq: answer });
    expect(view).toMatchObject({
      text: "yes, please",
      room: room.token,
      roomPublicId: room.publicId,
      user: { handle: bob.user.handle },
      mentions: [String(ada.id)],
      parent: { deleted: false, text: "tea?", user: { handle: ada.user.handle } },
      updatedAt: world.clock.now,
    });
    await world.useCases.messages.remove(ada.actor, room.token, question);
    const later = await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq: answer });
    expect(later.parent).toEqual({ roomId: room.id, seq: question, deleted: true });
  });

  test("a sent message is shown to its sender as it is read, without being read back; sent again it is", async () => {
    const { ada, bob, room } = await pair();
    const question = await say(world, ada, room, "tea?");
    const reads: number[] = [];
    const messages: Store["messages"] = {
      ...world.store.messages,
      at(places) {
        reads.push(...places.map(({ seq }) => seq));
        return world.store.messages.at(places);
      },
    };
    const useCases = world.another({ store: { ...world.store, messages }, files: memoryFiles() });
    const content = new Blob(["a"]).stream();
    const file = await useCases.attachments.upload(bob.actor, { filename: "a.txt", content });
    const input = message("yes", { replyTo: question, mentions: ["all"], attachments: [file.id] });
    const sent = await useCases.messages.send(bob.actor, room.token, input);
    const shown = await useCases.timeline.sent(bob.actor, room.token, sent);
    expect(reads).toEqual([question]);
    const place = { roomId: room.id, seq: sent.seq };
    expect(shown?.message).toEqual(await world.useCases.timeline.message(bob.actor, place));
    const again = await useCases.messages.send(bob.actor, room.token, input);
    expect(again).toEqual({ seq: sent.seq, at: sent.at, duplicate: true, event: null });
    expect(await useCases.timeline.sent(bob.actor, room.token, again)).toEqual(shown);
    expect(reads).toEqual([question, sent.seq, question]);
    await world.useCases.messages.remove(bob.actor, room.token, sent.seq);
    expect(await useCases.timeline.sent(bob.actor, room.token, again)).toBeNull();
  });

  test("reactions and files of a message are there once when it is answered on the same page", async () => {
    const { ada, bob, room } = await pair();
    const { timeline, messages, attachments, reactions } = world.another({ files: memoryFiles() });
    const content = new Blob(["a"]).stream();
    const file = await attachments.upload(ada.actor, { filename: "a.txt", content });
    const sent = message("tea?", { attachments: [file.id] });
    const { seq } = await messages.send(ada.actor, room.token, sent);
    await reactions.add(bob.actor, room.token, seq, "👍");
    await say(world, bob, room, "yes", { replyTo: seq });
    await say(world, ada, room, "now?", { replyTo: seq });
    const { messages: page } = await timeline.recent(ada.actor, { limit: 10 });
    for (const view of [page[0]?.parent, page[1]?.parent, page[2]]) {
      expect(view).toMatchObject({
        reactions: [{ name: "👍", by: [{ actor: bob.actor }] }],
        attachments: [{ id: file.id }],
      });
    }
  });

  test("deleted messages, other events, other rooms and what was before one's time are not found", async () => {
    const { ada, bob, room } = await pair();
    const seq = await say(world, ada, room, "gone");
    const early = await say(world, ada, room, "early");
    await world.useCases.messages.remove(ada.actor, room.token, seq);
    const { timeline, roomLifecycle } = world.useCases;
    await refused(timeline.message(bob.actor, { roomId: room.id, seq }), "not_found");
    await refused(timeline.message(bob.actor, { roomId: room.id, seq: 1 }), "not_found");
    await refused(timeline.message(bob.actor, { roomId: room.id, seq: 10_000 }), "not_found");
    const cyd = await world.person("Cyd");
    await refused(timeline.message(cyd.actor, { roomId: room.id, seq: early }), "not_found");
    await roomLifecycle.addMembers(ada.actor, room.token, [{ member: cyd.actor, role: "user" }]);
    await refused(timeline.message(cyd.actor, { roomId: room.id, seq: early }), "not_found");
    expect((await timeline.message(bob.actor, { roomId: room.id, seq: early })).text).toBe("early");
  });

  test("messages of all rooms come newest first, and cursors outlive their message", async () => {
    const { ada, bob, room } = await pair();
    const other = await world.group([ada, bob]);
    await say(world, ada, room, "1");
    const two = await say(world, bob, other, "2");
    await say(world, ada, room, "3");
    await say(world, bob, other, "4");
    const { timeline, messages } = world.useCases;
    const first = await timeline.recent(ada.actor, { limit: 3 });
    expect(new Set(texts(first.messages))).toEqual(new Set(["4", "3", "2"]));
    expect(first.messages.map(({ at }) => at)).toEqual(
      first.messages.map(({ at }) => at).sort((a, b) => b - a),
    );
    expect(first.more).toBe(true);
    await messages.remove(bob.actor, other.token, two);
    const cursor = { roomId: other.id, seq: two };
    const rest = await timeline.recent(ada.actor, { limit: 10, startingAfter: cursor });
    expect(texts(rest.messages)).toEqual(["1"]);
    const before = await timeline.recent(ada.actor, { limit: 1, endingBefore: cursor });
    expect(texts(before.messages)).toEqual(["3"]);
    expect(before.more).toBe(true);
    const ofRoom = await timeline.recent(ada.actor, { limit: 10, room: room.token });
    expect(texts(ofRoom.messages)).toEqual(["3", "1"]);
  });

  test("unknown, foreign and doubled cursors and limits outside of 1–100 are refused", async () => {
    const { ada, room } = await pair();
    const stranger = await world.person("Eve");
    const seq = await say(world, ada, room, "1");
    const cursor = { roomId: room.id, seq };
    const { timeline } = world.useCases;
    await refused(timeline.recent(stranger.actor, { limit: 5, startingAfter: cursor }), "bad_request");
    await refused(
      timeline.recent(ada.actor, { limit: 5, startingAfter: { ...cursor, seq: 999 } }),
      "bad_request",
    );
    await refused(
      timeline.recent(ada.actor, { limit: 5, startingAfter: cursor, endingBefore: cursor }),
      "bad_request",
    );
    await refused(timeline.recent(ada.actor, { limit: 0 }), "bad_request", "limit");
    await refused(timeline.recent(ada.actor, { limit: 101 }), "bad_request", "limit");
  });

  test("a message that is committed late is not missed by who polls with the first message of the last page", async () => {
    const { ada, bob, room: slow } = await pair();
    let quick = await world.group([ada, bob]);
    // Rooms of one lane are written one after the other.
    if ((quick.id - slow.id) % 2 === 0) quick = await world.group([ada, bob]);
    const { timeline, messages, attachments } = world.another({ files: memoryFiles() });
    const file = await attachments.upload(ada.actor, {
      filename: "a.txt",
      content: new Blob(["a"]).stream(),
    });
    const first = await say(world, bob, quick, "first");
    const { free, holding } = await holdFile(file.id);
    // It has its time, and waits for the file.
    const late = messages.send(ada.actor, slow.token, message("late", { attachments: [file.id] }));
    await expect
      .poll(async () => (await world.store.sql`select from pg_locks where not granted`).length)
      .toBeGreaterThan(0);
    await say(world, bob, quick, "early");
    const seen: string[] = [];
    let cursor = { roomId: quick.id, seq: first };
    const poll = async () => {
      const page = await timeline.recent(ada.actor, { limit: 10, endingBefore: cursor });
      seen.push(...page.messages.map(({ text }) => text).reverse());
      cursor = page.messages[0] ?? cursor;
    };
    await poll();
    const newest = await timeline.recent(ada.actor, { limit: 1 });
    expect(texts(newest.messages)).toEqual(["first"]);
    free();
    await Promise.all([holding, late]);
    await poll();
    expect(seen).toEqual(["late", "early"]);
  });

  test("a cursor stays usable when its room was left or deleted, or its lobby was closed", async () => {
    const { ada, bob, room } = await pair();
    const closed = await world.group([ada, bob]);
    const home = await world.group([bob, ada]);
    await say(world, ada, home, "before");
    const cursors: MessagePlace[] = [];
    for (const one of [room, closed]) {
      cursors.push({ roomId: one.id, seq: await say(world, ada, one, "cursor") });
    }
    await say(world, ada, home, "after");
    const { timeline, roomLifecycle, roomSettings } = world.useCases;
    await roomLifecycle.removeMember(ada.actor, room.token, bob.actor);
    await roomSettings.setLobby(ada.actor, closed.token, { on: true });
    const walk = async (cursor: (typeof cursors)[number]) => [
      ...texts((await timeline.recent(bob.actor, { limit: 10, startingAfter: cursor })).messages),
      ...texts((await timeline.recent(bob.actor, { limit: 10, endingBefore: cursor })).messages),
    ];
    for (const cursor of cursors) expect(await walk(cursor)).toEqual(["before", "after"]);
    const [left] = cursors as [MessagePlace];
    const later = { ...left, seq: await say(world, ada, room, "not for Bob") };
    await refused(timeline.recent(bob.actor, { limit: 5, startingAfter: later }), "bad_request");
    await refused(
      timeline.recent(bob.actor, { limit: 5, startingAfter: { ...left, seq: 1 } }),
      "bad_request",
    );

    await roomLifecycle.delete(ada.actor, room.token);
    // The log is removed.
    while (await purgeStep({ transaction: world.store.sql.begin }, -60_000));
    expect(await walk(left)).toEqual(["before", "after"]);
    await refused(timeline.recent(bob.actor, { limit: 5, startingAfter: later }), "bad_request");
  });

  test("the last message of many rooms comes in one look", async () => {
    const { ada, bob, room } = await pair();
    const [other, silent] = [await world.group([ada, bob]), await world.group([ada, bob])];
    await say(world, ada, room, "old");
    await say(world, bob, room, "new");
    const gone = await say(world, bob, other, "gone");
    await world.useCases.messages.remove(bob.actor, other.token, gone);
    const last = await world.useCases.timeline.last(ada.actor, [room.id, other.id, silent.id]);
    expect([...last].map(([id, entry]) => [id, entry.message?.text])).toEqual([[room.id, "new"]]);
  });

  test("a message is read when another member's marker passed it, and stays read since then", async () => {
    const { ada, bob, room } = await pair();
    const seq = await say(world, ada, room, "read me");
    const read = async () =>
      (await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq })).readAt;
    await world.useCases.messages.markRead(ada.actor, room.token, seq);
    expect(await read()).toBeNull();
    await world.useCases.messages.markRead(bob.actor, room.token, seq);
    const at = await read();
    expect(at).toEqual(expect.any(Number));
    const later = await say(world, ada, room, "later");
    await world.useCases.messages.markRead(bob.actor, room.token, later);
    expect(await read()).toBe(at);
  });

  test("whoever writes something later has read what was before", async () => {
    const { ada, bob, room } = await pair();
    const seq = await say(world, ada, room, "question");
    await say(world, ada, room, "still me");
    expect((await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq })).readAt).toBeNull();
    await say(world, bob, room, "answer");
    expect(
      (await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq })).readAt,
    ).not.toBeNull();
  });

  test("a closed lobby keeps plain members from everything, in lists of many rooms too", async () => {
    const { ada, bob, room } = await pair();
    const seq = await say(world, ada, room, "secret");
    await world.useCases.roomSettings.setLobby(ada.actor, room.token, { on: true });
    const { timeline } = world.useCases;
    await refused(timeline.page(bob.actor, room.token, { limit: 5 }), "lobby");
    await refused(timeline.message(bob.actor, { roomId: room.id, seq }), "lobby");
    expect((await timeline.recent(bob.actor, { limit: 5 })).messages).toEqual([]);
    expect((await timeline.last(bob.actor, [room.id])).size).toBe(0);
    expect((await timeline.recent(ada.actor, { limit: 5 })).messages).toHaveLength(1);
  });

  test("an author whose account was deleted has none", async () => {
    const { ada, bob, room } = await pair();
    const seq = await say(world, bob, room, "bye");
    await world.useCases.directory.deleteUser(bob.id);
    const view = await world.useCases.timeline.message(ada.actor, { roomId: room.id, seq });
    expect({ user: view.user, author: view.author.id }).toEqual({ user: null, author: String(bob.id) });
  });

  test("live events become entries, without those that the reader may not see", async () => {
    const { ada, bob, room } = await pair();
    await say(world, ada, room, "hello");
    const events = await world.events(room);
    const entries = await world.useCases.timeline.entries(bob.actor, room.token, events);
    expect(entries.map(({ event }) => event.seq)[0]).toBe(3);
    expect(entries.at(-1)?.message?.text).toBe("hello");
  });
});
