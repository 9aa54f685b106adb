/**
 * [GW-7.7] The log goes back under a gateway that lives: a replica that lacked the end is promoted, or a backup is restored
 * in place. Sessions end, resume and are told, and what an app shows is the log again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresPair, startPostgresPair } from "../../../load/services/postgres-replica.ts";
import type { EventFrame } from "../../../src/protocol/frames.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { type App, apps } from "../../client/app.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, type Room, room, say, site } from "../fixtures.ts";

/** Repeats it until the database takes it, as a client does. */
async function sayUntilStored(node: Node, who: Person, where: Room, text: string): Promise<void> {
  for (;;) {
    try {
      return void (await say(node, who, where, text));
    } catch (error) {
      if ((error as { code?: string }).code !== "unavailable") throw error;
      await sleep(50);
    }
  }
}

/** What an app shows of its rooms: it goes by events, and loads a room again that was reset. */
function shown(app: App): Map<string, Map<number, string>> {
  const rooms = new Map<string, Map<number, string>>();
  const of = (token: string) => {
    const found = rooms.get(token) ?? new Map();
    rooms.set(token, found);
    return found;
  };
  const show = ({ room, seq, type, data }: EventFrame) =>
    void of(room).set(seq, `${type} ${data.text ?? ""}`);
  app.client.on("event", show);
  app.client.on("reset", ({ room, head }) => {
    of(room).clear();
    void app.client.history(room, { before: head + 1, limit: 200 }).then(
      ({ events }) => events.forEach(show),
      () => {}, // The test is over, or what is shown differs and it fails.
    );
  });
  return rooms;
}

async function logged(node: Node, { id }: Room, after: number): Promise<Map<number, string>> {
  const events = await node.store.log.range(id, after, Number.MAX_SAFE_INTEGER, 1_000);
  return new Map(
    events.map(({ seq, type, dataJson }) => [seq, `${type} ${JSON.parse(dataJson).text ?? ""}`]),
  );
}

describeWith("postgres", "a log that goes back", (services) => {
  const app = apps();
  let pair: PostgresPair;
  let pairUrl = "";
  beforeAll(async () => {
    pair = await startPostgresPair({ synchronous: false });
    pairUrl = pair.url(await pair.createDatabase());
  }, 60_000);
  const replicated = site(() => pairUrl);
  const { node, raw } = site(services.postgres.url);
  afterAll(() => pair.stop());

  test("a replica that lacked the end is promoted: the app is told, and shows what the log has", async () => {
    const one = await replicated.node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const [cut, quiet] = [await room(one, [ada, bob]), await room(one, [ada, bob])];
    const bobs = app({ url: `${one.url.replace(/^http/, "ws")}/ws`, token: bob.token });
    const view = shown(bobs);
    const { rooms } = await bobs.client.connect();
    const from = rooms.find((each) => each.room === cut.token)!.head;
    await say(one, ada, quiet, "in a room that loses nothing");
    await say(one, ada, cut, "kept");
    await pair.caughtUp();
    await pair.pauseReplication();
    for (let n = 0; n < 5; n++) await say(one, ada, cut, `lost ${n}`);
    await bobs.until("what will be lost", () => bobs.texts(cut.token).includes("lost 4"));
    const { epoch } = one.store.history;
    await pair.primary.end();
    await pair.promote();
    // More than was lost: the new log goes on past what was delivered of the old one.
    for (let n = 0; n < 8; n++) await sayUntilStored(one, ada, cut, `new ${n}`);
    await bobs.until("the reset", () => bobs.resets.some((reset) => reset.room === cut.token));
    await say(one, ada, cut, "live again");
    await bobs.until("the live one", () => bobs.texts(cut.token).includes("live again"));

    expect(one.store.history.epoch).not.toBe(epoch);
    expect(bobs.readies.at(-1)?.epoch).toBe(one.store.history.epoch);
    for (const each of [cut, quiet]) {
      await expect
        .poll(() => new Map([...view.get(each.token)!].filter(([seq]) => seq > from)))
        .toEqual(await logged(one, each, from));
    }
  }, 60_000);

  test("a backup is restored in place: sessions end with 4005 and prove nothing under the old epoch", async () => {
    const seen = new Map<number, number>();
    const watched = (store: PostgresStore): PostgresStore => {
      const places: typeof store.log.places = async (wanted) => {
        const found = await store.log.places(wanted);
        for (const { roomId, seq } of wanted) seen.set(roomId, seq);
        return found;
      };
      return { ...store, sql: store.sql, log: { ...store.log, places } };
    };
    const one = await node({ store: watched });
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const client = await raw(one);
    const ready = await client.hello(bob.token);
    const { seq: kept } = await say(one, ada, home, "kept");
    for (let n = 0; n < 3; n++) await say(one, ada, home, `lost ${n}`);
    const last = await client.next(({ seq }) => seq === kept + 3);
    await expect.poll(() => seen.get(home.id), { timeout: 20_000 }).toBe(last.seq);
    await cutLog(services.postgres.url, home.id, kept);
    for (let n = 0; n < 5; n++) await say(one, ada, home, `new ${n}`);

    expect(await client.next(({ op }) => op === "bye")).toMatchObject({ code: 4005 });
    expect(await client.closed).toMatchObject({ code: 4005 });
    const again = await raw(one);
    const place = { seq: last.seq, at: last.at };
    const { resumed, epoch } = await again.hello(bob.token, {
      resume: { epoch: ready.epoch, rooms: { [home.token]: place } },
    });
    expect(epoch).not.toBe(ready.epoch);
    expect(resumed).toMatchObject([{ room: home.token, recovered: false }]);
    const { seq } = await say(one, ada, home, "live");
    expect(await again.next()).toMatchObject({ op: "event", seq, data: { text: "live" } });
  });

  test("a session does not go on as somebody else to whom a restore gave its user's id", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const [adas, bobs] = [await raw(one), await raw(one)];
    await Promise.all([adas.hello(ada.token), bobs.hello(bob.token)]);
    const sql = postgres(services.postgres.url, { max: 1 });
    await sql`update users set uuid = gen_random_uuid() where id in ${sql([ada.id, bob.id])}`;
    await sql.end();
    // The one who has Bob's id now comes here, too; nobody comes for Ada's.
    const next = await raw(one);
    await next.hello(bob.token);

    for (const session of [adas, bobs])
      expect(await session.closed).toMatchObject({ code: 4501, reason: "unauthorized" });
    const { seq } = await say(one, bob, home, "still there");
    expect(await next.next(({ op }) => op === "event")).toMatchObject({ seq });
  });
});

/** As a dump that was made when the room's head was `seq`, for that room. */
async function cutLog(url: string, id: number, seq: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  await sql.begin(async (tx) => {
    await tx`delete from events where conversation_id = ${id} and seq > ${seq}`;
    await tx`update memberships set read_seq = least(read_seq, ${seq}) where conversation_id = ${id}`;
    await tx`
      update room_heads h set head_seq = e.seq, message_count = e.message_no, last_activity = e.at, last_message_seq = e.seq
      from events e where e.conversation_id = h.conversation_id and e.seq = ${seq} and h.conversation_id = ${id}`;
  });
  await sql.end();
}
