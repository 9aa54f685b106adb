/** The services that the other tests stand on do what their interfaces say. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { describe, expect, test, vi } from "vitest";
import { type PostgresServer, startPostgresPair } from "../../load/services/postgres-replica.ts";
import { REAPER } from "../../load/services/reaper.ts";
import { startRedis } from "../../load/services/redis.ts";
import { describeWith } from "./need.ts";
import { type PostgresService, startPostgres } from "./postgres.ts";

async function count(url: string): Promise<number> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ n: number }[]>`SELECT count(*)::int AS n FROM kept`;
  await sql.end();
  return row?.n ?? 0;
}

describeWith("postgres", "PostgreSQL", ({ postgres: shared }) => {
  test("every database is empty and separate", async () => {
    const [one, two] = [await shared.createDatabase(), await shared.createDatabase()];
    expect(one).not.toBe(two);
  });

  test("keeps what it acknowledged through kill -9 of a backend and of the postmaster", async () => {
    const server: PostgresService = await startPostgres();
    const url = await server.createDatabase();
    const sql = postgres(url, { max: 1 });
    await sql`CREATE TABLE kept (n int)`;
    await sql`INSERT INTO kept VALUES (1)`;
    await server.kill9Backend(url);
    await vi.waitFor(async () => expect(await count(url)).toBe(1), { timeout: 10_000 });
    await sql.end();
    const before = server.pid();
    await server.kill9();
    await server.start();
    expect(server.pid()).not.toBe(before);
    expect(await count(url)).toBe(1);
    await server.restart();
    expect(await count(url)).toBe(1);
    await server.stop();
  });
});

describeWith("postgres", "a primary with a streaming standby", () => {
  const rows = (server: PostgresServer, database: string) => count(server.url(database));

  test("lets the standby lack the tail, be promoted, and have the former primary back; and starts from a backup", async () => {
    const pair = await startPostgresPair({ synchronous: false });
    const database = await pair.createDatabase();
    const sql = postgres(pair.primary.url(database), { max: 1 });
    await sql`CREATE TABLE kept (n int)`;
    await sql`INSERT INTO kept VALUES (1)`;
    await pair.caughtUp();
    await pair.pauseReplication();
    await sql`INSERT INTO kept VALUES (2)`;
    await sql.end();
    await pair.primary.kill9();
    await pair.promote();
    expect(await rows(pair.primary, database)).toBe(1);
    await pair.rejoin();
    await pair.caughtUp();
    expect(await rows(pair.standby, database)).toBe(1);
    const backup = await pair.backUp();
    await pair.primary.query("INSERT INTO kept VALUES (3)", database);
    await pair.restore(backup);
    expect(await rows(pair.primary, database)).toBe(1);
    await pair.rejoin();
    await pair.stop();
  });
});

describeWith("redis", "Redis", ({ redis }) => {
  async function ask(url: string, ...commands: string[]): Promise<string> {
    const { port } = new URL(url);
    const socket = createConnection(Number(port), "127.0.0.1");
    socket.end(`${[...commands, "QUIT"].join("\r\n")}\r\n`);
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  test("comes back empty after kill -9, unless it appends to its file", async () => {
    expect(await ask(redis.url, "SET a 1")).toContain("+OK");
    await redis.kill9();
    await redis.restart();
    expect(await ask(redis.url, "GET a")).toContain("$-1");
    const durable = await startRedis({ appendonly: true });
    await ask(durable.url, "SET a 1");
    await durable.kill9();
    await durable.restart();
    expect(await ask(durable.url, "GET a")).toContain("$1\r\n1");
    await durable.stop();
  });
});

describeWith(["synapse", "nio"], "matrix-nio", ({ synapse, nio }) => {
  test("two people sign in by password, one invites the other, and they talk", async () => {
    const [ada, ben] = await Promise.all([
      synapse.registerUser("nio-ada", "secret of ada"),
      synapse.registerUser("nio-ben", "secret of ben"),
    ]);
    const homeserver = synapse.url;
    const [first, second] = await Promise.all([
      nio.startClient({ homeserver: `${homeserver}/`, user: "nio-ada", password: "secret of ada" }),
      nio.startClient({ homeserver, user: ben.userId, password: "secret of ben" }),
    ]);
    const answer = await fetch(`${homeserver}/_matrix/client/v3/createRoom`, {
      method: "POST",
      headers: { authorization: `Bearer ${ada.accessToken}` },
      body: JSON.stringify({ invite: [ben.userId] }),
    });
    const { room_id: room } = (await answer.json()) as { room_id: string };
    await Promise.all([first.untilIn(room), second.untilIn(room)]);
    const eventId = await second.send(room, "Hello, Ada");
    const message = await first.message(({ text }) => text === "Hello, Ada");
    expect(message).toMatchObject({ room, eventId, sender: ben.userId, senderName: "nio-ben" });
    await Promise.all([first.close(), second.close()]);
  });

  test("a wrong password is refused with nio's answer", async () => {
    await synapse.registerUser("nio-carl", "secret of carl");
    const login = { homeserver: synapse.url, user: "nio-carl", password: "wrong" };
    await expect(nio.startClient(login)).rejects.toThrow(/M_FORBIDDEN/);
  });
});

describe("the reaper", () => {
  test("ends the service and deletes its folder when its pipe breaks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-reaped-"));
    const service = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    const ended = once(service, "exit");
    const reaper = spawn("sh", ["-c", REAPER, "reaper", String(service.pid), "TERM", folder]);
    reaper.stdin.destroy();
    await Promise.all([ended, once(reaper, "exit")]);
    expect(service.signalCode).toBe("SIGTERM");
    expect(existsSync(folder)).toBe(false);
  });
});
