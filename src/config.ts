/**
 * The settings: one table of names, defaults and meanings. README's table and `.env.example` are tested against it.
 * Nothing else of the program reads the environment.
 */
import { z } from "zod";
import { clientAddressBehind } from "./app/client-address.ts";
import { parseS3Url } from "./attachments/s3.ts";
import { contradictions, doubts, IN_MEMORY } from "./config-rules.ts";
import { type Environment, withPassword, withSecretFiles } from "./config-secrets.ts";
import { parseRedisUrl } from "./hot/redis/connection/url.ts";

export interface Setting {
  name: string;
  /** The value when the variable is unset; undefined: none. */
  default?: string;
  meaning: string;
}

export const SETTINGS = [
  { name: "HOST", default: "127.0.0.1", meaning: "Address to listen on" },
  {
    name: "PORT",
    default: "8080",
    meaning: "Port of the WebSocket and of every HTTP API; 0 takes a free one",
  },
  {
    name: "PUBLIC_URL",
    meaning: "Base URL under which clients reach this server; unset: taken from HOST and PORT",
  },
  {
    name: "TRUSTED_PROXIES",
    meaning:
      "Addresses and subnets of proxies whose X-Forwarded-For names the client, as 10.0.0.0/8,127.0.0.1; unset: none, and everybody behind a proxy shares one address and its limits",
  },
  {
    name: "DATA_DIR",
    default: "./data",
    meaning: "Folder of the embedded database, the local homeserver, attachments and generated secrets",
  },
  {
    name: "ATTACHMENTS_URL",
    meaning:
      "S3-compatible storage of attachments, https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…; unset: attachments under DATA_DIR",
  },
  {
    name: "FILES_PER_USER",
    default: "1073741824",
    meaning: "Most bytes of one person's attachments together, 1 GiB; 0: no bound",
  },
  {
    name: "FILES_PER_ORGANIZATION",
    default: "107374182400",
    meaning: "Most bytes of the attachments of an organization's people together, 100 GiB; 0: no bound",
  },
  { name: "DATABASE_URL", meaning: "PostgreSQL; unset: the embedded database under DATA_DIR" },
  {
    name: "DATABASE_PASSWORD",
    meaning: "Password for DATABASE_URL, when it holds none",
  },
  { name: "DATABASE_CONNECTIONS", default: "10", meaning: "Connections to PostgreSQL per process" },
  {
    name: "DATABASE_PREPARE",
    default: "on",
    meaning:
      "on or off: off behind PgBouncer in transaction mode, with no prepared statements and no settings of the session (deploy/DATABASE.md)",
  },
  {
    name: "REDIS_URL",
    meaning:
      "Redis or Valkey (redis://, rediss://, redis+sentinel://, redis+cluster://); memory or unset: in memory, one process",
  },
  { name: "REDIS_PASSWORD", meaning: "Password for REDIS_URL, when it holds none" },
  { name: "ROLE", default: "all", meaning: "all, gateway or bridge: what this process does" },
  {
    name: "ADMIN_TOKEN",
    meaning:
      "Bearer token of the admin API, at least 16 characters; unset: the API is off, except that the embedded default makes one under DATA_DIR",
  },
  {
    name: "DEMO",
    default: "auto",
    meaning:
      "auto, on or off: make a demo organization with two users; auto means on with the embedded database",
  },
  {
    name: "AUTH_JWKS_URL",
    meaning: "JSON Web Key Set of an outside issuer whose JWTs name users by sub = handle",
  },
  { name: "AUTH_ISSUER", meaning: "Required iss of such JWTs" },
  { name: "AUTH_AUDIENCE", meaning: "Required aud of such JWTs" },
  {
    name: "AUTH_ADMINISTRATORS",
    default: "false",
    meaning: "true or false: whether such JWTs sign administrators in, too",
  },
  {
    name: "LOGIN_MAX_DAYS",
    default: "90",
    meaning: "After how many days a login ends, however often it was renewed",
  },
  { name: "PASSWORD_MIN_LENGTH", default: "8", meaning: "Least number of characters of a new password" },
  {
    name: "RATE_LIMITS",
    default: "on",
    meaning: "on or off: limits on sends, logins and requests per client",
  },
  {
    name: "WEBHOOK_ALLOW_PRIVATE",
    default: "false",
    meaning: "true or false: whether webhooks may reach loopback, private and link-local addresses",
  },
  {
    name: "STUN_URLS",
    meaning:
      "STUN servers that Talk's clients are told of for calls, as stun:stun.example.org:3478, with commas between",
  },
  {
    name: "TURN_URLS",
    meaning:
      "TURN servers that relay calls, as turn:turn.example.org:3478?transport=udp, with commas between; needs TURN_SECRET",
  },
  {
    name: "TURN_SECRET",
    meaning:
      "Secret that the TURN servers share (coturn's static-auth-secret); users and guests get credentials for a day from it",
  },
  { name: "TRANSPORT", meaning: "uws or ws; unset: uws where its addon loads" },
  {
    name: "HEARTBEAT_MS",
    default: "25000",
    meaning: "How often a client must say something, in milliseconds; told to clients in ready",
  },
  {
    name: "DRAIN_MS",
    default: "2000",
    meaning:
      "How long a stopping process may take to tell its sessions to reconnect and to answer requests under way, in milliseconds",
  },
  {
    name: "LAME_DUCK_MS",
    default: "0",
    meaning:
      "How long a stopping process goes on serving while /readyz says 503, so that a proxy sees it, in milliseconds",
  },
  { name: "LOG_LEVEL", default: "info", meaning: "fatal, error, warn, info, debug or silent" },
  {
    name: "MATRIX_HOMESERVER_URL",
    meaning: "Client-server API of an existing homeserver; unset: a local Synapse; off: no bridge",
  },
  { name: "MATRIX_PORT", default: "8008", meaning: "Port of the local Synapse" },
  {
    name: "MATRIX_SERVER_NAME",
    default: "localhost",
    meaning: "The homeserver's name, the part of Matrix ids behind the colon",
  },
  {
    name: "MATRIX_PUBLIC_URL",
    meaning: "Homeserver URL handed to Matrix clients; unset: MATRIX_HOMESERVER_URL",
  },
  {
    name: "MATRIX_REGISTRATION",
    meaning: "Path of the application service registration; unset: matrix-registration.yaml under DATA_DIR",
  },
  {
    name: "MATRIX_APPSERVICE_URL",
    meaning: "Where the homeserver reaches this bridge; unset: http://127.0.0.1:PORT",
  },
  {
    name: "MATRIX_USER_PREFIX",
    default: "cw_",
    meaning: "Localparts of bridged users start with this; taken into the registration",
  },
  {
    name: "MATRIX_CREDENTIALS",
    default: "synapse-admin",
    meaning: "synapse-admin or none: how passwords of Matrix accounts are set",
  },
  {
    name: "CAUSEWAY_CACHE_DIR",
    meaning: "Cache of the local homeserver's Python environment; unset: the user's cache folder",
  },
] as const satisfies readonly Setting[];

const httpUrl = z.url({ protocol: /^https?$/, error: "must be a URL that starts with http:// or https://" });
const baseUrl = httpUrl.refine((text) => !/[?#]/.test(text), "must be a base URL, without ? and #");
const wholeNumber = () =>
  z.coerce
    .number({ error: ({ code }) => (code === "invalid_type" ? "must be a whole number" : undefined) })
    .int();
const port = wholeNumber().min(0).max(65_535);

/** In bytes; 0 is no bound. */
const fileBound = wholeNumber()
  .min(0)
  .max(2 ** 50);

function serverList(rule: RegExp, reason: string) {
  return z
    .string()
    .transform((text) => text.split(",").map((one) => one.trim()))
    .refine((list) => list.every((one) => rule.test(one)), reason);
}

const schema = z.object({
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: port.default(8080),
  PUBLIC_URL: baseUrl.optional(),
  TRUSTED_PROXIES: z
    .string()
    .refine(isProxyList, "must be addresses and subnets, as 10.0.0.0/8,127.0.0.1")
    .optional(),
  DATA_DIR: z.string().min(1).default("./data"),
  ATTACHMENTS_URL: z
    .url({ protocol: /^https?$/, error: "must be https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…" })
    .superRefine(takenBy(parseS3Url))
    .optional(),
  FILES_PER_USER: fileBound.default(2 ** 30),
  FILES_PER_ORGANIZATION: fileBound.default(100 * 2 ** 30),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .optional(),
  DATABASE_PASSWORD: z.string().optional(),
  DATABASE_CONNECTIONS: wholeNumber().min(2).max(500).default(10),
  DATABASE_PREPARE: z.enum(["on", "off"]).default("on"),
  REDIS_URL: z.union([z.literal(IN_MEMORY), z.string().superRefine(takenBy(parseRedisUrl))]).optional(),
  REDIS_PASSWORD: z.string().optional(),
  ROLE: z.enum(["all", "gateway", "bridge"]).default("all"),
  ADMIN_TOKEN: z.string().optional(),
  DEMO: z.enum(["auto", "on", "off"]).default("auto"),
  AUTH_JWKS_URL: httpUrl.optional(),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  AUTH_ADMINISTRATORS: z.enum(["true", "false"]).default("false"),
  LOGIN_MAX_DAYS: wholeNumber().min(1).max(3_650).default(90),
  PASSWORD_MIN_LENGTH: wholeNumber().min(1).max(128).default(8),
  RATE_LIMITS: z.enum(["on", "off"]).default("on"),
  WEBHOOK_ALLOW_PRIVATE: z.enum(["true", "false"]).default("false"),
  STUN_URLS: serverList(/^stuns?:[^\s,/?#]+$/, "must be as stun:host:port, with commas between").optional(),
  TURN_URLS: serverList(
    /^turns?:[^\s,/?#]+(\?transport=(udp|tcp))?$/,
    "must be as turn:host:port?transport=udp, with commas between",
  ).optional(),
  TURN_SECRET: z.string().optional(),
  TRANSPORT: z.enum(["uws", "ws"]).optional(),
  HEARTBEAT_MS: wholeNumber().min(1_000).max(300_000).default(25_000),
  DRAIN_MS: wholeNumber().min(0).max(600_000).default(2_000),
  LAME_DUCK_MS: wholeNumber().min(0).max(600_000).default(0),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info"),
  MATRIX_HOMESERVER_URL: z.union([z.literal("off"), baseUrl]).optional(),
  MATRIX_PORT: port.default(8008),
  MATRIX_SERVER_NAME: z
    .string()
    .max(200)
    .regex(/^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/, "must be a host name, with an optional port")
    .default("localhost"),
  MATRIX_PUBLIC_URL: baseUrl.optional(),
  MATRIX_REGISTRATION: z.string().optional(),
  MATRIX_APPSERVICE_URL: baseUrl.optional(),
  MATRIX_USER_PREFIX: z
    .string()
    .regex(/^[a-z0-9._=-]{1,20}$/, "must be 1–20 of a–z 0–9 . _ = -")
    .default("cw_"),
  MATRIX_CREDENTIALS: z.enum(["synapse-admin", "none"]).default("synapse-admin"),
  CAUSEWAY_CACHE_DIR: z.string().optional(),
});

function isProxyList(text: string): boolean {
  try {
    clientAddressBehind(text);
    return true;
  } catch {
    return false;
  }
}

/** A rule that is a parser's: what it throws is the reason. */
function takenBy(parse: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message.replace(/^[A-Z_]+:? /, "") });
    }
  };
}

export type Config = Omit<z.infer<typeof schema>, "DATABASE_PASSWORD" | "REDIS_PASSWORD">;

export interface Settings {
  /** Passwords are in their URLs, and what a file held is in the place of its name. */
  config: Config;
  /** What works and is probably not meant, each with the setting's name. */
  warnings: string[];
}

/** The settings of {@link readSettings} alone. */
export function readConfig(env: Environment): Config {
  return readSettings(env).config;
}

/**
 * Reads settings from an environment and the files that it names. An empty variable counts as unset.
 * @throws Error that names every variable that breaks its rule, all at once
 */
export function readSettings(env: Environment): Settings {
  const problems: string[] = [];
  const full = withSecretFiles(env, (problem) => problems.push(problem));
  const names = SETTINGS.map(({ name }) => name);
  const given = Object.fromEntries(names.flatMap((name) => (full[name] ? [[name, full[name]]] : [])));
  const parsed = schema.safeParse(given);
  problems.push(...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`));
  problems.push(...contradictions(given));
  const config = parsed.data && whole(parsed.data, (problem) => problems.push(problem));
  if (config && problems.length === 0) {
    return { config, warnings: doubts(parsed.data, env, names) };
  }
  throw new Error(
    `Settings that can't be used:\n${problems.map((problem) => `  ${problem}`).join("\n")}\nSee the settings table in README.md.`,
  );
}

/** Joins URLs with their passwords. */
function whole(given: z.infer<typeof schema>, refuse: (problem: string) => void): Config {
  const { DATABASE_PASSWORD, REDIS_PASSWORD, ...config } = given;
  if (config.REDIS_URL === IN_MEMORY) delete config.REDIS_URL;
  for (const [name, password] of Object.entries({ DATABASE_PASSWORD, REDIS_PASSWORD })) {
    if (password === undefined) continue;
    const url = name === "DATABASE_PASSWORD" ? "DATABASE_URL" : "REDIS_URL";
    try {
      config[url] = withPassword(url, config[url] ?? "", password);
    } catch (error) {
      refuse(`${name}: ${(error as Error).message}`);
    }
  }
  return config;
}
