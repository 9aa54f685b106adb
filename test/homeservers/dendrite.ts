/** Dendrite, where its program is on this machine: `npm run homeservers:dendrite` compiles it, which takes some minutes. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "../../load/services/free-port.ts";
import { type ServiceProcess, startProcess } from "../../load/services/service-process.ts";
import { type RegisterUser, userRegistration } from "../../load/services/synapse.ts";
import { until } from "../bridge/world.ts";
import { registrationText } from "../services/shared.ts";

const VERSION = "0.13.8";
const CACHE = process.env.CAUSEWAY_CACHE_DIR || join(homedir(), ".cache/causeway");
/** Where `npm run homeservers:dendrite` puts it. */
const DENDRITE = join(CACHE, `dendrite-${VERSION}`, "dendrite");

export interface Dendrite {
  url: string;
  serverName: string;
  registration: { path: string; prefix: string };
  registerUser: RegisterUser;
  /** kill -9, and a start on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why it can't be started here; null when it can. */
export function dendriteMissing(): string | null {
  return existsSync(DENDRITE)
    ? null
    : `${DENDRITE} is not there; \`npm run homeservers:dendrite\` compiles it with Go`;
}

const PREFIX = "cw_";
const SECRET = "registration-shared-secret";

export async function startDendrite(): Promise<Dendrite> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-dendrite-"));
  const [port, appservicePort] = [await freePort(), await freePort()];
  const registration = { path: join(folder, "registration.yaml"), prefix: PREFIX };
  const url = `http://127.0.0.1:${appservicePort}`;
  writeFileSync(registration.path, registrationText("causeway-dendrite", { url, prefix: PREFIX }));
  writeFileSync(join(folder, "key.pem"), signingKey());
  writeFileSync(join(folder, "dendrite.yaml"), stringify(configuration(folder, registration.path)));
  const address = `127.0.0.1:${port}`;
  const command = {
    command: DENDRITE,
    args: ["--config", join(folder, "dendrite.yaml"), "--http-bind-address", address],
    ...{ folder, env: process.env, endWith: "SIGTERM" as const },
    // It says so nowhere when it answers.
    ready: /./,
  };
  let running: ServiceProcess;
  const start = async () => {
    running = await startProcess(command);
    await until("Dendrite answers", async () => {
      const answer = await fetch(`http://${address}/_matrix/client/versions`).catch(() => null);
      return answer?.ok;
    });
  };
  await start();
  return {
    ...{ url: `http://${address}`, serverName: "localhost", registration },
    registerUser: userRegistration(`http://${address}`, SECRET),
    restart: async () => {
      await running.kill9();
      await start();
    },
    stop: async () => {
      await running.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function signingKey(): string {
  const seed = randomBytes(32).toString("base64");
  return `-----BEGIN MATRIX PRIVATE KEY-----\nKey-ID: ed25519:test\n\n${seed}\n-----END MATRIX PRIVATE KEY-----\n`;
}

function configuration(folder: string, registration: string): object {
  const database = (name: string) => ({ database: { connection_string: `file:${join(folder, name)}.db` } });
  return {
    version: 2,
    global: {
      ...{ server_name: "localhost", private_key: join(folder, "key.pem"), disable_federation: true },
      ...{ jetstream: { storage_path: join(folder, "jetstream") }, report_stats: { enabled: false } },
      cache: { max_size_estimated: "64mb", max_age: "1h" },
    },
    app_service_api: { config_files: [registration], ...database("appservice") },
    client_api: {
      ...{ registration_disabled: true, registration_shared_secret: SECRET },
      rate_limiting: { enabled: false },
    },
    federation_api: database("federation"),
    key_server: database("keys"),
    media_api: { base_path: join(folder, "media"), max_file_size_bytes: 26_214_400, ...database("media") },
    relay_api: database("relay"),
    room_server: database("rooms"),
    sync_api: { ...database("sync"), search: { enabled: false, index_path: join(folder, "search") } },
    user_api: {
      bcrypt_cost: 4,
      account_database: { connection_string: `file:${join(folder, "accounts")}.db` },
    },
    mscs: { mscs: [], ...database("mscs") },
    logging: [{ type: "std", level: "info" }],
  };
}
