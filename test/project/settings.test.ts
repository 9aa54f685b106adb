import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { HELP } from "../../src/app/help.ts";
import { readConfig, readSettings, SETTINGS } from "../../src/config.ts";
import { SECRET_SETTINGS } from "../../src/config-secrets.ts";

const root = resolve(import.meta.dirname, "../..");
/** What a number with a unit is called by: a number of milliseconds ends in _MS. */
const UNIT_NAMES: Record<string, RegExp> = {
  milliseconds: /_MS$/,
  days: /_DAYS$/,
  connections: /_CONNECTIONS$/,
};
/** Numbers that count nothing. */
const NUMBERS_ALONE = ["PORT", "MATRIX_PORT"];

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
    const expected = SETTINGS.map(({ name, default: value, meaning }) => ({
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
    expect(named).toEqual(SETTINGS.map(({ name, default: value }) => `${name}=${value ?? ""}`));
  });

  test("--help has a line for every setting, with its meaning, and its default or an example", () => {
    for (const { name, default: value, meaning, example } of SETTINGS) {
      const line = HELP.split("\n").find((text) => text.trimStart().startsWith(`${name} `));
      expect(line, name).toContain(meaning);
      if (value !== undefined) expect(line).toContain(`[${value}]`);
      if (example !== undefined) expect(line).toContain(example);
    }
  });

  test("every setting has a meaning, and a default, an example or a secret for its value", () => {
    const bare = SETTINGS.filter(
      ({ name, default: value, meaning, example }) =>
        meaning === "" ||
        (value ?? example ?? SECRET_SETTINGS.find((secret) => secret === name)) === undefined,
    );
    expect(bare).toEqual([]);
  });

  test.each(SETTINGS.filter(({ example }) => example !== undefined))("$name may be $example", (setting) => {
    const { name, example } = setting;
    const needed = { ...(name === "TURN_URLS" && { TURN_SECRET: "s" }), OIDC_CLIENT_ID: "c" };
    const given = { ...needed, [name]: example };
    const known = readConfig(given) as Record<string, unknown>;
    expect([known[name]].flat().join(",")).toBe(example);
  });

  test("a number says what it counts, in its meaning and where it can in its name", () => {
    const config = readConfig({}) as Record<string, unknown>;
    for (const { name, unit, meaning } of SETTINGS) {
      const counts = typeof config[name] === "number" && !NUMBERS_ALONE.includes(name);
      expect(unit !== undefined, name).toBe(counts);
      if (unit === undefined) continue;
      expect(meaning.toLowerCase()).toContain(unit);
      expect(name).toMatch(UNIT_NAMES[unit] ?? /./);
    }
  });

  test("[B.8.1] passwords have eight characters at least, unless the operator wants something else", () => {
    expect(readConfig({}).PASSWORD_MIN_LENGTH).toBe(8);
    expect(readConfig({ PASSWORD_MIN_LENGTH: "10" }).PASSWORD_MIN_LENGTH).toBe(10);
  });

  test("defaults of the table are the defaults of the program", () => {
    const config = readConfig({}) as Record<string, unknown>;
    for (const { name, default: value } of SETTINGS) {
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

/** A gateway that is right as it is. */
const GATEWAY = {
  ROLE: "gateway",
  DATABASE_URL: "postgres://causeway:pw@db/causeway",
  REDIS_URL: "redis://redis",
  MATRIX_HOMESERVER_URL: "off",
  PUBLIC_URL: "https://chat.example.org",
};
const BRIDGE = {
  ...GATEWAY,
  ROLE: "bridge",
  MATRIX_HOMESERVER_URL: "http://synapse:8008",
  MATRIX_APPSERVICE_URL: "http://bridge:8080",
};
const TOKEN = "a-token-of-some-length";
const OIDC = { OIDC_ISSUER: "https://id.example.org", OIDC_CLIENT_ID: "causeway" };
const LISTED = { issuer: "https://id.example.org", audience: "us", jwksUrl: "https://id.example.org/k" };

describe("settings that contradict each other", () => {
  test.each([
    GATEWAY,
    BRIDGE,
    OIDC,
    {},
    { ...GATEWAY, ADMIN_TOKEN: TOKEN },
    { ...GATEWAY, REDIS_URL: "memory" },
  ])("%j is taken without a word", (env) => {
    expect(readSettings(env).warnings).toEqual([]);
  });

  test.each([
    [{ ...GATEWAY, DATABASE_URL: "" }, "DATABASE_URL: ROLE=gateway needs"],
    [{ ...BRIDGE, DATABASE_URL: "" }, "DATABASE_URL: ROLE=bridge needs"],
    [{ ...GATEWAY, REDIS_URL: "" }, "REDIS_URL: ROLE=gateway needs"],
    [{ ...BRIDGE, REDIS_URL: "" }, "REDIS_URL: ROLE=bridge needs"],
    [{ ...BRIDGE, MATRIX_HOMESERVER_URL: "" }, "MATRIX_HOMESERVER_URL: ROLE=bridge needs"],
    [{ ...BRIDGE, MATRIX_HOMESERVER_URL: "off" }, "MATRIX_HOMESERVER_URL: ROLE=bridge needs"],
    [{ ...GATEWAY, ADMIN_TOKEN: "fifteen-letters" }, "ADMIN_TOKEN: must have at least 16 characters"],
    [{ PORT: "http" }, "PORT: must be a whole number"],
    [{ DRAIN_MS: "1.5" }, "DRAIN_MS: must be a whole number"],
    [{ STUN_URLS: "stun.example.org" }, "STUN_URLS: must be as stun:host:port"],
    [{ TURN_URLS: "turn:a:1,http://b", TURN_SECRET: "s" }, "TURN_URLS: must be as turn:host:port"],
    [{ TURN_URLS: "turn:turn.example.org:3478" }, "TURN_SECRET: is needed with TURN_URLS"],
    [{ REDIS_URL: "redis://one,two" }, "REDIS_URL: several hosts need"],
    [{ OIDC_ISSUER: "https://id.example.org" }, "OIDC_CLIENT_ID: is needed with OIDC_ISSUER"],
    [{ ...OIDC, OIDC_ISSUER: "http://id.example.org" }, "OIDC_ISSUER: must be https"],
    [{ ...OIDC, OIDC_APPS: "javascript:" }, "OIDC_APPS: must be origins and schemes"],
    [{ ...OIDC, OIDC_APPS: "http://app.example.org" }, "OIDC_APPS: must be origins and schemes"],
    [{ ...OIDC, OIDC_APPS: "https://app.example.org/path" }, "OIDC_APPS: must be origins and schemes"],
    [{ ...OIDC, OIDC_SCOPES: "profile email" }, "OIDC_SCOPES: must have openid"],
    [{ ...OIDC, OIDC_ORGANIZATIONS: "acme=one" }, "OIDC_ORGANIZATIONS: must be ids, or pairs"],
    [{ ...OIDC, OIDC_ORGANIZATIONS: "acme=1" }, "OIDC_ORGANIZATIONS_CLAIM: is needed"],
    [{ ...OIDC, OIDC_ROLES: "a=owner", OIDC_ROLES_CLAIM: "r" }, "OIDC_ROLES: must be pairs"],
    [{ ...OIDC, OIDC_ROLES: "a=admin" }, "OIDC_ROLES_CLAIM: is needed"],
    [{ ATTACHMENTS_URL: "https://s3.example.org/bucket" }, "ATTACHMENTS_URL: must hold ACCESS_KEY"],
    [{ PUBLIC_URL: "ftp://chat.example.org" }, "PUBLIC_URL: must be a URL that starts with http"],
    [{ PUBLIC_URL: "https://chat.example.org/?a" }, "PUBLIC_URL: must be a base URL"],
    [{ MATRIX_HOMESERVER_URL: "synapse:8008" }, "MATRIX_HOMESERVER_URL: must be a URL that starts with http"],
    [{ MATRIX_SERVER_NAME: "https://example.org" }, "MATRIX_SERVER_NAME: must be a host name"],
    [{ DATABASE_PASSWORD: "pw" }, "DATABASE_PASSWORD: needs a DATABASE_URL"],
    [{ ...GATEWAY, DATABASE_PASSWORD: "pw" }, "DATABASE_PASSWORD: is set, and the URL holds a password too"],
  ])("%j is refused: %s", (env, reason) => {
    expect(() => readSettings(env)).toThrowError(`  ${reason}`);
  });

  test.each([
    ["{", "AUTH_ISSUERS: Invalid input: expected array"],
    [JSON.stringify([]), "AUTH_ISSUERS: Too small"],
    [
      JSON.stringify([{ ...LISTED, jwksUrl: undefined }]),
      "AUTH_ISSUERS: 0 needs one of jwksUrl, publicKey and secret",
    ],
    [JSON.stringify([{ ...LISTED, secret: "s".repeat(32) }]), "AUTH_ISSUERS: 0 needs one of"],
    [JSON.stringify([{ ...LISTED, jwksUrl: "ftp://id" }]), "AUTH_ISSUERS: 0.jwksUrl must be a URL"],
    [
      JSON.stringify([{ issuer: "a", audience: "b", secret: "hush-hush" }]),
      "AUTH_ISSUERS: 0.secret must have at least 32",
    ],
    [
      JSON.stringify([{ issuer: "a", audience: "b", publicKey: "hush-hush" }]),
      "AUTH_ISSUERS: 0.publicKey must be",
    ],
    [JSON.stringify([{ ...LISTED, organisations: [1] }]), "AUTH_ISSUERS: 0 Unrecognized key"],
    [JSON.stringify([LISTED, LISTED]), "AUTH_ISSUERS: has two entries"],
  ])("the list of issuers %s is refused: %s", (text, reason) => {
    expect(() => readConfig({ AUTH_ISSUERS: text })).toThrowError(reason);
    expect(() => readConfig({ AUTH_ISSUERS: text })).not.toThrowError(/hush/);
  });

  test("a list of issuers stands beside the settings of one, if each issuer is told once", () => {
    const one = { AUTH_JWKS_URL: "https://one.example.org/k", AUTH_AUDIENCE: "us" };
    const AUTH_ISSUERS = JSON.stringify([{ ...LISTED, organizations: [1] }]);
    expect(() => readSettings({ ...one, AUTH_ISSUERS })).toThrowError("AUTH_ISSUER: is needed");
    const doubled = { ...one, AUTH_ISSUERS, AUTH_ISSUER: LISTED.issuer };
    expect(() => readSettings(doubled)).toThrowError("AUTH_ISSUERS: has an entry for AUTH_ISSUER too");
    const { config, warnings } = readSettings({ ...one, AUTH_ISSUERS, AUTH_ISSUER: "one" });
    expect(warnings).toEqual([]);
    expect(config.AUTH_ISSUERS).toEqual([
      {
        issuer: LISTED.issuer,
        audience: "us",
        keys: { jwksUrl: LISTED.jwksUrl },
        claims: { handle: "sub", name: "name" },
        organizations: [1],
        administrators: false,
      },
    ]);
  });

  test("servers for calls are lists", () => {
    const env = {
      STUN_URLS: "stun:a:3478, stuns:b",
      TURN_URLS: "turns:c:443?transport=tcp",
      TURN_SECRET: "s",
    };
    expect(readConfig(env)).toMatchObject({
      STUN_URLS: ["stun:a:3478", "stuns:b"],
      TURN_URLS: ["turns:c:443?transport=tcp"],
    });
  });

  test("every reason is told at the same start, whatever kind it is of", () => {
    const env = { ROLE: "gateway", PORT: "x", ADMIN_TOKEN_FILE: "/nowhere", REDIS_PASSWORD: "pw" };
    expect(() => readSettings(env)).toThrowError(
      /ADMIN_TOKEN_FILE: \/nowhere can't be read \(ENOENT\)[\s\S]*PORT: [\s\S]*DATABASE_URL: [\s\S]*REDIS_URL: /,
    );
  });

  test.each([
    [{ DATABASE_URL: GATEWAY.DATABASE_URL }, "REDIS_URL: is unset"],
    [{ ...GATEWAY, PUBLIC_URL: "" }, "PUBLIC_URL: is unset"],
    [{ ...GATEWAY, MATRIX_HOMESERVER_URL: "" }, "MATRIX_HOMESERVER_URL: is unset"],
    [{ ...BRIDGE, MATRIX_APPSERVICE_URL: "" }, "MATRIX_APPSERVICE_URL: is unset"],
    [{ ADMIN_TOKEN: "short" }, "ADMIN_TOKEN: must have at least 16"],
    [{ TRUSTED_PROXIES: "10.0.0.1, 0.0.0.0/0" }, "TRUSTED_PROXIES: trusts every address"],
    [{ AUTH_JWKS_URL: "https://id.example.org/k", AUTH_AUDIENCE: "us" }, "AUTH_ISSUER: is unset"],
    [{ AUTH_JWKS_URL: "https://id.example.org/k", AUTH_ISSUER: "id" }, "AUTH_AUDIENCE: is unset"],
    [
      { AUTH_JWKS_URL: "http://id.example.org/k", AUTH_ISSUER: "id", AUTH_AUDIENCE: "us" },
      "AUTH_JWKS_URL: is plain http",
    ],
    [{ AUTH_AUDIENCE: "us" }, "AUTH_AUDIENCE: means nothing"],
    [{ OIDC_CLIENT_ID: "c" }, "OIDC_CLIENT_ID: means nothing"],
    [
      { AUTH_ISSUERS: JSON.stringify([LISTED, { ...LISTED, issuer: "b", organizations: [1] }]) },
      "AUTH_ISSUERS: https://id.example.org has no organizations",
    ],
    [
      { AUTH_ISSUERS: JSON.stringify([{ ...LISTED, jwksUrl: "http://id.example.org/k" }]) },
      "AUTH_ISSUERS: the jwksUrl of https://id.example.org is plain http",
    ],
    [{ MATRIX_HOMESERVR_URL: "http://synapse:8008" }, "MATRIX_HOMESERVR_URL: is no setting"],
  ])("%j is taken with a warning: %s", (env, reason) => {
    expect(readSettings(env).warnings).toEqual([expect.stringContaining(reason)]);
  });

  test("what Kubernetes tells of its services is no misspelt setting", () => {
    const links = {
      REDIS_SERVICE_HOST: "10.0.0.1",
      REDIS_PORT_6379_TCP_ADDR: "10.0.0.1",
      REDIS_PORT: "tcp://x",
    };
    expect(readSettings(links).warnings).toEqual([]);
  });
});

describe("settings from files", () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-secrets-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test("a secret is read from the file that its name with _FILE names, and passwords get into their URLs", () => {
    const { config, warnings } = readSettings({
      ...GATEWAY,
      DATABASE_URL: "postgres://causeway@db-1:5432,db-2:5432/causeway",
      REDIS_URL: "redis+sentinel://a:1,b:2/main",
      ADMIN_TOKEN_FILE: file("token", `${TOKEN}\n`),
      DATABASE_PASSWORD_FILE: file("database", "p@ss/word\n"),
      REDIS_PASSWORD_FILE: file("redis", "secret\n"),
    });
    expect(config).toMatchObject({
      ADMIN_TOKEN: TOKEN,
      DATABASE_URL: "postgres://causeway:p%40ss%2Fword@db-1:5432,db-2:5432/causeway",
      REDIS_URL: "redis+sentinel://:secret@a:1,b:2/main",
    });
    expect(warnings).toEqual([]);
  });

  test("a file that is empty, and one beside its setting, are refused without a word of what they hold", () => {
    const read = () =>
      readSettings({
        ADMIN_TOKEN: TOKEN,
        ADMIN_TOKEN_FILE: file("token", "other"),
        REDIS_URL_FILE: file("e", "\n"),
      });
    expect(read).toThrowError(
      /REDIS_URL_FILE: .* is empty[\s\S]*ADMIN_TOKEN: is set, and ADMIN_TOKEN_FILE too/,
    );
    expect(read).not.toThrowError(/other|some-length/);
  });
});
