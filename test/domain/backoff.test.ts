import { expect, test } from "vitest";
import { backoffMs } from "../../src/domain/backoff.ts";

const FAILURES = [0, 1, 2, 3, 4, 5_000];

test("pauses double with each failure, up to the longest", () => {
  const pauses = FAILURES.map((failures) => backoffMs({ firstMs: 100, maxMs: 1_000 }, failures));
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test("jitter takes at most its part of each pause away", () => {
  const jittered = { firstMs: 100, maxMs: 1_000, jitter: 0.25 };
  const pauses = (random: () => number) => FAILURES.map((failures) => backoffMs(jittered, failures, random));
  expect(pauses(() => 0)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(pauses(() => 1)).toEqual([75, 150, 300, 600, 750, 750]);
});
