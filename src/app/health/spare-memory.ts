/**
 * Gives memory back once it is quiet. V8 collects old objects when the heap has grown by a factor; a server that has
 * just greeted ten thousand clients and then idles does not get there for hours, and keeps what the greetings left.
 */
import { performance } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_MS = 2_500;
/** Share of a look's time that the event loop may be busy: a collection stops everything for tens of milliseconds. */
const QUIET = 0.1;
/** What may be gained has to be worth the stop, which grows with what is in use: bytes, and their share of that. */
const WORTH_IT = { bytes: 24 * 1024 * 1024, share: 0.3 };

/** Looks every few seconds, from now on. @returns ends it */
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
    if (utilization > QUIET || used - least < Math.max(WORTH_IT.bytes, least * WORTH_IT.share)) return;
    collect();
    least = getHeapStatistics().used_heap_size;
    before = performance.eventLoopUtilization();
  }, LOOK_MS);
  look.unref();
  return () => clearInterval(look);
}

/** Node hands its collector only to who asks for it on the command line, or here. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return () => {
    // What is left lies scattered; only pages that are empty go back to the system.
    setFlagsFromString("--compact-on-every-full-gc");
    collect();
    setFlagsFromString("--no-compact-on-every-full-gc");
  };
}
