/**
 * A lock on a folder that belongs to the process: the kernel lets go of it when the process ends, however it ends.
 * Node has no flock(2): on Linux flock(1) locks an open file that it shares with this process, elsewhere open(2) does.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";

/** open(2) of macOS and the BSDs: take an exclusive lock with the file. */
const O_EXLOCK = 0x20;
const FILE = "causeway.lock";

/**
 * Locks the folder until the returned function is called or the process ends.
 * @throws Error that says what to do when another process holds the lock
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, FILE);
  const descriptor = process.platform === "linux" ? lockByCommand(path, folder) : lockByOpening(path, folder);
  return () => closeSync(descriptor);
}

function lockByCommand(path: string, folder: string): number {
  const descriptor = openSync(path, "a", 0o600);
  // As descriptor 3 the child locks the same open file; the lock stays with it after the child is gone.
  const { status, error } = spawnSync("flock", ["-x", "-n", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (status === 0) return descriptor;
  closeSync(descriptor);
  if (error) {
    throw new Error(
      `${folder} can't be locked: the command flock is missing. Install util-linux, or set DATABASE_URL to use PostgreSQL`,
      { cause: error },
    );
  }
  throw inUse(folder);
}

function lockByOpening(path: string, folder: string): number {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") throw inUse(folder);
    throw error;
  }
}

function inUse(folder: string): Error {
  return new Error(
    `${folder} is in use by another process. Stop that one, choose another DATA_DIR, or set DATABASE_URL so that several processes can share PostgreSQL`,
  );
}
