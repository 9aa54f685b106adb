/** Several gateways over one store: one order for everybody, whatever the bus loses. */
import { expect, test } from "vitest";
import type { Bus } from "../../../src/domain/ports/bus.ts";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import type { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import { metric, type Node, person, room, say, site } from "../fixtures.ts";

/** A bus that loses, repeats and turns round what it is given, the same in every run. */
function bad(bus: Bus): Bus {
  let n = 0;
  return {
    ...bus,
    publish(channel, message) {
      n++;
      if (n % 3 === 0) return;
      if (n % 5 === 0) setTimeout(() => bus.publish(channel, message), 20);
      else bus.publish(channel, message);
      if (n % 7 === 0) bus.publish(channel, message);
    },
  };
}

describeWith("postgres", "two gateways over one store", ({ postgres }) => {
  const { node, client } = site(postgres.url);

  async function prove(one: Node, two: Node): Promise<void> {
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const rooms = [await room(one, [ada, bob]), await room(one, [ada, bob])];
    const clients: SocketClient[] = [
      client("a1", ada.token),
      client("b2", bob.token, "msgpack"),
      client("a2", ada.token),
    ];
    await clients[0]!.connect(one.url);
    await clients[1]!.connect(two.url);
    await clients[2]!.connect(two.url);
    const sends = clients.flatMap((each, n) =>
      Array.from({ length: 300 }, (_, i) => each.send(rooms[i % 2]!.token, `${n}-${i}`, `${each.name} ${i}`)),
    );
    await Promise.all(sends);
    for (const { id, token } of rooms) {
      const head = (await one.store.log.heads([id]))[0]?.head;
      for (const each of clients) await each.until(`${token} up to ${head}`, () => each.last(token) === head);
      expect(new Set(clients.map((each) => JSON.stringify(each.log(token)))).size).toBe(1);
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
  }

  test("[GW-4.2] clients on both see one gapless order", async () => {
    const shared = createMemoryHot();
    await prove(await node({ shared }), await node({ shared }));
  });

  test("[GW-4.2] also over a bus that loses, repeats and turns round", async () => {
    const shared = createMemoryHot();
    const [one, two] = [await node({ shared, bus: bad }), await node({ shared, bus: bad })];
    await prove(one, two);
    expect(
      (await metric(one, "causeway_gap_events_filled_total")) +
        (await metric(two, "causeway_gap_events_filled_total")),
    ).toBeGreaterThan(0);
  });

  test("the head probe delivers what a bus lost that nothing followed", async () => {
    const [one, two] = [await node(), await node()];
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const b = client("b", bob.token);
    await b.connect(two.url);
    await say(one, ada, home, "nobody told you");
    await b.message(home.token, "nobody told you");
    expect(b.faults).toEqual([]);
    expect(await metric(two, "causeway_gap_events_filled_total")).toBe(1);
  });

  test("a departure that a gateway hears of late does not end the stay that began after it", async () => {
    const [one, two] = [await node(), await node()];
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const stays = client("stays", ada.token);
    await stays.connect(two.url);
    const { removeMember, addMembers } = one.useCases.roomLifecycle;
    await removeMember(ada.actor, home.token, bob.actor);
    await addMembers(ada.actor, home.token, [{ member: bob.actor, role: "user" }]);
    // The other gateway has heard of neither when he comes.
    const b = client("b", bob.token);
    await b.connect(two.url);
    await say(one, ada, home, "welcome back");
    await b.message(home.token, "welcome back");
    expect([...stays.faults, ...b.faults]).toEqual([]);
  });

  test("a session that resumes on a gateway that is behind gets every event once", async () => {
    const [one, two] = [await node(), await node()];
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const home = await room(one, [ada, bob]);
    const stays = client("stays", ada.token);
    await stays.connect(two.url);
    const moves = client("moves", bob.token, "msgpack");
    for (let round = 0; round < 10; round++) {
      await moves.connect(one.url);
      await say(one, ada, home, `round ${round}`);
      await moves.message(home.token, `round ${round}`);
      await moves.drop();
      // The other gateway has not heard of it: the session is ahead of it.
      await moves.connect(two.url);
      await say(two, ada, home, `answer ${round}`);
      await moves.message(home.token, `answer ${round}`);
      await moves.drop();
    }
    await stays.message(home.token, "answer 9");
    expect([...stays.faults, ...moves.faults]).toEqual([]);
  });
});
