/** The identity of the history: it does not travel with a copy of the database, and a process notices when it lost its end. */
import postgres from "postgres";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type PostgresPair, startPostgresPair } from "../../../load/services/postgres-replica.ts";
import { storeChecks } from "../../../src/store/log/restored.ts";
import { openStore, type PostgresStore } from "../../../src/store/postgres.ts";
import { describeWith } from "../../services/need.ts";
import { createRoom, say } from "../fixtures.ts";

describeWith(["postgres"], "the history", () => {
  let pair: PostgresPair;
  const stores: PostgresStore[] = [];
  beforeAll(async () => {
    pair = await startPostgresPair({ synchronous: false });
  }, 60_000);
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await pair.stop();
  });
  const open = async (databaseUrl: string) => {
    const store = await openStore({ databaseUrl, maxConnections: 2 });
    stores.push(store);
    return store;
  };
  const changed = (store: PostgresStore) => new Promise<void>((resolve) => store.history.onChange(resolve));

  test("stays over restarts, and is made anew in a copy of the database", async () => {
    const name = await pair.createDatabase();
    const url = pair.primary.url(name);
    const first = await open(url);
    const { epoch } = first.history;
    expect((await open(url)).history.epoch).toBe(epoch);
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await pair.primary.query(`create database ${name}_copy template ${name}`);

    expect((await open(pair.primary.url(`${name}_copy`))).history.epoch).not.toBe(epoch);
    expect((await open(url)).history.epoch).toBe(epoch);
  });

  test("is made anew once, whoever asks, when a dump is restored in place under living processes", async () => {
    const url = pair.primary.url(await pair.createDatabase());
    const [one, two] = [await open(url), await open(url)];
    const { epoch } = one.history;
    const heard = Promise.all([changed(one), changed(two)]);
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    await sql.begin(async (tx) => {
      await tx`create table restored as table causeway_meta`;
      await tx`drop table causeway_meta`;
      await tx`alter table restored rename to causeway_meta`;
      await tx`alter table causeway_meta add primary key (key)`;
    });
    await sql.end();
    await heard;

    expect(one.history.epoch).not.toBe(epoch);
    expect(two.history.epoch).toBe(one.history.epoch);
  });

  test("is made anew once when several connections find at the same time that its end is lost", async () => {
    const name = await pair.createDatabase();
    const store = await openStore({ databaseUrl: pair.primary.url(name), maxConnections: 4 });
    stores.push(store);
    const room = await createRoom(store);
    let told = [{ roomId: room.id, seq: 99, at: 0 }];
    store.history.hold(() => told);
    let changes = 0;
    store.history.onChange(() => {
      changes++;
      told = [];
    });
    const { epoch } = store.history;
    const onEach = () => Promise.all([1, 2, 3, 4].map(() => store.ping()));
    await onEach();
    await pair.primary.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    );
    await onEach();
    await store.history.lost(epoch);

    expect(changes).toBe(1);
    expect(store.history.epoch).not.toBe(epoch);
  });

  test("gives out no id that a lost one gave out, however often the same backup is restored", async () => {
    const name = await pair.createDatabase();
    const give = async (database: string) => {
      const store = await open(pair.primary.url(database));
      const room = await createRoom(store);
      const tables = await store.sql<{ table: string; next: number }[]>`
        select table_name as table, nextval(pg_get_serial_sequence(table_name, column_name)) as next
        from information_schema.columns where table_schema = current_schema() and is_identity = 'YES'`;
      await Promise.all(stores.splice(0).map((each) => each.close()));
      return { room: room.id, people: room.people.map(({ id }) => id), tables };
    };
    await give(name);
    await pair.primary.query(`create database ${name}_backup template ${name}`);
    const lost = await give(name);
    const restored = [];
    for (const copy of [`${name}_one`, `${name}_two`]) {
      await pair.primary.query(`create database ${copy} template ${name}_backup`);
      restored.push(await give(copy));
    }

    const people = [lost, ...restored].flatMap((each) => each.people);
    expect(new Set(people).size).toBe(6);
    for (const { room, tables } of restored) {
      expect(room).toBeGreaterThan(lost.room + 10_000);
      // Talk's clients read a room's id as an integer of 32 bits.
      expect(room).toBeLessThan(2 ** 31);
      expect(tables.length).toBeGreaterThan(5);
      for (const [n, { table, next }] of tables.entries())
        expect(next, table).toBeGreaterThan((lost.tables[n]?.next ?? 0) + 10_000);
    }
  });

  test("what a restore broke is found: gaps, counts, markers, and what belongs to no room", async () => {
    const store = await open(pair.primary.url(await pair.createDatabase()));
    const rooms: Awaited<ReturnType<typeof createRoom>>[] = [];
    for (let n = 0; n < 6; n++) rooms.push(await createRoom(store));
    for (const each of rooms) for (let n = 0; n < 3; n++) await say(store, each);
    const found = async () =>
      (await Promise.all(storeChecks(store.sql).map(({ violations }) => violations()))).map(
        ({ examples }) => examples,
      );
    expect(await found()).toEqual([[], [], [], [], [], [], []]);
    const [gap, count, deleted, marker, gone, indexed] = rooms.map(({ id }) => id);
    await store.sql`delete from events where conversation_id = ${gap} and seq = 2`;
    await store.sql`update room_heads set message_count = 9 where conversation_id = ${count}`;
    await store.sql`update events set deleted = true where conversation_id = ${deleted} and seq = 2`;
    await store.sql`update memberships set read_seq = 99 where conversation_id = ${marker} and member = ${rooms[3]!.people[0]!.key}`;
    await store.sql`delete from room_heads where conversation_id = ${gone}`;
    await store.sql`
      insert into word_heads (conversation_id, seq) values (${indexed}, 99)
      on conflict (conversation_id) do update set seq = excluded.seq`;
    const token = (n: number) => expect.stringContaining(rooms[n]!.token);
    expect(await found()).toEqual([
      [token(0)],
      [token(1)],
      [token(2)],
      [token(3)],
      [token(4)],
      [expect.stringContaining(String(gone))],
      [token(5)],
    ]);
  });

  test("stays when a replica is promoted that lacks nothing", async () => {
    const name = await pair.createDatabase();
    const store = await open(pair.url(name));
    const { epoch } = store.history;
    const room = await createRoom(store);
    const told = { roomId: room.id, seq: await say(store, room), at: 0 };
    store.history.hold(() => [told]);
    await pair.caughtUp();
    await pair.primary.end();
    await pair.promote();
    await vi.waitFor(() => store.ping(), { timeout: 15_000 });
    expect(store.history.epoch).toBe(epoch);
  }, 60_000);
});
