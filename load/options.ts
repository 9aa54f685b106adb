/** Options of the command line that all scenarios share, and how bounded numbers are read. */
import { cpus } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";

export interface CommonOptions {
  url?: URL;
  iOwnThisServer: boolean;
  adminToken?: string;
  serverPid?: number;
  databaseUrl?: string;
  embedded: boolean;
  transport?: "uws" | "ws";
  workers: number;
  /** Seconds. */
  duration: number;
  /** Seconds. */
  warmup: number;
  /** Seconds. */
  settle: number;
  /** Folder of the run's report. */
  out: string;
  cpuProf: boolean;
  progress: boolean;
}

interface Bounds {
  least: number;
  most: number;
  default?: number;
}

/** An option with a number; its bounds are told in the help and kept. */
export function bounded(flags: string, description: string, { least, most, ...rest }: Bounds): Option {
  const option = new Option(flags, `${description} (${least}–${most})`).argParser((text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  });
  return rest.default === undefined ? option : option.default(rest.default);
}

/** One alone is soon the limit; more than half of the cores only take the server's place. */
const WORKERS = Math.min(8, Math.max(2, Math.floor(cpus().length / 2)));

export type RunDefaults = Partial<Pick<CommonOptions, "duration" | "warmup" | "settle">>;

export function addCommonOptions(command: Command, defaults: RunDefaults = {}): void {
  const { duration = 15, warmup = 3, settle = 10 } = defaults;
  const target = "Where the load goes (without --url: to a server that is started for the run, on loopback)";
  const run = "The run";
  const grouped = (group: string, option: Option) => option.helpGroup(`${group}:`);
  const options = [
    grouped(target, new Option("--url <url>", "a Causeway of yours that runs already").argParser(readUrl)),
    grouped(
      target,
      new Option("--i-own-this-server", "needed when --url is not loopback: you answer for it").default(
        false,
      ),
    ),
    grouped(
      target,
      new Option("--admin-token <token>", "its admin token; people and rooms are made with it").env(
        "ADMIN_TOKEN",
      ),
    ),
    grouped(
      target,
      bounded("--server-pid <pid>", "its process, to measure CPU and memory", { least: 1, most: 2 ** 31 }),
    ),
    grouped(
      target,
      new Option(
        "--database-url <url>",
        "PostgreSQL of the server that is started; without: a throw-away one with synchronous_commit=on",
      ).env("DATABASE_URL"),
    ),
    grouped(
      target,
      new Option("--embedded", "start the server with its embedded database instead").default(false),
    ),
    grouped(
      target,
      new Option("--transport <name>", "transport of the server that is started").choices(["uws", "ws"]),
    ),
    grouped(
      run,
      bounded("--duration <s>", "seconds that are measured", { least: 1, most: 3600, default: duration }),
    ),
    grouped(
      run,
      bounded("--warmup <s>", "seconds before, which are checked but not measured", {
        least: 0,
        most: 120,
        default: warmup,
      }),
    ),
    grouped(
      run,
      bounded("--settle <s>", "seconds to wait for the last deliveries", {
        least: 0,
        most: 300,
        default: settle,
      }),
    ),
    grouped(
      run,
      bounded("--workers <n>", "processes that hold the clients", { least: 1, most: 64, default: WORKERS }),
    ),
    grouped(
      run,
      new Option("--out <folder>", "folder of the report; without: load/reports/<time>-<scenario>"),
    ),
    grouped(
      run,
      new Option("--cpu-prof", "write a CPU profile of the server that is started beside the report").default(
        false,
      ),
    ),
    grouped(run, new Option("--no-progress", "no progress bar")),
  ];
  for (const option of options) command.addOption(option);
}

/** @throws Error when the options do not go together */
export function checkCommonOptions({ url, iOwnThisServer, embedded, cpuProf }: CommonOptions): void {
  if (url && !isLoopback(url) && !iOwnThisServer) {
    throw new Error(`${url.host} is not loopback: say --i-own-this-server if the server is yours to load`);
  }
  if (url && (embedded || cpuProf)) {
    throw new Error("--embedded and --cpu-prof are for a server that is started for the run, not for --url");
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError("It must be an http:// or https:// URL.");
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
