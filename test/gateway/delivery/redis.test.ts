/** Gateways that hear of each other over a real Redis. */
import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { type Bus, channels } from "../../../src/domain/ports/bus.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { openRedisHot, type TestedHot } from "../../hot/redis-hot.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type NodeOptions, type Person, person, room, site } from "../fixtures.ts";

describeWith(["postgres", "redis"], "gateways that share a Redis", ({ postgres, redis }) => {
  const { node, raw } = site(postgres.url);
  const epoch = randomUUID();
  const opened: TestedHot[] = [];
  afterAll(() => Promise.all(opened.map((each) => each.close())));

  async function gateway(options: NodeOptions = {}): Promise<Node> {
    const shared = await openRedisHot(redis.url, 5_000, epoch);
    opened.push(shared);
    return await node({ ...options, shared });
  }

  async function device(on: Node, who: Person) {
    const client = await raw(on);
    return { client, ready: await client.hello(who.token) };
  }

  test("a session hears of what is told its user while its channel is being subscribed to", async () => {
    const there = await gateway();
    const ada = await person(there, "Ada");
    const home = await room(there, [ada]);
    const elsewhere = await device(there, ada);
    let listing: Promise<unknown> | undefined;

    /** Ada mutes the room before her channel is heard here, and after the list was read, where that is asked for before. */
    const late = (bus: Bus): Bus => ({
      ...bus,
      async subscribe(channel, handler) {
        if (channel === channels.user(ada.id)) {
          await Promise.resolve();
          await listing;
          await elsewhere.client.ask({ op: "settings", ref: "mute", room: home.token, muted: true });
        }
        await bus.subscribe(channel, handler);
      },
    });
    const noted = (store: PostgresStore): PostgresStore => ({
      ...store,
      roomLists: {
        ...store.roomLists,
        sessionRooms(member, wanted) {
          const rooms = store.roomLists.sessionRooms(member, wanted);
          listing = rooms;
          return rooms;
        },
      },
    });
    const here = await gateway({ bus: late, store: noted });
    const { ready } = await device(here, ada);
    expect(ready).toMatchObject({ rooms: [{ room: home.token, settings: { muted: true } }] });
  });

  test("[GW-9.5] signals come in the order in which one session said them", async () => {
    const [here, there] = [await gateway(), await gateway()];
    const [ada, bob] = [await person(here, "Ada"), await person(here, "Bob")];
    const { token } = await room(here, [ada, bob]);
    const [hers, his] = [await device(here, ada), await device(there, bob)];
    for (const { client } of [hers, his])
      await client.ask({ op: "call.join", ref: "join", room: token, flags: 3 });
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    for (const n of numbers)
      hers.client.say({ op: "call.signal", ref: n, room: token, to: his.ready.session, data: { n } });
    const came: unknown[] = [];
    while (came.length < numbers.length) {
      came.push((await his.client.next(({ op }) => op === "signal")).data);
    }
    expect(came).toEqual(numbers.map((n) => ({ n })));
  });
});
