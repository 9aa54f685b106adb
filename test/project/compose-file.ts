/** docker-compose.yml as the tests read it. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

export interface Service {
  image: string;
  build?: object;
  restart?: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  ports?: string[];
  volumes?: string[];
  networks?: string[] | Record<string, { ipv4_address?: string } | null>;
  network_mode?: string;
  secrets?: string[];
  mem_limit?: string;
  pids_limit?: number;
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  logging?: { driver: string; options: Record<string, string> };
  depends_on?: Record<string, { condition: string }>;
}
export interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<
    string,
    { internal?: boolean; ipam?: { config: { subnet: string; ip_range: string }[] } } | null
  >;
  secrets: Record<string, { file: string }>;
}

export const root = resolve(import.meta.dirname, "../..");
export const read = (path: string) => readFileSync(join(root, path), "utf8");
export const text = read("docker-compose.yml");
export const compose = parse(text, { merge: true }) as Compose;
export const services = Object.entries(compose.services);
export const ours = services.filter(([, service]) => service.build !== undefined);
/** Services that do one thing and end. */
export const ONE_SHOT = ["registration", "matrix-admin"];
export const VARIABLE = /\$\{([A-Z_]+)(?:(:?[-?+])([^}]*))?\}/g;

export const SITE: Record<string, string> = {
  PUBLIC_URL: "https://chat.example.org",
  MATRIX_SERVER_NAME: "example.org",
};
/** What Compose makes of a value with a site's `.env`. */
export function interpolated(value: string): string {
  return value.replace(VARIABLE, (_, name: string, operator = "", rest = "") => {
    if (SITE[name] !== undefined) return SITE[name];
    if (operator.includes("?")) throw new Error(`${name}: ${rest}`);
    return operator.includes("-") ? rest : "";
  });
}

export const networksOf = ({ networks = [] }: Service) =>
  Array.isArray(networks) ? networks : Object.keys(networks);
/** Whether it has a way out of the machine. */
export const reachesOut = (service: Service) =>
  networksOf(service).some((name) => compose.networks[name]?.internal !== true);
