/** `npm run conformance -- COMMAND…`: plays every session of test/conformance/sessions with the client that the command starts. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { play } from "./player.ts";
import { program } from "./program.ts";
import type { Session } from "./session.ts";

const folder = resolve(import.meta.dirname, "../../../test/conformance/sessions");
const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error(
    "usage: npm run conformance -- COMMAND… (it gets the URL and the token as further arguments)",
  );
  process.exit(2);
}
let failures = 0;
for (const name of readdirSync(folder).sort()) {
  const session = JSON.parse(readFileSync(join(folder, name), "utf8")) as Session;
  try {
    await play(session, program(command, args));
    console.log(`passed  ${name}: ${session.about}`);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${name}: ${(error as Error).message}`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
