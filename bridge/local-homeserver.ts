/** Starts the local homeserver for the server: installs Synapse, runs it, and makes the bridge's sender its administrator. */
import type { Config } from "../src/config.ts";
import type { Logger } from "../src/logger.ts";
import { createHomeserver } from "./homeserver/homeserver.ts";
import type { RegistrationFile } from "./homeserver/registration.ts";
import { makeSenderAdmin } from "./homeserver/sender-admin.ts";
import { type LocalSynapse, startLocalSynapse, synapseEnvironment } from "./local/synapse.ts";

export interface LocalHomeserverOptions {
  config: Pick<
    Config,
    "MATRIX_PORT" | "MATRIX_SERVER_NAME" | "MATRIX_PUBLIC_URL" | "MATRIX_CREDENTIALS" | "CAUSEWAY_CACHE_DIR"
  >;
  dataDir: string;
  registration: RegistrationFile;
  /** Gets lines for the terminal. */
  say: (line: string) => void;
  logger: Logger;
  /** Ends a start that is under way. */
  signal?: AbortSignal | undefined;
}

export interface LocalHomeserver {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly serverName: string;
  readonly registrationSharedSecret: string;
  /** Adds a listener for restarts after a crash: the homeserver has lost the events that it had in memory. */
  onRestart(listener: () => void): void;
  /** Ends it, within 4 s, and leaves no process. */
  stop(): Promise<void>;
}

/**
 * Resolves when the local homeserver answers. The first time on a machine it is installed, with lines about the progress.
 * @returns null, after one line with the reason, when it can't be installed: no Python, or no PyPI
 * @throws Error that says what to do: port in use, folder of another server name or process, or Synapse's own reason
 */
export async function startLocalHomeserver(options: LocalHomeserverOptions): Promise<LocalHomeserver | null> {
  const python = await installed(options);
  if (python === null) return null;
  const listeners: (() => void)[] = [];
  const synapse = await startLocalSynapse({
    dataDir: options.dataDir,
    port: options.config.MATRIX_PORT,
    serverName: options.config.MATRIX_SERVER_NAME,
    publicUrl: options.config.MATRIX_PUBLIC_URL,
    registrationPath: options.registration.path,
    python,
    logger: options.logger,
    onRestart: () => {
      for (const listener of listeners) listener();
    },
    signal: options.signal,
  });
  if (options.config.MATRIX_CREDENTIALS === "synapse-admin") await enablePasswords(options, synapse);
  return {
    url: synapse.url,
    serverName: options.config.MATRIX_SERVER_NAME,
    registrationSharedSecret: synapse.registrationSharedSecret,
    onRestart: (listener) => {
      listeners.push(listener);
    },
    stop: synapse.stop,
  };
}

async function installed({ config, say, signal }: LocalHomeserverOptions): Promise<string | null> {
  try {
    const cacheDir = config.CAUSEWAY_CACHE_DIR;
    return (await synapseEnvironment({ onProgress: say, cacheDir, signal })).python;
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    say(`No local Matrix homeserver: ${reason}. Chat runs on without Matrix`);
    return null;
  }
}

/** Lets the bridge set passwords. When this fails, GetCredentials refuses with the reason, and everything else works. */
async function enablePasswords(options: LocalHomeserverOptions, synapse: LocalSynapse): Promise<void> {
  const { registration, logger, config } = options;
  const serverName = config.MATRIX_SERVER_NAME;
  const homeserver = createHomeserver({ baseUrl: synapse.url, registration, serverName, logger });
  try {
    await makeSenderAdmin(homeserver, { sharedSecret: synapse.registrationSharedSecret });
  } catch (error) {
    logger.warn(
      { event: "matrix.admin_missing", err: error },
      "could not make the bridge an administrator of the local homeserver; passwords for Matrix can't be set",
    );
  }
}
