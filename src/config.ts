/**
 * The settings: one table of names, defaults and meanings. README's table and `.env.example` are tested against it.
 * Nothing else of the program reads the environment.
 */
import { z } from "zod";
import { clientAddressBehind } from "./client-address.ts";

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
      "Addresses and subnets of proxies whose X-Forwarded-For names the client, as 10.0.0.0/8,127.0.0.1; unset: none",
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
  { name: "DATABASE_URL", meaning: "PostgreSQL; unset: the embedded database under DATA_DIR" },
  { name: "DATABASE_CONNECTIONS", default: "10", meaning: "Connections to PostgreSQL per process" },
  {
    name: "REDIS_URL",
    meaning:
      "Redis or Valkey (redis://, rediss://, redis+sentinel://, redis+cluster://); unset: in memory, one process",
  },
  { name: "ROLE", default: "all", meaning: "all, gateway or bridge: what this process does" },
  {
    name: "ADMIN_TOKEN",
    meaning:
      "Bearer token of the admin API; unset: the API is off, except that the embedded default makes one under DATA_DIR",
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
  { name: "PASSWORD_MIN_LENGTH", default: "1", meaning: "Least number of characters of a new password" },
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
  { name: "TRANSPORT", meaning: "uws or ws; unset: uws where its addon loads" },
  {
    name: "HEARTBEAT_MS",
    default: "25000",
    meaning: "How often a client must say something, in milliseconds; told to clients in ready",
  },
  {
    name: "DRAIN_MS",
    default: "2000",
    meaning: "How long a stopping gateway may take to tell its sessions to reconnect, in milliseconds",
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

const port = z.coerce.number().int().min(0).max(65_535);

const schema = z.object({
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: port.default(8080),
  PUBLIC_URL: z.url().optional(),
  TRUSTED_PROXIES: z
    .string()
    .refine(isProxyList, "must be addresses and subnets, as 10.0.0.0/8,127.0.0.1")
    .optional(),
  DATA_DIR: z.string().min(1).default("./data"),
  ATTACHMENTS_URL: z
    .url({ protocol: /^https?$/, error: "must be https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…" })
    .optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .optional(),
  DATABASE_CONNECTIONS: z.coerce.number().int().min(2).max(500).default(10),
  REDIS_URL: z
    .string()
    .regex(/^redis/, "must start with redis:// (or rediss://, redis+sentinel://, redis+cluster://)")
    .optional(),
  ROLE: z.enum(["all", "gateway", "bridge"]).default("all"),
  ADMIN_TOKEN: z.string().optional(),
  DEMO: z.enum(["auto", "on", "off"]).default("auto"),
  AUTH_JWKS_URL: z.url().optional(),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  PASSWORD_MIN_LENGTH: z.coerce.number().int().min(1).max(128).default(1),
  RATE_LIMITS: z.enum(["on", "off"]).default("on"),
  WEBHOOK_ALLOW_PRIVATE: z.enum(["true", "false"]).default("false"),
  TRANSPORT: z.enum(["uws", "ws"]).optional(),
  HEARTBEAT_MS: z.coerce.number().int().min(1_000).max(300_000).default(25_000),
  DRAIN_MS: z.coerce.number().int().min(0).max(600_000).default(2_000),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info"),
  MATRIX_HOMESERVER_URL: z.union([z.literal("off"), z.url()]).optional(),
  MATRIX_PORT: port.default(8008),
  MATRIX_SERVER_NAME: z.string().min(1).max(200).default("localhost"),
  MATRIX_PUBLIC_URL: z.url().optional(),
  MATRIX_REGISTRATION: z.string().optional(),
  MATRIX_APPSERVICE_URL: z.url().optional(),
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

export type Config = z.infer<typeof schema>;

/**
 * Reads settings from an environment. An empty variable counts as unset.
 * @throws Error that names every variable that breaks its rule
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    SETTINGS.flatMap(({ name }) => (env[name] === undefined || env[name] === "" ? [] : [[name, env[name]]])),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
  throw new Error(
    `Settings that can't be used:\n${problems.join("\n")}\nSee the settings table in README.md.`,
  );
}
