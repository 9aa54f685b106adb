/** Clients that wait for what comes (reference §B.4): who is woken by what, and what waiting costs. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createLongPolls } from "../../src/http/talk/common/long-polls.ts";
import type { TalkParts } from "../../src/http/talk/common/parts.ts";
import { createChatReading } from "../../src/http/talk/routes/chat-reading.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import {
  type Answer,
  API,
  type Client,
  clientOf,
  join,
  makeRoom,
  openSite,
  type Person,
  type Site,
} from "./site.ts";

interface OpenApi {
  paths: Record<string, { get: { parameters: { name: string; schema: { default?: unknown } }[] } }>;
}

describeWith("postgres", "waiting for what comes in a Talk room", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  let ben: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    ada = await site.person("Ada");
    ben = await site.person("Ben");
  });
  afterAll(() => site?.close());

  const lastOf = async (client: Client, token: string): Promise<number> =>
    (await client.get(`/chat/${token}`, { lookIntoFuture: 0, limit: 1 })).data?.[0]?.id ?? 0;

  /** Resolves when the client waits, with what it will be answered. */
  async function waiting(
    client: Client,
    token: string,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<{ answer: Promise<Answer> }> {
    const lastKnownMessageId = await lastOf(client, token);
    const before = site.followers();
    const { timeout = 30, signal } = options;
    const answer = client.get(
      `/chat/${token}`,
      { lookIntoFuture: 1, lastKnownMessageId, timeout },
      { ...(signal && { signal }) },
    );
    await expect.poll(site.followers, { interval: 5 }).toBe(before + 1);
    return { answer };
  }

  test("a place past the log's end was lost with a restore: the newest are the answer, oldest first", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    for (const message of ["one", "two", "three"]) await ada.post(`/chat/${token}`, { message });
    const lastKnownMessageId = (await lastOf(ben, token)) + 5;
    for (const timeout of [0, 1]) {
      const query = { lookIntoFuture: 1, lastKnownMessageId, timeout, limit: 2 };
      const { status, data } = await ben.get(`/chat/${token}`, query);
      expect(status).toBe(200);
      expect(data).toMatchObject([{ message: "two" }, { message: "three" }]);
    }
  });

  test("where the log is another one, everybody is answered at once", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const { answer } = await waiting(ben, token);
    await site.store.history.lost(site.store.history.epoch);
    expect((await answer).status).toBe(304);
    // By its own timeout it would be answered after 30 s.
  }, 20_000);

  test("[B.4] who joins or leaves a call answers at once", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    for (const client of [ada, ben]) await join(client, token);
    await ada.post(`/call/${token}`);
    const steps = [
      [() => ben.post(`/call/${token}`), "call_joined"],
      [() => ben.delete(`/call/${token}`), "call_left"],
    ] as const;
    for (const [step, systemMessage] of steps) {
      const { answer } = await waiting(ada, token);
      await step();
      const { status, data } = await answer;
      expect({ status, data }).toMatchObject({ status: 200, data: [{ systemMessage, actorId: ben.id }] });
    }
    await ada.delete(`/call/${token}`);
  });

  test("[B.4] a message answers at once, wherever it comes from", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const socket = new SocketClient("ada", ada.token, "json");
    await socket.connect(site.url);
    const ways = [
      () => ada.post(`/chat/${token}`, { message: "hello" }),
      () => socket.send(token, "own id", "hello"),
    ];
    for (const say of ways) {
      const { answer } = await waiting(ben, token);
      await say();
      const { status, data, headers } = await answer;
      expect(status).toBe(200);
      expect(data).toMatchObject([{ message: "hello", actorId: ada.id }]);
      expect(headers.get("x-chat-last-given")).toBe(String(data[0].id));
    }
    await socket.drop();
  });

  test("[B.4] a system message answers too, people who come by themselves don't", async () => {
    const token = await makeRoom(ada, { type: 3 });
    const { answer } = await waiting(ada, token);
    const guest = site.guest();
    await join(guest, token);
    await guest.delete(`/room/${token}/participants/active`);
    await ada.post(`/room/${token}/favorite`);
    await ada.put(`/room/${token}`, { roomName: "New" });
    expect((await answer).data).toMatchObject([{ systemMessage: "conversation_renamed" }]);
  });

  test("[B.4] a client waits as long as it wants, 30 s at most, and 30 s unless told", async () => {
    const times: number[] = [];
    const poll = {
      over: true,
      wake: () => {},
      news: async () => {},
      end: () => {},
      requireValid: async () => {},
    };
    const read = createChatReading({
      useCases: {
        timeline: { page: async () => ({ entries: [], more: false }) },
        joining: { ping: async () => true },
      },
      shapes: { of: async () => [] },
      feed: () => ({ followRoom: async () => ({ head: 0, stop: () => {} }) }),
      polls: { size: 0, open: ({ timeoutMs }: { timeoutMs: number }) => times.push(timeoutMs) && poll },
    } as unknown as TalkParts<"joining" | "messages" | "timeline">);
    const wanted = { lookIntoFuture: true, limit: 1, lastKnownMessageId: 0 };
    const client = { signal: new AbortController().signal, holder: null };
    for (const timeout of [5, 30, 31, 60, 1e9]) {
      const options = { ...wanted, timeout, setReadMarker: false, includeLastKnown: false };
      const room = { id: 1, token: "x" } as never;
      await read(
        { client: undefined, actor: ada.user as never, room, me: { historyFrom: 0, hiddenNo: 0 } },
        options,
        client,
      );
    }
    expect(times).toEqual([5_000, 30_000, 30_000, 30_000, 30_000]);
    const document = await site.http(new Request("http://127.0.0.1/openapi/talk.json"), { ip: "192.0.2.1" });
    const { paths } = (await document.json()) as OpenApi;
    const { parameters } = paths[`${API}/chat/{token}`]!.get;
    const defaults = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema.default]));
    expect(defaults).toMatchObject({ timeout: 30, limit: 100, setReadMarker: 1, includeLastKnown: 0 });
  });

  test("[B.4] 304 without a body when the time is over", async () => {
    const token = await makeRoom(ada);
    const { answer } = await waiting(ada, token, { timeout: 1 });
    expect(await answer).toMatchObject({ status: 304, text: "" });
    expect(site.followers()).toBe(0);
  });

  test.each<[string, number, (token: string) => Promise<unknown>]>([
    ["is removed", 404, (token) => ada.delete(`/room/${token}/participants`, { participant: ben.id })],
    ["is shut out by the lobby", 412, (token) => ada.put(`/room/${token}/webinar/lobby`, { state: 1 })],
    ["sees the room deleted", 404, (token) => ada.delete(`/room/${token}`)],
  ])("[B.4] who %s while waiting hears %i", async (_, status, act) => {
    const token = await makeRoom(ada, { people: [ben] });
    const { answer } = await waiting(ben, token);
    await act(token);
    expect((await answer).status).toBe(status);
    expect(site.followers()).toBe(0);
  });

  test("a client that hangs up is let go, on chat and on signaling", async () => {
    const token = await makeRoom(ada);
    const hangUp = new AbortController();
    const { answer } = await waiting(ada, token, { signal: hangUp.signal });
    hangUp.abort();
    await answer;
    expect(site.followers()).toBe(0);
    await join(ada, token);
    await ada.get(`/signaling/${token}`);
    const again = new AbortController();
    const pull = ada.get(`/signaling/${token}`, {}, { signal: again.signal });
    await expect.poll(site.followers).toBe(1);
    again.abort();
    await pull;
    expect(site.followers()).toBe(0);
  });

  test("over the network, too, a client that hangs up is let go", async () => {
    const token = await makeRoom(ada);
    const path = `/ocs/v2.php/apps/spreed/api/v1/chat/${token}?lookIntoFuture=1&lastKnownMessageId=`;
    const hangUp = new AbortController();
    const answer = fetch(site.url + path + (await lastOf(ada, token)), {
      headers: { Authorization: `Bearer ${ada.token}` },
      signal: hangUp.signal,
    });
    await expect.poll(site.followers).toBe(1);
    hangUp.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(site.followers).toBe(0);
  });

  test("what an event says is asked of the database once, however many wait for it", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const bearer = clientOf(site.http, { Authorization: `Bearer ${ben.token}` });
    const statements = async (clients: number, say: () => Promise<unknown>) => {
      const lastKnownMessageId = await lastOf(ada, token);
      const query = { lookIntoFuture: 1, lastKnownMessageId, timeout: 30 };
      const answers = Array.from({ length: clients }, () => bearer.get(`/chat/${token}`, query));
      await expect.poll(site.followers, { timeout: 10_000, interval: 5 }).toBe(clients);
      let before = -1;
      const isQuiet = () => {
        const { statements: now, connectionsInUse, waiting: queued } = site.store.stats();
        const same = now === before;
        before = now;
        return same && connectionsInUse === 0 && queued === 0;
      };
      await expect.poll(isQuiet, { timeout: 10_000, interval: 100 }).toBe(true);
      await say();
      const all = await Promise.all(answers);
      const count = site.store.stats().statements - before;
      expect(new Set(all.map(({ text }) => text)).size).toBe(1);
      expect(all[0]?.status).toBe(200);
      return count;
    };
    const { id: replyTo } = (await ada.post(`/chat/${token}`, { message: "question" })).data;
    const acts = [
      () => ada.post(`/chat/${token}`, { message: `hello @${ben.id} and @all`, replyTo }),
      () => ada.post(`/call/${token}`),
    ];
    await join(ada, token);
    for (const act of acts) {
      const few = await statements(5, act);
      await ada.delete(`/call/${token}`);
      const many = await statements(150, act);
      await ada.delete(`/call/${token}`);
      // The server looks at the time, and at what it watches over, now and then.
      expect(many).toBeLessThan(few + 20);
    }
  }, 60_000);

  test("each reader sees what is theirs: an outsider who is mentioned, and what is from before their time", async () => {
    const organization = (await site.useCases.directory.createOrganization({ name: "Org" })).id;
    const [cat, dan, eve] = [
      await site.person("Cat", { organization }),
      await site.person("Dan", { organization }),
      await site.person("Eve", { organization }),
    ];
    const actor = { kind: "user" as const, id: String(cat.user.id), name: "Cat" };
    const { roomLifecycle } = site.useCases;
    const { token } = await roomLifecycle.create(actor, { type: "public", name: "Room", history: "joined" });
    const { id: replyTo } = (await cat.post(`/chat/${token}`, { message: "before" })).data;
    const guest = site.guest();
    await join(guest, token);
    await join(dan, token);
    const waiters = [];
    for (const client of [cat, dan, guest]) waiters.push(await waiting(client, token));
    await cat.post(`/chat/${token}`, { message: `hello @${eve.id}`, replyTo });
    const [mine, his, theirs] = await Promise.all(waiters.map(async ({ answer }) => (await answer).data[0]));
    expect(mine).toMatchObject({ message: "hello {mention-user1}", parent: { message: "before" } });
    expect(his).toMatchObject({ message: "hello {mention-user1}", parent: { id: replyTo, deleted: true } });
    expect(theirs).toMatchObject({ message: `hello @${eve.id}`, parent: { id: replyTo, deleted: true } });
    const more = [await waiting(cat, token), await waiting(dan, token)];
    await cat.post(`/chat/${token}`, { message: "again", replyTo });
    const [hers, again] = await Promise.all(more.map(async ({ answer }) => (await answer).data[0]));
    expect(hers).toMatchObject({ message: "again", parent: { message: "before" } });
    expect(again).toMatchObject({ message: "again", parent: { id: replyTo, deleted: true } });
  });

  test("[Shows 4] 2,000 clients wait without a timer each, and all are answered", async () => {
    const rooms = await Promise.all(Array.from({ length: 20 }, () => makeRoom(ada, { people: [ben] })));
    const bearer = clientOf(site.http, { Authorization: `Bearer ${ben.token}` });
    const last = new Map(
      await Promise.all(rooms.map(async (token) => [token, await lastOf(ada, token)] as const)),
    );
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const answers: Promise<Answer>[] = [];
    for (const token of rooms) {
      const lastKnownMessageId = last.get(token) as number;
      for (let n = 0; n < 100; n++) {
        answers.push(bearer.get(`/chat/${token}`, { lookIntoFuture: 1, lastKnownMessageId, timeout: 30 }));
      }
      await expect.poll(site.followers, { timeout: 10_000, interval: 5 }).toBe(answers.length);
    }
    // Look-ups that are still under way have timers of their own.
    await expect.poll(timers, { timeout: 10_000 }).toBeLessThan(before + 20);
    expect(site.followers()).toBe(2_000);
    for (const token of rooms) {
      await ada.post(`/chat/${token}`, { message: `for ${token}` });
      for (const { status, data } of await Promise.all(answers.splice(0, 100))) {
        expect(status).toBe(200);
        expect(data).toMatchObject([{ message: `for ${token}` }]);
      }
    }
    expect(site.followers()).toBe(0);
  }, 90_000);
});

describeWith("postgres", "a Talk poll whose credential ends", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());

  /** Somebody who waits with a token of its own, for a message or for signaling, and how to revoke that token. */
  async function polling(what: "chat" | "signaling") {
    const [ada, ben] = [await site.person("Ada"), await site.person("Ben")];
    const token = await makeRoom(ada, { people: [ben] });
    const { directory } = site.useCases;
    const made = await directory.createToken({ userId: ben.user.id, name: "phone" });
    const phone = clientOf(site.http, { Authorization: `Bearer ${made.token}` });
    await join(phone, token);
    const [last] = (await phone.get(`/chat/${token}`, { lookIntoFuture: 0, limit: 1 })).data;
    // Signaling first says who is there.
    if (what === "signaling") await phone.get(`/signaling/${token}`);
    const before = site.followers();
    const answer =
      what === "signaling"
        ? phone.get(`/signaling/${token}`)
        : phone.get(`/chat/${token}`, { lookIntoFuture: 1, lastKnownMessageId: last.id, timeout: 30 });
    await expect.poll(site.followers, { interval: 5 }).toBe(before + 1);
    return { ada, token, answer, revoke: () => directory.deleteToken(made.id) };
  }

  test.each(["chat", "signaling"] as const)(
    "waiting for %s, it is 401 soon",
    async (what) => {
      const { answer, revoke } = await polling(what);
      await revoke();
      expect((await answer).status).toBe(401);
      // By its own timeout it would be answered after 30 s.
    },
    20_000,
  );

  test("what is said after the end is not told any more", async () => {
    const { ada, token, answer, revoke } = await polling("chat");
    await revoke();
    await ada.post(`/chat/${token}`, { message: "a secret" });
    const { status, text } = await answer;
    expect(status).toBe(401);
    expect(text).not.toContain("a secret");
  });
});

describe("long polls", () => {
  const unwatched = () => ({ changed: () => {}, isValid: async () => true });
  const client = () => ({ signal: new AbortController().signal, holder: null });

  test("end at their time by one timer for all, which stops when nobody waits", async () => {
    vi.useFakeTimers();
    try {
      const polls = createLongPolls(unwatched);
      const all = [1_000, 2_000, 30_000].map((timeoutMs) => polls.open({ timeoutMs, ...client() }));
      const ended: number[] = [];
      for (const [i, poll] of all.entries()) void poll.news().then(() => ended.push(i));
      expect(vi.getTimerCount()).toBe(1);
      await vi.advanceTimersByTimeAsync(1_500);
      expect(ended).toEqual([0]);
      await vi.advanceTimersByTimeAsync(29_000);
      expect(ended).toEqual([0, 1, 2]);
      expect(all.every(({ over }) => over)).toBe(true);
      for (const poll of all) poll.end();
      expect(polls.size).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("tell of news that came while nobody listened, once", async () => {
    const polls = createLongPolls(unwatched);
    const poll = polls.open({ timeoutMs: 60_000, ...client() });
    poll.wake();
    poll.wake();
    await poll.news();
    let again = false;
    const next = poll.news().then(() => {
      again = true;
    });
    await Promise.resolve();
    expect(again).toBe(false);
    poll.wake();
    await next;
    expect(poll.over).toBe(false);
    poll.end();
  });

  test("are over when nobody may wait now, and others may wait afterwards", async () => {
    const polls = createLongPolls(unwatched);
    const poll = polls.open({ timeoutMs: 60_000, ...client() });
    const news = poll.news();
    polls.finishAll();
    await news;
    expect(poll.over).toBe(true);
    poll.end();
    const next = polls.open({ timeoutMs: 60_000, ...client() });
    expect(next.over).toBe(false);
    next.end();
  });

  test("are over when the client hung up, also before they began", async () => {
    const polls = createLongPolls(unwatched);
    const connection = new AbortController();
    const poll = polls.open({ timeoutMs: 60_000, ...client(), signal: connection.signal });
    const news = poll.news();
    connection.abort();
    await news;
    expect(poll.over).toBe(true);
    poll.end();
    const late = polls.open({ timeoutMs: 60_000, ...client(), signal: connection.signal });
    await late.news();
    expect(late.over).toBe(true);
    late.end();
    expect(polls.size).toBe(0);
  });
});
