/** [GW-7.6] Places in a log with the time of their events, at the edges. */
import { expect, test } from "vitest";
import type { SessionRoom } from "../../../src/domain/ports/store/room-lists.ts";
import { judgeResume, placesOf } from "../../../src/gateway/sessions/resume.ts";

const HEAD_AT = 1_760_000_000_500;
const room = { token: "r", head: 7, at: HEAD_AT, askedAt: null, historyFrom: 0 } as SessionRoom;

function isRecovered(place: number | { seq: number; at: number }, more: Partial<SessionRoom> = {}): boolean {
  const [answer] = judgeResume({ epoch: "e", rooms: { r: place } }, "e", [{ ...room, ...more }]);
  return answer?.recovered === true;
}

test("[GW-7.6] who has nothing yet says the time 0", () => {
  expect(isRecovered({ seq: 0, at: 0 })).toBe(true);
  expect(isRecovered({ seq: 0, at: HEAD_AT })).toBe(false);
  expect(isRecovered({ seq: 0, at: 0 }, { head: 0, at: 0 })).toBe(true);
});

test("[GW-7.6] the event at the head is known with the room, an earlier one is asked for, and none is no proof", () => {
  expect(isRecovered({ seq: 7, at: HEAD_AT })).toBe(true);
  expect(isRecovered({ seq: 7, at: HEAD_AT - 1 }, { askedAt: HEAD_AT - 1 })).toBe(false);
  expect(isRecovered({ seq: 6, at: 5 }, { askedAt: 5 })).toBe(true);
  expect(isRecovered({ seq: 6, at: 5 }, { askedAt: 6 })).toBe(false);
  expect(isRecovered({ seq: 6, at: 5 })).toBe(false);
});

test("[GW-7.3] [GW-7.4] what no time can prove stays unproven", () => {
  expect(isRecovered({ seq: 8, at: HEAD_AT })).toBe(false);
  expect(isRecovered({ seq: 6, at: 5 }, { askedAt: 5, historyFrom: 7 })).toBe(false);
});

test("only places with a time are looked up", () => {
  expect(placesOf({ epoch: "e", rooms: { bare: 4, timed: { seq: 5, at: 6 } } })).toEqual({
    rooms: ["timed"],
    seqs: [5],
  });
  expect(placesOf(undefined)).toEqual({ rooms: [], seqs: [] });
});
