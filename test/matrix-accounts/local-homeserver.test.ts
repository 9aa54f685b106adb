import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import { createHomeserver } from "../../bridge/homeserver/homeserver.ts";
import { type RegistrationFile, readOrMakeRegistration } from "../../bridge/homeserver/registration.ts";
import { startLocalHomeserver } from "../../bridge/local-homeserver.ts";
import { readConfig } from "../../src/config.ts";
import { createLogger } from "../../src/logger.ts";
import { commandsNaming, freePort, portIsFree, signalAll, untilGone } from "../black-box/processes.ts";
import { describeWith } from "../services/need.ts";

let dataDir: string;
let port: number;
let registration: RegistrationFile;
const logger = createLogger("silent");

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "causeway-homeserver-"));
  port = await freePort();
  registration = readOrMakeRegistration({
    path: join(dataDir, "registration.yaml"),
    appserviceUrl: "http://127.0.0.1:9",
    prefix: "cw_",
    serverName: "localhost",
  });
});
afterAll(async () => {
  const left = () => commandsNaming("synapse", dataDir);
  signalAll(left(), "SIGKILL");
  await untilGone(left, 5_000);
  rmSync(dataDir, { recursive: true, force: true });
});

const start = (env: Record<string, string> = {}, say: (line: string) => void = () => undefined) => {
  const config = readConfig({ MATRIX_PORT: String(port), ...env });
  return startLocalHomeserver({ config, dataDir, registration, say, logger });
};

describeWith("synapseProgram", "the local homeserver", () => {
  test("comes up with its sender as an administrator, says nothing, and is gone after stop", async () => {
    const say = vi.fn();
    const local = await start({}, say);
    if (!local) throw new Error("there is none");
    expect(local).toMatchObject({ url: `http://127.0.0.1:${port}`, serverName: "localhost" });
    expect(say).not.toHaveBeenCalled();

    const homeserver = createHomeserver({
      baseUrl: local.url,
      registration,
      serverName: "localhost",
      logger,
    });
    const users = await homeserver.request<{
      users: { name: string; admin: boolean; deactivated: boolean }[];
    }>("GET", "/_synapse/admin/v2/users", { query: { deactivated: true, guests: false } });
    const administrators = users.users.filter((user) => user.admin && !user.deactivated);
    expect(administrators.map(({ name }) => name)).toEqual(["@cw_sender:localhost"]);

    const store = {
      ...{ markMatrixAccount: async () => [], roomsToEnter: async () => [] },
      ...{
        leaseTasksOf: async () => [],
        countLeasedTasks: async () => 0,
        grant: async () => true,
        isGranted: async () => true,
      },
    } as unknown as Parameters<typeof createMatrixAccounts>[0]["store"];
    const accounts = createMatrixAccounts({ homeserver, store, provider: "synapse-admin", logger });
    const user = { id: 7, uuid: "", publicId: "", handle: "p", displayName: "P", email: null };
    const told = { avatarId: null, status: "", receiptsFor: "everybody", lastSeenFor: "everybody" } as const;
    const made = await accounts.credentials(
      { ...user, ...told, administrator: false, createdAt: 0 },
      { via: "jwt", expiresAt: 0 },
    );
    const answer = await fetch(`${local.url}/_matrix/client/v3/login`, {
      method: "POST",
      body: JSON.stringify({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: made.username },
        password: made.password,
      }),
    });
    expect(answer.status).toBe(200);

    const restarted = new Promise<void>((resolve) => local.onRestart(resolve));
    signalAll(commandsNaming("synapse", dataDir), "SIGKILL");
    await restarted;
    expect((await fetch(`${local.url}/_matrix/client/versions`)).status).toBe(200);

    await local.stop();
    expect(commandsNaming("synapse", dataDir)).toEqual([]);
    expect(await portIsFree(port)).toBe(true);
  }, 120_000);

  test("names the setting to change when its port is taken", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    await expect(start()).rejects.toThrowError(/MATRIX_PORT/);
    await new Promise((resolve) => squatter.close(resolve));
  }, 60_000);
});

describe("where no local homeserver can be installed", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test("one line says why, and there is none", async () => {
    vi.stubEnv("PATH", folderWith("flock"));
    const say = vi.fn();
    expect(await start({ CAUSEWAY_CACHE_DIR: join(dataDir, "cache") }, say)).toBeNull();
    const lines = say.mock.calls.flat();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^No local Matrix homeserver: no Python.*Chat runs on without Matrix$/);
  });
});

/** A folder for PATH in which this command is all there is. */
function folderWith(command: string): string {
  const folder = mkdtempSync(join(dataDir, "path-"));
  const found = spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();
  if (found !== "") symlinkSync(found, join(folder, command));
  return folder;
}
