/** A gateway that may open no more files or sockets, while its database and Redis are lost. Limits are set by prlimit(1). */
import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { provision } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { startPostgres } from "../services/postgres.ts";

/** Sockets that are open already stay; each new descriptor would be beyond it. */
const NO_MORE = 3;
const NEWCOMERS = 5;

async function breakConnections(databaseUrl: string, redisUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 });
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'causeway'`;
  await sql.end();
  const redis = new Redis(redisUrl);
  for (const type of ["normal", "pubsub"]) await redis.call("client", "kill", "type", type, "skipme", "yes");
  redis.disconnect();
}

describeWith("redis", "a gateway at its limit of descriptors", ({ redis }) => {
  const fleet = serverFleet();
  let database: Awaited<ReturnType<typeof startPostgres>>;
  beforeAll(async () => {
    database = await startPostgres();
  }, 120_000);
  afterAll(() => database?.stop());

  test.runIf(process.platform === "linux").each(["uws", "ws"])(
    "lives on, and has everything back once it may open some again (%s)",
    async (TRANSPORT) => {
      const DATABASE_URL = await database.createDatabase();
      const server = await fleet.start({ DATABASE_URL, REDIS_URL: redis.url, TRANSPORT, LOG_LEVEL: "info" });
      const said = async (text: string) => {
        while (!server.output().includes(text)) await delay(50);
      };
      const limit = (most: number) =>
        execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${most}:`]);
      const { people, rooms } = await provision(server.url, ["ada"], 1);
      const { hostname, port } = new URL(server.url);
      limit(NO_MORE);
      const newcomers = Array.from({ length: NEWCOMERS }, () =>
        connect(Number(port), hostname).on("error", () => {}),
      );
      await breakConnections(DATABASE_URL, redis.url);
      await Promise.all([said("store.unwritable"), said("redis.away")]);
      limit(1_000);
      await Promise.all([said("store.writable"), said("redis.back")]);
      for (const newcomer of newcomers) newcomer.destroy();
      const ada = new SocketClient("ada", people[0]!.token, "json");
      await ada.connect(server.url);
      await ada.send(rooms[0]!.token, "after-1", "Here again");
      await ada.drop();
      expect(server.output()).not.toContain("process.uncaught");
      expect((await server.stop()).code).toBe(0);
    },
    90_000,
  );
});
