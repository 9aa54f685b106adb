/** Patience with slow peers. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience } from "../../../src/gateway/http/patience.ts";

const RULE = { mostMs: 1_000, bytesPerSecond: 100 };
let spent: number[];
let patience: Patience;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  spent = [];
  const start = performance.now();
  patience = new Patience(RULE, () => spent.push(performance.now() - start));
});
afterEach(() => vi.useRealTimers());

test("whoever moves nothing is waited for so long, and no longer", () => {
  patience.wait();
  vi.advanceTimersByTime(999);
  expect(spent).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(spent).toEqual([1_000]);
});

test("whoever keeps the rate is waited for without end; whoever is slower runs out of patience", () => {
  const drip = (bytes: number, times: number) => {
    for (let i = 0; i < times && spent.length === 0; i++) {
      patience.wait();
      vi.advanceTimersByTime(100);
      patience.moved(bytes);
    }
  };
  drip(10, 100);
  expect(spent).toEqual([]);
  drip(5, 100);
  expect(spent).toEqual([11_900]);
});

test("much that moved at once earns no more patience than there is, and pauses of our own use none up", () => {
  patience.wait();
  patience.moved(1_000_000);
  vi.advanceTimersByTime(60_000);
  patience.wait();
  vi.advanceTimersByTime(1_000);
  expect(spent).toEqual([61_000]);
  patience.stop();
});
