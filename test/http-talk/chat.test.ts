/** Talk's chat (reference §B.4, §B.6, §B.8): sending, reading, waiting, replies, mentions, the read marker. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import {
  type Client,
  join,
  makeRoom,
  oneToOne,
  openSite,
  type Parameters,
  type Person,
  type Site,
} from "./site.ts";

interface Message {
  id: number;
  token: string;
  message: string;
  messageParameters: { actor?: { name: string } };
  systemMessage: string;
}

describeWith("postgres", "Talk's chat", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  let ben: Person;
  let stranger: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    ada = await site.person("Ada");
    ben = await site.person("Ben");
    stranger = await site.person("Sig");
  });
  afterAll(() => site?.close());

  const send = async (client: Client, token: string, message: string, more: Parameters = {}) =>
    (await client.post(`/chat/${token}`, { message, ...more })).data;
  const past = (client: Client, token: string, more: Parameters = {}) =>
    client.get(`/chat/${token}`, { lookIntoFuture: 0, ...more });
  const future = (client: Client, token: string, more: Parameters = {}) =>
    client.get(`/chat/${token}`, { lookIntoFuture: 1, timeout: 0, ...more });
  const idsOf = (messages: Message[]) => messages.map(({ id }) => id);

  describe("sending", () => {
    test("[B.4] answers 201 with the message", async () => {
      const token = await makeRoom(ada);
      const { status, data } = await ada.post(`/chat/${token}`, { message: "Hello 🙂 שלום" });
      expect(status).toBe(201);
      expect(data).toEqual({
        id: expect.any(Number),
        token,
        room: token,
        seq: data.id,
        actorType: "users",
        actorId: ada.id,
        actorDisplayName: "Ada",
        timestamp: expect.any(Number),
        message: "Hello 🙂 שלום",
        messageParameters: [],
        systemMessage: "",
        messageType: "comment",
        isReplyable: true,
      });
      expect(Math.abs(data.timestamp - Date.now() / 1_000)).toBeLessThan(60);
    });

    test("[B.8.8] an unnamed guest's name is empty; actorDisplayName gives one", async () => {
      const token = await makeRoom(ada, { type: 3 });
      const guest = site.guest();
      const actorId = createHash("sha1")
        .update(await join(guest, token))
        .digest("hex");
      expect(await send(guest, token, "one")).toMatchObject({
        actorType: "guests",
        actorId,
        actorDisplayName: "",
      });
      const named = await send(guest, token, "two", { actorDisplayName: "Gast 🙂" });
      expect(named).toMatchObject({ actorId, actorDisplayName: "Gast 🙂" });
      expect(await send(ada, token, "three", { actorDisplayName: "Eve" })).toMatchObject({
        actorDisplayName: "Ada",
      });
    });

    test("[B.6.15] a guest who has not joined is 404, and 201 after joining", async () => {
      const token = await makeRoom(ada, { type: 3 });
      const guest = site.guest();
      expect((await guest.post(`/chat/${token}`, { message: "hi" })).status).toBe(404);
      await join(guest, token);
      expect((await guest.post(`/chat/${token}`, { message: "hi" })).status).toBe(201);
    });

    test("[B.8.5] members write, read and see who is in the call without having joined", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      expect((await ben.post(`/chat/${token}`, { message: "hi" })).status).toBe(201);
      expect((await past(ada, token)).data[0].message).toBe("hi");
      expect(await ben.get(`/call/${token}`)).toMatchObject({ status: 200, data: [] });
      expect((await ben.post(`/call/${token}`)).status).toBe(404);
    });

    test("[B.4] strangers are 404, also in a public room", async () => {
      for (const type of [2, 3] as const) {
        const token = await makeRoom(ada, { type });
        for (const client of [stranger, site.guest()]) {
          expect((await client.post(`/chat/${token}`, { message: "hi" })).status).toBe(404);
          expect((await past(client, token)).status).toBe(404);
          expect((await client.get(`/chat/${token}/mentions`, { search: "" })).status).toBe(404);
        }
      }
    });

    test("[B.4] 32,000 characters are taken, one more is 413, none 400", async () => {
      const token = await makeRoom(ada);
      for (const longest of ["x".repeat(32_000), "🙂".repeat(32_000)]) {
        const { status, data } = await ada.post(`/chat/${token}`, { message: longest });
        expect(status).toBe(201);
        expect(data.message).toBe(longest);
        expect((await ada.post(`/chat/${token}`, { message: `${longest}x` })).status).toBe(413);
      }
      expect((await ada.post(`/chat/${token}`, { message: "" })).status).toBe(400);
      expect((await ada.post(`/chat/${token}`)).status).toBe(400);
      expect((await stranger.post(`/chat/${token}`)).status).toBe(404);
    });

    test("[B.6.16] a locked room is read and not written, until it is unlocked", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      await ada.put(`/room/${token}/read-only`, { state: 1 });
      for (const person of [ada, ben]) {
        expect((await person.post(`/chat/${token}`, { message: "hi" })).status).toBe(403);
        expect((await person.get(`/chat/${token}/mentions`, { search: "" })).status).toBe(403);
        expect((await past(person, token)).status).toBe(200);
        expect((await person.post(`/room/${token}/participants/active`)).status).toBe(200);
        expect((await person.post(`/call/${token}`)).status).toBe(403);
        expect((await person.get(`/call/${token}`)).status).toBe(403);
        expect((await person.get(`/room/${token}`)).data).toMatchObject({ readOnly: 1, canStartCall: false });
      }
      await ada.put(`/room/${token}/read-only`, { state: 0 });
      expect((await ben.post(`/chat/${token}`, { message: "hi" })).status).toBe(201);
      expect((await ben.post(`/call/${token}`)).status).toBe(200);
    });

    test("ids rise within a room", async () => {
      const token = await makeRoom(ada);
      const ids: number[] = [];
      for (const n of [1, 2, 3]) ids.push((await send(ada, token, `${n}`)).id);
      expect(new Set(ids).size).toBe(3);
      expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    });

    test("with the same referenceId stores a message once for each sender and room; another text is 422", async () => {
      const [token, other] = [await makeRoom(ada, { people: [ben] }), await makeRoom(ada)];
      const referenceId = createHash("sha256").update(token).digest("hex");
      const say = (client: Client, message: string, room = token) =>
        client.post(`/chat/${room}`, { message, referenceId });
      const [first, second] = await Promise.all([say(ada, "once"), say(ada, "once")]);
      expect([first.status, second.status, (await say(ada, "once")).status]).toEqual([201, 201, 201]);
      expect(second.data).toEqual(first.data);
      expect((await say(ada, "twice")).status).toBe(422);
      expect((await say(ben, "his")).status).toBe(201);
      expect((await say(ada, "there", other)).status).toBe(201);
      const texts = (await past(ada, token)).data.map(({ message }: Message) => message);
      expect(texts.slice(0, 2)).toEqual(["his", "once"]);
      const unset = { message: "no reference", referenceId: "" };
      for (const _ of [1, 2]) expect((await ada.post(`/chat/${token}`, unset)).status).toBe(201);
      expect((await past(ada, token, { limit: 2 })).data).toMatchObject(
        [unset, unset].map(({ message }) => ({ message })),
      );
    });
  });

  describe("history", () => {
    test("[B.6.22] comes newest first, page by page, and ends with 304", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const sent: number[] = [];
      for (let n = 0; n < 5; n++) sent.push((await send(ada, token, `${n}`)).id);
      const newest = await past(ben, token, { limit: 3 });
      expect(idsOf(newest.data)).toEqual(sent.slice(2).reverse());
      expect(newest.headers.get("x-chat-last-given")).toBe(String(sent[2]));
      const older = await past(ben, token, { limit: 3, lastKnownMessageId: sent[2] as number });
      expect(idsOf(older.data).slice(0, 2)).toEqual([sent[1], sent[0]]);
      expect(older.data[2].systemMessage).toBe("user_added");
      const oldest = await past(ben, token, { lastKnownMessageId: older.data[2].id });
      expect(oldest.data.map(({ systemMessage }: Message) => systemMessage)).toEqual([
        "conversation_created",
      ]);
      const none = await past(ben, token, { lastKnownMessageId: oldest.data[0].id });
      expect(none).toMatchObject({ status: 304, text: "" });
    });

    test("[B.4] includeLastKnown includes it", async () => {
      const token = await makeRoom(ada);
      const { id } = await send(ada, token, "one");
      const { id: later } = await send(ada, token, "two");
      const known = { lastKnownMessageId: id, includeLastKnown: 1 };
      expect((await past(ada, token, { ...known, limit: 1 })).data[0].id).toBe(id);
      expect(idsOf((await future(ada, token, known)).data)).toEqual([id, later]);
    });

    test.each([
      ["lookIntoFuture", {}],
      ["lookIntoFuture", { lookIntoFuture: 2 }],
      ["limit", { lookIntoFuture: 0, limit: -1 }],
      ["limit", { lookIntoFuture: 0, limit: 0 }],
      ["lastKnownMessageId", { lookIntoFuture: 0, lastKnownMessageId: "x" }],
    ])("[B.4] a wrong or missing %s is 400", async (name, parameters) => {
      const answer = await ada.get(`/chat/${await makeRoom(ada)}`, parameters as Parameters);
      expect(answer.status).toBe(400);
      expect(answer.meta.message).toContain(name);
    });

    test("[B.4] 100 come at once unless told, and at most 200, however many are wanted", async () => {
      const token = await makeRoom(ada);
      for (let n = 0; n < 201; n++) await send(ada, token, `${n}`);
      expect((await past(ada, token)).data).toHaveLength(100);
      expect((await future(ada, token)).data).toHaveLength(100);
      expect((await past(ada, token, { limit: 1_000 })).data).toHaveLength(200);
      expect((await future(ada, token, { limit: 1_000 })).data).toHaveLength(200);
    });

    test("every number fits the integers of 32 bits that Talk's clients read, however many rooms there are", async () => {
      await site.store.sql`select setval(pg_get_serial_sequence('conversations', 'id'), 1000000)`;
      const token = await makeRoom(ada, { people: [ben] });
      const { id } = await send(ada, token, "first");
      await send(ben, token, "second", { replyTo: id });
      await join(ada, token);
      const [{ head } = { head: 0 }] = await site.store.log.heads([
        (await ada.get(`/room/${token}`)).data.id,
      ]);
      const { data } = await past(ada, token);
      expect(data[0]).toMatchObject({ id: head, parent: { id } });
      const answers = [
        data,
        (await ada.get(`/room/${token}`)).data,
        (await ada.get("/room")).data,
        (await ada.get(`/room/${token}/participants`)).data,
        (await ada.get(`/signaling/${token}`)).data,
      ];
      const numbers = JSON.stringify(answers).match(/(?<=[:,[])-?\d+(?=[,}\]])/g) ?? [];
      expect(numbers.length).toBeGreaterThan(20);
      expect(numbers.map(Number).filter((number) => number >= 2 ** 31)).toEqual([]);
    });

    test("long comings and goings hide no message", async () => {
      const token = await makeRoom(ada, { type: 3 });
      const { id } = await send(ada, token, "before the crowd");
      const guest = site.guest();
      for (let n = 0; n < 30; n++) {
        await join(guest, token);
        await guest.delete(`/room/${token}/participants/active`);
      }
      expect((await past(ada, token, { limit: 1 })).data[0].id).toBe(id);
      expect((await ada.get(`/room/${token}`)).data.lastMessage.id).toBe(id);
      expect((await future(ada, token, { lastKnownMessageId: id })).status).toBe(304);
      const { id: later } = await send(ada, token, "after the crowd");
      expect(idsOf((await future(ada, token, { lastKnownMessageId: id, limit: 1 })).data)).toEqual([later]);
    });

    test("[B.6.24] messages of deleted users are by deleted_users, without a name", async () => {
      const cid = await site.person("Cid");
      const token = await makeRoom(ada, { people: [cid] });
      await send(cid, token, "I was here");
      await site.useCases.directory.deleteUser(cid.user.id);
      const { data } = await past(ada, token);
      const message = data.find(({ systemMessage }: Message) => systemMessage === "");
      expect(message).toMatchObject({
        message: "I was here",
        actorType: "deleted_users",
        actorId: "deleted_users",
        actorDisplayName: "",
      });
    });

    test("One domain: deleted messages are not listed, and can't be answered (400)", async () => {
      const token = await makeRoom(ada);
      const { id } = await send(ada, token, "oops");
      const { id: answer } = await send(ada, token, "an answer", { replyTo: id });
      await site.useCases.messages.remove({ kind: "user", id: String(ada.user.id), name: "Ada" }, token, id);
      const { data } = await past(ada, token);
      expect(idsOf(data)).not.toContain(id);
      expect(data[0]).toMatchObject({ id: answer, parent: { id, deleted: true } });
      expect((await ada.post(`/chat/${token}`, { message: "late", replyTo: id })).status).toBe(400);
    });
  });

  describe("looking into the future", () => {
    test("[B.4] comes oldest first, from what is known", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const sent: number[] = [];
      for (let n = 0; n < 4; n++) sent.push((await send(ada, token, `${n}`)).id);
      const { data, headers } = await future(ben, token, { lastKnownMessageId: sent[0] as number, limit: 2 });
      expect(idsOf(data)).toEqual([sent[1], sent[2]]);
      expect(headers.get("x-chat-last-given")).toBe(String(sent[2]));
      expect((await future(ben, token, { lastKnownMessageId: sent[3] as number })).status).toBe(304);
    });

    test("[B.4] moves the read marker to what is known, unless told not to, and never back", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const { id: one } = await send(ada, token, "one");
      const { id: two } = await send(ada, token, "two");
      const read = async () => (await ben.get(`/room/${token}`)).data;
      await future(ben, token, { lastKnownMessageId: one, setReadMarker: 0 });
      expect(await read()).toMatchObject({ unreadMessages: 2 });
      await future(ben, token, { lastKnownMessageId: one });
      expect(await read()).toMatchObject({ lastReadMessage: one, unreadMessages: 1 });
      await future(ben, token, { lastKnownMessageId: two });
      await future(ben, token, { lastKnownMessageId: one });
      expect(await read()).toMatchObject({ lastReadMessage: two, unreadMessages: 0 });
      await past(ben, token, { lastKnownMessageId: one });
      // Past the log's end: of a log that a restore has cut, so what there is comes again.
      const beyond = await future(ben, token, { lastKnownMessageId: two + 1_000 });
      expect(beyond.data.at(-1).id).toBe(two);
      expect(await read()).toMatchObject({ lastReadMessage: two });
    });
  });

  describe("the read marker", () => {
    test("[B.4] moves up with POST read; guests are 401, strangers 404, ids past the end 400", async () => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      const { id } = await send(ada, token, "read me");
      const mark = (client: Client, lastReadMessage: number | string) =>
        client.post(`/chat/${token}/read`, { lastReadMessage });
      expect((await ben.get(`/room/${token}`)).data).toMatchObject({ unreadMessages: 1 });
      expect((await mark(ben, id)).status).toBe(200);
      expect((await ben.get(`/room/${token}`)).data).toMatchObject({
        unreadMessages: 0,
        lastReadMessage: id,
      });
      expect((await mark(ben, id - 1)).status).toBe(200);
      expect((await ben.get(`/room/${token}`)).data.lastReadMessage).toBe(id);
      expect((await mark(ben, id + 1)).status).toBe(400);
      expect((await mark(ben, "x")).status).toBe(400);
      const guest = site.guest();
      await join(guest, token);
      expect((await mark(guest, id)).status).toBe(401);
      expect((await mark(stranger, id)).status).toBe(404);
    });
  });

  describe("replies", () => {
    test("[B.4] [B.6.22] hold their parent, which holds none of its own", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const parent = await send(ada, token, "question?");
      const reply = await send(ben, token, "answer!", { replyTo: parent.id });
      expect(reply.parent).toEqual(parent);
      const further = await send(ada, token, "thanks", { replyTo: reply.id });
      expect(further.parent).toMatchObject({ id: reply.id, message: "answer!" });
      expect(further.parent).not.toHaveProperty("parent");
      const { data } = await past(ben, token, { limit: 2 });
      expect(data).toEqual([further, reply]);
    });

    test("[B.6.21] to a system message, or to what this room does not have, are 400; by strangers 404", async () => {
      const [token, other] = [await makeRoom(ada), await makeRoom(ada)];
      const { id: foreign } = await send(ada, other, "elsewhere");
      const system = (await past(ada, token)).data[0];
      expect(system).toMatchObject({ systemMessage: "conversation_created", isReplyable: false });
      for (const replyTo of [foreign, system.id, system.id + 1_000, 1, -1]) {
        expect((await ada.post(`/chat/${token}`, { message: "?", replyTo })).status, String(replyTo)).toBe(
          400,
        );
      }
      const { id } = await send(ada, token, "here");
      expect((await stranger.post(`/chat/${token}`, { message: "?", replyTo: id })).status).toBe(404);
    });
  });

  describe("mentions", () => {
    test("[B.8.6] stand in messageParameters by first appearance, each user once", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const text = `@${ben.id}, and @${stranger.id}; @${ben.id}! but not @nobody-at-all or a@${ben.id}`;
      expect(await send(ada, token, text)).toMatchObject({
        message: `{mention-user1}, and {mention-user2}; {mention-user1}! but not @nobody-at-all or a@${ben.id}`,
        messageParameters: {
          "mention-user1": { type: "user", id: ben.id, name: "Ben" },
          "mention-user2": { type: "user", id: stranger.id, name: "Sig" },
        },
      });
      const { data } = await past(ben, token, { limit: 1 });
      expect(Object.keys(data[0].messageParameters)).toEqual(["mention-user1", "mention-user2"]);
      expect(data[0].messageParameters["mention-user1"]).toEqual({ type: "user", id: ben.id, name: "Ben" });
    });

    test("[B.8.6] the whole room is mention-call1, guests go by guest/<sha1>", async () => {
      const token = await makeRoom(ada, { type: 3, name: "Raum" });
      const guest = site.guest();
      const id = createHash("sha1")
        .update(await join(guest, token))
        .digest("hex");
      await guest.post(`/guest/${token}/name`, { displayName: "FooBar" });
      const sent = await send(ada, token, `@all see @"guest/${id}" and @"${ada.id}"`);
      expect(sent).toMatchObject({
        message: "{mention-call1} see {mention-guest1} and {mention-user1}",
        messageParameters: {
          "mention-call1": { type: "call", id: token, name: "Raum" },
          "mention-guest1": { type: "guest", id: `guest/${id}`, name: "FooBar" },
          "mention-user1": { type: "user", id: ada.id, name: "Ada" },
        },
      });
    });

    test("[B.3] set unreadMention until they are read", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const mention = async () => (await ben.get(`/room/${token}`)).data.unreadMention;
      await send(ada, token, "nobody");
      expect(await mention()).toBe(false);
      const { id } = await send(ada, token, `@${ben.id}`);
      expect(await mention()).toBe(true);
      await ben.post(`/chat/${token}/read`, { lastReadMessage: id });
      expect(await mention()).toBe(false);
      await send(ada, token, "@all");
      expect(await mention()).toBe(true);
      expect((await ada.get(`/room/${token}`)).data.unreadMention).toBe(false);
    });

    test("[B.8.7] [B.6.25] candidates are the room, users as they joined, guests; never oneself", async () => {
      const token = await makeRoom(ada, { type: 3, name: "Kantine", people: [ben, stranger] });
      const [named, unnamed] = [site.guest(), site.guest()];
      const ids: string[] = [];
      for (const guest of [named, unnamed]) {
        ids.push(
          `guest/${createHash("sha1")
            .update(await join(guest, token))
            .digest("hex")}`,
        );
      }
      await named.post(`/guest/${token}/name`, { displayName: "FooBar" });
      const candidates = async (client: Client, search: string, more: Parameters = {}) =>
        (await client.get(`/chat/${token}/mentions`, { search, ...more })).data;
      const all = { id: "all", label: "Kantine", source: "calls" };
      const users = [ben, stranger].map(({ id, name: label }) => ({ id, label, source: "users" }));
      const guests = [
        { id: ids[0], label: "FooBar", source: "guests" },
        { id: ids[1], label: "Guest", source: "guests" },
      ];
      expect(await candidates(ada, "")).toEqual([all, ...users, ...guests]);
      expect(await candidates(ada, "", { limit: 1 })).toEqual([all, users[0]]);
      expect(await candidates(ada, "OOB")).toEqual([guests[0]]);
      expect(await candidates(ada, "kant")).toEqual([all]);
      expect(await candidates(ada, "al")).toContainEqual(all);
      expect(await candidates(ada, "Ben")).toEqual([users[0]]);
      expect(await candidates(named, "oob")).toEqual([]);
      expect(await candidates(named, "ada")).toEqual([{ id: ada.id, label: "Ada", source: "users" }]);
    });

    test("[B.4] in a one-to-one there is only the other", async () => {
      const token = await oneToOne(ada, ben);
      const { data } = await ada.get(`/chat/${token}/mentions`, { search: "" });
      expect(data).toEqual([{ id: ben.id, label: "Ben", source: "users" }]);
    });
  });

  describe("system messages", () => {
    const systemIn = async (client: Client, token: string): Promise<string[]> => {
      const { data } = await past(client, token, { limit: 200 });
      return data.map(({ systemMessage }: Message) => systemMessage).reverse();
    };

    test("[B.4] [B.6.23] tell of what happens to the room", async () => {
      const token = await makeRoom(ada);
      const at = `/room/${token}`;
      await ada.put(at, { roomName: "Another" });
      await ada.put(at, { roomName: "Another" });
      await ada.post(`${at}/public`);
      await ada.put(`${at}/password`, { password: "a" });
      await ada.put(`${at}/password`, { password: "a" });
      await ada.put(`${at}/password`, { password: "" });
      await ada.delete(`${at}/public`);
      await ada.put(`${at}/read-only`, { state: 1 });
      await ada.put(`${at}/read-only`, { state: 0 });
      await ada.put(`${at}/webinar/lobby`, { state: 1 });
      await ada.put(`${at}/webinar/lobby`, { state: 0 });
      await join(ada, token);
      await ada.post(`/call/${token}`);
      await ada.delete(`/call/${token}`);
      expect(await systemIn(ada, token)).toEqual([
        "conversation_created",
        "conversation_renamed",
        "guests_allowed",
        "password_set",
        "password_set",
        "password_removed",
        "guests_disallowed",
        "read_only",
        "read_only_off",
        "lobby_non_moderators",
        "lobby_none",
        "call_started",
        "call_left",
        "call_ended",
      ]);
    });

    test("[B.4] the first who joins a call writes call_started, later ones call_joined, who leaves call_left", async () => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      const guest = site.guest();
      for (const client of [ada, ben, guest]) await join(client, token);
      const { data: before } = await past(ada, token, { limit: 1 });
      for (const client of [ada, ben, guest]) await client.post(`/call/${token}`);
      await ben.post(`/call/${token}`, { flags: 1 });
      await ben.delete(`/call/${token}`);
      await ben.post(`/call/${token}`);
      for (const client of [ada, guest]) await client.delete(`/room/${token}/participants/active`);
      await ben.delete(`/call/${token}`);
      await ben.delete(`/call/${token}`);
      const { data } = await future(ada, token, { lastKnownMessageId: before[0].id });
      const told = data.map((one: Message) => [one.systemMessage, one.messageParameters.actor?.name]);
      const gast = data[2].messageParameters.actor.name;
      expect(told).toEqual([
        ["call_started", "Ada"],
        ["call_joined", "Ben"],
        ["call_joined", gast],
        ["call_left", "Ben"],
        ["call_joined", "Ben"],
        ["call_left", "Ada"],
        ["call_left", gast],
        ["call_left", "Ben"],
        ["call_ended", "Ben"],
      ]);
      expect(data[1]).toMatchObject({
        ...{ actorType: "users", actorId: ben.id, message: "{actor} joined the call", messageType: "system" },
      });
      expect(data[2]).toMatchObject({ actorType: "guests", messageType: "system", isReplyable: false });
    });

    test("[B.3] who joins or leaves a call is the lastMessage, and unread to nobody", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      for (const client of [ada, ben]) await join(client, token);
      const steps = [
        [() => ada.post(`/call/${token}`), "call_started"],
        [() => ben.post(`/call/${token}`), "call_joined"],
        [() => ada.delete(`/call/${token}`), "call_left"],
      ] as const;
      for (const [step, systemMessage] of steps) {
        await step();
        const shown = { lastMessage: { systemMessage }, unreadMessages: 0, unreadMention: false };
        for (const client of [ada, ben])
          expect((await client.get(`/room/${token}`)).data).toMatchObject(shown);
        expect((await ada.get("/room")).data.find((one: Message) => one.token === token)).toMatchObject(
          shown,
        );
      }
      await ben.delete(`/call/${token}`);
    });

    test("[B.4] tell of people, but not of those who come and go by themselves", async () => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      const at = `/room/${token}`;
      await ada.post(`${at}/moderators`, { participant: ben.id });
      await ada.delete(`${at}/moderators`, { participant: ben.id });
      const guest = site.guest();
      const sessionId = await join(guest, token);
      await ada.post(`${at}/moderators`, { sessionId });
      await ada.delete(`${at}/moderators`, { sessionId });
      await guest.delete(`${at}/participants/active`);
      await join(stranger, token);
      await stranger.delete(`${at}/participants/active`);
      await ada.delete(`${at}/participants`, { participant: ben.id });
      expect(await systemIn(ada, token)).toEqual([
        "conversation_created",
        "user_added",
        "moderator_promoted",
        "moderator_demoted",
        "guest_moderator_promoted",
        "guest_moderator_demoted",
        "user_removed",
      ]);
    });

    test("[B.6.23] creating a group room writes user_added for each member", async () => {
      const members = [ada.user.id, ben.user.id, stranger.user.id];
      const handles = [ada.id, ben.id, stranger.id];
      expect(members).toHaveLength(3);
      await site.useCases.directory.putGroup("trio", { name: "Trio", members: handles });
      const { data: room } = await ada.post("/room", { roomType: 2, invite: "trio" });
      expect(await systemIn(ada, room.token)).toEqual(["conversation_created", "user_added", "user_added"]);
    });

    test("[B.4] a one-to-one has only conversation_created", async () => {
      const [one, two] = [await site.person("One"), await site.person("Two")];
      const token = await oneToOne(one, two);
      await one.delete(`/room/${token}/participants/self`);
      await oneToOne(one, two);
      expect(await systemIn(two, token)).toEqual(["conversation_created"]);
    });

    test("[B.4] name who did what to whom in their parameters", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const { data } = await past(ben, token, { limit: 1 });
      expect(data[0]).toEqual({
        id: expect.any(Number),
        token,
        room: token,
        seq: data[0].id,
        actorType: "users",
        actorId: ada.id,
        actorDisplayName: "Ada",
        timestamp: expect.any(Number),
        message: "{actor} added {user}",
        messageParameters: {
          actor: { type: "user", id: ada.id, name: "Ada" },
          user: { type: "user", id: ben.id, name: "Ben" },
        },
        systemMessage: "user_added",
        messageType: "system",
        isReplyable: false,
      });
      expect((await ben.get(`/room/${token}`)).data).toMatchObject({
        lastMessage: data[0],
        unreadMessages: 0,
      });
    });
  });

  test("[B.3] lastMessage is the last one, as chat shows it", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const sent = await send(ada, token, `hello @${ben.id}`);
    expect((await ben.get(`/room/${token}`)).data.lastMessage).toEqual(sent);
    expect((await ben.get("/room")).data[0].lastMessage).toEqual(sent);
  });
});
