/**
 * Gives memory back to the system while the process is quiet. V8 collects old objects when the heap has grown by a factor.
 * A server that let ten thousand clients connect, and then idles, does not reach that for hours and would keep the garbage.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_MS = 2_500;
/** The process is quiet below this share of busy time. A collection stops it for tens of milliseconds. */
const MAX_BUSY_SHARE = 0.1;
/** The least gain of a collection: bytes, and their share of the used heap, because the stop grows with that. */
const MIN_GAIN = { bytes: 24 * 1024 * 1024, share: 0.3 };

/** Begins to check every {@link LOOK_MS}. @returns a function that ends it */
export function returnSpareMemory(): () => void {
  const collect = collector();
  let least = getHeapStatistics().used_heap_size;
  let before = performance.eventLoopUtilization();
  const look = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const used = getHeapStatistics().used_heap_size;
    least = Math.min(least, used);
    if (utilization > MAX_BUSY_SHARE || used - least < Math.max(MIN_GAIN.bytes, least * MIN_GAIN.share))
      return;
    collect();
    least = getHeapStatistics().used_heap_size;
    before = performance.eventLoopUtilization();
  }, LOOK_MS);
  look.unref();
  return () => clearInterval(look);
}

/** The collector. Node hides it unless a flag exposes it. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return () => {
    // Only empty pages go back to the system, so the remaining objects are moved together.
    setFlagsFromString("--compact-on-every-full-gc");
    collect();
    setFlagsFromString("--no-compact-on-every-full-gc");
  };
}
