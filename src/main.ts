/** The program: reads settings, starts the server, stops it on SIGINT or SIGTERM. Everything else is in server.ts. */

import { HELP } from "./app/help.ts";
import { onUncaught, outliveReaders } from "./app/last-resort.ts";
import { startServer } from "./app/server.ts";
import { readSettings, type Settings } from "./config.ts";
import { createLogger } from "./logger.ts";

/** A terminal's Ctrl-C and npm's forwarding of it arrive as two signals; only a later one means "now". */
const SAME_KEYPRESS_MS = 1_000;

async function main(): Promise<void> {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    process.stdout.write(HELP);
    return;
  }
  const { config, warnings } = settings();
  const logger = createLogger(config.LOG_LEVEL);
  for (const warning of warnings) logger.warn({ event: "settings.doubtful" }, warning);
  outliveReaders();
  const server = await startServer(config, (line) => process.stdout.write(`${line}\n`));
  onUncaught(logger, () => server.stop());
  let stoppingSince = 0;
  const stop = (signal: string) => {
    if (stoppingSince > 0) {
      if (performance.now() - stoppingSince > SAME_KEYPRESS_MS) process.exit(130);
      return;
    }
    stoppingSince = performance.now();
    process.stdout.write(`${signal}: stopping\n`);
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => fail("Stopping failed", error),
    );
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
}

function settings(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    return fail("", error);
  }
}

function fail(what: string, error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${what === "" ? "" : `${what}: `}${reason}\n`);
  process.exit(1);
}

main().catch((error: unknown) => fail("Causeway could not start", error));
