/** Ids of messages on faces that address them without their room. */
import { expect, test } from "vitest";
import {
  derivedPublicId,
  isPublicId,
  newPublicId,
  protocolMessageId,
  protocolMessagePlace,
} from "../../src/domain/ids.ts";

const PLACES = [
  { roomId: 1, seq: 1 },
  { roomId: 7, seq: 2 ** 28 - 1 },
  { roomId: 2 ** 25 - 1, seq: 123_456 },
];

test("Protocol's ids are 16 characters, name a place both ways, and sort like the seqs of their room", () => {
  for (const place of [...PLACES, { roomId: 2 ** 48 - 1, seq: 2 ** 40 - 1 }]) {
    const id = protocolMessageId(place);
    expect(id).toMatch(/^[A-Za-z0-9]{16}$/);
    expect(protocolMessagePlace(id)).toEqual(place);
  }
  const ids = [1, 2, 61, 62, 63, 4_000].map((seq) => protocolMessageId({ roomId: 5, seq }));
  expect([...ids].sort()).toEqual(ids);
});

test("what can be no Protocol id names nothing, and what has none is refused", () => {
  for (const id of [
    "",
    "0000000000000000",
    "short",
    "zzzzzzzzzzzzzzzz",
    "has-a-hyphen0000",
    `${"0".repeat(15)}1`,
  ]) {
    expect(protocolMessagePlace(id)).toBeNull();
  }
  expect(() => protocolMessageId({ roomId: 2 ** 48, seq: 1 })).toThrow(RangeError);
});

test("new ids differ, derived ones are the same again", () => {
  expect(isPublicId(newPublicId())).toBe(true);
  expect(newPublicId()).not.toBe(newPublicId());
  expect(derivedPublicId("room 1 event 2")).toBe(derivedPublicId("room 1 event 2"));
  expect(derivedPublicId("room 1 event 3")).not.toBe(derivedPublicId("room 1 event 2"));
});
