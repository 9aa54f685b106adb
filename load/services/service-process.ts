/** A server program under the control of tests and load scripts: started, killed, and never left behind. */
import { type SpawnOptions, spawn } from "node:child_process";
import { reapWhenWeEnd } from "./reaper.ts";

export interface ServiceCommand {
  command: string;
  args: string[];
  /** Deleted when we end without having stopped the service. */
  folder: string;
  /** Its output says this when it serves. */
  ready: RegExp;
  /** How it ends quickly and cleanly. */
  endWith: "SIGTERM" | "SIGINT";
  /** Its user, where it may not be ours. */
  identity?: { uid: number; gid: number } | undefined;
  /** Its whole environment; unset: ours. */
  env?: NodeJS.ProcessEnv;
  startLimitMs?: number;
}

export interface ServiceProcess {
  readonly pid: number;
  /** The last of what it has written. */
  output(): string;
  /** Resolves when it ends, whoever ended it, with the exit code or signal in words. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
  kill9(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 10_000;
const KEPT_OUTPUT = 20_000;

/** Resolves when the program serves. @throws Error with its output when it ends instead */
export async function startProcess(service: ServiceCommand): Promise<ServiceProcess> {
  const options: SpawnOptions = {
    cwd: service.folder,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(service.env && { env: service.env }),
    ...service.identity,
  };
  const child = spawn(service.command, service.args, options);
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${service.command} could not be started: ${await exited}`);
  const release = reapWhenWeEnd(pid, service.endWith === "SIGINT" ? "QUIT" : "TERM", service.folder);
  void exited.then(release);

  let output = "";
  const ready = new Promise<"ready">((resolve) => {
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
      if (service.ready.test(output)) resolve("ready");
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
  });
  const limit = after(service.startLimitMs ?? START_LIMIT_MS, "no sign of life");
  const outcome = await Promise.race([ready, exited, limit]);
  if (outcome !== "ready") {
    child.kill("SIGKILL");
    throw new Error(`${service.command} did not start (${outcome}):\n${output}`);
  }
  return {
    pid,
    output: () => output,
    ended: exited,
    end: async () => {
      child.kill(service.endWith);
      const late = await Promise.race([exited, after(END_LIMIT_MS, null)]);
      if (late === null) child.kill("SIGKILL");
      await exited;
    },
    kill9: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(value), ms).unref();
  });
}
