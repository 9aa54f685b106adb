/** What the bridge asks the database again and again costs what happened, not what there is. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { openStore, type PostgresStore, type StoreSql } from "../../../src/store/postgres.ts";
import { describeWith } from "../../services/need.ts";

interface Plan {
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: Plan[];
}

/** The same statements, each explained first: `rows` counts what they look at. */
function counting(sql: StoreSql): { sql: StoreSql; count: () => number } {
  let rows = 0;
  const run = async (strings: TemplateStringsArray, values: unknown[]) => {
    const [row] = await sql<{ "QUERY PLAN": [{ Plan: Plan }] }[]>`
      explain (analyze, format json) ${sql(strings, ...values)}`;
    if (row) rows += rowsOf(row["QUERY PLAN"][0].Plan);
    return await sql(strings, ...values);
  };
  const tag = (strings: TemplateStringsArray, ...values: unknown[]) => run(strings, values);
  return {
    sql: Object.assign(tag, { unsafe: sql.unsafe, json: sql.json, array: sql.array }) as unknown as StoreSql,
    count: () => rows,
  };
}

function rowsOf(plan: Plan): number {
  const own = plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0);
  const rechecked = plan["Rows Removed by Index Recheck"] ?? 0;
  const below = (plan.Plans ?? []).reduce((sum, each) => sum + rowsOf(each), 0);
  return (own + rechecked) * plan["Actual Loops"] + below;
}

describeWith(["postgres"], "what there is to do for the bridge", ({ postgres }) => {
  let store: PostgresStore;
  beforeAll(async () => {
    store = await openStore({ databaseUrl: postgres.url, maxConnections: 2 });
  });
  afterAll(() => store.close());

  /** Rooms in which something was said a day ago, all of it mirrored, with people whose names are known in Matrix. */
  async function idleRooms(from: number, upTo: number): Promise<void> {
    const { sql } = store;
    await sql`
      with rooms as (
        insert into room_heads (conversation_id, token, head_seq, last_activity)
        select n, 'idle' || n, 3, 0 from generate_series(${from}::bigint, ${upTo}::bigint) n
      ), bridged as (
        insert into bridge_rooms (conversation_id, token, mirrored_seq, seen_head)
        select n, 'idle' || n, 3, 3 from generate_series(${from}::bigint, ${upTo}::bigint) n
      ), ghosts as (
        insert into bridge_ghosts (member, display_name)
        select 'g:' || n, 'Guest' from generate_series(${from}::bigint, ${upTo}::bigint) n
      )
      insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, data)
      select n, seq, seq, causeway_now() - 86400000, 'message', 'u:1', 'Ada', '{"text":"hi"}'
      from generate_series(${from}::bigint, ${upTo}::bigint) n, generate_series(1, 3) seq`;
    await sql`vacuum (analyze) events, room_heads, bridge_rooms, bridge_ghosts`;
  }

  async function newEvent(room: number): Promise<void> {
    await store.sql`
      with moved as (update room_heads set head_seq = head_seq + 1 where conversation_id = ${room} returning head_seq)
      insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, data)
      select ${room}::bigint, head_seq, head_seq, causeway_now(), 'message', 'u:1', 'Ada', '{"text":"hi"}' from moved`;
  }

  async function round(): Promise<number> {
    const { sql, count } = counting(store.sql);
    const bridge = createBridgeStore(sql);
    await bridge.recordChangedRooms();
    await bridge.dueRooms(1_000, true);
    await bridge.roomsToSyncMembers(1_000);
    await bridge.changedGhosts(50);
    await bridge.backlog();
    return count();
  }

  test("a round over ten times as many idle rooms looks at as many rows", async () => {
    const bridge = createBridgeStore(store.sql);
    await idleRooms(1, 1_200);
    await bridge.recordChangedRooms();
    expect(await bridge.dueRooms(1_000, true), "all was mirrored").toEqual([]);
    for (const room of [5, 6, 7]) await newEvent(room);
    const few = await round();
    await idleRooms(3_001, 12_000);
    for (const room of [5, 6, 7]) await newEvent(room);
    const many = await round();
    // Of 60,000. A range of pages of the log holds some thousand events, and is looked at whole.
    expect(many).toBeLessThan(Math.max(4 * few, 15_000));
    expect((await bridge.dueRooms(1_000, true)).toSorted()).toEqual([5, 6, 7]);
    expect(await bridge.backlog()).toMatchObject({ outbox: 6 });
  });

  test("what happened in a long absence is found, in rooms that were never seen as well", async () => {
    const bridge = createBridgeStore(store.sql);
    await idleRooms(40_001, 40_010);
    await store.sql`delete from bridge_rooms where conversation_id = 40001`;
    await store.sql`update room_heads set head_seq = 4 where conversation_id = 40002`;
    await bridge.recordChangedRooms();
    expect(await bridge.dueRooms(1_000, true), "no event is that old").not.toContain(40_002);
    await bridge.putState("noted_until", "1");
    await bridge.recordChangedRooms();
    expect(await bridge.dueRooms(1_000, true)).toEqual(expect.arrayContaining([40_001, 40_002]));
  });

  test("a clock that was set back hides nothing", async () => {
    const bridge = createBridgeStore(store.sql);
    await bridge.putState("noted_until", String(Date.now() + 3_600_000));
    await newEvent(9);
    await bridge.recordChangedRooms();
    expect(await bridge.dueRooms(1_000, true)).toContain(9);
  });

  test("a room that is gone and a user who is renamed are to be dealt with, once", async () => {
    const bridge = createBridgeStore(store.sql);
    await store.sql`delete from room_heads where conversation_id = 11`;
    expect(await bridge.dueRooms(1_000, true)).toContain(11);
    await bridge.forgetRoom(11);
    expect(await bridge.dueRooms(1_000, true)).not.toContain(11);
    const [ada] = await store.sql<[{ id: number }]>`
      insert into users (handle, handle_key, display_name, public_id)
      values ('ada', 'ada', 'Ada', 'ada') returning id`;
    await bridge.putGhost(`u:${ada.id}`, "Ada", null);
    expect(await bridge.changedGhosts(50)).toEqual([]);
    await store.sql`update users set display_name = 'Ada L.' where id = ${ada.id}`;
    const renamed = { userId: ada.id, displayName: "Ada L.", avatarId: null };
    expect(await bridge.changedGhosts(50)).toEqual([renamed]);
    await store.sql`update users set display_name = 'Ada K.' where id = ${ada.id}`;
    await bridge.putGhost(`u:${ada.id}`, "Ada L.", null);
    expect(await bridge.changedGhosts(50), "renamed again meanwhile").toHaveLength(1);
    await bridge.putGhost(`u:${ada.id}`, "Ada K.", null);
    expect(await bridge.changedGhosts(50)).toEqual([]);
    await store.sql`update users set avatar_id = 'picture' where id = ${ada.id}`;
    expect(await bridge.changedGhosts(50)).toMatchObject([{ avatarId: "picture" }]);
    await bridge.putGhost(`u:${ada.id}`, "Ada K.", null);
    expect(await bridge.changedGhosts(50), "it has not the picture yet").toHaveLength(1);
    await bridge.putGhost(`u:${ada.id}`, "Ada K.", "picture");
    expect(await bridge.changedGhosts(50)).toEqual([]);
    await store.sql`update users set display_name = 'Ada M.' where id = ${ada.id}`;
    await store.sql`update users set deleted_at = 1 where id = ${ada.id}`;
    expect(await bridge.changedGhosts(50), "who was deleted is called nothing").toEqual([]);
  });

  test("once the homeserver is back rooms wait no longer, but for one that failed with it there as well", async () => {
    const bridge = createBridgeStore(store.sql);
    const state = {
      mirrored: 0,
      readOnly: false,
      posting: "all" as const,
      memberSyncsDone: 0,
      reason: "away",
      retryInMs: 60_000,
    };
    const wait = async (failures: number) => {
      for (let n = 0; n < failures; n++) {
        await bridge.claim(12, "worker");
        await bridge.defer(12, "worker", state);
      }
      await bridge.retryNow();
      const room = await bridge.claim(12, "worker");
      return room !== null && room !== "taken" && room.waitMs > 0;
    };
    expect(await wait(3)).toBe(false);
    expect(await wait(3)).toBe(true);
    await bridge.release(12, "worker", { ...state, completed: true });
    expect(await wait(1)).toBe(false);
  });

  test("a log is not carried over again while something of it waits that was perhaps sent", async () => {
    const bridge = createBridgeStore(store.sql);
    await store.sql`update bridge_rooms set matrix_room_id = '!13:x.test', owner = null where conversation_id = 13`;
    await newEvent(13);
    const sent = { seq: 4, part: 0, op: "message", rev: 0, sender: "@a:x.test", senderName: "Ada" } as const;
    const entry = { ...sent, content: "{}", target: null, shown: null, file: null, at: 1 };
    await bridge.plan(13, 3, [entry]);
    expect(await bridge.remirror("idle13", 2)).toBe("busy");
    await bridge.delivered(13, { ...entry, plannedAt: 1 }, "$sent");
    expect(await bridge.remirror("idle13", 2)).toMatchObject({ id: 13, head: 4 });
  });

  test("from beyond the log's end nothing is carried over again", async () => {
    const bridge = createBridgeStore(store.sql);
    await store.sql`update bridge_rooms set matrix_room_id = '!14:x.test', owner = null where conversation_id = 14`;
    const runOf = () => store.sql`select run, mirrored_seq from bridge_rooms where conversation_id = 14`;
    const before = await runOf();
    const { head } = (await bridge.remirror("idle14", 1_000)) as { head: number };
    expect(head).toBeLessThan(1_000);
    expect(await runOf()).toEqual(before);
    await bridge.remirror("idle14", head);
    expect(await runOf()).not.toEqual(before);
  });
});
