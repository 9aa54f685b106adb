/** How a process follows the database's clock when answers are slow. */
import { afterEach, expect, test, vi } from "vitest";
import { createDatabaseClock } from "../../../src/store/sql/clock.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("a slow answer is taken when what is known can't be true, and only then", async () => {
  let here = 0;
  let ahead = 1_000_000;
  vi.spyOn(performance, "now").mockImplementation(() => here);
  const urgent = async () => {
    here += 300;
    const now = here + ahead;
    here += 100;
    return [{ now }];
  };
  const clock = createDatabaseClock({ urgent, sql: () => null } as never);
  await clock.sync();
  const first = clock.now() - here;
  expect(Math.abs(first - ahead)).toBeLessThanOrEqual(200);
  ahead += 50;
  await clock.sync();
  expect(clock.now() - here).toBe(first);

  // Asleep, the machine does not count on.
  ahead += 3_600_000;
  await clock.sync();
  expect(Math.abs(clock.now() - here - ahead)).toBeLessThanOrEqual(200);
  clock.stop();
});
