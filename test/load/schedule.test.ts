import { expect, test } from "vitest";
import { dueSends } from "../../load/worker/schedule.ts";

test.each([
  [-1, 0],
  [0, 1],
  [9.9, 1],
  [10, 2],
  [995, 100],
  [1_000, 100],
  [2_000, 100],
])("100 sends a second: %d ms after the start of a second %d are due", (elapsed, due) => {
  expect(dueSends(100, elapsed, 1_000)).toBe(due);
});

test("a schedule without a rate sends nothing", () => {
  expect([0, 500, 1_000].map((elapsed) => dueSends(0, elapsed, 1_000))).toEqual([0, 0, 0]);
});
