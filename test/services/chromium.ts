/** A real browser for the tests of the page, driven over its own debugging protocol. */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Browser } from "puppeteer-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export interface ChromiumService {
  version: string;
  /** A headless browser with a profile of its own, to be closed by whoever launched it. */
  launch(): Promise<Browser>;
}

/** Throws an Error that says how to get one. */
export function findChromium(): ChromiumService {
  const path = NAMES.flatMap((name) =>
    (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, name)),
  ).find(isProgram);
  if (path === undefined) throw new Error("no chromium in PATH; on Debian: apt-get install -y chromium");
  const [version = "unknown"] =
    /[\d.]+/.exec(
      execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    ) ?? [];
  return { version, launch: () => launch(path) };
}

async function launch(executablePath: string): Promise<Browser> {
  // Loaded here, because every file that needs a service imports this one, and a few of them start a browser.
  const { default: puppeteer } = await import("puppeteer-core");
  return await puppeteer.launch({
    executablePath,
    // Its sandbox needs rights that containers do not give; it sees nothing but our own page.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--lang=en-GB"],
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
