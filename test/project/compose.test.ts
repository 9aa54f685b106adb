/** docker-compose.yml against the program: what it sets, asks for, and mounts has to exist. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { readOrMakeRegistration } from "../../bridge/homeserver/registration.ts";
import { readSettings, SETTINGS } from "../../src/config.ts";
import { describeWith } from "../services/need.ts";
import {
  compose,
  interpolated,
  networksOf,
  ONE_SHOT,
  ours,
  read,
  root,
  services,
  text,
  VARIABLE,
} from "./compose-file.ts";

/** Compose mounts secrets at /run/secrets; here they are in a folder of the test's own. */
const mounted = mkdtempSync(join(tmpdir(), "causeway-compose-secrets-"));
const SECRET_TEXT = "5ec7e7".repeat(8);
for (const name of Object.keys(compose.secrets)) writeFileSync(join(mounted, name), `${SECRET_TEXT}\n`);
afterAll(() => rmSync(mounted, { recursive: true, force: true }));

describe("docker-compose.yml", () => {
  test("has two gateways, a bridge, a proxy and their services", () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      ["proxy", "gateway-1", "gateway-2", "bridge", "postgres", "redis", "synapse", ...ONE_SHOT].toSorted(),
    );
    expect(compose.services["gateway-1"]).toEqual(compose.services["gateway-2"]);
  });

  test.each(ours)(
    "%s: every variable is a setting that the program takes without a warning",
    (_, service) => {
      const values = Object.entries(service.environment ?? {}).map(([name, value]) => {
        const read = interpolated(value);
        return [name, read.replace("/run/secrets", mounted)];
      });
      const { config, warnings } = readSettings(Object.fromEntries(values) as Record<string, string>);
      const names = new Set<string>(SETTINGS.map(({ name }) => name));
      const unknown = Object.keys(service.environment ?? {}).filter(
        (name) => !names.has(name.replace(/_FILE$/, "")),
      );
      expect({ unknown, warnings }).toEqual({ unknown: [], warnings: [] });
      expect(config).toMatchObject({
        MATRIX_SERVER_NAME: "example.org",
        MATRIX_CREDENTIALS: "synapse-admin",
      });
      if (config.ROLE === "all") return;
      expect(config.DATABASE_URL).toBe(`postgres://causeway:${SECRET_TEXT}@postgres:5432/causeway`);
      expect(config.REDIS_URL).toBe(`redis://:${SECRET_TEXT}@redis:6379`);
      expect(config.ADMIN_TOKEN).toBe(config.ROLE === "gateway" ? SECRET_TEXT : undefined);
    },
  );

  test("every variable that it asks for stands in .env.example", () => {
    const named = new Set([...read(".env.example").matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name));
    const asked = new Set([...text.matchAll(VARIABLE)].map(([, name]) => name));
    expect([...asked].filter((name) => !named.has(name))).toEqual([]);
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
    for (const network of networksOf(service)) expect(network in compose.networks, network).toBe(true);
    for (const secret of service.secrets ?? []) expect(secret in compose.secrets, secret).toBe(true);
  });

  test("only the proxy is reachable from outside", () => {
    expect(services.filter(([, service]) => service.ports !== undefined).map(([name]) => name)).toEqual([
      "proxy",
    ]);
  });

  test("the proxy knows every gateway by name", () => {
    const proxy = read("deploy/Caddyfile");
    for (const [name, { environment }] of services)
      expect(proxy.includes(`${name}:8080`), name).toBe(environment?.ROLE === "gateway");
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

  test("npm's scripts run in the image, which holds the built program and no source", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-image-"));
    for (const name of ["package.json", "dist", "node_modules"])
      symlinkSync(join(root, name), join(folder, name));
    const env = { ...process.env, MATRIX_REGISTRATION: join(folder, "registration.yaml") };
    const run = promisify(execFile)("npm", ["run", "matrix:registration"], { cwd: folder, env });
    expect((await run).stdout).toContain("Made the registration");
    rmSync(folder, { recursive: true, force: true });
  });
});

describeWith("synapseProgram", "deploy/synapse", ({ synapseProgram: { bin } }) => {
  test("Synapse takes the configuration, with the secrets that start.sh makes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-compose-"));
    const registration = join(folder, "registration.yaml");
    const site = { prefix: "cw_", serverName: "example.org", appserviceUrl: "http://bridge:8080" };
    readOrMakeRegistration({ path: registration, ...site });
    const place = (content: string) =>
      content
        .replaceAll(/\/(data|deploy|matrix|run\/secrets|tmp)\/(?!causeway)/g, `${folder}/`)
        .replace("exec /start.py run", "exec python -m synapse.config read ratelimiting.rc_message");
    for (const name of ["start.sh", "homeserver.yaml", "logging.yaml"]) {
      writeFileSync(join(folder, name), place(read(`deploy/synapse/${name}`)));
    }
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      MATRIX_SERVER_NAME: "example.org",
      MATRIX_PUBLIC_URL: "https://chat.example.org",
    };
    const start = () => promisify(execFile)("/bin/sh", [join(folder, "start.sh")], { env });
    writeFileSync(join(folder, "synapse-database-password"), "pw\n");
    expect((await start()).stdout).toMatch(/per_second=10.*burst_count=100/);
    expect(readFileSync(join(folder, "pgpass"), "utf8")).toBe("*:*:*:synapse:pw\n");
    const secrets = ["macaroon-secret", "form-secret", "registration-shared-secret", "signing.key"];
    const made = secrets.map((name) => readFileSync(join(folder, name), "utf8"));
    for (const secret of made) expect(secret.trim().length).toBeGreaterThan(40);
    await start();
    expect(secrets.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(made);
    rmSync(folder, { recursive: true, force: true });
  }, 180_000);
});
