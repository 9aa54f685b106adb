/**
 * Locks on files and folders that belong to a process. The kernel releases such a lock when its last holder ends, also
 * when that was killed, so a lock is never left behind. Packages on npm write a lock file with a time in it instead, and
 * after a kill the next start waits until that time is old enough.
 *
 * Node has no flock(2). On Linux the command flock(1) locks an open file that it shares with this process; on macOS and
 * the BSDs open(2) itself takes the lock.
 */
import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The flag of open(2) on macOS and the BSDs that takes an exclusive lock with the file. */
const O_EXLOCK = 0x20;
const POLL_MS = 250;
/** The file in a locked folder. It is empty. */
const FOLDER_LOCK = "causeway.lock";

export interface FileLock {
  /** The open file that holds the lock. A child that inherits it holds the lock too, until the child ends. */
  readonly descriptor: number;
  release(): void;
}

/**
 * Locks a folder for this process.
 * @param advice what an operator can do: `inUse` when another process has the folder, `noCommand` when flock(1) is missing
 * @throws Error with that advice
 */
export async function lockFolder(
  folder: string,
  advice: { inUse: string; noCommand?: string },
): Promise<FileLock> {
  const lock = await tryFileLock(join(folder, FOLDER_LOCK)).catch((error: unknown) => {
    if (!(error instanceof MissingCommand) || advice.noCommand === undefined) throw error;
    throw new Error(`${error.message}, or ${advice.noCommand}`, { cause: error });
  });
  if (lock) return lock;
  throw new Error(`${folder} is in use by another process. ${advice.inUse}`);
}

/** Takes the lock at once. @returns null when another process has it */
export async function tryFileLock(path: string, signal?: AbortSignal): Promise<FileLock | null> {
  return process.platform === "linux" ? lockByCommand(path, ["-n"], signal) : lockByOpening(path);
}

/**
 * Takes the lock, and waits while another process has it.
 * @param onWait is called once, when the wait begins
 * @param signal ends the wait: the promise rejects
 */
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

class MissingCommand extends Error {}

async function lockByCommand(path: string, flags: string[], signal?: AbortSignal): Promise<FileLock | null> {
  const lock = lockOf(openSync(path, "a", 0o600));
  try {
    // The child locks the same open file, as its descriptor 3. The lock stays with the open file when the child ends.
    const child = spawn("flock", ["-x", ...flags, "3"], {
      stdio: ["ignore", "ignore", "ignore", lock.descriptor],
      ...(signal && { signal }),
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    if (code === 0) return lock;
  } catch (error) {
    lock.release();
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new MissingCommand(`${path} can't be locked: the command flock is missing. Install util-linux`, {
      cause: error,
    });
  }
  lock.release();
  return null;
}

async function lockByOpening(path: string): Promise<FileLock | null> {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  try {
    return lockOf(openSync(path, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}

/** The lock that an open file holds. */
function lockOf(descriptor: number): FileLock {
  let isOpen = true;
  return {
    descriptor,
    release: () => {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}
