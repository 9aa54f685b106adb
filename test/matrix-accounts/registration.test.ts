import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type RegistrationOptions, readOrMakeRegistration } from "../../bridge/homeserver/registration.ts";

let folder: string;
let options: RegistrationOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-registration-"));
  options = {
    path: join(folder, "made", "registration.yaml"),
    appserviceUrl: "http://127.0.0.1:8080",
    prefix: "cw_",
    serverName: "chat.example.org",
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Yaml {
  [field: string]: unknown;
  namespaces: Record<string, { exclusive: boolean; regex: string }[]>;
}
const contents = () => parse(readFileSync(options.path, "utf8")) as Yaml;

describe("the registration", () => {
  test("is made for its owner alone, with random tokens, and says what the homeserver needs", () => {
    const made = readOrMakeRegistration(options);
    expect(made).toMatchObject({
      url: "http://127.0.0.1:8080",
      senderLocalpart: "cw_sender",
      prefix: "cw_",
      path: options.path,
      change: "made",
    });
    expect(made.asToken).toMatch(/^[\w-]{43}$/);
    expect(made.hsToken).toMatch(/^[\w-]{43}$/);
    expect(made.hsToken).not.toBe(made.asToken);
    expect(statSync(options.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "made"))).toEqual(["registration.yaml"]);
    expect(contents()).toEqual({
      id: made.id,
      url: "http://127.0.0.1:8080",
      as_token: made.asToken,
      hs_token: made.hsToken,
      sender_localpart: "cw_sender",
      rate_limited: false,
      receive_ephemeral: true,
      "de.sorunome.msc2409.push_ephemeral": true,
      namespaces: {
        users: [
          { exclusive: false, regex: "@cw_[0-9].*:chat\\.example\\.org" },
          { exclusive: true, regex: "@cw_[^0-9].*:chat\\.example\\.org" },
        ],
        aliases: [{ exclusive: true, regex: "#cw_.*:chat\\.example\\.org" }],
        rooms: [],
      },
    });
  });

  test("takes dots of prefix and server name as they are, not as wildcards", () => {
    readOrMakeRegistration({ ...options, prefix: "c.w" });
    const regex = new RegExp(`^(?:${contents().namespaces.users?.[0]?.regex})`);
    expect("@c.w1:chat.example.org").toMatch(regex);
    expect("@cxw1:chat.example.org").not.toMatch(regex);
    expect("@c.w1:chatxexample.org").not.toMatch(regex);
  });

  test("is read back as it was made", () => {
    const made = readOrMakeRegistration(options);
    const text = readFileSync(options.path, "utf8");
    expect(readOrMakeRegistration(options)).toEqual({ ...made, change: null });
    expect(readFileSync(options.path, "utf8")).toBe(text);
  });

  test.each([
    ["URL", { appserviceUrl: "http://bridge:9000" }, { url: "http://bridge:9000" }],
    ["prefix", { prefix: "other_" }, { senderLocalpart: "other_sender", prefix: "other_" }],
    ["server name", { serverName: "other.example" }, {}],
  ])("is rewritten with the same tokens when the %s changed, and keeps its mode", (_, change, expected) => {
    const { asToken, hsToken, id } = readOrMakeRegistration(options);
    chmodSync(options.path, 0o640);
    const changed = { ...options, ...change };
    expect(readOrMakeRegistration(changed)).toMatchObject({
      asToken,
      hsToken,
      id,
      ...expected,
      change: "rewritten",
    });
    expect(statSync(options.path).mode & 0o777).toBe(0o640);
    expect(readOrMakeRegistration(changed).change).toBeNull();
  });

  test("has people's names in no exclusive namespace, and those of the bot, the sender and guests in one", () => {
    readOrMakeRegistration(options);
    const exclusive = (name: string) =>
      contents()
        .namespaces.users?.filter(({ regex }) =>
          new RegExp(`^(?:${regex})`).test(`@${name}:chat.example.org`),
        )
        .map((namespace) => namespace.exclusive);
    for (const name of ["cw_1", "cw_907", "cw_42_2"]) expect(exclusive(name), name).toEqual([false]);
    for (const name of ["cw_bot", "cw_sender", "cw_guest_9f"]) expect(exclusive(name), name).toEqual([true]);
    for (const name of ["cw1", "anna"]) expect(exclusive(name), name).toEqual([]);
  });

  /** As it was written when all names were exclusive. */
  const older = () => {
    const { asToken, hsToken, id } = readOrMakeRegistration(options);
    const users = [{ exclusive: true, regex: "@cw_.*:chat\\.example\\.org" }];
    const aliases = [{ exclusive: true, regex: "#cw_.*:chat\\.example\\.org" }];
    const text = JSON.stringify({ ...contents(), namespaces: { users, aliases, rooms: [] } });
    writeFileSync(options.path, text);
    return { text, kept: { asToken, hsToken, id } };
  };

  test("of an older Causeway is rewritten with the same tokens", () => {
    const { kept } = older();
    expect(readOrMakeRegistration(options)).toMatchObject({ ...kept, change: "rewritten" });
    expect(contents().namespaces.users).toHaveLength(2);
    expect(readOrMakeRegistration(options).change).toBeNull();
  });

  test("of an older Causeway that can't be written is used as it is, unless the settings changed", () => {
    const { text, kept } = older();
    // A folder stands where the new file would be written first.
    mkdirSync(`${options.path}.${process.pid}.new`);
    expect(readOrMakeRegistration(options)).toMatchObject({ ...kept, change: "outdated" });
    expect(readFileSync(options.path, "utf8")).toBe(text);
    const moved = { ...options, appserviceUrl: "http://bridge:9000" };
    expect(() => readOrMakeRegistration(moved)).toThrowError(/can't be written/);
  });

  const good = {
    id: "causeway",
    url: "http://127.0.0.1:8080",
    as_token: "a",
    hs_token: "h",
    sender_localpart: "cw_sender",
    namespaces: { users: [], aliases: [], rooms: [] },
  };
  test.each<[string, string, RegExp]>([
    ["no YAML", "id: [", /no YAML/],
    ["a list", "[]", /the file: .*object/],
    ["nothing", "", /the file: .*object/],
    ["a token missing", JSON.stringify({ ...good, as_token: undefined }), /as_token: .*string/],
    ["a token that is a number", JSON.stringify({ ...good, hs_token: 7 }), /hs_token: .*string/],
    ["an empty token", JSON.stringify({ ...good, as_token: "" }), /as_token: /],
    ["equal tokens", JSON.stringify({ ...good, as_token: "h" }), /hs_token: must differ/],
    ["a bar in the id", JSON.stringify({ ...good, id: "a|b" }), /id: must not hold a \|/],
    ["no namespaces", JSON.stringify({ ...good, namespaces: {} }), /namespaces\.users: /],
  ])("is refused with %s: file, field and what to do are named, and the file stays", (_, text, field) => {
    options.path = join(folder, "registration.yaml");
    writeFileSync(options.path, text);
    expect(() => readOrMakeRegistration(options)).toThrowError(field);
    expect(() => readOrMakeRegistration(options)).toThrowError(options.path);
    expect(() => readOrMakeRegistration(options)).toThrowError(/npm run matrix:registration/);
    expect(readFileSync(options.path, "utf8")).toBe(text);
  });
});

describe("npm run matrix:registration", () => {
  const program = resolve(import.meta.dirname, "../../dist/bridge/registration-cli.js");
  const run = (args: string[], env: Record<string, string> = {}) =>
    promisify(execFile)(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH, DATA_DIR: folder, ...env },
    });

  test("writes the file under DATA_DIR by the settings and says what to do with it", async () => {
    const path = join(folder, "matrix-registration.yaml");
    const { stdout } = await run([], { PORT: "9123", MATRIX_SERVER_NAME: "chat.example.org" });
    expect(parse(readFileSync(path, "utf8"))).toMatchObject({ url: "http://127.0.0.1:9123" });
    expect(stdout).toContain(`Made the registration: ${path}`);
    expect(stdout).toContain("app_service_config_files");
    expect(stdout).toContain("MATRIX_SERVER_NAME=chat.example.org");
    const secrets = readOrMakeRegistration({ ...options, path });
    expect(stdout).not.toContain(secrets.asToken);
    expect(stdout).not.toContain(secrets.hsToken);
  });

  test("names every setting without which the next start would write another file", async () => {
    const given = {
      MATRIX_SERVER_NAME: "chat.example.org",
      MATRIX_APPSERVICE_URL: "http://causeway.internal:8080",
      MATRIX_USER_PREFIX: "chat_",
    };
    const { stdout } = await run([], given);
    for (const [name, value] of Object.entries(given)) expect(stdout).toContain(`${name}=${value}`);
  });

  test("--help tells settings and options, and writes nothing", async () => {
    const { stdout } = await run(["--help"]);
    for (const word of ["MATRIX_REGISTRATION", "MATRIX_APPSERVICE_URL", "--admin-token-file"]) {
      expect(stdout).toContain(word);
    }
    expect(existsSync(join(folder, "matrix-registration.yaml"))).toBe(false);
  });

  test.each([
    ["an unknown option", ["--frobnicate"], /--frobnicate/],
    ["a file that is not there", ["--admin-token-file", "/no/such/file"], /\/no\/such\/file/],
    ["both proofs at once", ["--admin-token-file", "x", "--shared-secret-file", "y"], /not both/],
  ])("refuses %s with one message and code 1", async (_, args, message) => {
    await expect(run(args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(message) as string,
    });
  });

  test("says where it looked when there is no homeserver", async () => {
    const file = join(folder, "token");
    writeFileSync(file, "some-token\n");
    const refused = run(["--admin-token-file", file], { MATRIX_HOMESERVER_URL: "http://127.0.0.1:9" });
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Is Synapse at http://127.0.0.1:9") as string,
    });
  });
});
