/** The proxy of deploy/Caddyfile, run for real on a free loopback port. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./free-port.ts";
import { startProcess } from "./service-process.ts";

export interface CaddyOptions {
  /** `host:port` of what stands in for both gateways, and for Synapse. */
  upstream: string;
  /** Plain http instead of https, for a load that is not to pay for encryption. */
  isPlain?: boolean;
  /** What the Caddyfile reads beside PUBLIC_URL. */
  env?: Record<string, string>;
}

export interface Caddy {
  /** Its certificate is its own. */
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** From this file's place in the sources, or in what was built of them. */
const CADDYFILE = ["../..", "../../.."]
  .map((root) => resolve(import.meta.dirname, root, "deploy/Caddyfile"))
  .find((path) => existsSync(path)) as string;

/** @throws Error that says how to get one */
export function findCaddy(): { version: string } {
  try {
    return { version: execFileSync("caddy", ["version"], { encoding: "utf8" }).trim() };
  } catch {
    throw new Error("no caddy in PATH; on Debian: apt-get install -y caddy");
  }
}

/** Runs the Caddyfile as it is, except for the names of what it serves. */
export async function startCaddy({ upstream, isPlain = false, env = {} }: CaddyOptions): Promise<Caddy> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-caddy-"));
  const url = `${isPlain ? "http" : "https"}://localhost:${await freePort()}`;
  const served = readFileSync(CADDYFILE, "utf8")
    .replace(/gateway-1:8080 gateway-2:8080/, upstream)
    .replaceAll("synapse:8008", upstream)
    // Debian's Caddy is older than the image's and knows no such delay.
    .replace(/^\s*stream_close_delay .*$/m, "");
  writeFileSync(join(folder, "site"), served);
  const globals = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
  writeFileSync(join(folder, "Caddyfile"), `${globals}import ${join(folder, "site")}\n`);
  const caddy = await startProcess({
    command: "caddy",
    args: ["run", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")],
    folder,
    ready: /serving initial configuration/,
    endWith: "SIGTERM",
    env: { ...env, PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, PUBLIC_URL: url },
  });
  return { url, pid: caddy.pid, stop: () => caddy.end() };
}
