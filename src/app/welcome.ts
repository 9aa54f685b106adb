/** The lines that a start prints for people: the URL, the paths of secrets, and how to try the server. */
import type { Config } from "../config.ts";
import type { DemoData } from "./demo-data.ts";

export interface WelcomeFacts {
  config: Pick<
    Config,
    "ROLE" | "DATABASE_URL" | "REDIS_URL" | "MATRIX_HOMESERVER_URL" | "MATRIX_PORT" | "MATRIX_PUBLIC_URL"
  >;
  url: string;
  pid: number;
  dataDir: string;
  demo: DemoData | null;
  /** The file of the admin token that Causeway made. */
  adminTokenPath: string | null;
}

/** @returns lines; the first starts with `Causeway ready` and has the URL */
export function welcome({ config, url, pid, dataDir, demo, adminTokenPath }: WelcomeFacts): string[] {
  if (config.ROLE === "bridge") return [`Causeway ready: the bridge listens on ${url}`];
  const state = [
    config.DATABASE_URL === undefined ? `embedded database in ${dataDir}` : "PostgreSQL",
    config.REDIS_URL === undefined ? "hot state in memory" : "hot state in Redis",
  ];
  return [
    `Causeway ready: ${url} (open it in a browser), ${url.replace(/^http/, "ws")}/ws for apps`,
    `  Process    ${pid}`,
    `  State      ${state.join(", ")}`,
    ...(adminTokenPath === null ? [] : [`  Admin API  ${url}/admin/v1, its token is in ${adminTokenPath}`]),
    `  APIs       ${url}/docs`,
    ...matrixLines(config, url),
    ...demoLines(demo),
  ];
}

function matrixLines(
  { MATRIX_HOMESERVER_URL, MATRIX_PUBLIC_URL, MATRIX_PORT }: WelcomeFacts["config"],
  url: string,
) {
  if (MATRIX_HOMESERVER_URL === "off") return ["  Matrix     off"];
  const homeserver = MATRIX_PUBLIC_URL ?? MATRIX_HOMESERVER_URL ?? `http://127.0.0.1:${MATRIX_PORT}`;
  return [
    `  Matrix     homeserver ${homeserver} (up when ${url}/readyz says so); sign in from any Matrix client with`,
    `             the username and password of GET ${url}/api/v1/chat/user/credentials, or run: npm run demo`,
  ];
}

function demoLines(demo: DemoData | null): string[] {
  if (!demo) return [];
  const people = demo.users.map(({ handle, password }) => `${handle} / ${password}`);
  return [`  Demo       sign in as ${people.join(" or ")}`];
}
