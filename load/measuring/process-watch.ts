/** What the kernel tells of other processes: CPU and memory of the server and its database, and memory of sockets. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessUse {
  /** Seconds of CPU, with all children. */
  cpu: number;
  /** Resident bytes of the process itself. */
  rss: number;
}

const PAGE = 4096;
const TICKS_PER_SECOND = 100;
/** What the kernel allocates for each TCP socket of a process. */
const SOCKET_SLABS = new Set(["TCP", "TCPv6", "sock_inode_cache", "filp", "eventpoll_epi"]);

/** CPU of the process and its descendants, and its memory; null when it is gone or not ours to see. */
export function processUse(pid: number | null): ProcessUse | null {
  if (pid === null) return null;
  const own = statOf(pid);
  if (own === null) return null;
  const ticks = [pid, ...descendants(pid)].reduce((sum, one) => sum + (statOf(one)?.ticks ?? 0), own.ended);
  return { cpu: ticks / TICKS_PER_SECOND, rss: residentBytes(pid) };
}

/**
 * Seconds of CPU of the process and its descendants, to the nanosecond, for stretches of work that take a few ticks only. What
 * threads and children used that have ended is missing. Null when the process is gone or the kernel does not tell.
 */
export function exactCpu(pid: number | null): number | null {
  if (pid === null || statOf(pid) === null) return null;
  const used = [pid, ...descendants(pid)].map(nanosecondsOf);
  return used[0] === 0 ? null : used.reduce((sum, one) => sum + one, 0) / 1e9;
}

function nanosecondsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => Number(readOrEmpty(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0] ?? 0))
      .reduce((sum, one) => sum + one, 0);
  } catch {
    return 0; // The process ended.
  }
}

/**
 * Bytes that the kernel holds for the TCP sockets of the whole machine: what is buffered, and, where we may know, the
 * sockets themselves.
 */
export function socketMemory(): number {
  const buffered = Number(/^TCP:.*\bmem (\d+)/m.exec(readOrEmpty("/proc/net/sockstat"))?.[1] ?? 0) * PAGE;
  const slabs = readOrEmpty("/proc/slabinfo").matchAll(/^(\S+) +(\d+) +\d+ +(\d+) /gm);
  return [...slabs].reduce(
    (sum, [, name = "", objects, size]) =>
      sum + (SOCKET_SLABS.has(name) ? Number(objects) * Number(size) : 0),
    buffered,
  );
}

/** Seconds since boot in which all cores together worked, and in which they could have. */
export function machineUse(): { busy: number; total: number } {
  const [, line = ""] = /^cpu +(.*)$/m.exec(readOrEmpty("/proc/stat")) ?? [];
  const ticks = line.split(" ").map(Number);
  const total = ticks.slice(0, 8).reduce((sum, part) => sum + part, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { busy: (total - idle) / TICKS_PER_SECOND, total: total / TICKS_PER_SECOND };
}

interface Stat {
  parent: number;
  /** Of the process. */
  ticks: number;
  /** Of children that have ended. */
  ended: number;
}

function statOf(pid: number): Stat | null {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  if (stat === "") return null;
  // The name in parentheses may hold anything; what follows it starts with the state, field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15), ended: field(16) + field(17) };
}

function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = statOf(Number(name))?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const next = children.get(queue.pop() as number) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

function residentBytes(pid: number): number {
  return Number(readOrEmpty(`/proc/${pid}/statm`).split(" ")[1] ?? 0) * PAGE;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process ended, we may not look, or this is no Linux.
  }
}
