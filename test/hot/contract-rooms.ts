/** Presence, unread counters and typing. */
import { describe, expect, test } from "vitest";
import { userKey } from "../../src/domain/model.ts";
import type { HotState } from "../../src/domain/ports/hot.ts";
import { freshId } from "./fresh-id.ts";

const MINUTE = 60_000;

export function roomContract(hot: () => HotState): void {
  describe("presence", () => presenceContract(hot));
  describe("unread counters", () => unreadContract(hot));
  describe("typing", () => typingContract(hot));
}

function presenceContract(hot: () => HotState): void {
  test("the first ping makes active, repeats do not, and who was away too long is new again", async () => {
    const [member, room, other] = [userKey(freshId()), freshId(), freshId()];
    const now = Date.now();
    const { presence } = hot();
    expect(await presence.ping(member, "Ada", [room], now)).toEqual([room]);
    expect(await presence.ping(member, "Ada", [other, room], now + 1)).toEqual([other]);
    expect(await presence.ping(member, "Ada", [room], now + 30_000)).toEqual([]);
    expect(await presence.ping(member, "Ada", [room], now + 10 * MINUTE)).toEqual([room]);
    expect(await presence.ping(member, "Ada", [], now)).toEqual([]);
  });

  test("active tells who pinged within the window, with the name they have now", async () => {
    const [ada, guest, room] = [userKey(freshId()), `g:${freshId()}`, freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(ada, "Ada", [room], now - 50_000);
    await presence.ping(guest, "Gäst 🙂", [room], now - 5_000);
    const asGuest = { member: guest, name: "Gäst 🙂", lastPing: now - 5_000, guest: true };
    expect(await presence.active(room, now, 30_000)).toEqual([asGuest]);
    await presence.ping(ada, "Ada Lovelace", [room], now - 40_000);
    const both = await presence.active(room, now, 100_000);
    expect(both.sort((a, b) => a.lastPing - b.lastPing)).toEqual([
      { member: ada, name: "Ada Lovelace", lastPing: now - 40_000, guest: false },
      asGuest,
    ]);
    expect(await presence.active(room, now, 5_000)).toEqual([]);
    expect(await presence.active(freshId(), now, 100_000)).toEqual([]);
  });

  test("isActive tells of each room whether the member is there, in the order asked for", async () => {
    const [member, here, before, left] = [userKey(freshId()), freshId(), freshId(), freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(member, "Ada", [before], now - 40_000);
    await presence.ping(member, "Ada", [here, left], now);
    await presence.leave(member, [left]);
    const rooms = [freshId(), here, before, left];
    expect(await presence.isActive(member, rooms, now, 30_000)).toEqual([false, true, false, false]);
    expect(await presence.isActive(member, rooms, now, 60_000)).toEqual([false, true, true, false]);
    expect(await presence.isActive(userKey(freshId()), [here], now, 60_000)).toEqual([false]);
    expect(await presence.isActive(member, [], now, 60_000)).toEqual([]);
  });

  test("leaving ends activity in these rooms and keeps lastPing", async () => {
    const [member, left, open] = [userKey(freshId()), freshId(), freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(member, "Ada", [left, open], now);
    await presence.leave(member, [left, freshId()]);
    expect(await presence.active(left, now, MINUTE)).toEqual([]);
    expect(await presence.active(open, now, MINUTE)).toHaveLength(1);
    expect(await presence.lastPings(member, [left, open])).toEqual([now, now]);
    expect(await presence.ping(member, "Ada", [left, open], now + 1)).toEqual([left]);
  });

  test("lastPings keep the order that was asked for; 0 is never", async () => {
    const member = userKey(freshId());
    const rooms = Array.from({ length: 500 }, freshId);
    const now = Date.now();
    await hot().presence.ping(member, "Ada", [rooms[7] ?? 0], now);
    await hot().presence.ping(member, "Ada", [rooms[400] ?? 0], now + 5);
    const expected = rooms.map((_, i) => ({ 7: now, 400: now + 5 })[i] ?? 0);
    expect(await hot().presence.lastPings(member, rooms)).toEqual(expected);
    expect(await hot().presence.lastPings(userKey(freshId()), rooms.slice(0, 2))).toEqual([0, 0]);
    expect(await hot().presence.lastPings(member, [])).toEqual([]);
  });

  test("the sweeper removes who was active too long ago, without anybody reading it", async () => {
    await hot().sweep(Date.now() + 60 * MINUTE);
    const [quiet, mixed] = [freshId(), freshId()];
    const [ada, ben] = [userKey(freshId()), userKey(freshId())];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(ada, "Ada", [quiet, mixed], now);
    await presence.ping(ben, "Ben", [mixed], now + 2 * MINUTE);
    expect((await hot().sweep(now)).participants).toBe(0);
    const swept = (await hot().sweep(now + 3 * MINUTE)).participants;
    expect(await presence.active(quiet, now + MINUTE, 5 * MINUTE)).toEqual([]);
    const left = await presence.active(mixed, now + 2 * MINUTE, 5 * MINUTE);
    expect(left.map(({ member }) => member)).toEqual([ben]);
    // Ada left the mixed room when Ben's ping looked, or with the sweep.
    expect([1, 2]).toContain(swept);
    expect((await hot().sweep(now + 10 * MINUTE)).participants).toBe(1);
    expect(await presence.lastPings(ada, [quiet])).toEqual([now]);
  });
}

function unreadContract(hot: () => HotState): void {
  const entry = { read: 7, readMessages: 5, mentions: 0 };

  test("counters come back in the order asked for; a miss is null", async () => {
    const member = userKey(freshId());
    const rooms = Array.from({ length: 500 }, freshId);
    const { unread } = hot();
    const entries = rooms
      .slice(1)
      .map((conversationId, i) => ({ conversationId, entry: { ...entry, read: i } }));
    await unread.set(member, entries);
    expect(await unread.get(member, rooms)).toEqual([null, ...entries.map((e) => e.entry)]);
    expect(await unread.get(userKey(freshId()), rooms.slice(0, 2))).toEqual([null, null]);
    expect(await unread.get(member, [])).toEqual([]);
    await unread.set(member, []);
  });

  test("a lower read marker is ignored, an equal or higher one replaces", async () => {
    const [member, conversationId] = [userKey(freshId()), freshId()];
    const { unread } = hot();
    const big = 2 ** 53 - 2;
    for (const read of [7, 6, big, big - 1]) {
      const mentions = read === big ? 3 : 1;
      await unread.set(member, [{ conversationId, entry: { read, readMessages: read, mentions } }]);
    }
    expect(await unread.get(member, [conversationId])).toEqual([
      { read: big, readMessages: big, mentions: 3 },
    ]);
    await unread.set(member, [{ conversationId, entry: { read: big, readMessages: big, mentions: 0 } }]);
    expect(await unread.get(member, [conversationId])).toMatchObject([{ mentions: 0 }]);
  });

  test("a mention counts for those who have counters of that room, and for nobody else", async () => {
    const [ada, ben, room, other] = [userKey(freshId()), userKey(freshId()), freshId(), freshId()];
    const { unread } = hot();
    await unread.set(
      ada,
      [room, other].map((conversationId) => ({ conversationId, entry })),
    );
    await Promise.all([unread.mentioned(room, [ada, ben]), unread.mentioned(room, [ada])]);
    await unread.mentioned(room, []);
    expect(await unread.get(ada, [room, other])).toEqual([{ ...entry, mentions: 2 }, entry]);
    expect(await unread.get(ben, [room])).toEqual([null]);
  });

  test("dropped counters are misses again, the others stay", async () => {
    const [member, room, other] = [userKey(freshId()), freshId(), freshId()];
    const { unread } = hot();
    await unread.set(
      member,
      [room, other].map((conversationId) => ({ conversationId, entry })),
    );
    await unread.drop(member, [room, freshId()]);
    await unread.drop(member, []);
    expect(await unread.get(member, [room, other])).toEqual([null, entry]);
  });
}

function typingContract(hot: () => HotState): void {
  test("a change is told once, repeats are not", async () => {
    const [room, ada, now] = [freshId(), userKey(freshId()), Date.now()];
    const { typing } = hot();
    expect(await typing.set(room, ada, false, now, 5_000)).toBe(false);
    expect(await typing.set(room, ada, true, now, 5_000)).toBe(true);
    expect(await typing.set(room, ada, true, now + 1_000, 5_000)).toBe(false);
    expect(await typing.get(room, now + 1_000)).toEqual([ada]);
    expect(await typing.set(room, ada, false, now + 2_000, 5_000)).toBe(true);
    expect(await typing.get(room, now + 2_000)).toEqual([]);
  });

  test("who says nothing more stops by itself, and starting anew is a change", async () => {
    const [room, ada, ben] = [freshId(), userKey(freshId()), userKey(freshId())];
    const now = Date.now();
    const { typing } = hot();
    await typing.set(room, ada, true, now, 5_000);
    await typing.set(room, ben, true, now + 4_000, 5_000);
    expect((await typing.get(room, now + 4_999)).sort()).toEqual([ada, ben].sort());
    expect(await typing.get(room, now + 5_000)).toEqual([ben]);
    expect(await typing.set(room, ada, true, now + 5_000, 5_000)).toBe(true);
    expect(await typing.get(freshId(), now)).toEqual([]);
  });
}
