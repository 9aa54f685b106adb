/**
 * The local Synapse's own folder: secrets that are made once, and a configuration that is written at every start. Files
 * are written as JSON, which is valid YAML, so that no value needs escaping by hand.
 */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface SynapseSettings {
  /** Synapse's files are in the folder `synapse` under it. */
  dataDir: string;
  /** Synapse listens on 127.0.0.1 only. */
  port: number;
  /** The part of Matrix ids behind the colon. It can't change after the first user is registered. */
  serverName: string;
  /** Paths of application service registrations. Synapse reads them at its start only. */
  registrationPaths: readonly string[];
  /** Base URL for Matrix clients. Unset: the loopback URL. */
  publicUrl?: string | undefined;
  /** Cost of password hashes. Tests use 4, the minimum. */
  bcryptRounds?: number | undefined;
  /** Settings of Synapse that take the place of Causeway's. */
  overrides?: Readonly<Record<string, unknown>> | undefined;
}

export interface SynapseFiles {
  folder: string;
  config: string;
  /** Synapse's log. Rotation bounds its size. */
  log: string;
  /** Output from before Synapse logs: the reason of a failed start. */
  output: string;
  /** Which process runs: see synapse-process.ts. */
  running: string;
  url: string;
  /** A hash of settings, registration and secrets. When it changes, a running Synapse has to be restarted. */
  fingerprint: string;
  registrationSharedSecret: string;
}

interface Secrets {
  serverName: string;
  registrationSharedSecret: string;
  macaroonSecretKey: string;
  formSecret: string;
}

const LOG_BYTES = 5_000_000;
/** For all rate limits: the machine's own user is the only client, and a burst must not hit one. */
const UNLIMITED = { per_second: 10_000, burst_count: 10_000 };

/** Makes Synapse's own folder under the data folder, for its owner only, and returns its absolute path. */
export function synapseFolder(dataDir: string): string {
  const folder = resolve(dataDir, "synapse");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}

/**
 * Writes everything that Synapse needs into `<dataDir>/synapse`, readable by its owner only.
 * @throws Error when the folder belongs to a server of another name
 */
export function writeSynapseFiles(settings: SynapseSettings): SynapseFiles {
  const folder = synapseFolder(settings.dataDir);
  const kept = readOrMakeSecrets(folder, settings.serverName);
  ensureSigningKey(join(folder, "signing.key"));
  const log = join(folder, "synapse.log");
  const config = JSON.stringify(homeserver(folder, settings, kept), null, 2);
  const logging = JSON.stringify(logConfig(log), null, 2);
  const registrations = settings.registrationPaths.map((path) => readFileSync(path, "utf8"));
  const files = { config: join(folder, "homeserver.yaml"), log, output: join(folder, "output.log") };
  writePrivate(files.config, config);
  writePrivate(join(folder, "logging.yaml"), logging);
  const fingerprint = createHash("sha256")
    .update([config, logging, ...registrations].join("\0"))
    .digest("hex");
  return {
    ...files,
    folder,
    running: join(folder, "running.json"),
    url: `http://127.0.0.1:${settings.port}`,
    fingerprint,
    registrationSharedSecret: kept.registrationSharedSecret,
  };
}

function homeserver(folder: string, settings: SynapseSettings, kept: Secrets): Record<string, unknown> {
  return {
    server_name: settings.serverName,
    public_baseurl: `${(settings.publicUrl ?? `http://127.0.0.1:${settings.port}`).replace(/\/+$/, "")}/`,
    listeners: [
      {
        port: settings.port,
        bind_addresses: ["127.0.0.1"],
        type: "http",
        tls: false,
        resources: [{ names: ["client"], compress: false }],
      },
    ],
    database: { name: "sqlite3", args: { database: join(folder, "homeserver.db") } },
    log_config: join(folder, "logging.yaml"),
    media_store_path: join(folder, "media"),
    signing_key_path: join(folder, "signing.key"),
    macaroon_secret_key: kept.macaroonSecretKey,
    form_secret: kept.formSecret,
    registration_shared_secret: kept.registrationSharedSecret,
    app_service_config_files: settings.registrationPaths.map((path) => resolve(path)),
    bcrypt_rounds: settings.bcryptRounds ?? 12,
    ...POLICY,
    ...LIMITS,
    ...settings.overrides,
  };
}

/** No federation, no requests to other machines, and sign-in only with the bridge's credentials. */
const POLICY = {
  enable_registration: false,
  refreshable_access_token_lifetime: "5m",
  login_via_existing_session: { enabled: true, require_ui_auth: false, token_timeout: "5m" },
  report_stats: false,
  suppress_key_server_warning: true,
  trusted_key_servers: [],
  federation_domain_whitelist: [],
  presence: { enabled: false },
  url_preview_enabled: false,
  // Ghosts are numbered: without these, anybody could read everybody's name by counting.
  require_auth_for_profile_requests: true,
  limit_profile_requests_to_users_who_share_rooms: true,
  // Clients that know only the media paths without a sign-in (nheko 0.11, Quaternion 0.0.95) show pictures too. This
  // server answers on loopback only; the one for production keeps the sign-in.
  enable_authenticated_media: false,
  // With this cache a first /sync may miss the rooms of the last two minutes.
  caches: { sync_response_cache_duration: 0 },
} as const;

const LIMITS = {
  rc_message: UNLIMITED,
  rc_registration: UNLIMITED,
  rc_registration_token_validity: UNLIMITED,
  rc_login: { address: UNLIMITED, account: UNLIMITED, failed_attempts: UNLIMITED },
  rc_admin_redaction: UNLIMITED,
  rc_joins: { local: UNLIMITED, remote: UNLIMITED },
  rc_joins_per_room: UNLIMITED,
  rc_invites: { per_room: UNLIMITED, per_user: UNLIMITED, per_issuer: UNLIMITED },
  rc_room_creation: UNLIMITED,
  rc_media_create: UNLIMITED,
  rc_profile: UNLIMITED,
  rc_user_directory: UNLIMITED,
} as const;

function logConfig(path: string): Record<string, unknown> {
  return {
    version: 1,
    disable_existing_loggers: false,
    formatters: { line: { format: "%(asctime)s %(levelname)s %(name)s %(message)s" } },
    handlers: {
      file: {
        class: "logging.handlers.RotatingFileHandler",
        filename: path,
        maxBytes: LOG_BYTES,
        backupCount: 1,
        encoding: "utf8",
        formatter: "line",
      },
    },
    root: { level: "WARNING", handlers: ["file"] },
  };
}

function readOrMakeSecrets(folder: string, serverName: string): Secrets {
  const path = join(folder, "secrets.json");
  if (!existsSync(path)) {
    const made: Secrets = {
      serverName,
      registrationSharedSecret: secret(),
      macaroonSecretKey: secret(),
      formSecret: secret(),
    };
    writePrivate(path, JSON.stringify(made, null, 2));
  }
  const kept = JSON.parse(readFileSync(path, "utf8")) as Secrets;
  if (kept.serverName !== serverName) {
    throw new Error(
      `${folder} belongs to a Matrix server named ${kept.serverName}, which can't be renamed to ${serverName}. ` +
        `Set MATRIX_SERVER_NAME=${kept.serverName}, or choose another DATA_DIR`,
    );
  }
  return kept;
}

/** Synapse's key file: algorithm, key id, unpadded base64 of the 32-byte seed. */
function ensureSigningKey(path: string): void {
  if (existsSync(path)) return;
  const id = `a_${randomBytes(2).toString("hex")}`;
  writePrivate(path, `ed25519 ${id} ${randomBytes(32).toString("base64").replace(/=+$/, "")}\n`);
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}

/** Writes a file atomically, so that a kill can't leave half a secret. */
function writePrivate(path: string, text: string): void {
  const unfinished = `${path}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  chmodSync(unfinished, 0o600);
  renameSync(unfinished, path);
}
