/** The table of settings: the rule of each, its default, and what it means. `--help` is made from it. */
import { z } from "zod";
import { issuerList } from "./config-issuers.ts";
import {
  baseUrl,
  fileBound,
  httpUrl,
  onOrOff,
  port,
  proxyList,
  redisUrl,
  s3Url,
  serverList,
  trueOrFalse,
  wholeNumber,
} from "./config-kinds.ts";
import { OIDC_SETTINGS } from "./config-oidc.ts";

declare module "zod" {
  interface GlobalMeta {
    /** What a number counts; the description says it too. */
    unit?: "bytes" | "characters" | "connections" | "days" | "milliseconds";
    /** A value that could be meant, for a setting without a default. */
    example?: string;
  }
}

/** By the names of the environment's variables. A setting that need not be set has a default or is optional. */
export const TABLE = z.object({
  HOST: z.string().min(1).default("127.0.0.1").meta({ description: "Address to listen on" }),
  PORT: port
    .default(8080)
    .meta({ description: "Port of the WebSocket and of every HTTP API; 0 takes a free one" }),
  PUBLIC_URL: baseUrl.optional().meta({
    description: "Base URL under which clients reach this server; unset: taken from HOST and PORT",
    example: "https://chat.example.org",
  }),
  TRUSTED_PROXIES: proxyList.optional().meta({
    description:
      "Addresses and subnets of proxies whose X-Forwarded-For names the client, as 10.0.0.0/8,127.0.0.1; unset: none, and everybody behind a proxy shares one address and its limits",
    example: "10.0.0.0/8,127.0.0.1",
  }),
  DATA_DIR: z.string().min(1).default("./data").meta({
    description: "Folder of the embedded database, the local homeserver, attachments and generated secrets",
  }),
  ATTACHMENTS_URL: s3Url.optional().meta({
    description:
      "S3-compatible storage of attachments, https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…; unset: attachments under DATA_DIR",
    example: "https://KEY:SECRET@s3.example.org/bucket?region=eu-central-1",
  }),
  FILES_PER_USER: fileBound.default(2 ** 30).meta({
    description: "Most bytes of one person's attachments together, 1 GiB; 0: no bound",
    unit: "bytes",
  }),
  FILES_PER_ORGANIZATION: fileBound.default(100 * 2 ** 30).meta({
    description: "Most bytes of the attachments of an organization's people together, 100 GiB; 0: no bound",
    unit: "bytes",
  }),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .optional()
    .meta({
      description: "PostgreSQL; unset: the embedded database under DATA_DIR",
      example: "postgres://causeway:password@db:5432/causeway",
    }),
  DATABASE_PASSWORD: z
    .string()
    .optional()
    .meta({ description: "Password for DATABASE_URL, when it holds none" }),
  DATABASE_CONNECTIONS: wholeNumber()
    .min(2)
    .max(500)
    .default(10)
    .meta({ description: "Connections to PostgreSQL per process", unit: "connections" }),
  DATABASE_PREPARE: onOrOff.default("on").meta({
    description:
      "on or off: off behind PgBouncer in transaction mode, with no prepared statements and no settings of the session (deploy/DATABASE.md)",
  }),
  REDIS_URL: redisUrl.optional().meta({
    description:
      "Redis or Valkey (redis://, rediss://, redis+sentinel://, redis+cluster://); memory or unset: in memory, one process",
    example: "redis://redis:6379",
  }),
  REDIS_PASSWORD: z.string().optional().meta({ description: "Password for REDIS_URL, when it holds none" }),
  ROLE: z
    .enum(["all", "gateway", "bridge"])
    .default("all")
    .meta({ description: "all, gateway or bridge: what this process does" }),
  ADMIN_TOKEN: z.string().optional().meta({
    description:
      "Bearer token of the admin API, at least 16 characters; unset: the API is off, except that the embedded default makes one under DATA_DIR",
  }),
  DEMO: z.enum(["auto", "on", "off"]).default("auto").meta({
    description:
      "auto, on or off: make a demo organization with two users; auto means on with the embedded database",
  }),
  AUTH_JWKS_URL: httpUrl.optional().meta({
    description: "JSON Web Key Set of an outside issuer whose JWTs name users by sub = handle",
    example: "https://id.example.org/jwks.json",
  }),
  AUTH_ISSUER: z
    .string()
    .optional()
    .meta({ description: "Required iss of such JWTs", example: "https://id.example.org" }),
  AUTH_AUDIENCE: z
    .string()
    .optional()
    .meta({ description: "Required aud of such JWTs", example: "causeway" }),
  AUTH_ADMINISTRATORS: trueOrFalse
    .default("false")
    .meta({ description: "true or false: whether such JWTs sign administrators in, too" }),
  AUTH_ISSUERS: issuerList.optional().meta({
    description:
      "More issuers of JWTs: a JSON list of objects with issuer, audience, one of jwksUrl, publicKey and secret, and what they may say (below, several issuers)",
  }),
  ...OIDC_SETTINGS,
  LOGIN_MAX_DAYS: wholeNumber()
    .min(1)
    .max(3_650)
    .default(90)
    .meta({ description: "After how many days a login ends, however often it was renewed", unit: "days" }),
  PASSWORD_MIN_LENGTH: wholeNumber()
    .min(1)
    .max(128)
    .default(8)
    .meta({ description: "Least number of characters of a new password", unit: "characters" }),
  RATE_LIMITS: onOrOff
    .default("on")
    .meta({ description: "on or off: limits on sends, logins and requests per client" }),
  WEBHOOK_ALLOW_PRIVATE: trueOrFalse.default("false").meta({
    description: "true or false: whether webhooks may reach loopback, private and link-local addresses",
  }),
  STUN_URLS: serverList(/^stuns?:[^\s,/?#]+$/, "must be as stun:host:port, with commas between")
    .optional()
    .meta({
      description:
        "STUN servers that clients of Talk and of the socket are told of for calls, as stun:stun.example.org:3478, with commas between",
      example: "stun:stun.example.org:3478",
    }),
  TURN_URLS: serverList(
    /^turns?:[^\s,/?#]+(\?transport=(udp|tcp))?$/,
    "must be as turn:host:port?transport=udp, with commas between",
  )
    .optional()
    .meta({
      description:
        "TURN servers that relay calls, as turn:turn.example.org:3478?transport=udp, with commas between; needs TURN_SECRET",
      example: "turn:turn.example.org:3478?transport=udp",
    }),
  TURN_SECRET: z.string().optional().meta({
    description:
      "Secret that the TURN servers share (coturn's static-auth-secret); users and guests get credentials for a day from it",
  }),
  TRANSPORT: z
    .enum(["uws", "ws"])
    .optional()
    .meta({ description: "uws or ws; unset: uws where its addon loads", example: "ws" }),
  HEARTBEAT_MS: wholeNumber().min(1_000).max(300_000).default(25_000).meta({
    description: "How often a client must say something, in milliseconds; told to clients in ready",
    unit: "milliseconds",
  }),
  DRAIN_MS: wholeNumber().min(0).max(600_000).default(2_000).meta({
    description:
      "How long a stopping process may take to tell its sessions to reconnect and to answer requests under way, in milliseconds",
    unit: "milliseconds",
  }),
  LAME_DUCK_MS: wholeNumber().min(0).max(600_000).default(0).meta({
    description:
      "How long a stopping process goes on serving while /readyz says 503, so that a proxy sees it, in milliseconds",
    unit: "milliseconds",
  }),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .default("info")
    .meta({ description: "fatal, error, warn, info, debug or silent" }),
  MATRIX_HOMESERVER_URL: z
    .union([z.literal("off"), baseUrl])
    .optional()
    .meta({
      description: "Client-server API of an existing homeserver; unset: a local Synapse; off: no bridge",
      example: "http://synapse:8008",
    }),
  MATRIX_PORT: port.default(8008).meta({ description: "Port of the local Synapse" }),
  MATRIX_SERVER_NAME: z
    .string()
    .max(200)
    .regex(/^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/, "must be a host name, with an optional port")
    .default("localhost")
    .meta({ description: "The homeserver's name, the part of Matrix ids behind the colon" }),
  MATRIX_PUBLIC_URL: baseUrl.optional().meta({
    description: "Homeserver URL handed to Matrix clients; unset: MATRIX_HOMESERVER_URL",
    example: "https://matrix.example.org",
  }),
  MATRIX_REGISTRATION: z.string().optional().meta({
    description:
      "Path of the application service registration; unset: matrix-registration.yaml under DATA_DIR",
    example: "/etc/causeway/matrix-registration.yaml",
  }),
  MATRIX_APPSERVICE_URL: baseUrl.optional().meta({
    description: "Where the homeserver reaches this bridge; unset: http://127.0.0.1:PORT",
    example: "http://bridge:8080",
  }),
  MATRIX_USER_PREFIX: z
    .string()
    .regex(/^[a-z0-9._=-]{1,20}$/, "must be 1–20 of a–z 0–9 . _ = -")
    .default("cw_")
    .meta({ description: "Localparts of bridged users start with this; taken into the registration" }),
  MATRIX_CREDENTIALS: z.enum(["synapse-admin", "mas", "none"]).default("synapse-admin").meta({
    description:
      "synapse-admin, mas or none: how passwords of Matrix accounts are set; mas: Matrix Authentication Service signs people in",
  }),
  MATRIX_MAS_URL: baseUrl.optional().meta({
    description: "Matrix Authentication Service, where its admin API and /oauth2/token are",
    example: "https://auth.example.org",
  }),
  MATRIX_MAS_CLIENT_ID: z.string().optional().meta({
    description: "Client of it, one of its policy.data.admin_clients",
    example: "01J44QC8BCY7FCFM7WGHQGKMTJ",
  }),
  MATRIX_MAS_CLIENT_SECRET: z.string().optional().meta({ description: "That client's client_secret" }),
  MATRIX_RECEIPTS: z
    .enum(["on", "off"])
    .default("on")
    .meta({ description: "on or off: whether read markers go to Matrix as receipts, and come from there" }),
  MATRIX_PRESENCE: z.enum(["on", "off"]).default("on").meta({
    description:
      "on or off: whether who is online is shown in Matrix, and from there; it needs a homeserver with presence switched on",
  }),
  MATRIX_ROOM_VERSION: z.enum(["11", "12"]).default("11").meta({
    description:
      "11 or 12: the version of Matrix that new rooms have there; ids of 12 have no server name, which not all clients take",
  }),
  MATRIX_REQUESTS: z.enum(["on", "off"]).default("on").meta({
    description:
      "on or off: whether people elsewhere in Matrix may ask for a direct chat with users who can be found, each of whom accepts or refuses",
  }),
  CAUSEWAY_CACHE_DIR: z.string().optional().meta({
    description: "Cache of the local homeserver's Python environment; unset: the user's cache folder",
    example: "/var/cache/causeway",
  }),
});
