import { describe, expect, test } from "vitest";
import { generatorLimits } from "../../load/measuring/generator-verdict.ts";
import { createLatency, mergeLatencies } from "../../load/measuring/latency.ts";
import { emptyOutcome } from "../../load/report/outcome.ts";
import { verdictOf } from "../../load/report/report.ts";

const CALM = { cpu: 0.3, utilization: 0.4, lagP99: 2, lagMax: 10 };

function lateness(ms: number) {
  const latency = createLatency();
  for (let n = 0; n < 100; n++) latency.recordMs(ms);
  return mergeLatencies([latency.encode()]);
}

describe("the generator is the limit", () => {
  test("never while it is calm and on time", () => {
    expect(generatorLimits({ loads: [CALM, CALM], lateness: lateness(1), overtime: 1 })).toEqual([]);
  });

  test.each([
    ["a worker uses a whole core", { loads: [CALM, { ...CALM, cpu: 0.99 }] }, /worker 2 of 2 used 99 %/],
    ["a worker's event loop is always busy", { loads: [{ ...CALM, utilization: 0.98 }] }, /busy 98 %/],
    ["a worker's event loop is late", { loads: [{ ...CALM, lagP99: 90 }] }, /90 ms late/],
    ["sends go out late", { loads: [CALM], lateness: lateness(200) }, /sends went out 200 ms late/],
    ["the schedule overruns", { loads: [CALM], overtime: 1.2 }, /20 % longer/],
  ])("when %s", (_, facts, reason) => {
    expect(generatorLimits(facts)).toEqual([expect.stringMatching(reason)]);
  });
});

test("faults of the server outweigh the generator's limits in the verdict", () => {
  expect(verdictOf(emptyOutcome())).toBe("passed");
  expect(verdictOf({ ...emptyOutcome(), limits: ["x"] })).toBe("generator was the limit");
  expect(verdictOf({ ...emptyOutcome(), limits: ["x"], faults: ["y"] })).toBe("failed");
});

test("latencies of several workers are merged without loss", () => {
  const [fast, slow] = [createLatency(), createLatency()];
  for (let n = 1; n <= 99; n++) fast.recordMs(1);
  slow.recordMs(500);
  const { count, p50, p99, max } = mergeLatencies([fast.encode(), slow.encode()]);
  expect(count).toBe(100);
  expect(p50).toBeCloseTo(1, 2);
  expect(p99).toBeCloseTo(1, 2);
  expect(max).toBeCloseTo(500, -1);
});
