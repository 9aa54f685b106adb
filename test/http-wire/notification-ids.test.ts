/** Ids of notifications: places in the order of time, as UUIDs. */
import { expect, test } from "vitest";
import { notificationId, notificationPlace } from "../../src/http/wire/shapes/notification-ids.ts";
import { UUID } from "./site.ts";

const NOW = 1_790_000_000_000;
const PLACES = [
  { at: 0, roomId: 0, seq: 0 },
  { at: 1, roomId: 2 ** 42 - 1, seq: 2 ** 32 - 1 },
  { at: NOW, roomId: 1, seq: 2 },
  { at: NOW, roomId: 1, seq: 10 },
  { at: NOW, roomId: 2, seq: 1 },
  { at: NOW, roomId: 2 ** 30, seq: 0 },
  { at: NOW, roomId: 2 ** 30 + 1, seq: 0 },
  { at: NOW, roomId: 2 ** 41, seq: 5 },
  { at: NOW + 1, roomId: 1, seq: 1 },
  { at: 2 ** 48 - 1, roomId: 7, seq: 7 },
];

test("each place has a UUID of version 7, from which it is read back", () => {
  for (const place of PLACES) {
    const id = notificationId(place);
    expect(id).toMatch(UUID);
    expect(id).toMatch(/^.{14}7.{4}[89ab]/);
    expect(notificationPlace(id)).toEqual(place);
    expect(notificationPlace(id.toUpperCase())).toEqual(place);
  }
});

test("as texts they stand in the order of time, room and seq", () => {
  const ids = PLACES.map(notificationId);
  expect([...ids].reverse().sort()).toEqual(ids);
});

test("places without room in an id are a RangeError, other UUIDs name no place", () => {
  for (const wrong of [{ at: 2 ** 48 }, { roomId: 2 ** 42 }, { seq: 2 ** 32 }])
    expect(() => notificationId({ at: 1, roomId: 1, seq: 1, ...wrong })).toThrow(RangeError);
  for (const other of [
    "00000000-0000-0000-0000-000000000000",
    "b4b6a96c-70c8-11e9-99e6-f3ea044b132c",
    "9b2f6f7e-6f0a-4a55-9c0b-6f8a3a0c1d11",
    "01890a5d-ac96-774b-f8ce-b302099a8057",
  ])
    expect(notificationPlace(other), other).toBeNull();
});
