/** The built program's last resort, in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const MODULE = new URL("../../dist/src/app/last-resort.js", import.meta.url).href;

function run(script: string) {
  const args = [
    "--input-type=module",
    "-e",
    `const { onUncaught, outliveReaders } = await import("${MODULE}");${script}`,
  ];
  return spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
}

test("what nobody caught is logged, each of it, and the process ends in order, once, with exit code 1", async () => {
  const child = run(`
    const fatal = ({ err }) => console.log(err.message);
    onUncaught({ fatal }, async () => { console.log("ends"); throw new Error("of the end"); });
    setTimeout(() => { throw new Error("thrown"); });
    Promise.reject(new Error("rejected"));
  `);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(output.split("\n").slice(0, 2)).toEqual(["rejected", "ends"]);
  expect(output.match(/ends/g)).toHaveLength(1);
  expect(code).toBe(1);
});

test("a reader of the output that is gone ends nothing", async () => {
  const child = run(`
    outliveReaders();
    process.stdin.on("data", () => process.stdout.write("nobody reads this", () => process.exit(7)));
  `);
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.write("go");
  expect(await once(child, "exit")).toEqual([7, null]);
});
