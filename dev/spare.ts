/** A process that has loaded the packages, which is most of a start, and becomes the server when it is told to. */
import { once } from "node:events";
import { readFileSync } from "node:fs";

const PACKAGE = new URL("../../package.json", import.meta.url);
const PROGRAM = new URL("../src/main.js", import.meta.url);

// Nobody is left to end it when the parent was killed.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// Ctrl-C in a terminal comes to the parent too, which ends a spare.
const ignore = () => undefined;
process.on("SIGINT", ignore);
const told = once(process, "message");
const { dependencies } = JSON.parse(readFileSync(PACKAGE, "utf8")) as { dependencies: object };
for (const name of Object.keys(dependencies)) await import(name).catch(() => undefined);
await told;
process.off("SIGINT", ignore);
await import(PROGRAM.href);
