/** What docker-compose.yml lets its containers take, reach and see. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import postgres from "postgres";
import { describe, expect, test } from "vitest";
import { findRedis } from "../../load/services/redis.ts";
import { startProcess } from "../../load/services/service-process.ts";
import { readConfig } from "../../src/config.ts";
import { openStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import {
  compose,
  interpolated,
  networksOf,
  ours,
  reachesOut,
  read,
  root,
  type Service,
  services,
} from "./compose-file.ts";

describe("docker-compose.yml", () => {
  test("no secret is a variable or on a command line: all are files, and make-secrets.sh makes each", async () => {
    for (const [name, { command, entrypoint, environment = {}, secrets = [] }] of services) {
      const secret = Object.entries(environment).filter(([key]) => /PASSWORD(?!_MIN)|TOKEN|SECRET/.test(key));
      for (const [key, path] of secret) {
        expect(key, name).toMatch(/_FILE$/);
        expect(secrets.map((file) => `/run/secrets/${file}`)).toContain(path);
      }
      expect(JSON.stringify([command, entrypoint, environment]), name).not.toMatch(
        /\$\{[A-Z_]*(PASSWORD(?!_MIN)|TOKEN)/,
      );
    }
    const folder = mkdtempSync(join(tmpdir(), "causeway-make-secrets-"));
    mkdirSync(join(folder, "deploy"));
    cpSync(join(root, "deploy/make-secrets.sh"), join(folder, "deploy/make-secrets.sh"));
    const make = () => promisify(execFile)("/bin/sh", [join(folder, "deploy/make-secrets.sh")]);
    await make();
    const made = Object.values(compose.secrets).map(({ file }) => readFileSync(join(folder, file), "utf8"));
    for (const secret of made) expect(secret).toMatch(/^[0-9a-f]{48}\n$/);
    expect(statSync(join(folder, "secrets")).mode & 0o777).toBe(0o700);
    expect((await make()).stdout).toBe("");
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(services)("%s: has bounds, and no right that it does not need", (name, service) => {
    expect(service).toMatchObject({
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      read_only: true,
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      pids_limit: expect.any(Number),
      logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "5" } },
    });
    const needed: Record<string, string[]> = {
      proxy: ["NET_BIND_SERVICE"],
      postgres: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    };
    expect(service.cap_add).toEqual(needed[name]);
  });

  test("databases have no way out, those who post webhooks have one, and the proxy reaches no database", () => {
    const out = services.filter(([, service]) => reachesOut(service)).map(([name]) => name);
    expect(out.toSorted()).toEqual(["bridge", "gateway-1", "gateway-2", "proxy"]);
    expect(compose.services.registration?.network_mode).toBe("none");
    const { proxy } = compose.services;
    expect(networksOf(proxy as Service)).toEqual(["public", "front"]);
    for (const name of ["postgres", "redis"])
      expect(networksOf(compose.services[name] as Service)).toEqual(["data"]);
  });

  test("the proxy alone may say whom a request is from", () => {
    const { networks } = compose.services.proxy as { networks: Record<string, { ipv4_address?: string }> };
    const address = interpolated(networks.front?.ipv4_address ?? "");
    const [{ subnet, ip_range } = { subnet: "", ip_range: "" }] = compose.networks.front?.ipam?.config ?? [];
    for (const [name, { environment }] of ours) {
      if (environment?.ROLE) expect(interpolated(environment.TRUSTED_PROXIES ?? ""), name).toBe(address);
    }
    const contains = (range: string) => {
      const list = new BlockList();
      const [start = "", bits] = interpolated(range).split("/");
      list.addSubnet(start, Number(bits));
      return list.check(address);
    };
    // Addresses that Docker gives to the others come from the range.
    expect([contains(subnet), contains(ip_range)]).toEqual([true, false]);
  });

  test("a process may take longer to stop than it needs", () => {
    const { stop_grace_period, environment = {} } = compose.services["gateway-1"] as Service;
    const told = Object.entries(environment).filter(([name]) => ["DRAIN_MS", "LAME_DUCK_MS"].includes(name));
    expect(told).toHaveLength(2);
    const config = readConfig(Object.fromEntries(told.map(([name, value]) => [name, interpolated(value)])));
    const graceMs = Number.parseInt(interpolated(stop_grace_period ?? ""), 10) * 1_000;
    expect(graceMs).toBeGreaterThan(config.DRAIN_MS + config.LAME_DUCK_MS + 5_000);
  });

  test("Redis keeps within its container's memory, and says what goes first", () => {
    const config = read("deploy/redis/redis.conf");
    const limit = Number.parseInt(compose.services.redis?.mem_limit ?? "", 10);
    expect(Number(/^maxmemory (\d+)mb$/m.exec(config)?.[1])).toBeLessThan(limit * 0.6);
    expect(config).toMatch(/^maxmemory-policy volatile-lru$/m);
  });
});

describeWith("postgres", "deploy/postgres", ({ postgres: server }) => {
  test("Causeway and Synapse get a role and a database each, without a way to the rest", async () => {
    const id = randomBytes(4).toString("hex");
    const statements = read("deploy/postgres/databases.sql")
      .replace(/^(--|\\).*$/gm, "")
      .replaceAll(/:'(\w+)_password'/g, "'$1-pw'")
      .replaceAll(/\b(causeway|synapse)\b(?!-pw)/g, `$1_${id}`);
    const superuser = postgres(server.url, { max: 1 });
    for (const statement of statements.split(";")) if (statement.trim()) await superuser.unsafe(statement);
    const roles = await superuser`
      select rolsuper or rolcreatedb or rolcreaterole as powerful from pg_roles where rolname like ${`%_${id}`}`;
    expect(roles.map(({ powerful }) => powerful)).toEqual([false, false]);
    await superuser.end();
    const urlOf = (role: string, database: string) =>
      Object.assign(new URL(server.url), {
        ...{ username: `${role}_${id}`, password: `${role}-pw`, pathname: `/${database}_${id}` },
      }).href;
    const store = await openStore({ databaseUrl: urlOf("causeway", "causeway"), maxConnections: 2 });
    await store.close();
    const stranger = postgres(urlOf("synapse", "causeway"), { max: 1 });
    await expect(stranger`select 1`).rejects.toThrow(/permission denied for database/);
    await stranger.end();
  });
});

describeWith("redis", "deploy/redis", () => {
  test("start.sh runs Redis with its password, and the memory and policy of redis.conf", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-redis-"));
    const place = (name: string) =>
      read(`deploy/redis/${name}`)
        .replaceAll(/\/(run\/secrets|deploy|tmp)\//g, `${folder}/`)
        .replace("dir /data", `dir ${folder}\nport 0\nunixsocket ${folder}/socket`)
        .replace("exec redis-server", `exec ${binary}`);
    const { command: binary } = await findRedis();
    writeFileSync(join(folder, "redis-password"), "pw\n");
    for (const name of ["start.sh", "redis.conf"]) writeFileSync(join(folder, name), place(name));
    const script = join(folder, "start.sh");
    const server = {
      command: "/bin/sh",
      args: [script],
      folder,
      ready: /ready to accept|server is now ready/i,
    };
    const running = await startProcess({ ...server, endWith: "SIGTERM" });
    const client = new Redis({ path: join(folder, "socket"), password: "pw" });
    expect(await client.config("GET", "maxmemory*")).toEqual(
      expect.arrayContaining([String(384 * 1024 * 1024), "volatile-lru"]),
    );
    client.disconnect();
    const stranger = new Redis({ path: join(folder, "socket"), retryStrategy: null });
    stranger.on("error", () => {});
    await expect(stranger.ping()).rejects.toThrow(/NOAUTH/);
    stranger.disconnect();
    await running.end();
    rmSync(folder, { recursive: true, force: true });
  });
});
