import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { periodic } from "../../src/domain/periodic.ts";

const EVERY_MS = 1_000;
let logged: string[];
const log = (fields: object) => void logged.push((fields as { event: string }).event);
const logger = { info: log, error: log };

beforeEach(() => {
  logged = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Work whose runs a test ends by hand. */
function controlled() {
  const runs: { succeed: () => void; fail: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<void>((succeed, fail) => {
      runs.push({ succeed, fail });
    });
  return { runs, work };
}

test("work begins every interval, and never while it is under way", async () => {
  const { runs, work } = controlled();
  const stop = periodic("a test", EVERY_MS, work, { logger });
  expect(runs).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(3 * EVERY_MS);
  expect(runs).toHaveLength(1);
  runs[0]?.succeed();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(runs).toHaveLength(2);
  runs[1]?.succeed();
  await stop();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(runs).toHaveLength(2);
});

test("stopping waits for work that is under way, also for what began at the start", async () => {
  const { runs, work } = controlled();
  const stop = periodic("a test", EVERY_MS, work, { logger, atStart: true });
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(stopped).toBe(false);
  runs[0]?.succeed();
  await stopping;
  expect(runs).toHaveLength(1);
});

test("failures are logged when they begin and when they end, and end nothing", async () => {
  const outcomes = [new Error("1"), new Error("2"), null, new Error("3"), null, null];
  const stop = periodic(
    "a test",
    EVERY_MS,
    async () => {
      const error = outcomes.shift();
      if (error) throw error;
    },
    { logger },
  );
  await vi.advanceTimersByTimeAsync(6 * EVERY_MS);
  expect(outcomes).toEqual([]);
  expect(logged).toEqual([
    ...["background.failed", "background.recovered"],
    ...["background.failed", "background.recovered"],
  ]);
  await stop();
});

test("a part that is away is not logged", async () => {
  const work = vi.fn(() => Promise.reject(new DomainError("unavailable")));
  const stop = periodic("a test", EVERY_MS, work, { logger });
  await vi.advanceTimersByTimeAsync(2 * EVERY_MS);
  expect(work).toHaveBeenCalledTimes(2);
  expect(logged).toEqual([]);
  await stop();
});
