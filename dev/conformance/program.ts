/** A client that is a program: it reads lines of JSON that say what to do, and writes lines of what it shows. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { StartSubject } from "./player.ts";
import type { Fields } from "./session.ts";

/** @param command the program and its first arguments; the URL and the token follow */
export function program(command: string, args: readonly string[]): StartSubject {
  return (url, token, show) => {
    const child = spawn(command, [...args, url, token], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "close").catch(() => null);
    child.on("error", (error) => show({ show: "fault", message: error.message }));
    child.stdin.on("error", () => {
      // It has ended; the next step finds out.
    });
    createInterface({ input: child.stdout }).on("line", (line) => show(parsed(line)));
    return {
      do: (what) => child.stdin.write(`${JSON.stringify(what)}\n`),
      async stop() {
        child.kill();
        await ended;
      },
    };
  };
}

function parsed(line: string): Fields {
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return { show: "fault", message: `no JSON: ${line}` };
  }
}
