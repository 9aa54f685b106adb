/**
 * The local homeserver: Synapse from PyPI on loopback, under a supervisor. It is restarted when it dies, and ended when
 * Causeway stops. When Causeway was killed, the next start takes over the Synapse that was left behind.
 */
import { lockFolder } from "../../src/file-lock.ts";
import type { Logger } from "../../src/logger.ts";
import { type PythonEnvironment, type PythonRequest, pythonEnvironment } from "./python.ts";
import { type Supervised, supervise } from "./supervisor.ts";
import {
  type SynapseFiles,
  type SynapseSettings,
  synapseFolder,
  writeSynapseFiles,
} from "./synapse-config.ts";
import {
  endSynapse,
  findLeftoverSynapse,
  launchSynapse,
  removeRunningFile,
  type SynapseProcess,
  untilServing,
} from "./synapse-process.ts";

export const SYNAPSE_VERSION = "1.163.2";
export const SYNAPSE_ENVIRONMENT = {
  name: `synapse-${SYNAPSE_VERSION}`,
  packages: [`matrix-synapse==${SYNAPSE_VERSION}`],
} as const;

export interface LocalSynapseOptions extends Omit<SynapseSettings, "registrationPaths"> {
  /** Path of the application service registration, which every start of Synapse reads. */
  registrationPath: string;
  /** Path of a Python with Synapse: see {@link synapseEnvironment}. */
  python: string;
  logger: Pick<Logger, "info" | "warn">;
  /** Is called when Synapse is up again after a restart. It has lost the events that it had in memory. */
  onRestart?: (() => void) | undefined;
  /** Ends a start that is under way. */
  signal?: AbortSignal | undefined;
}

export interface LocalSynapse {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Whether an earlier Causeway has started the process. */
  readonly adopted: boolean;
  /** HMAC key of Synapse's admin API, to register users without the application service. */
  readonly registrationSharedSecret: string;
  /** Pid of the process that runs now; null while there is none. */
  pid(): number | null;
  /** Restarts Synapse with the present settings and registration. Resolves when it answers. */
  restart(): Promise<void>;
  /** Ends Synapse, within 4 s, and leaves no process. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 120_000;
/** A process that was left behind is up already. When it does not answer in this time, it hangs and is replaced. */
const ADOPTED_LIMIT_MS = 15_000;

/** The Python environment with Synapse, made on first use. @throws Error of one line, see {@link pythonEnvironment} */
export function synapseEnvironment(
  request: Omit<PythonRequest, "name" | "packages">,
): Promise<PythonEnvironment> {
  return pythonEnvironment({ ...request, ...SYNAPSE_ENVIRONMENT });
}

/**
 * Resolves when Synapse answers, and keeps it running until `stop`.
 * @throws Error that says what to do: port in use, folder of another server name or process, or Synapse's own reason
 */
export async function startLocalSynapse(options: LocalSynapseOptions): Promise<LocalSynapse> {
  const { logger } = options;
  const lock = await lockFolder(synapseFolder(options.dataDir), {
    inUse: "It belongs to another Causeway that runs. Stop that one, or choose another DATA_DIR",
  });
  try {
    const first = await bringUp(options, options.signal ?? new AbortController().signal);
    const supervisor = supervise(first, (signal) => bringUp(options, signal), {
      onEnd: (reason) =>
        logger.warn(
          { event: "synapse.ended", reason },
          "the local Synapse ended by itself; starting it again",
        ),
      onFailure: (error) =>
        logger.warn(
          { event: "synapse.start_failed", err: error },
          "could not start the local Synapse; trying again",
        ),
      onRestart: () => {
        logger.info({ event: "synapse.restarted" }, "the local Synapse is up again");
        options.onRestart?.();
      },
    });
    return {
      url: first.files.url,
      adopted: first.process.adopted,
      registrationSharedSecret: first.files.registrationSharedSecret,
      pid: () => supervisor.current()?.process.pid ?? null,
      restart: supervisor.restart,
      stop: () => supervisor.stop().finally(lock.release),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface ServingSynapse extends Supervised {
  files: SynapseFiles;
  process: SynapseProcess;
}

/** Takes over the process that was left behind, or starts one. Resolves when it answers. */
async function bringUp(options: LocalSynapseOptions, signal: AbortSignal): Promise<ServingSynapse> {
  const files = writeSynapseFiles({ ...options, registrationPaths: [options.registrationPath] });
  const leftover = await findLeftoverSynapse(files, options.python);
  if (leftover) {
    try {
      return await serving(files, leftover, ADOPTED_LIMIT_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      options.logger.warn(
        { event: "synapse.leftover_unusable", err: error },
        "could not use the Synapse that an earlier process left behind; starting another",
      );
    }
  }
  return serving(files, await launchSynapse(files, options.python), START_LIMIT_MS, signal);
}

async function serving(
  files: SynapseFiles,
  process: SynapseProcess,
  limitMs: number,
  signal: AbortSignal,
): Promise<ServingSynapse> {
  const end = async () => {
    await endSynapse(process);
    removeRunningFile(files);
  };
  try {
    await untilServing(files, process, limitMs, signal);
    return { files, process, ended: process.ended, end };
  } catch (error) {
    await end();
    throw error;
  }
}
