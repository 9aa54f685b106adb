/** The store behind a real PgBouncer: in session mode with its defaults, in transaction mode without sessions. */
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import type { PgBouncer } from "../services/pgbouncer.ts";
import { createRoom, messageBy, seqsOf, upTo } from "./fixtures.ts";

describeWith(["postgres", "pgbouncer"], "PgBouncer", ({ postgres: server, pgbouncer }) => {
  describe.for(["session", "transaction"] as const)("in %s mode", (mode) => {
    let bouncer: PgBouncer;
    let direct: postgres.Sql;
    let stores: PostgresStore[] = [];
    const sessions = mode === "session";
    const open = () => openStore({ databaseUrl: bouncer.url, maxConnections: 4, sessions });
    beforeAll(async () => {
      const url = await server.createDatabase();
      direct = postgres(url, { max: 1 });
      bouncer = await pgbouncer.start(url, mode);
      stores = await Promise.all([open(), open(), open()]);
    });
    afterAll(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await bouncer.stop();
      await direct.end();
    });

    test("three stores migrate together and give concurrent writers one gapless order", async () => {
      const room = await createRoom(stores[0]!);
      const writers = Array.from({ length: 12 }, async (_, i) => {
        await stores[i % 3]!.log.append(messageBy(room, i % 2));
        await stores[(i + 1) % 3]!.log.markRead(room.people[i % 2]!.key, room.id, 2);
        await stores[i % 3]!.transaction(async (tx) => {
          await tx.lockRooms([room.id]);
          await tx.updateRoom(room.id, { description: `by ${i}` });
        });
      });
      await Promise.all(writers);
      expect(await seqsOf(stores[1]!, room.id)).toEqual(upTo(14));
      await stores[2]!.ping();
    });

    test("what a session is set to stays with it", async () => {
      const [row] = await stores[0]!.sql<[{ timeout: string }]>`
        select current_setting('statement_timeout') as timeout`;
      expect(row.timeout).toBe(sessions ? "5s" : "0");
    });

    test.runIf(mode === "transaction")(
      "a role whose commits do not wait for the disk is refused",
      async () => {
        const [row] = await direct<[{ name: string }]>`select current_database() as name`;
        await direct.unsafe(`alter database ${row.name} set synchronous_commit = off`);
        // PgBouncer keeps its connections: they have the default of when they were made.
        await direct`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
        await expect(open()).rejects.toThrow(/synchronous_commit is off.*DATABASE_PREPARE=off/);
      },
    );
  });
});
