/**
 * The application service registration: the file with the tokens by which homeserver and bridge know each other. Both read
 * the same file. Its tokens are made once and kept; everything else follows the settings.
 */
import { randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Config } from "../../src/config.ts";
import { type AppserviceRegistration, withoutSlash } from "./homeserver.ts";

export interface RegistrationOptions {
  path: string;
  /** Where the homeserver reaches this bridge. */
  appserviceUrl: string;
  /** Localparts of all ghosts start with this. */
  prefix: string;
  /** The part of Matrix ids behind the colon. */
  serverName: string;
}

export interface RegistrationFile extends AppserviceRegistration {
  path: string;
  /**
   * What this call did to the file; `outdated`: it is an older Causeway's, and can't be written. After a change the homeserver
   * has to read it again.
   */
  change: "made" | "rewritten" | "outdated" | null;
}

const OWNER_ONLY = 0o600;
const HEADER = `# Application service registration of Causeway. The tokens are secrets: keep this file to yourself and the homeserver.
# A homeserver reads it at its start only. Everything but the tokens and the id follows Causeway's settings.
`;

const namespace = z.object({ exclusive: z.boolean(), regex: z.string() });
const schema = z.object({
  id: z
    .string()
    .min(1)
    .regex(/^[^|]+$/, "must not hold a |"),
  url: z.string(),
  as_token: z.string().min(1),
  hs_token: z.string().min(1),
  sender_localpart: z.string().min(1),
  namespaces: z.object({ users: z.array(namespace) }),
});
type Contents = z.infer<typeof schema>;

/** The path of the file and its contents, from the settings. */
export function registrationOptions(
  config: Pick<
    Config,
    | "MATRIX_REGISTRATION"
    | "MATRIX_APPSERVICE_URL"
    | "MATRIX_USER_PREFIX"
    | "MATRIX_SERVER_NAME"
    | "DATA_DIR"
    | "PORT"
  >,
): RegistrationOptions {
  return {
    path: config.MATRIX_REGISTRATION ?? join(config.DATA_DIR, "matrix-registration.yaml"),
    appserviceUrl: withoutSlash(config.MATRIX_APPSERVICE_URL ?? `http://127.0.0.1:${config.PORT}`),
    prefix: config.MATRIX_USER_PREFIX,
    serverName: config.MATRIX_SERVER_NAME,
  };
}

/**
 * Reads the registration, or makes one that only its owner can read. When URL, prefix, server name or the namespaces that
 * Causeway wants changed, the file is written again with the same tokens. A file that can't be written, and whose namespaces alone
 * are old, is used as it is.
 * @throws Error that names the file, the field and what to do
 */
export function readOrMakeRegistration(options: RegistrationOptions): RegistrationFile {
  if (!existsSync(options.path)) {
    const made = contents(options, {
      id: `causeway-${randomBytes(3).toString("hex")}`,
      as_token: newToken(),
      hs_token: newToken(),
    });
    if (writeNew(options.path, made)) return registrationOf(made, options, "made");
  }
  const kept = readContents(options.path);
  const wanted = contents(options, kept);
  if (kept.as_token === kept.hs_token) throw unusable(options.path, ["hs_token: must differ from as_token"]);
  if (isCurrent(kept, wanted)) return registrationOf(kept, options, null);
  try {
    replace(options.path, wanted);
  } catch (error) {
    if (!isUsable(kept, options)) throw error;
    return registrationOf(kept, options, "outdated");
  }
  return registrationOf(wanted, options, "rewritten");
}

function contents(options: RegistrationOptions, current: Pick<Contents, "id" | "as_token" | "hs_token">) {
  const { prefix, appserviceUrl } = options;
  return {
    id: current.id,
    url: appserviceUrl,
    as_token: current.as_token,
    hs_token: current.hs_token,
    sender_localpart: `${prefix}sender`,
    // Causeway has its own limits, so the homeserver must not limit the bridge.
    rate_limited: false,
    receive_ephemeral: true,
    // The same flag under its name before Matrix v1.13.
    "de.sorunome.msc2409.push_ephemeral": true,
    namespaces: {
      users: usersOf(options),
      aliases: [{ exclusive: true, regex: ownNames("#", options, ".*") }],
      rooms: [],
    },
  };
}

/**
 * Synapse leaves users of an exclusive namespace out of push rules and of the user directory: whoever signed in as one would
 * have no notification. So people's names, which begin with a digit, are not exclusive. Those of guests, the bot and the
 * sender are: nobody signs in as these. That no stranger registers a person's name is what open-registration.ts is for.
 */
function usersOf(options: RegistrationOptions): { exclusive: boolean; regex: string }[] {
  return [
    { exclusive: false, regex: ownNames("@", options, "[0-9].*") },
    { exclusive: true, regex: ownNames("@", options, "[^0-9].*") },
  ];
}

function ownNames(sigil: string, { prefix, serverName }: RegistrationOptions, rest: string): string {
  return `${sigil}${escaped(prefix)}${rest}:${escaped(serverName)}`;
}

/** Escapes a text for regular expressions of any language: only characters that are special in all of them. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function newToken(): string {
  return randomBytes(32).toString("base64url");
}

function readContents(path: string): Contents {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${path} can't be read: ${(error as Error).message}. Make it readable for this user`);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw unusable(path, [`it is no YAML: ${(error as Error).message.split("\n")[0]}`]);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unusable(
    path,
    parsed.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`),
  );
}

function unusable(path: string, problems: string[]): Error {
  return new Error(
    `The registration ${path} can't be used:\n${problems.map((line) => `  ${line}`).join("\n")}\n` +
      "Repair it, or move it away, run `npm run matrix:registration`, and give the new file to the homeserver.",
  );
}

function isCurrent(kept: Contents, wanted: Contents): boolean {
  return (
    kept.url === wanted.url &&
    kept.sender_localpart === wanted.sender_localpart &&
    isDeepStrictEqual(kept.namespaces.users, wanted.namespaces.users)
  );
}

/** Whether the file of an older Causeway, for which all names were exclusive, lets the bridge in with these settings. */
function isUsable(kept: Contents, options: RegistrationOptions): boolean {
  const all = ownNames("@", options, ".*");
  return (
    kept.url === options.appserviceUrl &&
    kept.sender_localpart === `${options.prefix}sender` &&
    kept.namespaces.users.some(({ regex }) => regex === all)
  );
}

function registrationOf(
  { id, url, as_token, hs_token, sender_localpart }: Contents,
  { path, prefix }: RegistrationOptions,
  change: RegistrationFile["change"],
): RegistrationFile {
  const tokens = { asToken: as_token, hsToken: hs_token };
  return { id, url, ...tokens, senderLocalpart: sender_localpart, prefix, path, change };
}

/** Writes the file atomically. @returns false when another process made it first; its file is kept */
function writeNew(path: string, made: Contents): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const unfinished = writeBeside(path, made, OWNER_ONLY);
    try {
      linkSync(unfinished, path);
    } finally {
      rmSync(unfinished);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw unwritable(path, error);
  }
}

/** Replaces the file and keeps its mode: an operator may have made it readable for the homeserver's group. */
function replace(path: string, wanted: Contents): void {
  try {
    renameSync(writeBeside(path, wanted, statSync(path).mode & 0o777), path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function writeBeside(path: string, contents: Contents, mode: number): string {
  const unfinished = `${path}.${process.pid}.new`;
  // Strings are quoted because homeservers read YAML 1.1, in which words such as `no` and `on` are booleans.
  const yaml = stringify(contents, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" });
  writeFileSync(unfinished, HEADER + yaml, { mode });
  return unfinished;
}

function unwritable(path: string, error: unknown): Error {
  return new Error(
    `${path} can't be written: ${(error as Error).message}. Make its folder writable, or set MATRIX_REGISTRATION`,
  );
}
