import { Registry } from "prom-client";
import { afterEach, expect, test, vi } from "vitest";
import { watchClockSkew } from "../../../src/app/health/clock-skew.ts";
import { DomainError } from "../../../src/domain/errors.ts";

const MINUTE = 60_000;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
});

/** Clocks that are so far behind this process's, ms. */
async function watch(behind: { store: number; hot: number | null }) {
  const logged: string[] = [];
  const registry = new Registry();
  const stop = await watchClockSkew({
    store: { clock: { now: () => Date.now() - behind.store } },
    hot: {
      async time() {
        if (behind.hot === null) throw new DomainError("unavailable");
        return Date.now() - behind.hot;
      },
    },
    logger: {
      info: (_fields: object, text?: string) => void logged.push(`info: ${text}`),
      warn: (_fields: object, text?: string) => void logged.push(`warn: ${text}`),
      error: (_fields: object, text?: string) => void logged.push(`error: ${text}`),
    },
    registry,
  });
  stops.push(stop);
  const figure = async (part: string) => {
    const found = await registry.getSingleMetric("causeway_clock_skew_seconds")?.get();
    return found?.values.find(({ labels }) => labels.part === part)?.value;
  };
  return { logged, figure };
}

test("clocks that agree within two seconds are only shown", async () => {
  const { logged, figure } = await watch({ store: 1_500, hot: -1_500 });
  expect(logged).toEqual([]);
  expect(await figure("store")).toBeCloseTo(1.5, 1);
  expect(await figure("hot")).toBeCloseTo(-1.5, 1);
});

test("more is told once at its beginning and once at its end, of the part that it is about", async () => {
  vi.useFakeTimers();
  const behind = { store: 3_000, hot: null as number | null };
  const { logged, figure } = await watch(behind);
  expect(logged).toEqual([expect.stringMatching(/^warn: .* 3\.0 s ahead of the database's; check NTP/)]);
  expect(await figure("hot")).toBeUndefined();
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect(logged).toHaveLength(1);
  // A clock that is set far off while the process runs ends nothing: everything goes by the database's.
  Object.assign(behind, { store: 0, hot: -5 * MINUTE });
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect(logged.slice(1)).toEqual([
    "info: this process's clock agrees with the database's again",
    expect.stringMatching(/^warn: .* 300\.0 s behind Redis's/),
  ]);
});

test.each([
  [{ store: 61_000, hot: 0 }, /61\.0 s ahead of the database's: more than a minute is refused/],
  [{ store: 0, hot: -7_200_000 }, /7200\.0 s behind Redis's: more than a minute is refused/],
])("more than a minute refuses the start: %o", async (behind, reason) => {
  await expect(watch(behind)).rejects.toThrow(reason);
});
