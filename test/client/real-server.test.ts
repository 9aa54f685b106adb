/** The SDK against the program itself: apps of both codecs, a server that is killed in the middle, and one log. */
import { afterEach, describe, expect, test } from "vitest";
import { SignedOut } from "../../src/client/failures.ts";
import { msgpackCodec } from "../../src/client/msgpack.ts";
import { signIn } from "../../src/client/sign-in/sign-in.ts";
import { provision, type Site } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { type App, apps } from "./app.ts";

const MESSAGES = 150;
/** Kills come when so many acknowledgements are there: in the middle, whatever the speed of the machine. */
const KILLS = [30, 90, 200];

describe("the SDK on a running server", () => {
  const fleet = serverFleet();
  const app = apps();
  const running: ServerProcess[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop("SIGKILL")));
  });

  async function start(settings?: Record<string, string>): Promise<ServerProcess> {
    const server = await (settings ? fleet.startBare(settings) : fleet.start());
    running.push(server);
    return server;
  }

  function people(server: ServerProcess, site: Site): App[] {
    const url = `${server.url.replace(/^http/, "ws")}/ws`;
    return site.people.map(({ token }, n) =>
      app({ url, token, ...(n % 2 === 1 && { codec: msgpackCodec }) }),
    );
  }

  test("a login renews its tokens, also when an answer is lost, moves its session to them, and ends it", async () => {
    const server = await start();
    const site = await provision(server.url, ["ann"], 0);
    let isLost = false;
    const login = await signIn({
      url: server.url,
      handle: "ann",
      password: "password of ann",
      fetch: async (...request) => {
        const answer = await fetch(...request);
        if (!isLost) return answer;
        isLost = false;
        throw new TypeError("the answer was lost");
      },
    });
    const ann = app({ ...login });
    await ann.client.connect();
    const first = await login.token();
    isLost = true;
    const second = await login.token(true);
    expect(second.token).not.toBe(first.token);
    expect(await ann.client.token({ token: second.token })).toEqual({ user: String(site.people[0]?.id) });
    const third = await login.token(true);
    expect(third.token).not.toBe(second.token);
    expect(ann.readies).toHaveLength(1);
    await login.signOut();
    await ann.until("the end of the session", () => ann.client.state.name === "ended");
    expect(ann.client.state).toMatchObject({ code: 4501 });
    await expect(login.token()).rejects.toBeInstanceOf(SignedOut);
  });

  test("what one app does the other sees: messages, reading, typing, presence, calls", async () => {
    const server = await start();
    const site = await provision(server.url, ["ann", "bob"], 1);
    const room = site.rooms[0]?.token ?? "";
    const [ann, bob] = people(server, site) as [App, App];
    await Promise.all([ann.client.connect(), bob.client.connect()]);
    const heard: string[] = [];
    ann.client.on("typing", ({ actor, on }) => heard.push(`${actor.name} types: ${on}`));
    ann.client.on("receipt", ({ actor }) => heard.push(`${actor.name} read`));
    ann.client.on("presence", ({ actor }) => heard.push(`${actor.name} is here`));
    await ann.client.open(room);
    await bob.client.open(room);
    const bobId = String(site.people[1]?.id);
    const ack = await ann.client.send(room, "Bob?", { mentions: [bobId] });
    await bob.until("the mention", () => bob.client.room(room).getSnapshot()?.mention === 1);
    await bob.client.read(room, ack.seq);
    bob.client.typing(room, true);
    const other = await bob.client.send(room, "oops");
    await bob.client.delete({ room, seq: other.seq });
    const reply = await bob.client.send(room, "Yes!", { replyTo: ack.seq });
    await bob.client.react({ room, seq: ack.seq, name: "👍" });
    expect(await bob.client.react({ room, seq: ack.seq, name: "👍" })).toEqual({ room, duplicate: true });
    await bob.client.unreact({ room, seq: ack.seq, name: "👍" });
    const edit = await bob.client.edit({ room, seq: reply.seq, text: "Yes, Ann!" });
    await ann.until("the edit", () => ann.client.room(room).getSnapshot()?.last?.data.text === "Yes, Ann!");
    expect(ann.events.at(-1)).toMatchObject(edit);
    await ann.client.pin({ room, seq: reply.seq });
    await ann.client.unpin({ room, seq: reply.seq });
    await bob.client.callJoin({ room, flags: 3 });
    await ann.until("the call", () => ann.client.room(room).getSnapshot()?.call === 3);
    await bob.client.callLeave({ room });
    await ann.until("its end", () => ann.events.some(({ type }) => type === "call.ended"));

    expect(bob.client.room(room).getSnapshot()).toMatchObject({ unread: 0, mention: 0 });
    expect(ann.client.room(room).getSnapshot()).toMatchObject({
      call: 0,
      last: { seq: reply.seq, data: { replyTo: ack.seq } },
    });
    for (const what of ["Bob Example is here", "Bob Example read", "Bob Example types: true"]) {
      expect(heard).toContain(what);
    }
  });

  test("kill -9 in the middle of bursts: everything stands once, in each sender's order, for everybody", async () => {
    const server = await start();
    const site = await provision(server.url, ["ann", "bob", "cleo"], 2);
    const everybody = people(server, site);
    await Promise.all(everybody.map(({ client }) => client.connect()));
    const texts = (n: number, room: string) =>
      Array.from({ length: MESSAGES }, (_, k) => `${n} in ${room}: ${k}`);
    let acked = 0;
    const onAck = new Map<number, () => void>();
    const kills = KILLS.map((count) => new Promise<void>((resolve) => onAck.set(count, resolve)));
    const sent = everybody.flatMap(({ client }, n) =>
      site.rooms.flatMap(({ token }) =>
        texts(n, token).map(async (text) => {
          await client.send(token, text);
          onAck.get(++acked)?.();
        }),
      ),
    );
    const done = Promise.allSettled(sent);
    let settings = server.settings;
    for (const kill of kills) {
      await kill;
      await running.at(-1)?.kill9();
      settings = (await start(settings)).settings;
    }
    expect((await done).filter(({ status }) => status === "rejected")).toEqual([]);

    for (const { token } of site.rooms) {
      const first = everybody[0] as App;
      const { events } = await first.client.history(token, { limit: 1 });
      const head = events[0]?.seq ?? 0;
      for (const each of everybody) {
        await each.until(`${token} up to ${head}`, () => each.seqs(token).at(-1) === head);
        const seqs = each.seqs(token);
        expect(seqs).toEqual(seqs.map((_, n) => (seqs[0] ?? 0) + n));
        const seen = each.texts(token);
        expect(seen.length).toBe(MESSAGES * everybody.length);
        everybody.forEach((_, n) => {
          expect(seen.filter((text) => String(text).startsWith(`${n} in`))).toEqual(texts(n, token));
        });
      }
    }
    expect(everybody.flatMap(({ resets }) => resets)).toEqual([]);
    for (const { readies } of everybody) expect(readies.length).toBeGreaterThan(KILLS.length);
  }, 120_000);
});
