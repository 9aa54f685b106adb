/**
 * Nothing that a test started outlives it, not even when it is killed: beside each service waits a small shell whose
 * standard input is a pipe from us. When we end, however that happens, the kernel closes the pipe and the shell ends
 * the service and deletes its folder.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/** $1 is the leader of the service's process group, $2 how to ask it to end, $3 the folder to delete. */
export const REAPER = `
read -r _ && exit 0
kill -s "$2" -- "-$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 -- "-$1" 2>/dev/null || break
  sleep 0.2
done
kill -s KILL -- "-$1" 2>/dev/null
rm -rf -- "$3"
`;

/**
 * Watches over the process group of `pid`, which has to be its leader.
 * Call the returned function when the service has been ended: nothing is killed or deleted then.
 */
export function reapWhenWeEnd(pid: number, signal: "TERM" | "QUIT", folder: string): () => void {
  const shell = spawn("sh", ["-c", REAPER, "reaper", String(pid), signal, folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  const pipe = shell.stdin as Socket;
  // The pipe breaks if somebody kills the shell; the service is still ours to end then.
  pipe.on("error", () => undefined);
  pipe.unref();
  shell.unref();
  return () => {
    pipe.end("done\n");
  };
}
