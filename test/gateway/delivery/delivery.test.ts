import { describe, expect, test } from "vitest";
import type { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import { person, room, say, site, TRANSPORTS } from "../fixtures.ts";

function faultless(...clients: SocketClient[]): void {
  expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
}

describeWith("postgres", "delivery", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node, client } = site(postgres.url);

    test("[GW-4.1] every session of every member gets each event once, in order, the sender's too", async () => {
      const one = await node({ transport });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const { token } = await room(one, [ada, bob]);
      const clients = [
        client("a", ada.token),
        client("a2", ada.token, "msgpack"),
        client("b", bob.token, "msgpack"),
      ];
      for (const each of clients) await each.connect(one.url);
      const sends = Array.from({ length: 200 }, (_, n) =>
        clients[n % 3]!.send(token, `m-${n}`, `text ${n} ž👋`),
      );
      const acks = await Promise.all(sends);
      const head = Math.max(...acks.map(({ seq }) => seq));
      for (const each of clients) await each.until("everything", () => each.last(token) === head);
      faultless(...clients);
      const log = await clients[0]!.history(token);
      for (const each of clients) expect(each.log(token)).toEqual(log.slice(-200));
      expect(log.at(-1)).toMatchObject({ op: "event", room: token, type: "message", id: expect.any(String) });
    });

    test("[GW-5.3] pipelined sends of one session keep their order", async () => {
      const one = await node({ transport });
      const ada = await person(one, "Ada");
      const { token } = await room(one, [ada]);
      const a = client("a", ada.token);
      await a.connect(one.url);
      const acks = await Promise.all(Array.from({ length: 50 }, (_, n) => a.send(token, `${n}`, `${n}`)));
      const seqs = acks.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((x, y) => x - y));
    });

    test("[GW-7.1] a client that comes back gets every missing event in order, with proof", async () => {
      const one = await node({ transport });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const rooms = [await room(one, [ada, bob]), await room(one, [ada, bob]), await room(one, [ada, bob])];
      const b = client("b", bob.token, "msgpack");
      await b.connect(one.url);
      await b.drop();
      // More than one page of one room, a few of another, nothing of the third.
      for (let n = 0; n < 700; n += 50) {
        await Promise.all(Array.from({ length: 50 }, () => say(one, ada, rooms[0]!, "long")));
      }
      for (let n = 0; n < 5; n++) await say(one, ada, rooms[1]!, "short");
      const { resumed } = await b.connect(one.url);
      expect(resumed?.map(({ recovered }) => recovered)).toEqual([true, true, true]);
      await b.until(
        "what was missed",
        () => b.log(rooms[0]!.token).length === 700 && b.log(rooms[1]!.token).length === 5,
      );
      await say(one, ada, rooms[2]!, "live");
      await b.message(rooms[2]!.token, "live");
      faultless(b);
    });

    test("[GW-7.1] a backlog far larger than may wait for a client comes whole, at the pace of its reading", async () => {
      const one = await node({ transport });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const home = await room(one, [ada, bob]);
      const b = client("b", bob.token);
      await b.connect(one.url);
      await b.drop();
      for (let n = 0; n < 400; n += 50) {
        await Promise.all(Array.from({ length: 50 }, () => say(one, ada, home, "x".repeat(16_000))));
      }
      const { resumed } = await b.connect(one.url);
      await b.until("the backlog", () => b.last(home.token) === resumed?.[0]?.head);
      await say(one, ada, home, "live");
      await b.message(home.token, "live");
      faultless(b);
    });

    test.each([
      ["short texts, which are at hand", ""],
      ["long texts, which come from the log", "x".repeat(3_000)],
    ])("a resume in the middle of a burst of sends loses and doubles nothing: %s", async (_, padding) => {
      const one = await node({ transport });
      const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
      const busy = await room(one, [ada, bob]);
      const b = client("b", bob.token);
      await b.connect(one.url);
      let stop = false;
      const burst = async () => {
        for (let n = 0; !stop; n++) await say(one, ada, busy, `burst ${n} ${padding}`);
      };
      const bursts = Promise.all(Array.from({ length: 8 }, burst));
      for (let round = 0; round < 15; round++) {
        const seen = b.last(busy.token);
        await b.until("some events", () => b.last(busy.token) > seen + 20);
        await b.drop();
        await say(one, ada, busy, `missed ${padding}`);
        await b.connect(one.url);
      }
      stop = true;
      await bursts;
      const { seq } = await say(one, ada, busy, "the end");
      await b.until("the end", () => b.last(busy.token) === seq);
      faultless(b);
    });
  });
});
