/** docker-compose.yml against the program: what it sets, asks for, and mounts has to exist. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { synapseEnvironment } from "../../bridge/local/synapse.ts";
import { readOrMakeRegistration } from "../../bridge/registration.ts";
import { readConfig, SETTINGS } from "../../src/config.ts";
import { describeWith } from "../services/need.ts";

interface Service {
  image: string;
  build?: string;
  restart?: string;
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[]; disable?: boolean };
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  depends_on?: Record<string, { condition: string }>;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
}

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const text = read("docker-compose.yml");
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);
/** Services that do one thing and end. */
const ONE_SHOT = ["registration", "matrix-admin"];
const SECRETS = ["ADMIN_TOKEN", "POSTGRES_PASSWORD", "SYNAPSE_DATABASE_PASSWORD", "REDIS_PASSWORD"];
const VARIABLE = /\$\{([A-Z_]+)(?:(:?[-?+])([^}]*))?\}/g;

const SITE: Record<string, string> = {
  ...Object.fromEntries(SECRETS.map((name) => [name, `secret-of-${name}`])),
  PUBLIC_URL: "https://chat.example.org",
  MATRIX_SERVER_NAME: "example.org",
};
/** What Compose makes of a value with this `.env`. */
function interpolated(value: string): string {
  return value.replace(VARIABLE, (_, name: string, operator = "", rest = "") => {
    if (SITE[name] !== undefined) return SITE[name];
    if (operator.includes("?")) throw new Error(`${name}: ${rest}`);
    return operator.includes("-") ? rest : "";
  });
}

describe("docker-compose.yml", () => {
  test("has two gateways, a bridge, a proxy and their services", () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      ["proxy", "gateway-1", "gateway-2", "bridge", "postgres", "redis", "synapse", ...ONE_SHOT].toSorted(),
    );
    expect(compose.services["gateway-1"]).toEqual(compose.services["gateway-2"]);
  });

  test.each(ours)(
    "%s: every variable is a setting of the program, with a value that it takes",
    (_, service) => {
      const names = Object.keys(service.environment ?? {});
      const settings = new Set<string>(SETTINGS.map(({ name }) => name));
      expect(names.filter((name) => !settings.has(name))).toEqual([]);
      const values = Object.entries(service.environment ?? {}).map(([name, value]) => [
        name,
        interpolated(value),
      ]);
      const config = readConfig(Object.fromEntries(values) as Record<string, string>);
      expect(config).toMatchObject({
        MATRIX_SERVER_NAME: "example.org",
        MATRIX_CREDENTIALS: "synapse-admin",
      });
    },
  );

  test("every variable that it asks for stands in .env.example", () => {
    const named = new Set([...read(".env.example").matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name));
    const asked = new Set([...text.matchAll(VARIABLE)].map(([, name]) => name));
    expect([...asked].filter((name) => !named.has(name))).toEqual([]);
  });

  test("no secret has a default, and a missing one is named", () => {
    const uses = [...text.matchAll(VARIABLE)].filter(([, name]) => SECRETS.includes(name ?? ""));
    expect(new Set(uses.map(([, name]) => name))).toEqual(new Set(SECRETS));
    for (const [use, name, operator, rest] of uses) {
      expect({ operator, rest }, use).toEqual({ operator: ":?", rest: `set ${name} in .env` });
    }
  });

  test.each(services)("%s: is pinned, starts again, and tells whether it is well", (name, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+|:18\.\d+/);
    if (ONE_SHOT.includes(name)) return expect(service.healthcheck?.disable).toBe(true);
    expect(service.restart).toBe("unless-stopped");
    expect(service.healthcheck?.test?.length).toBeGreaterThan(1);
  });

  test.each(services)("%s: needs, mounts and joins only what there is", (_, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const expected = ONE_SHOT.includes(name) ? "service_completed_successfully" : "service_healthy";
      expect({ name, exists: name in compose.services, condition }).toEqual({
        name,
        exists: true,
        condition: expected,
      });
    }
    for (const volume of service.volumes ?? []) {
      const [source = ""] = volume.split(":");
      expect(
        source.startsWith("./") ? existsSync(join(root, source)) : source in compose.volumes,
        volume,
      ).toBe(true);
    }
    for (const network of service.networks ?? []) expect(network in compose.networks, network).toBe(true);
  });

  test("only the proxy is reachable from outside", () => {
    expect(services.filter(([, service]) => service.ports !== undefined).map(([name]) => name)).toEqual([
      "proxy",
    ]);
  });

  test("the proxy knows every gateway by name, and keeps what is for the inside inside", () => {
    const proxy = read("deploy/Caddyfile");
    for (const [name, { environment }] of services) {
      expect(proxy.includes(`${name}:8080`), name).toBe(environment?.ROLE === "gateway");
    }
    for (const path of ["/metrics*", "/readyz*", "/_matrix/app/*", "/_synapse/*"])
      expect(proxy).toContain(path);
  });

  test("programs that it runs are built from this source", () => {
    const started = [
      read("Dockerfile"),
      ...services.map(([, { command }]) => (command ?? []).join(" ")),
    ].join("\n");
    const programs = [...started.matchAll(/dist\/([\w/-]+)\.js/g)].map(([, name]) => `${name}.ts`);
    expect(programs).toContain("src/main.ts");
    for (const program of programs) expect(existsSync(join(root, program)), program).toBe(true);
  });
});

describeWith("synapse", "deploy/synapse", () => {
  test("Synapse takes the configuration, with the secrets that start.sh makes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-compose-"));
    const { bin } = await synapseEnvironment({});
    const registration = join(folder, "registration.yaml");
    const site = { prefix: "cw_", serverName: "example.org", appserviceUrl: "http://bridge:8080" };
    readOrMakeRegistration({ path: registration, ...site });
    const place = (content: string) =>
      content
        .replaceAll(/\/(data|deploy|matrix)\//g, `${folder}/`)
        .replace("exec /start.py run", "exec python -m synapse.config read server.server_name");
    for (const name of ["start.sh", "homeserver.yaml", "logging.yaml"]) {
      writeFileSync(join(folder, name), place(read(`deploy/synapse/${name}`)));
    }
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      MATRIX_SERVER_NAME: "example.org",
      MATRIX_PUBLIC_URL: "https://chat.example.org",
    };
    const start = () => promisify(execFile)("/bin/sh", [join(folder, "start.sh")], { env });
    expect((await start()).stdout).toContain("server.server_name: example.org");
    const secrets = ["macaroon-secret", "form-secret", "registration-shared-secret", "signing.key"];
    const made = secrets.map((name) => readFileSync(join(folder, name), "utf8"));
    for (const secret of made) expect(secret.trim().length).toBeGreaterThan(40);
    await start();
    expect(secrets.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(made);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
});
