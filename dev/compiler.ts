/** TypeScript's compiler in its watch mode, one process per project. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { reapWhenWeEnd } from "../load/services/reaper.ts";

export interface Compilers {
  stop(): void;
}

const STARTS = /Starting (?:incremental )?compilation/;
const FOUND = /Found (\d+) errors?\. Watching for file changes/;

/**
 * @param folder deleted when this process is killed
 * @param onWatching is called when every project was compiled once: a later change is noticed
 * @param onBuilt is called after a change, when no project is being compiled any more, with the time (of `performance`) at
 *   which the first of them began. Projects with errors count as built: the compiler writes what it can, and the errors
 *   are shown.
 */
export function startCompilers(
  projects: readonly string[],
  folder: string,
  onWatching: () => void,
  onBuilt: (since: number) => void,
): Compilers {
  const busy = new Set(projects);
  let since: number | null = null;
  const onLine = (project: string, line: string) => {
    if (STARTS.test(line)) {
      if (busy.size === 0) since = performance.now();
      busy.add(project);
    } else if (FOUND.test(line)) {
      if (FOUND.exec(line)?.[1] !== "0") process.stdout.write(`${line}\n`);
      busy.delete(project);
      if (busy.size > 0) return;
      if (since === null) onWatching();
      else onBuilt(since);
    } else if (line.trim() !== "") process.stdout.write(`${line}\n`);
  };
  const stops = projects.map((project) => startCompiler(project, folder, (line) => onLine(project, line)));
  return { stop: () => stops.forEach((stop) => void stop()) };
}

function startCompiler(project: string, folder: string, onLine: (line: string) => void): () => void {
  const args = ["-p", project, "--watch", "--preserveWatchOutput"];
  // `npm run` has it in PATH. It gets a process group of its own, because the script starts the compiler as a child.
  const child = spawn("tsc", args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const { pid } = child;
  if (pid === undefined) throw new Error("tsc is not in PATH: use npm run dev");
  const release = reapWhenWeEnd(pid, "TERM", folder);
  createInterface({ input: child.stdout }).on("line", onLine);
  return () => {
    process.kill(-pid, "SIGTERM");
    release();
  };
}
