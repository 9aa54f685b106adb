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
    expect(await presence.ping(member, "s", "Ada", [room], now)).toEqual([room]);
    expect(await presence.ping(member, "s", "Ada", [other, room], now + 1)).toEqual([other]);
    expect(await presence.ping(member, "s", "Ada", [room], now + 30_000)).toEqual([]);
    expect(await presence.ping(member, "s", "Ada", [room], now + 10 * MINUTE)).toEqual([room]);
    expect(await presence.ping(member, "s", "Ada", [], now)).toEqual([]);
  });

  test("active tells who pinged within the window, with the name they have now and their sessions", async () => {
    const [ada, guest, room] = [userKey(freshId()), `g:${freshId()}`, freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(ada, "a", "Ada", [room], now - 50_000);
    await presence.ping(guest, "g", "Gäst 🙂", [room], now - 5_000);
    const session = { session: "g", lastPing: now - 5_000 };
    const asGuest = {
      member: guest,
      name: "Gäst 🙂",
      lastPing: now - 5_000,
      guest: true,
      sessions: [session],
    };
    expect(await presence.active(room, now, 30_000)).toEqual([asGuest]);
    await presence.ping(ada, "a", "Ada Lovelace", [room], now - 40_000);
    const both = await presence.active(room, now, 100_000);
    const sessions = [{ session: "a", lastPing: now - 40_000 }];
    expect(both.sort((a, b) => a.lastPing - b.lastPing)).toEqual([
      { member: ada, name: "Ada Lovelace", lastPing: now - 40_000, guest: false, sessions },
      asGuest,
    ]);
    expect(await presence.active(room, now, 5_000)).toEqual([]);
    expect(await presence.active(freshId(), now, 100_000)).toEqual([]);
  });

  test("a member is there while a session of theirs is, each with its own time", async () => {
    const [member, room, now] = [userKey(freshId()), freshId(), Date.now()];
    const { presence } = hot();
    expect(await presence.ping(member, "phone", "Ada", [room], now)).toEqual([room]);
    expect(await presence.ping(member, "laptop", "Ada", [room], now + 1)).toEqual([]);
    const sessionsAt = async (at: number) =>
      (await presence.active(room, at, 100_000)).flatMap(({ sessions }) =>
        sessions.map((one) => one.session),
      );
    expect(await sessionsAt(now + 1)).toEqual(["phone", "laptop"]);
    expect(await presence.leave(member, "phone", [room], now + 2)).toEqual([]);
    expect(await sessionsAt(now + 2)).toEqual(["laptop"]);
    expect(await presence.leave(member, "phone", [room], now + 2)).toEqual([]);
    expect(await presence.leave(member, "laptop", [room], now + 2)).toEqual([room]);
    expect(await presence.leave(member, "laptop", [room], now + 2)).toEqual([]);
    await presence.ping(member, "phone", "Ada", [room], now + 3);
    await presence.ping(member, "laptop", "Ada", [room], now + 50_000);
    // The phone decayed: the laptop is the last one.
    expect(await sessionsAt(now + 110_000)).toEqual(["laptop"]);
    expect(await presence.leave(member, "laptop", [room], now + 110_000)).toEqual([room]);
  });

  test("a sign of life is for those active sessions whose names contain what was asked for", async () => {
    const [member, room, now] = [userKey(freshId()), freshId(), Date.now()];
    const { presence } = hot();
    await presence.ping(member, "a:one.x", "Ada", [room], now);
    await presence.ping(member, "a:two.x", "Ada", [room], now);
    await presence.ping(member, "a:three.y", "Ada", [room], now + 60_000);
    expect(await presence.refresh(member, ".x", room, now + 90_000)).toEqual(["a:one.x", "a:two.x"]);
    expect(await presence.refresh(member, ":two.x", room, now + 91_000)).toEqual(["a:two.x"]);
    expect(await presence.refresh(member, ".%w", room, now + 91_000)).toEqual([]);
    expect(await presence.lastPings(member, [room])).toEqual([now + 91_000]);
    // Who decayed is not brought back by a sign of life, and nobody is who was never there.
    expect(await presence.refresh(member, ".y", room, now + 170_000)).toEqual([]);
    expect(await presence.refresh(userKey(freshId()), ".x", room, now)).toEqual([]);
    expect(await presence.refresh(member, ".x", freshId(), now)).toEqual([]);
  });

  test("a member's sessions in a room are bounded: the first to come give way", async () => {
    const [member, room, now] = [userKey(freshId()), freshId(), Date.now()];
    for (let i = 0; i < 102; i++) await hot().presence.ping(member, `s${i}`, "Ada", [room], now);
    const [ada] = await hot().presence.active(room, now, MINUTE);
    expect(ada?.sessions.map(({ session }) => session)).toEqual(
      Array.from({ length: 100 }, (_, i) => `s${i + 2}`),
    );
  });

  test("who is forgotten is there with no session", async () => {
    const [member, room, now] = [userKey(freshId()), freshId(), Date.now()];
    const { presence } = hot();
    for (const session of ["phone", "laptop"]) await presence.ping(member, session, "Ada", [room], now);
    expect(await presence.forget(member, room, now)).toBe(true);
    expect(await presence.forget(member, room, now)).toBe(false);
    expect(await presence.active(room, now, MINUTE)).toEqual([]);
  });

  test("isActive tells of each room whether the member is there, in the order asked for", async () => {
    const [member, here, before, left] = [userKey(freshId()), freshId(), freshId(), freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(member, "s", "Ada", [before], now - 40_000);
    await presence.ping(member, "s", "Ada", [here, left], now);
    await presence.leave(member, "s", [left], now);
    const rooms = [freshId(), here, before, left];
    expect(await presence.isActive(member, rooms, now, 30_000)).toEqual([false, true, false, false]);
    expect(await presence.isActive(member, rooms, now, 60_000)).toEqual([false, true, true, false]);
    expect(await presence.isActive(userKey(freshId()), [here], now, 60_000)).toEqual([false]);
    expect(await presence.isActive(member, [], now, 60_000)).toEqual([]);
  });

  test("seen tells of each member of a room the last ping and whether it is recent, in the order asked for", async () => {
    const [room, other, now] = [freshId(), freshId(), Date.now()];
    const [here, before, left, elsewhere] = [1, 2, 3, 4].map(() => userKey(freshId())) as [
      string,
      string,
      string,
      string,
    ];
    const { presence } = hot();
    await presence.ping(here, "s", "Ada", [room], now);
    await presence.ping(before, "s", "Bob", [room], now - 40_000);
    await presence.ping(left, "s", "Cyd", [room], now);
    await presence.leave(left, "s", [room], now);
    await presence.ping(elsewhere, "s", "Dan", [other], now);
    expect(await presence.seen(room, [left, elsewhere, here, before], now, 30_000)).toEqual([
      { lastPing: now, active: false },
      { lastPing: 0, active: false },
      { lastPing: now, active: true },
      { lastPing: now - 40_000, active: false },
    ]);
    expect(await presence.seen(room, [], now, 30_000)).toEqual([]);
  });

  test("leaving ends activity in these rooms and keeps lastPing", async () => {
    const [member, left, open] = [userKey(freshId()), freshId(), freshId()];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(member, "s", "Ada", [left, open], now);
    await presence.leave(member, "s", [left, freshId()], now);
    expect(await presence.active(left, now, MINUTE)).toEqual([]);
    expect(await presence.active(open, now, MINUTE)).toHaveLength(1);
    expect(await presence.lastPings(member, [left, open])).toEqual([now, now]);
    expect(await presence.ping(member, "s", "Ada", [left, open], now + 1)).toEqual([left]);
  });

  test("lastPings keep the order that was asked for; 0 is never", async () => {
    const member = userKey(freshId());
    const rooms = Array.from({ length: 500 }, freshId);
    const now = Date.now();
    await hot().presence.ping(member, "s", "Ada", [rooms[7] ?? 0], now);
    await hot().presence.ping(member, "s", "Ada", [rooms[400] ?? 0], now + 5);
    const expected = rooms.map((_, i) => ({ 7: now, 400: now + 5 })[i] ?? 0);
    expect(await hot().presence.lastPings(member, rooms)).toEqual(expected);
    expect(await hot().presence.lastPings(userKey(freshId()), rooms.slice(0, 2))).toEqual([0, 0]);
    expect(await hot().presence.lastPings(member, [])).toEqual([]);
  });

  test("the sweeper finds whose last session decayed, without anybody reading it, and tells each once", async () => {
    await hot().presence.sweep(Date.now() + 60 * MINUTE);
    const [quiet, mixed] = [freshId(), freshId()];
    const [ada, ben] = [userKey(freshId()), userKey(freshId())];
    const now = Date.now();
    const { presence } = hot();
    await presence.ping(ada, "phone", "Ada 🙂", [quiet, mixed], now);
    await presence.ping(ada, "laptop", "Ada 🙂", [mixed], now + MINUTE);
    await presence.ping(ben, "s", "Ben", [mixed], now + 3 * MINUTE);
    expect(await presence.sweep(now)).toEqual([]);
    const asAda = { member: ada, name: "Ada 🙂" };
    expect(await presence.sweep(now + 2 * MINUTE)).toEqual([{ roomId: quiet, ...asAda, lastPing: now }]);
    expect(await presence.sweep(now + 3 * MINUTE)).toEqual([
      { roomId: mixed, ...asAda, lastPing: now + MINUTE },
    ]);
    expect(await presence.active(quiet, now + MINUTE, 5 * MINUTE)).toEqual([]);
    const left = await presence.active(mixed, now + 3 * MINUTE, 5 * MINUTE);
    expect(left.map(({ member }) => member)).toEqual([ben]);
    expect(await presence.sweep(now + 10 * MINUTE)).toHaveLength(1);
    expect(await presence.lastPings(ada, [quiet])).toEqual([now]);
  });
}

function unreadContract(hot: () => HotState): void {
  const entry = { read: 7, readMessages: 5, mentions: 0 };

  test("counters come back in the order asked for; a miss is null", async () => {
    const member = userKey(freshId());
    const rooms = Array.from({ length: 500 }, freshId);
    const { unread } = hot();
    const entries = rooms.slice(1).map((roomId, i) => ({ roomId, entry: { ...entry, read: i } }));
    await unread.set(member, entries);
    expect(await unread.get(member, rooms)).toEqual([null, ...entries.map((e) => e.entry)]);
    expect(await unread.get(userKey(freshId()), rooms.slice(0, 2))).toEqual([null, null]);
    expect(await unread.get(member, [])).toEqual([]);
    await unread.set(member, []);
  });

  test("a lower read marker is ignored, an equal or higher one replaces", async () => {
    const [member, roomId] = [userKey(freshId()), freshId()];
    const { unread } = hot();
    const big = 2 ** 53 - 2;
    for (const read of [7, 6, big, big - 1]) {
      const mentions = read === big ? 3 : 1;
      await unread.set(member, [{ roomId, entry: { read, readMessages: read, mentions } }]);
    }
    expect(await unread.get(member, [roomId])).toEqual([{ read: big, readMessages: big, mentions: 3 }]);
    await unread.set(member, [{ roomId, entry: { read: big, readMessages: big, mentions: 0 } }]);
    expect(await unread.get(member, [roomId])).toMatchObject([{ mentions: 0 }]);
  });

  test("a mention counts for those who have counters of that room, and for nobody else", async () => {
    const [ada, ben, room, other] = [userKey(freshId()), userKey(freshId()), freshId(), freshId()];
    const { unread } = hot();
    await unread.set(
      ada,
      [room, other].map((roomId) => ({ roomId, entry })),
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
      [room, other].map((roomId) => ({ roomId, entry })),
    );
    await unread.drop(member, [room, freshId()]);
    await unread.drop(member, []);
    expect(await unread.get(member, [room, other])).toEqual([null, entry]);
  });
}

function typingContract(hot: () => HotState): void {
  const typist = (session = "s") => ({ member: userKey(freshId()), session, name: "Ada 🙂" });

  test("a change is told once, repeats are not", async () => {
    const [room, ada, now] = [freshId(), typist(), Date.now()];
    const { typing } = hot();
    expect(await typing.set(room, ada, false, now, 5_000)).toBe(false);
    expect(await typing.set(room, ada, true, now, 5_000)).toBe(true);
    expect(await typing.set(room, ada, true, now + 1_000, 5_000)).toBe(false);
    expect(await typing.get(room, now + 1_000)).toEqual([{ member: ada.member, name: ada.name }]);
    expect(await typing.set(room, ada, false, now + 2_000, 5_000)).toBe(true);
    expect(await typing.get(room, now + 2_000)).toEqual([]);
    expect(await typing.sweep(now + MINUTE)).toEqual([]);
  });

  test("a member types while a session of theirs does", async () => {
    const [room, now, phone] = [freshId(), Date.now(), typist("phone")];
    const laptop = { ...phone, session: "laptop" };
    const { typing } = hot();
    expect(await typing.set(room, phone, true, now, 5_000)).toBe(true);
    expect(await typing.set(room, laptop, true, now, 5_000)).toBe(false);
    expect(await typing.get(room, now)).toHaveLength(1);
    expect(await typing.set(room, phone, false, now, 5_000)).toBe(false);
    expect(await typing.get(room, now)).toHaveLength(1);
    expect(await typing.set(room, laptop, false, now, 5_000)).toBe(true);
    await typing.set(room, phone, true, now, 5_000);
    await typing.set(room, laptop, true, now + 1_000, 5_000);
    expect(await typing.sweep(now + 5_000)).toEqual([]);
    const { member, name } = phone;
    expect(await typing.sweep(now + 6_000)).toEqual([{ roomId: room, member, name }]);
    expect(await typing.sweep(now + 6_000)).toEqual([]);
  });

  test("who says nothing more stops by itself, and starting anew after the sweep is a change", async () => {
    const [room, ada, ben, now] = [freshId(), typist(), typist(), Date.now()];
    const { typing } = hot();
    await typing.set(room, ada, true, now, 5_000);
    await typing.set(room, ben, true, now + 4_000, 5_000);
    const members = async (at: number) => (await typing.get(room, at)).map(({ member }) => member);
    expect((await members(now + 4_999)).sort()).toEqual([ada.member, ben.member].sort());
    expect(await members(now + 5_000)).toEqual([ben.member]);
    // Nobody was told that Ada stopped.
    expect(await typing.set(room, ada, true, now + 5_000, 5_000)).toBe(false);
    expect(await typing.sweep(now + 9_000)).toMatchObject([{ member: ben.member }]);
    expect(await typing.sweep(now + 10_000)).toMatchObject([{ member: ada.member }]);
    expect(await typing.set(room, ada, true, now + 10_000, 5_000)).toBe(true);
    expect(await typing.forget(room, ada.member)).toBe(true);
    expect(await typing.get(freshId(), now)).toEqual([]);
  });

  test("who is forgotten types with no session", async () => {
    const [room, now, phone, ben] = [freshId(), Date.now(), typist("phone"), typist()];
    const { typing } = hot();
    for (const one of [phone, { ...phone, session: "laptop" }, ben])
      await typing.set(room, one, true, now, 5_000);
    expect(await typing.forget(room, phone.member)).toBe(true);
    expect(await typing.forget(room, phone.member)).toBe(false);
    expect(await typing.get(room, now)).toMatchObject([{ member: ben.member }]);
    expect(await typing.sweep(now + MINUTE)).toMatchObject([{ member: ben.member }]);
  });
}
