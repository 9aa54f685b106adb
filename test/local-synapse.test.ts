/** The local homeserver: kept running, taken over after a kill, and gone when it should be. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type LocalSynapse, startLocalSynapse } from "../bridge/local/synapse.ts";
import { commandsNaming, freePort, portIsFree, signalAll, untilGone } from "./black-box/processes.ts";
import { describeWith } from "./services/need.ts";
import { registrationText } from "./services/shared.ts";

const STOP_LIMIT_MS = 4_000;

describeWith("synapseProgram", "the local Synapse", ({ synapseProgram: { python } }) => {
  let dataDir: string;
  let options: {
    dataDir: string;
    port: number;
    serverName: string;
    registrationPath: string;
    python: string;
  };
  let running: LocalSynapse | null = null;
  const logger = { info: vi.fn(), warn: vi.fn() };
  const ours = () => commandsNaming("synapse", dataDir);

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "causeway-local-"));
    const registrationPath = join(dataDir, "registration.yaml");
    options = { dataDir, port: await freePort(), serverName: "localhost", registrationPath, python };
    register(options.port + 1);
  });
  afterEach(() => vi.clearAllMocks());
  afterAll(async () => {
    await running?.stop();
    signalAll(ours(), "SIGKILL");
    await untilGone(ours, STOP_LIMIT_MS);
    rmSync(dataDir, { recursive: true, force: true });
  });

  function register(port: number): void {
    const text = registrationText("test", { url: `http://127.0.0.1:${port}`, prefix: "cw_" });
    writeFileSync(options.registrationPath, text);
  }

  /** Starts Synapse in a process of its own, kills that one, and returns Synapse's pid. */
  async function leaveOneBehind(): Promise<number> {
    const script = join(import.meta.dirname, "local-synapse-owner.mjs");
    const owner = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(owner.stdout, "data")) as [Buffer];
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const { pid } = JSON.parse(line.toString()) as { pid: number };
    expect(ours()).toEqual([pid]);
    return pid;
  }

  async function start(onRestart?: () => void): Promise<LocalSynapse> {
    running = await startLocalSynapse({ ...options, bcryptRounds: undefined, logger, onRestart });
    return running;
  }

  async function stop(synapse: LocalSynapse): Promise<void> {
    const since = Date.now();
    await synapse.stop();
    running = null;
    expect(Date.now() - since).toBeLessThan(STOP_LIMIT_MS);
    expect(ours()).toEqual([]);
    expect(await portIsFree(options.port)).toBe(true);
  }

  test("one that a killed owner left behind is taken over, restarted when it dies, and stopped", async () => {
    const left = await leaveOneBehind();
    const onRestart = vi.fn();
    const synapse = await start(onRestart);
    expect(synapse).toMatchObject({ adopted: true, url: `http://127.0.0.1:${options.port}` });
    expect(synapse.pid()).toBe(left);
    for (const name of ["secrets.json", "signing.key", "homeserver.yaml"]) {
      expect(statSync(join(dataDir, "synapse", name)).mode & 0o777, name).toBe(0o600);
    }

    process.kill(left, "SIGKILL");
    await vi.waitFor(() => expect(onRestart).toHaveBeenCalledOnce(), { timeout: 25_000 });
    expect(logger.warn).toHaveBeenCalledWith(
      expect.objectContaining({ event: "synapse.ended" }),
      expect.stringContaining("starting it again"),
    );
    expect(synapse.pid()).not.toBe(left);
    expect((await fetch(`${synapse.url}/_matrix/client/versions`)).status).toBe(200);
    await stop(synapse);
  }, 60_000);

  test("one that is left behind with another registration is replaced", async () => {
    const left = await leaveOneBehind();
    register(options.port + 2);
    const synapse = await start();
    expect(synapse.adopted).toBe(false);
    expect(ours()).toEqual([synapse.pid()]);
    expect(synapse.pid()).not.toBe(left);
    await expect(startLocalSynapse({ ...options, logger })).rejects.toThrow(/belongs to another Causeway/);

    const before = synapse.pid();
    await synapse.restart();
    expect(synapse.pid()).not.toBe(before);
    expect(logger.warn).not.toHaveBeenCalled();
    await stop(synapse);
  }, 60_000);

  test("one that hangs is stopped all the same", async () => {
    const synapse = await start();
    process.kill(synapse.pid() ?? 0, "SIGSTOP");
    await stop(synapse);
  }, 60_000);

  test("a start that is no longer wanted ends, and leaves nothing", async () => {
    const wanted = new AbortController();
    const started = startLocalSynapse({ ...options, logger, signal: wanted.signal });
    await vi.waitFor(() => expect(ours()).toHaveLength(1));
    wanted.abort(new Error("Ctrl-C"));
    await expect(started).rejects.toThrow("Ctrl-C");
    expect(ours()).toEqual([]);
  });

  test("tells names to those who share a room, pictures to clients of the older paths, and where it is", async () => {
    const { url, stop: end } = await start();
    const ask = async (method: string, path: string, { as, ...body }: Record<string, unknown> = {}) => {
      const headers = { authorization: "Bearer as-token-of-test", "content-type": "application/json" };
      const query = as === undefined ? "" : `?user_id=${encodeURIComponent(String(as))}`;
      const json = method === "GET" ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${url}/_matrix/${path}${query}`, { method, headers, ...json });
      return { status: answer.status, json: (await answer.json()) as Record<string, string> };
    };
    const [ada, ben] = ["@cw_1:localhost", "@cw_2:localhost"];
    for (const username of ["cw_1", "cw_2"]) {
      const type = "m.login.application_service";
      await ask("POST", "client/v3/register", { type, username, inhibit_login: true });
    }
    const profile = `client/v3/profile/${encodeURIComponent(ada)}`;
    await ask("PUT", `${profile}/displayname`, { as: ada, displayname: "Ada" });
    expect((await fetch(`${url}/_matrix/${profile}`)).status).toBe(401);
    expect((await ask("GET", profile, { as: ben })).status).toBe(403);
    const { json: room } = await ask("POST", "client/v3/createRoom", { as: ada, invite: [ben] });
    await ask("POST", `client/v3/join/${encodeURIComponent(room.room_id ?? "")}`, { as: ben });
    expect((await ask("GET", profile, { as: ben })).json).toMatchObject({ displayname: "Ada" });

    const { json: file } = await ask("POST", "media/v3/upload", { as: ada });
    const old = await fetch(`${url}/_matrix/media/v3/download/${file.content_uri?.slice("mxc://".length)}`);
    expect([old.status, await old.text()]).toEqual([200, "{}"]);
    const known = await (await fetch(`${url}/.well-known/matrix/client`)).json();
    expect(known).toMatchObject({ "m.homeserver": { base_url: `${url}/` } });
    await end();
    running = null;
  }, 60_000);

  describe("says what to do", () => {
    test("when its port is taken", async () => {
      const other = createServer().listen(options.port, "127.0.0.1");
      await once(other, "listening");
      await expect(startLocalSynapse({ ...options, logger })).rejects.toThrow(
        `port ${options.port} is in use by another program. Stop that one, or set MATRIX_PORT`,
      );
      other.close();
    });

    test("when the folder belongs to a server of another name", async () => {
      await expect(startLocalSynapse({ ...options, serverName: "chat.example", logger })).rejects.toThrow(
        /named localhost.*Set MATRIX_SERVER_NAME=localhost/,
      );
    });

    test("when Synapse refuses its configuration", async () => {
      writeFileSync(options.registrationPath, "id: 1\n");
      await expect(startLocalSynapse({ ...options, logger })).rejects.toThrow(
        /ended while starting.*output\.log/,
      );
      expect(ours()).toEqual([]);
    });
  });
});
