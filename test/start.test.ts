/** The first minute of an operator: start with nothing configured, look, log in, Ctrl-C, start again. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { matrixReader } from "./black-box/matrix-reader.ts";
import { freePort, portIsFree } from "./black-box/processes.ts";
import { call } from "./black-box/provision.ts";
import { type ServerProcess, serverFleet } from "./black-box/server-process.ts";
import { SocketClient } from "./black-box/socket-client.ts";
import { describeWith } from "./services/need.ts";

/** What Ctrl-C may take, by the program's own promise. */
const STOP_LIMIT_MS = 5_000;

interface Demo {
  organizationId: number;
  users: { handle: string; password: string }[];
}
interface Kept {
  epoch: string;
  rooms: { room: string; name: string; head: number }[];
  logs: unknown[];
  matrixRoomIds: unknown[];
}

async function logIn(url: string, user: Demo["users"][number]): Promise<string> {
  const answer = await call<{ access_token: string }>(`${url}/login`, "POST", {}, user);
  return answer.access_token;
}

function demoOf(server: ServerProcess): Demo {
  return JSON.parse(readFileSync(join(server.dataDir, "demo.json"), "utf8")) as Demo;
}

/** Everything of Alice's that a restart has to keep. */
async function keptOf(server: ServerProcess, token: string): Promise<Kept> {
  const client = new SocketClient("kept", token, "json");
  const { epoch, rooms } = await client.connect(server.url);
  const logs: unknown[] = [];
  for (const { room } of rooms) logs.push(await client.history(room));
  await client.drop();
  const path = `api/v1/chat/chatrooms?organization_id=${demoOf(server).organizationId}&all=true`;
  const headers = { "Personal-Access-Token": token };
  const list = await call<{ entries: { matrixRoomID: string | null }[] }>(
    `${server.url}/${path}`,
    "GET",
    headers,
  );
  return {
    epoch,
    rooms: rooms.map(({ room, name, head }) => ({ room, name, head })),
    logs,
    matrixRoomIds: list.entries.map((entry) => entry.matrixRoomID),
  };
}

async function makeToken(server: ServerProcess, access: string): Promise<string> {
  const self = await call<{ id: string }>(`${server.url}/self`, "GET", { authorization: `Bearer ${access}` });
  expect(self.id).toMatch(/^[0-9a-f-]{36}$/);
  const adminToken = readFileSync(join(server.dataDir, "admin-token"), "utf8").trim();
  const headers = { authorization: `Bearer ${adminToken}` };
  const client = new SocketClient("who", access, "json");
  const { user } = await client.connect(server.url);
  await client.drop();
  const body = { userId: Number(user.id), name: "start test" };
  return (await call<{ token: string }>(`${server.url}/admin/v1/tokens`, "POST", headers, body)).token;
}

describeWith("synapseProgram", "a start with nothing configured", () => {
  const fleet = serverFleet();

  test("serves, lets the demo people talk, stops on Ctrl-C without a trace, and keeps everything", async () => {
    const ports = { PORT: String(await freePort()), MATRIX_PORT: String(await freePort()) };
    const server = await fleet.startBare(ports);
    expect(server.url).toBe(`http://127.0.0.1:${ports.PORT}`);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await server.untilReady();

    expect(server.output()).toMatch(new RegExp(`^  Process    ${server.pid}$`, "m"));

    const demo = demoOf(server);
    expect(demo.users).toHaveLength(2);
    for (const { handle, password } of demo.users) {
      expect(server.output()).toContain(handle);
      expect(server.output()).toContain(password);
    }
    const tokens = await Promise.all(demo.users.map((user) => logIn(server.url, user)));
    const alice = new SocketClient("alice", tokens[0]!, "json");
    const bob = new SocketClient("bob", tokens[1]!, "msgpack");
    const { rooms } = await alice.connect(server.url);
    await bob.connect(server.url);
    expect(rooms).toHaveLength(1);
    await alice.send(rooms[0]!.room, "hello-1", "Hello, Bob");
    await bob.message(rooms[0]!.room, "Hello, Bob");
    expect([...alice.faults, ...bob.faults]).toEqual([]);

    const token = await makeToken(server, tokens[0]!);
    // The bridge makes the Matrix room at its own pace.
    const before = await vi.waitFor(
      async () => {
        const kept = await keptOf(server, token);
        expect(kept.matrixRoomIds).toEqual([expect.stringMatching(/^!/)]);
        return kept;
      },
      { timeout: 30_000, interval: 200 },
    );

    const stopped = await server.stop("SIGINT", "group");
    console.log(`Ctrl-C took ${stopped.ms} ms`);
    expect(stopped).toMatchObject({ code: 0, left: [] });
    expect(stopped.ms).toBeLessThan(STOP_LIMIT_MS);
    for (const port of Object.values(ports)) expect(await portIsFree(Number(port)), port).toBe(true);

    const again = await fleet.startBare({ ...server.settings });
    await again.untilReady();
    expect(await keptOf(again, token)).toEqual(before);
    await logIn(again.url, demo.users[1]!);
    const person = { id: 0, handle: demo.users[0]!.handle, name: "Alice", token };
    const reader = await matrixReader(again.url, person);
    const matrixRoom = String(before.matrixRoomIds[0]);
    await reader.enter(matrixRoom);
    expect((await reader.untilTexts(matrixRoom, ["Hello, Bob"])).map(({ body }) => body)).toEqual([
      "Hello, Bob",
    ]);
    expect(await again.stop("SIGINT")).toMatchObject({ code: 0, left: [] });
  }, 600_000);
});
