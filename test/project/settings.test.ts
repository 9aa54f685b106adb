import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig, SETTINGS, type Setting } from "../../src/config.ts";

const root = resolve(import.meta.dirname, "../..");
const settings: readonly Setting[] = SETTINGS;

describe("settings", () => {
  test("README's table is the table of the code", () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.*) \| (.*) \|$/gm)].map(
      ([, name, value, meaning]) => ({
        name,
        value,
        meaning,
      }),
    );
    const expected = settings.map(({ name, default: value, meaning }) => ({
      name,
      value: value === undefined ? "" : `\`${value}\``,
      meaning,
    }));
    expect(rows.map((row) => ({ ...row, value: row.value?.trim() }))).toEqual(expected);
  });

  test(".env.example names every setting with its default", () => {
    const [text = ""] = readFileSync(join(root, ".env.example"), "utf8").split("# ── docker-compose.yml");
    const lines = text.split("\n");
    const named = lines.filter((line) => /^#?[A-Z_]+=/.test(line)).map((line) => line.replace(/^#/, ""));
    expect(named).toEqual(settings.map(({ name, default: value }) => `${name}=${value ?? ""}`));
  });

  test("[B.8.1] passwords have no least length unless the operator wants one", () => {
    expect(readConfig({}).PASSWORD_MIN_LENGTH).toBe(1);
    expect(readConfig({ PASSWORD_MIN_LENGTH: "10" }).PASSWORD_MIN_LENGTH).toBe(10);
  });

  test("defaults of the table are the defaults of the program", () => {
    const config = readConfig({}) as Record<string, unknown>;
    for (const { name, default: value } of settings) {
      expect(config[name] === undefined ? undefined : String(config[name]), name).toBe(value);
    }
  });

  test("a wrong value is refused with its name and its rule, all of them at once", () => {
    expect(() => readConfig({ PORT: "65536", ROLE: "boss", DATABASE_URL: "mysql://x" })).toThrowError(
      /PORT: .*65535[\s\S]*DATABASE_URL: must start with postgres[\s\S]*ROLE: /,
    );
  });

  test("an empty variable counts as unset", () => {
    expect(readConfig({ DATABASE_URL: "", PORT: "" }).PORT).toBe(8080);
  });
});
