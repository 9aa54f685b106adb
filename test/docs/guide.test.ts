/** The guide of `/docs` as a reader follows it: its commands in a shell, its program with the package installed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { readDocument } from "../../src/http/docs/markdown.ts";
import { ADMIN_TOKEN, serverFleet } from "../black-box/server-process.ts";
import { project } from "../client/package/built.ts";

const fleet = serverFleet();
const app = project(["ws"]);
let program: ChildProcess | undefined;
afterAll(() => program?.kill("SIGKILL"));

/** The code blocks of a language, in their order. */
function blocks(language: string): string[] {
  const all = readDocument("http/docs/guide.md").matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...all].filter(([, named]) => named === language).map(([, , code = ""]) => code);
}

function shell(script: string, env: Record<string, string>): string {
  const options = { env: { PATH: process.env.PATH ?? "", ...env }, encoding: "utf8" } as const;
  return execFileSync("bash", ["-euo", "pipefail", "-c", script], options);
}

test("each command and the program do what the guide says, one after the other", async () => {
  const server = await fleet.start();
  const [prepare = "", say = "", read = "", ...moreCommands] = blocks("sh");
  const [source = "", ...morePrograms] = blocks("js");
  expect([moreCommands, morePrograms]).toEqual([[], []]);

  const printed = shell(prepare, { API: server.url, ADMIN_TOKEN }).trim().split("\n").at(-1) ?? "";
  expect(printed).toMatch(/^export API=/);
  const env = Object.fromEntries(
    printed
      .split(" ")
      .slice(1)
      .map((pair): [string, string] => {
        const [name = "", value = ""] = pair.split("=");
        return [name, value];
      }),
  );

  app.write("chat.mjs", source);
  program = spawn(process.execPath, ["chat.mjs"], {
    cwd: app.folder,
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  const lines = createInterface({ input: program.stdout as NodeJS.ReadableStream });
  expect(await once(lines, "line")).toEqual(["ben is here"]);
  const heard = once(lines, "line");
  shell(say, env);
  expect(await heard).toEqual(["ada: Hello, Ben"]);

  const untilAnswered = async (): Promise<string> => {
    const texts = shell(read, env);
    return texts.includes("ben:") ? texts : await untilAnswered();
  };
  expect((await untilAnswered()).trim().split("\n").sort()).toEqual([
    "ada: Hello, Ben",
    "ben: You said: Hello, Ben",
  ]);
});
