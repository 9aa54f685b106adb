import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { channels } from "../../../src/domain/ports/bus.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import type { EditInput } from "../../../src/domain/use-cases/sending.ts";
import { describeDomain, matrixUser, message, refused, SYSTEM_ACTOR } from "../world.ts";

/** A store that also counts the queries of `rooms.access`. */
function counting(store: Store): { store: Store; reads: () => number } {
  let reads = 0;
  const rooms: Store["rooms"] = {
    ...store.rooms,
    access(room, member) {
      reads++;
      return store.rooms.access(room, member);
    },
  };
  return { store: { ...store, rooms }, reads: () => reads };
}

describeDomain("messages.send", (world) => {
  test("a message is appended and the sender's own read marker moves with it", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { seq, duplicate } = await world.useCases.messages.send(ada.actor, room.token, message());
    expect(duplicate).toBe(false);
    const [event] = await world.store.log.range(room.id, seq - 1, seq, 1);
    expect(event).toMatchObject({ type: "message", actor: ada.actor, dataJson: '{"text":"Hello"}' });
    const [mine] = await world.useCases.roomLifecycle.list(ada.actor);
    const [theirs] = await world.useCases.roomLifecycle.list(bob.actor);
    expect(mine!.head.messages - mine!.membership.readMessages).toBe(0);
    expect(theirs!.head.messages - theirs!.membership.readMessages).toBe(1);
  });

  test("after the first send a room costs no look-up any more", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { store, reads } = counting(world.store);
    const { messages } = world.another({ store });
    for (let i = 0; i < 20; i++) await messages.send(ada.actor, room.token, message());
    expect(reads()).toBe(1);
  });

  test("what a sender sends at once keeps its order, also before anything is remembered", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { messages } = world.another();
    const texts = Array.from({ length: 50 }, (_, i) => `line ${i}`);
    const sent = await Promise.all(texts.map((text) => messages.send(ada.actor, room.token, message(text))));
    const seqs = sent.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  test("a retry gets the first result, with other text, after the lock, and after leaving", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages, roomLifecycle } = world.useCases;
    const first = await messages.send(bob.actor, room.token, { id: "same", text: "one" });
    const again = { seq: first.seq, at: first.at, duplicate: true, event: null };
    expect(await messages.send(bob.actor, room.token, { id: "same", text: "two" })).toEqual(again);
    await roomLifecycle.setReadOnly(ada.actor, room.token, true);
    expect(await messages.send(bob.actor, room.token, { id: "same", text: "one" })).toEqual(again);
    await roomLifecycle.leave(bob.actor, room.token);
    expect(await messages.send(bob.actor, room.token, { id: "same", text: "one" })).toEqual(again);
    expect(await world.another().messages.send(bob.actor, room.token, { id: "same", text: "one" })).toEqual(
      again,
    );
    await refused(messages.send(bob.actor, room.token, { id: "other", text: "one" }), "not_found", "room");
  });

  test("who was removed through another process is refused, although remembered as a member", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    await world.useCases.messages.send(bob.actor, room.token, message());
    await world.another().roomLifecycle.removeMember(ada.actor, room.token, bob.actor);
    await refused(world.useCases.messages.send(bob.actor, room.token, message()), "not_found", "room");
  });

  test("who was let in again is not refused by what is remembered", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    await world.useCases.roomLifecycle.setReadOnly(ada.actor, room.token, true);
    await refused(world.useCases.messages.send(ada.actor, room.token, message()), "read_only");
    await world.another().roomLifecycle.setReadOnly(ada.actor, room.token, false);
    expect(await world.useCases.messages.send(ada.actor, room.token, message())).toMatchObject({
      duplicate: false,
    });
  });

  test("sends go through while the room's members keep changing", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { messages, roomLifecycle } = world.useCases;
    const changes = (async () => {
      for (let i = 0; i < 15; i++) {
        await roomLifecycle.addMembers(ada.actor, room.token, [{ member: bob.actor, role: "user" }]);
        await roomLifecycle.removeMember(ada.actor, room.token, bob.actor);
      }
    })();
    const sends = Array.from({ length: 60 }, (_, i) => messages.send(ada.actor, room.token, message(`${i}`)));
    await changes;
    expect(new Set((await Promise.all(sends)).map(({ seq }) => seq)).size).toBe(60);
  });

  test("strangers, unknown rooms and deleted rooms are not_found", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { messages, roomLifecycle } = world.useCases;
    await refused(messages.send(bob.actor, room.token, message()), "not_found", "room");
    await refused(messages.send(ada.actor, "nosuchro", message()), "not_found", "room");
    await refused(messages.send(ada.actor, "\0", message()), "not_found", "room");
    await refused(messages.send(ada.actor, "x".repeat(10_000), message()), "not_found", "room");
    await refused(messages.send(SYSTEM_ACTOR, room.token, message()), "not_found", "room");
    await messages.send(ada.actor, room.token, message());
    await roomLifecycle.delete(ada.actor, room.token);
    await refused(messages.send(ada.actor, room.token, message()), "not_found", "room");
  });

  test("a text stays something to see when it is edited, unless files are", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { messages } = world.useCases;
    const { seq } = await messages.send(ada.actor, room.token, message("hello"));
    await refused(messages.edit(ada.actor, room.token, seq, { text: "\u200b" }), "bad_request", "text");
    await refused(
      messages.edit(ada.actor, room.token, seq, { text: " ", attachments: [] }),
      "bad_request",
      "text",
    );
  });

  test.each([
    ["text", "empty text", { text: "" }],
    ["text", "spaces", { text: " \n\t" }],
    ["text", "invisible characters", { text: "\u200b\u3164\u202e" }],
    ["text", "16,001 characters", { text: "x".repeat(16_001) }],
    ["text", "16,001 emoji", { text: "😀".repeat(16_001) }],
    ["text", "a lone surrogate", { text: "a\ud800b" }],
    ["text", "NUL", { text: "a\0b" }],
    ["id", "an empty id", { id: "" }],
    ["id", "65 characters", { id: "x".repeat(65) }],
    ["id", "a lone surrogate in the id", { id: "\udc00" }],
    ["replyTo", "a reply to nothing", { replyTo: 9_999 }],
    ["replyTo", "a reply to seq 0", { replyTo: 0 }],
    ["replyTo", "a reply to what is no message", { replyTo: 1 }],
    ["mentions", "101 mentions", { mentions: Array.from({ length: 101 }, () => "1") }],
    ["mentions", "an empty mention", { mentions: [""] }],
    ["mentions", "a mention of 256 characters", { mentions: ["x".repeat(256)] }],
  ])("bad_request on %s: %s", async (field, _what, input) => {
    const ada = await world.person();
    const room = await world.group([ada]);
    await refused(
      world.useCases.messages.send(ada.actor, room.token, message("Hello", input)),
      "bad_request",
      field,
    );
  });

  test("16,000 emoji, a reply and 100 mentions are fine", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const { seq } = await messages.send(ada.actor, room.token, message("😀".repeat(16_000)));
    const mentions = [String(bob.id), ...Array.from({ length: 99 }, (_, i) => `nobody-${i}`)];
    const reply = await messages.send(ada.actor, room.token, message("yes", { replyTo: seq, mentions }));
    const event = await world.store.log.event(room.id, reply.seq);
    expect(JSON.parse(event!.dataJson)).toEqual({ text: "yes", replyTo: seq, mentions });
    const [listing] = await world.useCases.roomLifecycle.list(bob.actor);
    expect(listing!.mentions).toBe(1);
  });

  test("a reply to what the sender never saw is refused like one to nothing", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { messages, roomLifecycle } = world.useCases;
    const { seq } = await messages.send(ada.actor, room.token, message());
    await roomLifecycle.addMembers(ada.actor, room.token, [{ member: bob.actor, role: "user" }]);
    await refused(
      messages.send(bob.actor, room.token, message("?", { replyTo: seq })),
      "bad_request",
      "replyTo",
    );
    await refused(
      messages.send(bob.actor, room.token, message("?", { thread: seq })),
      "bad_request",
      "thread",
    );
    for (const relation of ["replyTo", "thread"]) {
      const answer = message("seen in Matrix", { [relation]: seq, fromMatrix: true });
      const sent = await messages.send(bob.actor, room.token, answer);
      expect(JSON.parse(sent.event?.dataJson ?? "{}")).toMatchObject({ [relation]: seq });
    }
  });

  test("Matrix event ids are longer than the ids of apps", async () => {
    const ada = await world.person();
    const mel = matrixUser();
    const room = await world.group([ada]);
    const { messages, roomLifecycle } = world.useCases;
    await roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [{ member: mel, role: "user" }]);
    const id = `$${"e".repeat(254)}`;
    await messages.send(mel, room.token, { id, text: "from afar" });
    await messages.send(ada.actor, room.token, { id, text: "from my other client", fromMatrix: true });
    await refused(messages.send(ada.actor, room.token, { id, text: "no" }), "bad_request", "id");
    await refused(messages.send(mel, room.token, { id: `${id}e`, text: "no" }), "bad_request", "id");
  });

  test("what a face hands over beside the message stays out of it", async () => {
    const ada = await world.person();
    const [room, other] = [await world.group([ada]), await world.group([ada])];
    const input = message("hi", { roomId: other.id, sender: SYSTEM_ACTOR, op: "send" });
    const { seq } = await world.useCases.messages.send(ada.actor, room.token, input);
    const event = await world.store.log.event(room.id, seq);
    expect(event).toMatchObject({ actor: ada.actor, dataJson: '{"text":"hi"}' });
  });

  test("unread counters in hot state follow mentions and one's own messages", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const first = await messages.send(ada.actor, room.token, message());
    await messages.markRead(bob.actor, room.token, first.seq);
    const key = `u:${bob.id}`;
    const mentions = async () => (await world.hot.unread.get(key, [room.id]))[0]?.mentions;
    await messages.send(ada.actor, room.token, message("you", { mentions: [String(bob.id)] }));
    await expect.poll(mentions).toBe(1);
    await messages.send(ada.actor, room.token, message("all", { mentions: ["all"] }));
    await expect.poll(mentions).toBe(2);
    await messages.send(bob.actor, room.token, message());
    await expect.poll(mentions).toBeUndefined();
  });
});

describeDomain("messages.edit and messages.remove", (world) => {
  test("the author edits in place, and message.edited says so", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const { seq } = await messages.send(bob.actor, room.token, message("teh"));
    await messages.edit(bob.actor, room.token, seq, { text: "the" });
    const events = await world.events(room);
    expect(JSON.parse(events.find((event) => event.seq === seq)!.dataJson)).toMatchObject({ text: "the" });
    expect(events.at(-1)).toMatchObject({ type: "message.edited", actor: bob.actor });
    expect(JSON.parse(events.at(-1)!.dataJson)).toEqual({ seq, text: "the", mentions: [], attachments: [] });
    await refused(messages.edit(ada.actor, room.token, seq, { text: "mine" }), "forbidden");
    await refused(messages.edit(bob.actor, room.token, seq, { text: "" }), "bad_request", "text");
    await refused(messages.edit(bob.actor, room.token, seq - 1, { text: "x" }), "bad_request", "seq");
    await refused(messages.edit(bob.actor, room.token, 999, { text: "x" }), "not_found", "seq");
  });

  test("an edit that changes nothing makes no event", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const mentions = [String(bob.id), String(ada.id)];
    const { seq } = await messages.send(ada.actor, room.token, message("hi", { mentions }));
    const edit = (input: EditInput) => messages.edit(ada.actor, room.token, seq, input);
    expect(await edit({ text: "hi" })).toBeNull();
    expect(await edit({ text: "hi", mentions: mentions.toReversed(), attachments: [] })).toBeNull();
    const made = await edit({ text: "hi", mentions: [String(bob.id)] });
    expect((await world.events(room)).at(-1)).toMatchObject({ type: "message.edited", ...made });
    expect(await edit({ text: "hi", mentions: [String(bob.id)] })).toBeNull();
    expect(await edit({ text: "hi!" })).toMatchObject({ seq: (made?.seq ?? 0) + 1 });
    expect(await edit({ text: "hi!", mentions: [] })).not.toBeNull();
    expect((await world.events(room)).filter(({ type }) => type === "message.edited")).toHaveLength(3);
  });

  test("the author and moderators delete; once, and for good", async () => {
    const [ada, bob, cy] = [await world.person(), await world.person(), await world.person()];
    const room = await world.group([ada, bob, cy]);
    const { messages } = world.useCases;
    const { seq } = await messages.send(bob.actor, room.token, message("oops"));
    await refused(messages.remove(cy.actor, room.token, seq), "forbidden");
    const made = await messages.remove(ada.actor, room.token, seq);
    expect(await messages.remove(bob.actor, room.token, seq)).toBeNull();
    expect((await world.events(room)).at(-1)).toMatchObject({ type: "message.deleted", ...made });
    const events = await world.events(room);
    expect(JSON.parse(events.find((event) => event.seq === seq)!.dataJson)).toEqual({
      text: "",
      deleted: true,
    });
    expect(events.filter(({ type }) => type === "message.deleted")).toHaveLength(1);
    await refused(messages.edit(bob.actor, room.token, seq, { text: "back" }), "conflict", "seq");
    await refused(
      messages.send(ada.actor, room.token, message("?", { replyTo: seq })),
      "bad_request",
      "replyTo",
    );
  });
});

describeDomain("messages.history and messages.markRead", (world) => {
  test("history goes by pages, for members only, from where they joined", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada]);
    const { messages, roomLifecycle } = world.useCases;
    for (let i = 0; i < 5; i++) await messages.send(ada.actor, room.token, message(`${i}`));
    await roomLifecycle.addMembers(ada.actor, room.token, [{ member: bob.actor, role: "user" }]);
    const page = await messages.history(ada.actor, room.token, { limit: 3 });
    expect(page.more).toBe(true);
    const seqs = page.events.map(({ seq }) => seq);
    expect(seqs).toEqual([6, 7, 8]);
    const before = await messages.history(ada.actor, room.token, { before: 6, limit: 200 });
    expect(before.events.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    const mine = await messages.history(bob.actor, room.token, { limit: 200 });
    expect(mine.events.map(({ type }) => type)).toEqual(["member.joined"]);
    const stranger = await world.person();
    await refused(messages.history(stranger.actor, room.token, { limit: 1 }), "not_found", "room");
    await refused(
      messages.history(ada.actor, room.token, { before: 1, after: 1, limit: 1 }),
      "bad_request",
      "before",
    );
    for (const limit of [0, 201, 1.5]) {
      await refused(messages.history(ada.actor, room.token, { limit }), "bad_request", "limit");
    }
    await refused(messages.history(ada.actor, room.token, { before: -1, limit: 1 }), "bad_request", "before");
  });

  test("the read marker goes up only, counts what is unread, and never passes the head", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const seqs: number[] = [];
    for (let i = 0; i < 4; i++) {
      const mentions = i === 3 ? [String(bob.id)] : [];
      seqs.push((await messages.send(ada.actor, room.token, message(`${i}`, { mentions }))).seq);
    }
    const second = seqs[1] as number;
    expect(await messages.markRead(bob.actor, room.token, second)).toEqual({
      read: second,
      unread: 2,
      mention: 1,
      moved: true,
    });
    expect(await messages.markRead(bob.actor, room.token, 0)).toEqual({
      read: second,
      unread: 2,
      mention: 1,
      moved: false,
    });
    expect(await world.hot.unread.get(`u:${bob.id}`, [room.id])).toMatchObject([{ read: second }]);
    await refused(messages.markRead(bob.actor, room.token, 999), "bad_request", "seq");
    await refused(messages.markRead(bob.actor, room.token, -1), "bad_request", "seq");
    await refused(messages.markRead(bob.actor, room.token, 0.5), "bad_request", "seq");
    const last = await messages.markRead(bob.actor, room.token, seqs[3] as number);
    expect(last).toMatchObject({ unread: 0, mention: 0 });
    const stranger = await world.person();
    await refused(messages.markRead(stranger.actor, room.token, 1), "not_found", "room");
  });

  test("a marker that moved is told to the user's sessions but the one that moved it, and to the room, once", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { messages } = world.useCases;
    const [first, second] = [
      await messages.send(ada.actor, room.token, message()),
      await messages.send(ada.actor, room.token, message()),
    ];
    const heard: Record<string, unknown>[] = [];
    const listen = (bytes: Uint8Array) => void heard.push(JSON.parse(Buffer.from(bytes).toString()));
    await world.bus.subscribe(channels.user(bob.id), listen);
    await world.bus.subscribe(channels.room(room.id), listen);
    await messages.markRead(bob.actor, room.token, first.seq);
    await messages.markRead(bob.actor, room.token, first.seq);
    await messages.markRead(bob.actor, room.token, second.seq, "phone");
    await expect.poll(() => heard.length).toBe(4);
    const by = { op: "receipt", room: room.token, actor: bob.actor };
    const counts = { op: "unread", room: room.token, mention: 0 };
    expect(heard).toEqual([
      { ...by, read: first.seq, delivered: first.seq },
      { unread: { ...counts, read: first.seq, unread: 1 }, except: "", roomId: room.id },
      { ...by, read: second.seq, delivered: second.seq },
      { unread: { ...counts, read: second.seq, unread: 0 }, except: "phone", roomId: room.id },
    ]);
  });

  test("who left can't move a marker, although remembered as a member", async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    const room = await world.group([ada, bob]);
    const { seq } = await world.useCases.messages.send(bob.actor, room.token, message());
    await world.another().roomLifecycle.leave(bob.actor, room.token);
    await refused(world.useCases.messages.markRead(bob.actor, room.token, seq), "not_found", "room");
  });

  test("hot state that is away fails neither sends nor markers", async () => {
    const ada = await world.person();
    const room = await world.group([ada]);
    const { hot } = world;
    const gone = () => Promise.reject(new Error(`away ${randomUUID()}`));
    const unread = { get: gone, set: gone, mentioned: gone, drop: gone };
    const { messages } = world.another({ hot: { ...hot, unread } });
    const { seq } = await messages.send(ada.actor, room.token, message("hi", { mentions: ["all"] }));
    expect(await messages.markRead(ada.actor, room.token, seq)).toMatchObject({ unread: 0 });
  });
});
