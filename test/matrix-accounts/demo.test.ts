import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { freePort } from "../black-box/processes.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";

const PROGRAM = resolve(import.meta.dirname, "../../dist/bridge/demo.js");
const LINES = 10;

function demo(env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [PROGRAM], { env: { PATH: process.env.PATH, ...env } });
}

describeWith("synapseProgram", "npm run demo", () => {
  const fleet = serverFleet();
  let server: ServerProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    env = {
      PORT: String(await freePort()),
      MATRIX_PORT: String(await freePort()),
      DATA_DIR: fleet.dataDir(),
    };
    server = await fleet.startBare(env);
    await server.untilReady();
  }, 300_000);

  test("shows every line at two apps and a Matrix client, and can be repeated", async () => {
    for (let run = 1; run <= 2; run++) {
      const { stdout } = await demo(env);
      for (const ear of ["Alice, JSON", "Bob, msgpack", "Bob, Matrix"]) {
        const shown = stdout.split("\n").filter((line) => line.trimStart().startsWith(ear));
        expect(shown, `${ear} in run ${run}:\n${stdout}`).toHaveLength(LINES);
      }
      expect(stdout).toContain("once and in one order");
    }
  }, 120_000);

  test("fails with what to do where no server is", async () => {
    const nowhere = { ...env, PORT: String(await freePort()) };
    await expect(demo(nowhere)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("npm start") as string,
    });
    await expect(demo({ ...env, DATA_DIR: fleet.dataDir() })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("same DATA_DIR") as string,
    });
  });
});
