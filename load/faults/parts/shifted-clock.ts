/**
 * Preloaded into the processes of a run: their wall clock is wrong by what a file says, in milliseconds. Timers and
 * `performance.now()` stay right, as on a machine whose date somebody sets.
 */
import { readFileSync, watchFile } from "node:fs";

const path = process.env.FAULTS_CLOCK;
const Real = Date;
const realNow = Real.now;
const POLL_MS = 200;
let shiftMs = 0;

function read(): void {
  shiftMs = Number(readFileSync(path as string, "utf8")) || 0;
}

if (path !== undefined) {
  read();
  watchFile(path, { interval: POLL_MS, persistent: false }, read);
  const now = () => realNow() + shiftMs;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    apply: () => new Real(now()).toString(),
  });
  Real.now = now;
}
