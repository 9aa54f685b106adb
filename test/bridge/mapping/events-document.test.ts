/** bridge/EVENTS.md names what the code reads and writes: no event type is missing there, and none is invented. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BRIDGED_TYPES } from "../../../bridge/mapping/matrix-events.ts";
import { EVENT_TYPES } from "../../../src/domain/model/log.ts";

const document = readFileSync(join(import.meta.dirname, "../../../bridge/EVENTS.md"), "utf8");

/** The names in the first column of the table under a heading. */
function namedUnder(heading: string): string[] {
  const [, section = ""] = document.split(`## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

test.each<[string, readonly string[]]>([
  ["From Matrix to the chat", BRIDGED_TYPES],
  ["From the chat to Matrix", EVENT_TYPES],
])("%s", (heading, types) => {
  expect(namedUnder(heading).sort()).toEqual([...types].sort());
});
