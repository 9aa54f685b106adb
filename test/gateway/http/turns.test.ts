import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "../../../src/gateway/http/turns.ts";

test("requests that come at once begin one a turn of the event loop, in their order", async () => {
  const turns = new Turns();
  const begun: number[] = [];
  for (const n of [1, 2, 3]) void turns.next().then(() => begun.push(n));
  await Promise.resolve();
  expect(begun).toEqual([1]);
  await nextTurn();
  expect(begun).toEqual([1, 2]);
  await nextTurn();
  expect(begun).toEqual([1, 2, 3]);
});

test("a request that finds nobody begins at once, also after a crowd", async () => {
  const turns = new Turns();
  await Promise.all([turns.next(), turns.next()]);
  await nextTurn();
  let hasBegun = false;
  void turns.next().then(() => {
    hasBegun = true;
  });
  await Promise.resolve();
  expect(hasBegun).toBe(true);
});
