/** What the store says of itself while it can't be written: the cause, once at the beginning and once at the end. */
import postgres from "postgres";
import { expect, test, vi } from "vitest";
import { openStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import { createRoom, messageBy, say } from "./fixtures.ts";

const BACK = { timeout: 10_000 };

describeWith("postgres", "the store's health", ({ postgres: server }) => {
  test("is full from the first write that finds no room until a write goes through again", async () => {
    const databaseUrl = await server.createDatabase();
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const store = await openStore({ databaseUrl, maxConnections: 2, repeatMs: 100, logger });
    const room = await createRoom(store);
    logger.info.mockClear();
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    // What PostgreSQL says when a file can't grow.
    await sql.unsafe(`
      create function disk_full() returns event_trigger language plpgsql as
        $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      create function disk_full_row() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      create trigger disk_full before insert on events execute function disk_full_row();
      create event trigger disk_full on ddl_command_start when tag in ('CREATE TABLE AS') execute function disk_full();
    `);
    await expect(store.log.append(messageBy(room))).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.log.append(messageBy(room))).rejects.toMatchObject({ code: "unavailable" });
    expect(store.health.condition).toMatchObject({ state: "full", detail: "could not extend file" });
    await sql.unsafe("drop event trigger disk_full; drop trigger disk_full on events");
    await vi.waitFor(() => expect(store.health.condition).toMatchObject({ state: "ok" }), BACK);
    expect(await say(store, room)).toBe(3);
    expect(logger.error.mock.calls.map(([fields]) => fields)).toMatchObject([
      { event: "store.unwritable", state: "full" },
    ]);
    expect(logger.info.mock.calls.map(([fields]) => fields)).toMatchObject([
      { event: "store.writable", state: "full" },
    ]);
    await Promise.all([store.close(), sql.end()]);
  });

  test("is well while all connections of the process are busy", async () => {
    const databaseUrl = await server.createDatabase();
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const store = await openStore({ databaseUrl, maxConnections: 1, statementTimeoutMs: 500, logger });
    let isOver = false;
    const busy = store.sql.begin(async (sql) => {
      while (!isOver) await sql`select pg_sleep(0.1)`;
    });
    await expect(store.sql`select 1`).rejects.toMatchObject({ code: "unavailable" });
    isOver = true;
    await busy;

    expect(logger.error).not.toHaveBeenCalled();
    await store.close();
  });
});
