/** Call flags per session. */
import { describe, expect, test } from "vitest";
import type { CallParticipant, HotState } from "../../src/domain/ports/hot.ts";
import { freshId } from "./fresh-id.ts";

const MINUTE = 60_000;

export function callContract(hot: () => HotState): void {
  describe("calls", () => {
    membershipContract(hot);
    decayContract(hot);
  });
}

function participant(flags: number, name = "Ada"): CallParticipant {
  const id = freshId();
  return { session: `session-${id}`, actor: { kind: "user", id: String(id), name }, flags };
}
const bySession = (a: CallParticipant, b: CallParticipant) => a.session.localeCompare(b.session);

function membershipContract(hot: () => HotState): void {
  test("who joins is added to those in the call; flags are the OR of all", async () => {
    const [room, now] = [freshId(), Date.now()];
    const [ada, ben] = [participant(1), participant(6, 'Bén "/\\" 🙂')];
    const { calls } = hot();
    const first = await calls.put(room, ada, now, MINUTE);
    expect(first).toEqual({ added: true, call: { flags: 1, participants: [ada] } });
    const second = await calls.put(room, ben, now, MINUTE);
    expect(second).toMatchObject({ added: true, call: { flags: 7 } });
    expect(second.call.participants.sort(bySession)).toEqual([ada, ben].sort(bySession));
    const call = await calls.get(room);
    expect(call.flags).toBe(7);
    expect(call.participants.sort(bySession)).toEqual([ada, ben].sort(bySession));
  });

  test("putting again changes a session's flags, and is no second participant", async () => {
    const [room, now, ada] = [freshId(), Date.now(), participant(7)];
    await hot().calls.put(room, ada, now, MINUTE);
    const changed = await hot().calls.put(room, { ...ada, flags: 3 }, now, MINUTE);
    expect(changed).toEqual({ added: false, call: { flags: 3, participants: [{ ...ada, flags: 3 }] } });
    expect(await hot().calls.flags([room])).toEqual([3]);
  });

  test("only who was in and leaves nobody behind is last", async () => {
    const [room, now] = [freshId(), Date.now()];
    const [ada, ben] = [participant(3), participant(5)];
    const { calls } = hot();
    await calls.put(room, ada, now, MINUTE);
    await calls.put(room, ben, now, MINUTE);
    const left = await calls.remove(room, ada.session);
    expect(left).toEqual({ removed: true, last: false, call: { flags: 5, participants: [ben] } });
    expect(await calls.remove(room, ada.session)).toMatchObject({ removed: false, last: false });
    const empty = { flags: 0, participants: [] };
    expect(await calls.remove(room, ben.session)).toEqual({ removed: true, last: true, call: empty });
    expect(await calls.remove(room, ben.session)).toEqual({ removed: false, last: false, call: empty });
    expect(await calls.get(room)).toEqual(empty);
    expect(await calls.flags([room])).toEqual([0]);
  });

  test("a further session of somebody in the call is shown with the first, until each is removed", async () => {
    const [room, now] = [freshId(), Date.now()];
    const phone = participant(1);
    const laptop = { ...phone, session: `session-${freshId()}`, flags: 3 };
    const { calls } = hot();
    expect((await calls.put(room, phone, now, MINUTE)).call.participants).toEqual([phone]);
    const second = await calls.put(room, laptop, now, MINUTE);
    expect(second.added).toBe(true);
    expect(second.call.participants.sort(bySession)).toEqual([phone, laptop].sort(bySession));
    expect((await calls.remove(room, phone.session)).call.participants).toEqual([laptop]);
    expect((await calls.remove(room, laptop.session)).call.participants).toEqual([]);
    expect((await calls.put(room, phone, now, MINUTE)).added).toBe(true);
  });

  test("of many who join and leave at once exactly one sees itself alone and one is last", async () => {
    const [room, now] = [freshId(), Date.now()];
    const all = Array.from({ length: 20 }, () => participant(1));
    const joined = await Promise.all(all.map((one) => hot().calls.put(room, one, now, MINUTE)));
    expect(joined.every(({ added }) => added)).toBe(true);
    expect(joined.filter(({ call }) => call.participants.length === 1)).toHaveLength(1);
    const left = await Promise.all(all.map(({ session }) => hot().calls.remove(room, session)));
    expect(left.filter(({ last }) => last)).toHaveLength(1);
  });

  test("the flags of 500 rooms come back in the order asked for", async () => {
    const rooms = Array.from({ length: 500 }, freshId);
    await hot().calls.put(rooms[3] ?? 0, participant(3), Date.now(), MINUTE);
    await hot().calls.put(rooms[499] ?? 0, participant(7), Date.now(), MINUTE);
    const expected = rooms.map((_, i) => ({ 3: 3, 499: 7 })[i] ?? 0);
    expect(await hot().calls.flags(rooms)).toEqual(expected);
    expect(await hot().calls.flags([])).toEqual([]);
  });
}

function decayContract(hot: () => HotState): void {
  test("who was not refreshed is in no call any more, before anything swept it", async () => {
    const [room, now] = [freshId(), Date.now()];
    const [lost, here] = [participant(6), participant(1)];
    const { calls } = hot();
    await calls.put(room, here, now, MINUTE);
    await calls.put(room, lost, now - 2 * MINUTE, MINUTE);
    expect(await calls.get(room)).toEqual({ flags: 1, participants: [here] });
    expect(await calls.flags([room])).toEqual([1]);
    expect(await calls.remove(room, lost.session)).toMatchObject({ removed: false, last: false });
  });

  test("who joins after all others decayed is alone, and who decayed is added again", async () => {
    const [room, now] = [freshId(), Date.now()];
    const lost = participant(7);
    await hot().calls.put(room, lost, now, MINUTE);
    const next = participant(1);
    const joined = await hot().calls.put(room, next, now + MINUTE, MINUTE);
    expect(joined).toEqual({ added: true, call: { flags: 1, participants: [next] } });
    expect(await hot().calls.put(room, lost, now + MINUTE, MINUTE)).toMatchObject({ added: true });
  });

  test("a refresh prolongs, and names the sessions that were lost", async () => {
    const [room, other, now] = [freshId(), freshId(), Date.now()];
    const [ada, ben] = [participant(3), participant(5)];
    const { calls } = hot();
    await calls.put(room, ada, now, MINUTE);
    await calls.put(room, ben, now, 10 * MINUTE);
    const entries = [
      { roomId: room, session: ada.session },
      { roomId: room, session: ben.session },
      { roomId: other, session: ada.session },
    ];
    expect(await calls.refresh(entries, now + 30_000, MINUTE)).toEqual([entries[2]]);
    expect(await calls.refresh([], now, MINUTE)).toEqual([]);
    await calls.sweep(now + MINUTE + 1);
    expect((await calls.get(room)).flags).toBe(7);
    await calls.sweep(now + 2 * MINUTE);
    expect(await calls.get(room)).toEqual({ flags: 0, participants: [] });
    expect(await calls.refresh(entries.slice(0, 1), now, MINUTE)).toEqual(entries.slice(0, 1));
  });

  test("the sweeper takes lost sessions out of their calls, without anybody reading them, and names the rooms", async () => {
    await hot().calls.sweep(Date.now() + 60 * MINUTE);
    const [mixed, dead, now] = [freshId(), freshId(), Date.now()];
    const stays = participant(1);
    const { calls } = hot();
    await calls.put(mixed, participant(6), now, MINUTE);
    await calls.put(mixed, stays, now, 5 * MINUTE);
    await calls.put(dead, participant(7), now, MINUTE);
    expect(await calls.sweep(now)).toEqual([]);
    // Nobody who refreshes or asks takes the news away from the sweeper.
    await calls.refresh([{ roomId: mixed, session: stays.session }], now + 2 * MINUTE, 5 * MINUTE);
    await calls.get(mixed);
    expect((await calls.sweep(now + 2 * MINUTE)).sort((a, b) => a - b)).toEqual([mixed, dead]);
    expect(await calls.flags([mixed, dead])).toEqual([1, 0]);
    expect(await calls.get(mixed)).toEqual({ flags: 1, participants: [stays] });
    expect(await calls.sweep(now + 10 * MINUTE)).toEqual([mixed]);
    expect(await calls.flags([mixed])).toEqual([0]);
  });
}
