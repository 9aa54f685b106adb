/** Access tokens, the registry of sessions, and rate limits. */
import { describe, expect, test } from "vitest";
import type { HotState, SessionEntry } from "../../src/domain/ports/hot.ts";
import { freshId } from "./fresh-id.ts";

const MINUTE = 60_000;

export function accountContract(hot: () => HotState): void {
  describe("access tokens", () => tokenContract(hot));
  describe("the registry of sessions", () => sessionContract(hot));
  describe("rate limits", () => limitContract(hot));
}

function tokenContract(hot: () => HotState): void {
  async function putToken(userId: number, loginId: number, expiresAt = Date.now() + 15 * MINUTE) {
    const hash = `hash-${freshId()}`;
    const entry = { userId, loginId, loginHash: `h${loginId}`, expiresAt };
    await hot().tokens.put(hash, entry);
    return { hash, entry };
  }

  test("a token is found by its hash, and no other is", async () => {
    const { hash, entry } = await putToken(freshId(), freshId());
    expect(await hot().tokens.get(hash)).toEqual(entry);
    expect(await hot().tokens.get(`${hash}0`)).toBeNull();
  });

  test("a token that ran out is gone", async () => {
    const { hash } = await putToken(freshId(), freshId(), Date.now() - 1);
    expect(await hot().tokens.get(hash)).toBeNull();
  });

  test("a logout ends all tokens of that login and no others", async () => {
    const userId = freshId();
    const [phone, laptop] = [freshId(), freshId()];
    const ended = [await putToken(userId, phone), await putToken(userId, phone)];
    const other = await putToken(userId, laptop);
    await hot().tokens.dropLogin(phone);
    for (const { hash } of ended) expect(await hot().tokens.get(hash)).toBeNull();
    expect(await hot().tokens.get(other.hash)).toEqual(other.entry);
  });

  test("a deletion ends all tokens of that user and no others", async () => {
    const [userId, otherUser] = [freshId(), freshId()];
    const ended = [await putToken(userId, freshId()), await putToken(userId, freshId())];
    const other = await putToken(otherUser, freshId());
    await hot().tokens.dropUser(userId);
    for (const { hash } of ended) expect(await hot().tokens.get(hash)).toBeNull();
    expect(await hot().tokens.get(other.hash)).toEqual(other.entry);
  });

  test("dropping what has no tokens is fine, and later tokens live", async () => {
    const [userId, loginId] = [freshId(), freshId()];
    await hot().tokens.dropLogin(loginId);
    await hot().tokens.dropUser(userId);
    const { hash, entry } = await putToken(userId, loginId);
    expect(await hot().tokens.get(hash)).toEqual(entry);
  });
}

function sessionContract(hot: () => HotState): void {
  function session(userId: number, device: string | null = "phone"): SessionEntry {
    return { id: `session-${freshId()}`, userId, node: "node-1", device, startedAt: Date.now() };
  }
  const byId = (a: SessionEntry, b: SessionEntry) => a.id.localeCompare(b.id);

  test("a user has all their sessions, whatever gateway put them", async () => {
    const [ada, ben] = [freshId(), freshId()];
    const ofAda = [session(ada), { ...session(ada, null), node: "node-2" }];
    const before = await hot().sessions.count();
    await hot().sessions.put([...ofAda, session(ben)], MINUTE);
    expect((await hot().sessions.ofUser(ada)).sort(byId)).toEqual(ofAda.sort(byId));
    expect(await hot().sessions.count()).toBe(before + 3);
  });

  test("putting again refreshes and changes, and is no second session", async () => {
    // What other tests left is swept first, so that the second sweep counts this session alone.
    await hot().sweep(Date.now() + 60 * MINUTE);
    const entry = session(freshId());
    const before = await hot().sessions.count();
    await hot().sessions.put([entry], MINUTE);
    await hot().sessions.put([{ ...entry, node: "node-2" }], 2 * MINUTE);
    expect(await hot().sessions.ofUser(entry.userId)).toEqual([{ ...entry, node: "node-2" }]);
    expect(await hot().sessions.count()).toBe(before + 1);
    expect(await hot().sweep(Date.now() + 1.5 * MINUTE)).toMatchObject({ sessions: 0 });
    expect(await hot().sessions.ofUser(entry.userId)).toHaveLength(1);
    await hot().sessions.remove([entry.id]);
  });

  test("removed sessions are gone; unknown ids are fine", async () => {
    const userId = freshId();
    const [gone, stays] = [session(userId), session(userId)];
    await hot().sessions.put([gone, stays], MINUTE);
    const before = await hot().sessions.count();
    await hot().sessions.remove([gone.id, "nobody's"]);
    expect(await hot().sessions.ofUser(userId)).toEqual([stays]);
    expect(await hot().sessions.count()).toBe(before - 1);
    await hot().sessions.remove([stays.id]);
    await hot().sessions.remove([]);
  });

  test("what was not refreshed counts no more, before anything swept it", async () => {
    const entry = session(freshId());
    const before = await hot().sessions.count();
    await hot().sessions.put([entry], -1);
    expect(await hot().sessions.ofUser(entry.userId)).toEqual([]);
    expect(await hot().sessions.count()).toBe(before);
    await hot().sessions.remove([entry.id]);
  });

  test("the sweeper removes exactly what was not refreshed, without anybody reading it", async () => {
    await hot().sweep(Date.now() + 60 * MINUTE);
    const userId = freshId();
    const many = Array.from({ length: 1_200 }, () => session(userId));
    const kept = session(userId);
    await hot().sessions.put(many, MINUTE);
    await hot().sessions.put([kept], 5 * MINUTE);
    expect(await hot().sweep(Date.now())).toMatchObject({ sessions: 0 });
    expect(await hot().sweep(Date.now() + 2 * MINUTE)).toMatchObject({ sessions: 1_200 });
    expect(await hot().sessions.ofUser(userId)).toEqual([kept]);
    expect(await hot().sessions.count()).toBe(1);
  });
}

function limitContract(hot: () => HotState): void {
  const bucket = { burst: 3, perSecond: 2 };
  const take = (key: string, now: number, cost = 1) => hot().limits.take(key, cost, bucket, now);

  test("a burst is taken at once, then it says how long to wait, and that is enough", async () => {
    const [key, now] = [`login:${freshId()}`, Date.now()];
    for (let i = 0; i < 3; i++) expect(await take(key, now)).toBe(0);
    const wait = await take(key, now);
    expect(wait).toBe(500);
    expect(await take(key, now + wait - 1)).toBeGreaterThan(0);
    expect(await take(key, now + wait)).toBe(0);
    expect(await take(key, now + wait)).toBeGreaterThan(0);
  });

  test("waiting as long as told is enough for any rate", async () => {
    for (const perSecond of [0.1, 1 / 3, 0.7, 7]) {
      const [key, now] = [`rate:${freshId()}`, Date.now()];
      const odd = { burst: 1, perSecond };
      expect(await hot().limits.take(key, 1, odd, now)).toBe(0);
      const wait = await hot().limits.take(key, 1, odd, now);
      expect(await hot().limits.take(key, 1, odd, now + wait)).toBe(0);
    }
  });

  test("a refusal takes nothing, and a bucket holds no more than its burst", async () => {
    const [key, now] = [`send:${freshId()}`, Date.now()];
    expect(await take(key, now, 2)).toBe(0);
    expect(await take(key, now, 2)).toBe(500);
    expect(await take(key, now, 1)).toBe(0);
    expect(await take(key, now + 3_600_000, 3)).toBe(0);
    expect(await take(key, now + 3_600_000, 1)).toBe(500);
  });

  test("a cost above the burst waits for a full bucket, not for ever", async () => {
    const [key, now] = [`big:${freshId()}`, Date.now()];
    expect(await take(key, now, 1)).toBe(0);
    expect(await take(key, now, 10)).toBe(500);
    expect(await take(key, now + 500, 10)).toBe(0);
  });

  test("keys have buckets of their own, a clock that goes back gives nothing, and reset gives all back", async () => {
    const [key, now] = [`{odd} key:${freshId()}`, Date.now()];
    for (let i = 0; i < 3; i++) await take(key, now);
    expect(await take(`${key}2`, now)).toBe(0);
    expect(await take(key, now - 10_000)).toBe(500);
    await hot().limits.reset(key);
    expect(await take(key, now, 3)).toBe(0);
  });

  test("of many who take at once only as many get something as there is", async () => {
    const [key, now] = [`race:${freshId()}`, Date.now()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => take(key, now)));
    expect(answers.filter((wait) => wait === 0)).toHaveLength(3);
  });
}
