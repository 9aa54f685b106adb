/**
 * Starts Matrix: the registration, the homeserver (a local one, or the one of the settings), people's accounts, and the
 * bridge. It starts in the background after the gateway, so that chat never waits for it.
 */

import type { Registry } from "prom-client";
import { type Bridge, startBridge } from "../../bridge/bridge.ts";
import { type AccountsOfHomeserver, createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import type { CredentialProviderChoice } from "../../bridge/homeserver/credentials.ts";
import { createHomeserver, type Homeserver } from "../../bridge/homeserver/homeserver.ts";
import {
  type RegistrationFile,
  readOrMakeRegistration,
  registrationOptions,
} from "../../bridge/homeserver/registration.ts";
import { startLocalHomeserver } from "../../bridge/local-homeserver.ts";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import type { Config } from "../config.ts";
import { DomainError } from "../domain/errors.ts";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";
import type { Subscriptions } from "../domain/ports/bus.ts";
import type { MatrixAccounts } from "../domain/ports/matrix.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import type { Logger } from "../logger.ts";
import type { PostgresStore } from "../store/postgres.ts";
import type { Probe } from "./health/health.ts";
import { lifecycle } from "./lifecycle.ts";

export interface MatrixParts {
  store: PostgresStore;
  bus: Subscriptions;
  useCases: UseCases;
  files: AttachmentFiles;
  registry: Registry;
  node: string;
}

export interface Matrix {
  /** Refuses with `unavailable` until Matrix is up. */
  readonly accounts: MatrixAccounts;
  /** The id of a user's account; null until Matrix is up. */
  idOf(userId: number): string | null;
  /** The homeserver's transactions; null where this process has no bridge. */
  readonly handle: ((request: Request) => Promise<Response>) | null;
  /** Null where this process has no bridge. */
  readonly health: Probe | null;
  /** Brings Matrix up in the background. `port` is where this process serves HTTP. */
  start(parts: MatrixParts, port: number): void;
  /** Figures of the bridge, for operators. */
  stats(): object | null;
  stop(): Promise<void>;
}

/** The answer to clients until Matrix is up. */
const STARTING = "Matrix is starting; try again";
const RETRY_MS = 15_000;

/** @returns null when the settings turn Matrix off, or give a gateway alone no homeserver */
export function createMatrix(
  config: Config,
  dataDir: string,
  say: (line: string) => void,
  logger: Logger,
): Matrix | null {
  const url = config.MATRIX_HOMESERVER_URL;
  if (url === "off" || (url === undefined && config.ROLE !== "all")) return null;
  return new StartingMatrix(config, dataDir, say, logger);
}

/** The rules of settings see to it that what `mas` needs is there. */
function providerOf(config: Config): CredentialProviderChoice {
  if (config.MATRIX_CREDENTIALS !== "mas") return config.MATRIX_CREDENTIALS;
  const { MATRIX_MAS_URL: url = "", MATRIX_MAS_CLIENT_ID: clientId = "" } = config;
  return { url, clientId, clientSecret: config.MATRIX_MAS_CLIENT_SECRET ?? "" };
}

class StartingMatrix implements Matrix {
  readonly accounts: MatrixAccounts;
  readonly handle: Matrix["handle"];
  readonly health: Matrix["health"];
  readonly #config: Config;
  readonly #dataDir: string;
  readonly #say: (line: string) => void;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #running;
  #started: Promise<void> = Promise.resolve();
  #accounts: AccountsOfHomeserver | null = null;
  #bridge: Bridge | null = null;
  /** The reason why there is no bridge. */
  #missing = STARTING;

  constructor(config: Config, dataDir: string, say: (line: string) => void, logger: Logger) {
    this.#config = config;
    this.#dataDir = dataDir;
    this.#say = say;
    this.#logger = logger;
    this.#running = lifecycle(logger);
    this.accounts = {
      credentials: async (...asked) => await this.#up().credentials(...asked),
      login: async (...asked) => await this.#up().login(...asked),
    };
    const hasBridge = config.ROLE !== "gateway";
    this.handle = hasBridge ? (request) => this.#transaction(request) : null;
    this.health = hasBridge
      ? async () => (this.#bridge ? await this.#bridge.health() : { ok: false, detail: this.#missing })
      : null;
  }

  start(parts: MatrixParts, port: number): void {
    this.#started = this.#bringUp(parts, port).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#missing = error instanceof Error ? error.message : String(error);
      this.#say(`Matrix is not there: ${this.#missing}. Chat runs on without it`);
      this.#logger.error(
        { event: "matrix.start_failed", err: error },
        "could not start Matrix; chat runs without it until the cause is mended and the process restarts",
      );
    });
  }

  idOf(userId: number): string | null {
    return this.#accounts?.idOf(userId) ?? null;
  }

  stats(): object | null {
    return this.#bridge?.stats() ?? null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("Causeway stops"));
    await this.#started;
    await this.#running.stop();
  }

  async #bringUp(parts: MatrixParts, port: number): Promise<void> {
    const config = this.#config;
    const registration = readOrMakeRegistration({
      ...registrationOptions({ ...config, DATA_DIR: this.#dataDir, PORT: port }),
    });
    if (config.MATRIX_HOMESERVER_URL !== undefined) this.#tellChange(registration);
    const local = await this.#localHomeserver(registration);
    const baseUrl = config.MATRIX_HOMESERVER_URL ?? local?.url;
    if (baseUrl === undefined) {
      this.#missing = "there is no homeserver";
      return;
    }
    const { registry, store } = parts;
    const logger = this.#logger.child({ part: "bridge" });
    const serverName = config.MATRIX_SERVER_NAME;
    const homeserver = createHomeserver({ baseUrl, registration, serverName, logger, registry });
    const bridgeStore = createBridgeStore(store.sql);
    this.#accounts = createMatrixAccounts({
      homeserver,
      store: bridgeStore,
      publicBaseUrl: config.MATRIX_PUBLIC_URL,
      provider: providerOf(config),
      logger,
    });
    if (config.ROLE === "gateway") return;
    await this.#startBridge(parts, homeserver, local?.onRestart);
  }

  /** The local homeserver reads the registration at each start; any other has to be given the new one. */
  #tellChange({ change, path }: RegistrationFile): void {
    if (change !== "rewritten" && change !== "outdated") return;
    const what =
      change === "rewritten"
        ? `The registration ${path} was written anew`
        : `The registration ${path} is an older Causeway's and can't be written: run npm run matrix:registration`;
    this.#say(
      `${what}. Give the homeserver the new one and restart it: until then Matrix clients may get no notifications`,
    );
    this.#logger.warn(
      { event: "matrix.registration_changed", path, change },
      "the registration is another than the homeserver may have; give it the new one and restart it",
    );
  }

  async #localHomeserver(registration: RegistrationFile) {
    if (this.#config.MATRIX_HOMESERVER_URL !== undefined) return null;
    const local = await startLocalHomeserver({
      config: this.#config,
      dataDir: this.#dataDir,
      registration,
      say: this.#say,
      logger: this.#logger.child({ part: "synapse" }),
      signal: this.#stopping.signal,
    });
    if (local) this.#running.add("local Synapse", local.stop);
    return local;
  }

  async #startBridge(
    parts: MatrixParts,
    homeserver: Homeserver,
    onRestart: ((listener: () => void) => void) | undefined,
  ): Promise<void> {
    const { store, bus, useCases, files, registry, node } = parts;
    const bridge = await startBridge({
      ...{ store, bus, useCases, files, registry, node },
      homeserver,
      credentials: providerOf(this.#config),
      receipts: this.#config.MATRIX_RECEIPTS === "on",
      presence: this.#config.MATRIX_PRESENCE === "on",
      roomVersion: this.#config.MATRIX_ROOM_VERSION,
      requests: this.#config.MATRIX_REQUESTS === "on",
      logger: this.#logger.child({ part: "bridge" }),
    });
    this.#running.add("bridge", () => bridge.stop());
    onRestart?.(() => bridge.homeserverRestarted());
    this.#bridge = bridge;
  }

  #up(): MatrixAccounts {
    if (this.#accounts) return this.#accounts;
    throw new DomainError("unavailable", this.#missing, { retryAfterMs: RETRY_MS });
  }

  /** Answers 503 until the bridge is up. The homeserver then keeps the transaction and sends it again. */
  async #transaction(request: Request): Promise<Response> {
    if (this.#bridge) return await this.#bridge.handle(request);
    return Response.json({ errcode: "M_UNKNOWN", error: this.#missing }, { status: 503 });
  }
}
