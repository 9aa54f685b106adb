/** What the operating system knows about the processes of a test: free ports, who lives, who was left behind. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export { freePort } from "../../load/services/free-port.ts";

export async function portIsFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Processes whose command line or environment names `text` (a folder that belongs to one test only). */
export function processesNaming(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ["cmdline", "environ"].some((file) => procFile(pid, file).includes(text)))
    .filter((pid) => !isZombie(pid))
    .map(Number);
}

/** Processes whose command line names every one of `words`. */
export function commandsNaming(...words: string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && !isZombie(name))
    .filter((pid) => words.every((word) => procFile(pid, "cmdline").includes(word)))
    .map(Number);
}

/** Resolves when none of the processes is left. Their end can't be awaited: they are not all our children. */
export async function untilGone(pids: () => number[], limitMs: number): Promise<number[]> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const left = pids();
    if (left.length === 0 || Date.now() > deadline) return left;
    await delay(20);
  }
}

/** Sends a signal; a process that is gone already is fine. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function procFile(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // The process ended while we looked, or it is another user's.
  }
}

/** A dead process that its parent has not asked about yet holds nothing: no port, no file. */
function isZombie(pid: string): boolean {
  const stat = procFile(pid, "stat");
  return stat === "" || /^\d+ \(.*\) Z/s.test(stat);
}
