/**
 * A word that is written into a room, by every way there is, and taken back again: then it is nowhere. Where it could be is
 * not listed here: all tables, keys and documented addresses are looked through (everywhere.ts). Matrix has a test of
 * its own (test/bridge/taken-back.test.ts).
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SocketClient } from "../black-box/socket-client.ts";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { type Receiver, startReceiver } from "../webhooks/receiver.ts";
import { answersWith, keysWith, tablesWith } from "./everywhere.ts";
import { newRoom, type Room } from "./rooms.ts";
import { ADMIN_TOKEN, bearer, must, openSite, type Person, type Site } from "./site.ts";

describeWith(["postgres", "redis"], "a word that was taken back", ({ postgres, redis }) => {
  const word = `xyzzy${randomBytes(12).toString("hex")}`;
  let site: Site;
  let room: Room;
  let receiver: Receiver;
  beforeAll(async () => {
    site = await openSite(postgres.url, { REDIS_URL: redis.url, WEBHOOK_ALLOW_PRIVATE: "true" });
    receiver = await startReceiver();
    receiver.answer = () => 503;
    const json = { organizationId: site.organization.id, url: receiver.url };
    await must(site.url, "POST", "/admin/v1/webhooks", { headers: bearer(ADMIN_TOKEN), json });
    room = await newRoom(site, "open");
  });
  afterAll(async () => {
    await receiver?.close();
    await site?.close();
  });

  const author = () => site.callers.owner.person as Person;
  const socket = () => site.callers.owner.socket as SocketClient;
  const protocol = async (method: string, path: string, json?: object) =>
    (await must(site.url, method, `/v1/${path}`, { headers: bearer(author().token), ...(json && { json }) }))
      .json;

  /** Protocol's id and the seq of a new message. */
  async function say(text: string, more: object = {}): Promise<{ id: string; seq: number }> {
    const { id } = await protocol("POST", "messages", {
      conversation_id: room.publicId,
      message: text,
      ...more,
    });
    const { seq } = await socket().message(room.token, text);
    return { id, seq };
  }
  const edit = (id: string, message: string) => protocol("PUT", `messages/${id}`, { message });
  const remove = (id: string) => protocol("DELETE", `messages/${id}`);

  async function upload(filename: string): Promise<string> {
    const body = new FormData();
    body.set("file", new Blob(["content"]), filename);
    const headers = bearer(author().token);
    const answer = await fetch(`${site.url}/v1/attachments`, { method: "POST", headers, body });
    return ((await answer.json()) as { id: string }).id;
  }

  /** Writes the word in every way. @returns how to take all of it back */
  async function write(): Promise<(() => Promise<unknown>)[]> {
    const [edited, twice, both] = [await say(word), await say("harmless"), await say("harmless, too")];
    await edit(twice.id, word);
    await edit(both.id, `${word} at first`);
    await edit(both.id, `${word} again`);
    const deleted = await say(`${word}, deleted`, { attachments: [await upload(`${word}.txt`)] });
    await socket().ask({
      op: "send",
      room: room.token,
      id: "answer",
      text: "an answer",
      replyTo: deleted.seq,
    });
    await protocol("PUT", `messages/${deleted.id}`, { reactions: [{ heart: [author().handle] }] });
    await protocol("PUT", `conversations/${room.publicId}`, { pinned_message_id: deleted.id });
    const mention = { mentions: [String(site.extra.id)] };
    const frame = { op: "send", room: room.token, id: "mention", text: `${word} for you`, ...mention };
    const { seq } = await socket().ask(frame);
    return [
      () => edit(edited.id, "edited away"),
      () => edit(twice.id, "edited back"),
      () => remove(both.id),
      () => remove(deleted.id),
      async () => {
        const { json } = await must(site.url, "GET", `/v1/messages?conversation_id=${room.publicId}`, {
          headers: bearer(author().token),
        });
        const mine = json.data.find(({ message }: { message: string }) => message === frame.text);
        expect(seq).toBeGreaterThan(0);
        await remove(mine.id);
      },
    ];
  }

  /** Says the word in a message that expires, and waits until it has. */
  async function sayAndExpire(): Promise<void> {
    const path = `/conversations/${room.uuid}/message-timer`;
    const timer = (message_timer: number | null) =>
      must(site.url, "PUT", path, { headers: bearer(author().token), json: { message_timer } });
    await timer(1);
    const { seq } = await say(`${word}, expiring`);
    await timer(null);
    await socket().until("the expiry", () =>
      socket()
        .log(room.token)
        .some(({ type, data }) => type === "message.deleted" && data.seq === seq),
    );
  }

  async function ids(): Promise<string[]> {
    const { id, uuid, publicId, handle } = author();
    const path = `/v1/messages?conversation_id=${room.publicId}&limit=100`;
    const { json } = await must(site.url, "GET", path, { headers: bearer(author().token) });
    const messages = (json.data as { id: string }[]).slice(0, 6).map((message) => message.id);
    const { organization } = site;
    return [
      ...[String(room.id), room.token, room.uuid, room.publicId, String(id), uuid, publicId, handle],
      ...[...messages, String(organization.id), organization.uuid],
    ];
  }

  /** What a session hears that begins now, or goes on from its user's joining. */
  async function heard(token: string): Promise<string> {
    const raw = await RawClient.connect(site.url);
    const { epoch, rooms } = (await raw.hello(token)) as unknown as { epoch: string; rooms: Head[] };
    await raw.drop();
    const since = socket().log(room.token)[0]?.seq ?? 0;
    const { head = 0 } = rooms.find((each) => each.room === room.token) ?? {};
    const again = new SocketClient("again", token, "json");
    const resuming = await RawClient.connect(site.url);
    const ready = await resuming.hello(token, { resume: { epoch, rooms: { [room.token]: since } } });
    const events: unknown[] = [];
    while (head > 0 && (events.at(-1) as Head | undefined)?.seq !== head)
      events.push(await resuming.next(({ op, room: token }) => op === "event" && token === room.token));
    await resuming.drop();
    await again.connect(site.url);
    const told = JSON.stringify([ready, events, again.ready, await again.history(room.token)]);
    await again.drop();
    return told;
  }

  async function places(): Promise<Record<string, string[]>> {
    const tokens = [author().token, (site.callers.member.person as Person).token];
    const named = { tokens, ids: await ids(), admin: ADMIN_TOKEN };
    const told = await heard(author().token);
    return {
      tables: await tablesWith(postgres.url, word),
      keys: await keysWith(redis.url, word),
      answers: await answersWith(site, named, word),
      socket: told.includes(word) ? ["ready, resume or history"] : [],
    };
  }

  test("is in no table, key, answer, session and webhook; and was found while it was there", async () => {
    const takeBack = await write();
    await expect
      .poll(() => receiver.received.some(({ raw }) => raw.includes(word)), { timeout: 20_000 })
      .toBe(true);
    const before = await places();
    expect(before.tables).toEqual(["attachments", "events"]);
    expect(before.answers?.length).toBeGreaterThan(5);
    expect(before.socket).not.toEqual([]);

    for (const each of takeBack) await each();
    await sayAndExpire();
    expect(await places()).toEqual({ tables: [], keys: [], answers: [], socket: [] });

    const { length } = receiver.received;
    receiver.answer = () => 200;
    const all = () => tablesWith(postgres.url, "message.deleted");
    await expect.poll(all, { timeout: 30_000 }).not.toContain("webhook_deliveries");
    const later = receiver.received.slice(length);
    expect(later.map(({ type }) => type)).toContain("message.deleted");
    expect(later.filter(({ raw }) => raw.includes(word))).toEqual([]);
  }, 300_000);
});

interface Head {
  room: string;
  head: number;
  seq: number;
}
