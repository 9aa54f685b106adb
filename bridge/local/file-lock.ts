/**
 * A lock on a file that the kernel lets go of when its holders are gone, however they ended: a killed process never
 * blocks the next one. Node has no flock(2): on Linux flock(1) locks an open file that it shares with this process,
 * elsewhere open(2) does. A child that inherits the descriptor holds the lock too, until it ends.
 */
import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** open(2) of macOS and the BSDs: take an exclusive lock with the file. */
const O_EXLOCK = 0x20;
const POLL_MS = 250;

export interface FileLock {
  /** The open file that holds the lock; pass it to children that must hold it as well. */
  readonly descriptor: number;
  release(): void;
}

/** Takes the lock, or returns null when another process has it. */
export async function tryFileLock(path: string, signal?: AbortSignal): Promise<FileLock | null> {
  return process.platform === "linux" ? lockByCommand(path, ["-n"], signal) : lockByOpening(path);
}

/** Takes the lock, waiting for as long as another process has it; `onWait` is told once when it has to. */
export async function fileLock(path: string, onWait: () => void, signal?: AbortSignal): Promise<FileLock> {
  const first = await tryFileLock(path, signal);
  if (first) return first;
  onWait();
  for (;;) {
    signal?.throwIfAborted();
    const lock =
      process.platform === "linux" ? await lockByCommand(path, [], signal) : await lockByOpening(path);
    if (lock) return lock;
    await delay(POLL_MS, undefined, signal ? { signal } : {});
  }
}

async function lockByCommand(path: string, flags: string[], signal?: AbortSignal): Promise<FileLock | null> {
  const descriptor = openSync(path, "a", 0o600);
  try {
    // As descriptor 3 the child locks the same open file; the lock stays with it after the child is gone.
    const child = spawn("flock", ["-x", ...flags, "3"], {
      stdio: ["ignore", "ignore", "ignore", descriptor],
      ...(signal && { signal }),
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    if (code === 0) return held(descriptor);
  } catch (error) {
    held(descriptor).release();
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`${path} can't be locked: the command flock is missing. Install util-linux`, {
      cause: error,
    });
  }
  held(descriptor).release();
  return null;
}

async function lockByOpening(path: string): Promise<FileLock | null> {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  try {
    return held(openSync(path, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}

function held(descriptor: number): FileLock {
  let open = true;
  return {
    descriptor,
    release: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
