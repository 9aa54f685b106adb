/** No regular expression of the program takes more than linear time, whatever text a stranger sends. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createContext, Script } from "node:vm";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
/** An expression as it stands where a value may stand. */
const LITERAL =
  /(?:[=(,:!&|?[{;]|return|=>)\s*\/((?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g;
/** These read settings or the output of programs, and no stranger's text. */
const SETTINGS_ONLY = [
  "src/attachments/s3.ts",
  "bridge/homeserver/accounts.ts",
  "bridge/homeserver/homeserver.ts",
  "bridge/homeserver/registration.ts",
  "src/app/server.ts",
  "src/store/sql/connection.ts",
  "bridge/local/",
  "bridge/demo/",
];
const TEXT_LENGTH = 64 * 1024;
/** Linear ones take about a millisecond, quadratic ones seconds. */
const LIMIT_MS = 500;
const TRIES = 3;

function expressions(): { file: string; source: string; flags: string }[] {
  return ["src", "bridge"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`)
      .filter((file) => !SETTINGS_ONLY.some((known) => file.startsWith(known)))
      .flatMap((file) =>
        [...readFileSync(join(root, file), "utf8").matchAll(LITERAL)].map(([, source = "", flags = ""]) => ({
          ...{ file, source, flags },
        })),
      ),
  );
}

/** Texts that repeat what the expression speaks of, behind what it begins with, and end in what it does not expect. */
function attacks(source: string): string[] {
  const words = source.replace(/\\[a-zA-Z]|\(\?[:!=<]+|[[\](){}^$*+?|]/g, " ").split(" ");
  const head = /^\^?((?:[\w@"!: ]|\\[/.])*)/.exec(source)?.[1]?.replaceAll("\\", "") ?? "";
  const heads = new Set(["", head, `${head}x`]);
  const units = new Set([
    " ",
    "a",
    "0",
    "/",
    ".",
    "=",
    "\t",
    "a ",
    "/a",
    ...words.map((word) => word.replaceAll("\\", "")),
  ]);
  units.delete("");
  return [...heads].flatMap((start) =>
    [...units].map((unit) => `${start}${unit.repeat(TEXT_LENGTH / unit.length)}\0y`),
  );
}

const context = createContext({ expression: /x/, text: "" });
const script = new Script("expression.test(text)");

function isLinear(source: string, flags: string, text: string): boolean {
  Object.assign(context, { expression: new RegExp(source, flags), text });
  // A machine that stands still for a moment does so once.
  return Array.from({ length: TRIES }).some(() => {
    try {
      script.runInContext(context, { timeout: LIMIT_MS });
      return true;
    } catch {
      return false;
    }
  });
}

test("finds expressions that are not linear", () => {
  const slow = ["^Bearer +(.+?) *$", "\\/+$", "(a+)+$"];
  expect(slow.filter((source) => attacks(source).every((text) => isLinear(source, "i", text)))).toEqual([]);
});

test("every expression is linear", () => {
  const all = expressions();
  expect(all.length).toBeGreaterThan(50);
  const slow = all.filter(
    ({ source, flags }) => !attacks(source).every((text) => isLinear(source, flags, text)),
  );
  expect(slow).toEqual([]);
}, 60_000);
