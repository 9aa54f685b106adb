/** A Synapse of a test's or run's own: not supervised, so that a test says itself when it dies and when it comes back. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SYNAPSE_VERSION, synapseEnvironment } from "../../bridge/local/synapse.ts";
import { type SynapseFiles, writeSynapseFiles } from "../../bridge/local/synapse-config.ts";
import {
  endSynapse,
  launchSynapse,
  type SynapseProcess,
  untilServing,
} from "../../bridge/local/synapse-process.ts";
import { freePort } from "./free-port.ts";
import { reapWhenWeEnd } from "./reaper.ts";

export interface SynapseService {
  readonly url: string;
  readonly serverName: string;
  readonly version: string;
  /** Key of `userRegistration`, for other processes. */
  readonly registrationSharedSecret: string;
  /** Of the process that runs now. */
  pid(): number;
  /** Registers a person, outside of every application service's namespace, and signs them in. */
  registerUser: RegisterUser;
  kill9(): Promise<void>;
  /** Ends it, unless `kill9` did, and starts it again on the same port. The registrations are read again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export type RegisterUser = (
  name: string,
  password: string,
  admin?: boolean,
) => Promise<{ userId: string; accessToken: string; deviceId: string }>;

export interface SynapseOptions {
  /** Path, or paths, of application service registrations. */
  registrationPath?: string | readonly string[];
  /** Unset: a free one. */
  port?: number;
  serverName?: string;
  /** For all its files, deleted when it stops; unset: a new one. */
  folder?: string;
  /** Settings of Synapse that take the place of Causeway's. Each start reads them anew. */
  overrides?: Record<string, unknown>;
}

const START_LIMIT_MS = 120_000;

/** Resolves when it answers. The first call on a machine installs Synapse from PyPI. */
export async function startSynapse(options: SynapseOptions = {}): Promise<SynapseService> {
  const { python } = await synapseEnvironment({});
  const dataDir = options.folder ?? newSynapseFolder();
  const settings = {
    dataDir,
    port: options.port ?? (await freePort()),
    serverName: options.serverName ?? "localhost",
    registrationPaths: [options.registrationPath ?? []].flat(),
    bcryptRounds: 4,
    overrides: options.overrides,
  };
  let process: SynapseProcess | null = null;
  let release = (): void => undefined;

  const start = async (): Promise<SynapseFiles> => {
    const files = writeSynapseFiles(settings);
    process = await launchSynapse(files, python);
    release = reapWhenWeEnd(process.pid, "TERM", dataDir);
    await untilServing(files, process, START_LIMIT_MS, new AbortController().signal);
    return files;
  };
  const end = async (signal?: NodeJS.Signals) => {
    if (process) await endSynapse(process, signal);
    process = null;
    release();
  };
  const stop = async () => {
    await end();
    rmSync(dataDir, { recursive: true, force: true });
  };
  const files = await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url: files.url,
    serverName: settings.serverName,
    version: SYNAPSE_VERSION,
    registrationSharedSecret: files.registrationSharedSecret,
    pid: () => {
      if (process === null) throw new Error("Synapse does not run: restart() it first");
      return process.pid;
    },
    registerUser: userRegistration(files.url, files.registrationSharedSecret),
    kill9: () => end("SIGKILL"),
    restart: async () => {
      await end();
      await start();
    },
    stop,
  };
}

export function newSynapseFolder(): string {
  return mkdtempSync(join(tmpdir(), "causeway-synapse-"));
}

/** Synapse's shared-secret registration: a nonce, and an HMAC over it and what is asked for. */
export function userRegistration(url: string, secret: string): RegisterUser {
  const address = `${url}/_synapse/admin/v1/register`;
  return async (name, password, admin = false) => {
    const { nonce } = (await (await fetch(address)).json()) as { nonce: string };
    const text = [nonce, name, password, admin ? "admin" : "notadmin"].join("\0");
    const mac = createHmac("sha1", secret).update(text).digest("hex");
    const body = JSON.stringify({ nonce, username: name, password, admin, mac });
    const answer = await fetch(address, { method: "POST", body });
    if (!answer.ok) throw new Error(`registering ${name} answered ${answer.status}: ${await answer.text()}`);
    const made = (await answer.json()) as { user_id: string; access_token: string; device_id: string };
    return { userId: made.user_id, accessToken: made.access_token, deviceId: made.device_id };
  };
}
