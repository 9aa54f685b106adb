/** What a burst leaves behind is given back as soon as it is quiet. */
import { once } from "node:events";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { afterEach, expect, test } from "vitest";
import { returnSpareMemory } from "../../../src/app/health/spare-memory.ts";

const MEBIBYTE = 1024 * 1024;
let stop: (() => void) | null = null;
afterEach(() => stop?.());

interface GcEntry {
  detail: { kind: number; flags: number };
}

/** Resolves at the next collection of old objects that somebody asked for. */
async function collection(): Promise<void> {
  const { NODE_PERFORMANCE_GC_MAJOR: MAJOR, NODE_PERFORMANCE_GC_FLAGS_FORCED: FORCED } = constants;
  const seen = new EventTarget();
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as unknown as GcEntry[])
      if (detail.kind === MAJOR && (detail.flags & FORCED) !== 0) seen.dispatchEvent(new Event("collected"));
  });
  observer.observe({ entryTypes: ["gc"] });
  await once(seen, "collected");
  observer.disconnect();
}

test("a heap that has grown is collected once it is quiet, however far V8 would let it grow", async () => {
  stop = returnSpareMemory();
  const before = getHeapStatistics().used_heap_size;
  const collected = collection();
  const burst = Array.from({ length: 48 * 1_024 }, () => Array.from({ length: 128 }, (_, n) => n + 0.5));
  await collected;
  expect(getHeapStatistics().used_heap_size - before).toBeGreaterThan(24 * MEBIBYTE);
  expect(burst).toHaveLength(48 * 1_024);
});
