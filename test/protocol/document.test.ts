/** PROTOCOL.md is what authors of other clients read: it has to say what the code does. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/domain/errors.ts";
import { TYPING_TTL_MS } from "../../src/domain/live/presence.ts";
import { EVENT_TYPES } from "../../src/domain/model.ts";
import { RECEIPT_MEMBERS } from "../../src/domain/ports/store/receipts.ts";
import { LIMITS as DOMAIN_LIMITS } from "../../src/domain/text-rules.ts";
import { CLOSE_CODES, shouldReconnect } from "../../src/protocol/close-codes.ts";
import { ERROR_CODES } from "../../src/protocol/error-codes.ts";
import { CLIENT_SCHEMAS } from "../../src/protocol/frames.ts";
import { LIMITS } from "../../src/protocol/limits.ts";

const root = resolve(import.meta.dirname, "../..");
const text = readFileSync(join(root, "src/protocol/PROTOCOL.md"), "utf8");

/** The rows of the table with this head. */
function table(...head: string[]): string[][] {
  const lines = text.split("\n").map((line) => (line.startsWith("|") ? cellsOf(line) : null));
  const start = lines.findIndex((cells) => cells?.join() === head.join());
  expect(start, `a table with ${head}`).toBeGreaterThan(0);
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.indexOf(null)) as string[][];
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

test("the error table is the code's, and the domain's codes are all in it", () => {
  const rows = Object.entries(ERROR_CODES).map(([code, { retry, text }]) => [
    `\`${code}\``,
    String(retry),
    text,
  ]);
  expect(table("code", "retry", "meaning")).toEqual(rows);
  const retries = (codes: Record<string, { retry: boolean }>) =>
    Object.fromEntries(Object.entries(codes).map(([code, { retry }]) => [code, retry]));
  expect(retries(ERROR_CODES)).toEqual(retries(ERRORS));
});

test("the table of close codes is the code's, and ranges say whether to reconnect", () => {
  const rows = Object.entries(CLOSE_CODES).map(([name, { code, reconnect, text }]) => [
    String(code),
    `\`${name}\``,
    reconnect ? "yes" : "no",
    text,
  ]);
  expect(table("code", "name", "reconnect", "meaning")).toEqual(rows);
  for (const { code, reconnect } of Object.values(CLOSE_CODES)) {
    expect(code >= 4000 && code <= 4999).toBe(true);
    expect(reconnect, String(code)).toBe(code < 4500);
    expect(shouldReconnect(code)).toBe(reconnect);
  }
  expect([1000, 1001, 1006, 1009].every(shouldReconnect)).toBe(true);
});

test("every event type has its data", () => {
  expect(table("type", "data").map(([type]) => type)).toEqual(EVENT_TYPES.map((type) => `\`${type}\``));
});

test("every op is described", () => {
  for (const op of Object.keys(CLIENT_SCHEMAS))
    expect(text, op).toMatch(new RegExp(`op:("[a-z.]+"\\|)?"${op}"|"${op}", ref`));
});

test("the bounds are the code's", () => {
  const said = text.replaceAll("\n", " ").replaceAll(/ +/g, " ");
  const number = (value: number) => value.toLocaleString("en-US");
  expect(said).toContain(`at most ${number(LIMITS.FRAME_BYTES)} bytes`);
  expect(said).toContain(`more than ${number(LIMITS.CUT_FRAME_BYTES)} bytes`);
  expect(said).toContain(`within ${LIMITS.HELLO_WITHIN_MS / 1_000} s`);
  expect(said).toContain(`Up to ${LIMITS.FRAMES_BEFORE_READY} frames`);
  expect(said).toContain(`${number(LIMITS.COMMANDS_IN_FLIGHT)} commands of a session`);
  expect(said).toContain(`${LIMITS.FRAME_BURST} frames at once and ${LIMITS.FRAMES_PER_SECOND} a second`);
  expect(said).toContain(`1 to ${LIMITS.HISTORY_MOST}, ${LIMITS.HISTORY_DEFAULT} unless told`);
  expect(said).toContain(`${LIMITS.HISTORY_BYTES / 1_024} KiB of text`);
  expect(said).toContain(`at most ${LIMITS.SEARCH_TEXT_CODE_POINTS} code points, and at least a word`);
  expect(said).toContain(`1 to ${LIMITS.SEARCH_MOST}, ${LIMITS.SEARCH_DEFAULT} unless told`);
  expect(said).toContain(`of ${number(LIMITS.DELIVERED_ROOMS)} rooms at most`);
  expect(said).toContain(`more than ${LIMITS.RECEIPT_MEMBERS} members`);
  expect(said).toContain(`${LIMITS.SEARCHES_UNDER_WAY} searches of a user`);
  expect(said).toContain(`cut to ${LIMITS.PREVIEW_CHARACTERS} characters`);
  expect(said).toContain(`1 to ${number(LIMITS.TEXT_CODE_POINTS)} code points`);
  expect(said).toContain(`after ${LIMITS.TYPING_MS / 1_000} s of silence`);
  expect(said).toContain(`within ${LIMITS.CALL_LEAVE_MS / 1_000} s`);
});

test("the bounds that the domain judges are the domain's", () => {
  expect(LIMITS.TEXT_CODE_POINTS).toBe(DOMAIN_LIMITS.textCodePoints);
  expect(LIMITS.MESSAGE_ID_CHARACTERS).toBe(DOMAIN_LIMITS.clientIdCharacters);
  expect(LIMITS.MENTIONS).toBe(DOMAIN_LIMITS.mentions);
  expect(LIMITS.RECEIPT_MEMBERS).toBe(RECEIPT_MEMBERS);
  expect(LIMITS.TYPING_MS).toBe(TYPING_TTL_MS);
});

test("rule ids in code and tests are those of the document", () => {
  const rules = new Set(text.match(/\[GW-\d+\.\d+\]/g));
  const files = ["src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(root, folder, name)),
  );
  const unknown = files.flatMap((file) =>
    (readFileSync(file, "utf8").match(/\[GW-\d+\.\d+\]/g) ?? [])
      .filter((rule) => !rules.has(rule))
      .map((rule) => `${file} ${rule}`),
  );
  expect(unknown).toEqual([]);
  expect(rules.size).toBeGreaterThan(40);
});
