/** [GW-13.7] to [GW-13.9] A message that its user hides is gone from all of the user's devices, whatever the network does. */
import { expect, test } from "vitest";
import type { LocalClient } from "../../../src/client/local/local-client.ts";
import type { MessageData } from "../../../src/protocol/frames.ts";
import { type Node, person, room, say, site } from "../../gateway/fixtures.ts";
import { describeWith } from "../../services/need.ts";
import { devices, until } from "./device.ts";

const NOWHERE = "ws://127.0.0.1:1/ws";

describeWith("postgres", "hiding a message for oneself", ({ postgres }) => {
  const { node } = site(postgres.url);
  const device = devices();
  let started: Promise<Node> | null = null;

  /** Ann with two devices that show the room where Bob wrote twice, and Bob with one. */
  async function setting() {
    started ??= node();
    const one = await started;
    const [ann, bob] = [await person(one, "Ann"), await person(one, "Bob")];
    const home = await room(one, [ann, bob]);
    const { token } = home;
    const seqs = [(await say(one, bob, home, "first")).seq, (await say(one, bob, home, "second")).seq];
    const url = `${one.url.replace("http", "ws")}/ws`;
    const own = { url, token: ann.token };
    const [laptop, phone] = [device(own), device(own)];
    const bobs = device({ url, token: bob.token }).client;
    for (const client of [laptop.client, phone.client, bobs]) {
      await client.connect();
      await client.room(token).messages.load();
    }
    const all = (texts: string[]) => JSON.stringify(texts);
    const messages = (client: LocalClient) =>
      client
        .room(token)
        .messages.getSnapshot()
        .flatMap(({ type, data }) => (type === "message" ? [(data as { text: string }).text] : []));
    const sees = (client: LocalClient, ...texts: string[]) =>
      until(client, token, texts.join(), () => all(messages(client)) === all(texts));
    return { one, ann, bob, home, token, seqs, laptop, phone, bobs, sees, messages };
  }

  test("it goes from all devices at once, its answers show nothing of it, and the other keeps it", async () => {
    const { laptop, phone, bobs, token, seqs, sees, one, bob, home } = await setting();
    await bobs.send(token, "an answer", { replyTo: seqs[1] as number });
    await sees(phone.client, "first", "second", "an answer");
    const answer = () =>
      phone.client.room(token).messages.getSnapshot().at(-1)?.data as MessageData | undefined;
    await until(phone.client, token, "what it answers", () => answer()?.reply !== undefined);
    await laptop.client.room(token).delete(seqs[1] as number, { forMe: true });
    await sees(laptop.client, "first", "an answer");
    await sees(phone.client, "first", "an answer");
    expect(answer()).not.toHaveProperty("reply");
    const counts = () => phone.client.room(token).getSnapshot()?.unread;
    await until(phone.client, token, "the count", () => counts() === 2);
    await say(one, bob, home, "third");
    await sees(bobs, "first", "second", "an answer", "third");
  });

  test("without a network it is gone at once, and later everywhere, also after a kill", async () => {
    const { laptop, phone, token, seqs, sees } = await setting();
    await laptop.client.disconnect();
    const away = laptop.start({ url: NOWHERE });
    await away.load();
    await away.room(token).messages.load();
    void away.delete({ room: token, seq: seqs[0] as number, forMe: true });
    await sees(away, "second");
    await new Promise((resolve) => setTimeout(resolve, 100));
    laptop.kill();
    const back = laptop.start();
    await back.connect();
    await back.room(token).messages.load();
    await sees(back, "second");
    await sees(phone.client, "second");
    await until(back, token, "the answer", () => back.outbox.getSnapshot().length === 0);
    await back.disconnect();
    const again = laptop.start({ url: NOWHERE });
    await again.load();
    await again.room(token).messages.load();
    await sees(again, "second");
  });

  test("a device that was away hears of it when it comes back, of what it has and of what it is still to get", async () => {
    const { laptop, phone, token, seqs, sees, one, bob, home } = await setting();
    await phone.client.disconnect();
    const { seq } = await say(one, bob, home, "third");
    await say(one, bob, home, "fourth");
    await sees(laptop.client, "first", "second", "third", "fourth");
    for (const hidden of [seqs[0] as number, seq]) {
      await laptop.client.delete({ room: token, seq: hidden, forMe: true });
    }
    const back = phone.start();
    await back.load();
    await back.room(token).messages.load();
    await back.connect();
    await sees(back, "second", "fourth");
    expect(back.room(token).getSnapshot()).toMatchObject({ unread: 2 });
    await back.disconnect();
    const again = phone.start({ url: NOWHERE });
    await again.load();
    await again.room(token).messages.load();
    await sees(again, "second", "fourth");
  });

  test("a thread counts an answer no more that was hidden while its device did not have it in memory", async () => {
    const { laptop, phone, bobs, token, seqs, sees } = await setting();
    const [root] = seqs as [number];
    const gone = await bobs.send({ room: token, thread: root, text: "gone" });
    const stays = await bobs.send({ room: token, thread: root, text: "stays" });
    await sees(phone.client, "first", "second", "gone", "stays");
    // What is unread in a thread is asked of the server in any case.
    await phone.client.read(token, stays.seq);
    await phone.client.disconnect();
    const again = phone.start();
    await again.connect();
    const told = new Promise<void>((resolve) => again.on("hidden", () => resolve()));
    await laptop.client.room(token).delete(gone.seq, { forMe: true });
    await told;
    await again.room(token).messages.load();
    await sees(again, "first", "second", "stays");
    const thread = () => {
      const item = again
        .room(token)
        .messages.getSnapshot()
        .find(({ seq }) => seq === root);
      return (item?.data as MessageData | undefined)?.thread as { count: number } | undefined;
    };
    await until(again, token, "the thread's count", () => thread()?.count === 1);
  });

  test("what is refused is shown again, as failed", async () => {
    const { laptop, token, seqs, sees, messages } = await setting();
    const notice = (seqs[0] as number) - 1;
    await expect(laptop.client.delete({ room: token, seq: notice, forMe: true })).rejects.toMatchObject({
      ...{ code: "bad_request", field: "seq" },
    });
    await sees(laptop.client, "first", "second");
    expect(messages(laptop.client)).toEqual(["first", "second"]);
  });
});
