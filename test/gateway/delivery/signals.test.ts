/** What the devices in a call say to each other, on one gateway or on two, and the servers that help them connect. */
import { describe, expect, test } from "vitest";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, type Room, room, site, TRANSPORTS } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const STUN = "stun:stun.example.org:3478";
const TURN = "turn:turn.example.org:3478?transport=udp";
const DAY_MS = 86_400_000;
const KIB = 1_024;

/** Somebody's session, with its id. */
interface Device {
  client: RawClient;
  session: string;
  who: Person;
}

const isSignal = ({ op }: Frame) => op === "signal";
const signalsOf = ({ client }: Device) => client.seen.filter(isSignal);

describeWith("postgres", "signals in a call", ({ postgres }) => {
  describe.each(
    TRANSPORTS.flatMap((transport) => [
      [transport, "json", "msgpack"] as const,
      [transport, "msgpack", "json"] as const,
    ]),
  )("over %s, from %s to %s", (transport, hers, his) => {
    const { node, raw } = site(postgres.url);
    let started: Promise<{ here: Node; there: Node }> | null = null;
    let refs = 0;

    async function nodes(): Promise<{ here: Node; there: Node }> {
      const shared = createMemoryHot();
      const iceServers = { stun: [STUN], turn: { urls: [TURN], secret: "shared with coturn" } };
      const options = { transport, shared, gateway: { iceServers } };
      return { here: await node(options), there: await node(options) };
    }

    async function device(on: Node, who: Person, codec: "json" | "msgpack"): Promise<Device> {
      const client = await raw(on, codec);
      const { session } = await client.hello(who.token);
      return { client, session: session as string, who };
    }

    const ask = ({ client }: Device, op: string, more: object = {}) =>
      client.ask({ op, ref: `${op} ${refs++}`, ...more });
    const join = (one: Device, { token }: Room) => ask(one, "call.join", { room: token, flags: 3 });
    const signal = (one: Device, { token }: Room, to: string, data: unknown) =>
      ask(one, "call.signal", { room: token, to, data });

    /** Ada with a phone and a laptop, and Bob on the other gateway, all in one call. */
    async function meet() {
      started ??= nodes();
      const { here, there } = await started;
      const [ada, bob] = [await person(here, "Ada"), await person(here, "Bob")];
      const home = await room(here, [ada, bob]);
      const phone = await device(here, ada, hers);
      const laptop = await device(here, ada, his);
      const bobs = await device(there, bob, his);
      for (const one of [phone, laptop, bobs]) await join(one, home);
      return { here, home, phone, laptop, bobs };
    }

    test("[GW-9.1] a call shows the session of each participant", async () => {
      const { home, phone, laptop, bobs } = await meet();
      const { call } = await ask(bobs, "open", { room: home.token });
      const { participants } = call as { participants: { session: string; actor: { name: string } }[] };
      expect(new Map(participants.map(({ session, actor }) => [session, actor.name]))).toEqual(
        new Map([
          [phone.session, "Ada"],
          [laptop.session, "Ada"],
          [bobs.session, "Bob"],
        ]),
      );
    });

    test("[GW-9.4] goes to the session that it is for and to no other, marked with whom it is from", async () => {
      const { home, phone, laptop, bobs } = await meet();
      const data = {
        type: "offer",
        payload: { sdp: "v=0 🙂", index: 0 },
        from: "forged",
        actor: { id: "1" },
      };
      expect(await signal(phone, home, bobs.session, data)).toEqual({ op: "ok", ref: expect.any(String) });
      const actor = { kind: "user", id: String(phone.who.id), name: "Ada" };
      expect(await bobs.client.next(isSignal)).toEqual({
        ...{ op: "signal", room: home.token, from: phone.session, actor, data },
      });
      await signal(bobs, home, phone.session, { type: "answer" });
      expect(await phone.client.next(isSignal)).toMatchObject({
        ...{ from: bobs.session, actor: { name: "Bob" }, data: { type: "answer" } },
      });
      // Ada's own devices may be in one call, too.
      await signal(phone, home, laptop.session, { type: "own" });
      await laptop.client.next(isSignal);
      expect(signalsOf(laptop)).toMatchObject([{ from: phone.session, data: { type: "own" } }]);
      expect(signalsOf(bobs)).toHaveLength(1);
    });

    test("[GW-9.5] come in the order in which one session said them", async () => {
      const { home, phone, bobs } = await meet();
      const numbers = Array.from({ length: 200 }, (_, n) => n);
      for (const n of numbers) {
        phone.client.say({ op: "call.signal", ref: n, room: home.token, to: bobs.session, data: { n } });
      }
      const came: unknown[] = [];
      while (came.length < numbers.length) came.push((await bobs.client.next(isSignal)).data);
      expect(came).toEqual(numbers.map((n) => ({ n })));
    });

    test("[GW-9.4] only between sessions in the call of that room", async () => {
      const { here, home, phone, bobs } = await meet();
      const other = await room(here, [phone.who, bobs.who]);
      const outside = await device(here, bobs.who, hers);
      await ask(outside, "open", { room: home.token });
      const stranger = await device(here, await person(here, "Eve"), hers);
      const hello = { type: "hello" };
      expect(await signal(outside, home, phone.session, hello)).toMatchObject({ code: "conflict" });
      const nobody = { code: "not_found", field: "to" };
      expect(await signal(phone, home, outside.session, hello)).toMatchObject(nobody);
      expect(await signal(phone, home, "nobody", hello)).toMatchObject(nobody);
      expect(await signal(stranger, home, phone.session, hello)).toMatchObject({
        ...{ code: "not_found", field: "room" },
      });
      expect(await signal(phone, other, bobs.session, hello)).toMatchObject({ code: "conflict" });
      await join(phone, other);
      expect(await signal(phone, other, bobs.session, hello)).toMatchObject(nobody);
      await ask(bobs, "call.leave", { room: home.token });
      expect(await signal(phone, home, bobs.session, hello)).toMatchObject(nobody);
      expect(await signal(bobs, home, phone.session, hello)).toMatchObject({ code: "conflict" });
      await ask(bobs, "ping");
      for (const one of [phone, bobs, outside]) expect(signalsOf(one)).toEqual([]);
    });

    test("[GW-9.4] data has at most 16 KiB, and nests at most 16 deep", async () => {
      const { home, phone, bobs } = await meet();
      const ofBytes = (bytes: number) => ({ x: "x".repeat(bytes - '{"x":""}'.length) });
      const nested = (levels: number): unknown => (levels === 0 ? {} : { a: nested(levels - 1) });
      expect(await signal(phone, home, bobs.session, ofBytes(16 * KIB))).toMatchObject({ op: "ok" });
      const refusal = { code: "bad_request", field: "data", retry: false };
      expect(await signal(phone, home, bobs.session, ofBytes(16 * KIB + 1))).toMatchObject(refusal);
      for (const data of ["text", null, []]) {
        expect(await signal(phone, home, bobs.session, data)).toMatchObject(refusal);
      }
      if (hers === "json") {
        expect(await signal(phone, home, bobs.session, nested(15))).toMatchObject({ op: "ok" });
        expect(await signal(phone, home, bobs.session, nested(16))).toMatchObject(refusal);
        const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
        const head = `"ref":"deep","room":"${home.token}","to":"${bobs.session}"`;
        phone.client.bytes(`{"op":"call.signal",${head},"data":${deep}}`);
        expect(await phone.client.next(({ ref }) => ref === "deep")).toMatchObject(refusal);
      }
      expect(await ask(phone, "ping")).toMatchObject({ op: "ok" });
    });

    test("[GW-9.6] servers come with the user's own credentials, which end in a day", async () => {
      const { phone, bobs } = await meet();
      const { op: _, ref: __, ...told } = await ask(phone, "call.servers");
      const [stun, turn] = told.servers as { username: string; credential: string }[];
      expect(stun).toEqual({ urls: [STUN] });
      expect(turn).toEqual({ urls: [TURN], username: expect.any(String), credential: expect.any(String) });
      const until = told.until as number;
      expect(turn?.username).toBe(`${until / 1_000}:${phone.who.id}`);
      expect(Math.abs(until - Date.now() - DAY_MS)).toBeLessThan(60_000);
      const [, his] = (await ask(bobs, "call.servers")).servers as { credential: string }[];
      expect(his?.credential).not.toBe(turn?.credential);
    });
  });
});
