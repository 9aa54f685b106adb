/** The people of a room (reference §B.4, §B.6): listing, adding, removing, joining, moderators, guests, the lobby. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { type Client, clientOf, join, makeRoom, oneToOne, openSite, type Person, type Site } from "./site.ts";

interface Participant {
  userId: string;
  displayName: string;
  participantType: number;
  lastPing: number;
  sessionId: string;
  inCall: number;
}

describeWith("postgres", "the people of a Talk room", ({ postgres }) => {
  let site: Site;
  let owner: Person;
  let moderator: Person;
  let user: Person;
  let stranger: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    owner = await site.person("Olga");
    moderator = await site.person("Mo");
    user = await site.person("Ulf");
    stranger = await site.person("Sig");
  });
  afterAll(() => site?.close());

  async function peopled(type: 2 | 3 = 2): Promise<string> {
    const token = await makeRoom(owner, { type, people: [moderator, user] });
    await owner.post(`/room/${token}/moderators`, { participant: moderator.id });
    return token;
  }
  /** A client that forgets its cookies. */
  const withoutCookies = (headers: Record<string, string>): Client => {
    const call: Client["call"] = (...request) => clientOf(site.http, headers).call(...request);
    const verb =
      (method: string): Client["get"] =>
      (...request) =>
        call(method, ...request);
    return { call, headers, get: verb("GET"), post: verb("POST"), put: verb("PUT"), delete: verb("DELETE") };
  };
  const peopleOf = async (client: Client, token: string): Promise<Participant[]> =>
    (await client.get(`/room/${token}/participants`)).data;
  const idsOf = async (token: string) => (await peopleOf(owner, token)).map(({ userId }) => userId);

  describe("listing", () => {
    test("[B.4] shows everybody with type, session and call flags", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      const sessionId = await join(guest, token);
      await guest.post(`/guest/${token}/name`, { displayName: "Gästin 🙂" });
      await guest.post(`/call/${token}`, { flags: 3 });
      const expected = (person: Person, participantType: number) => ({
        ...{ userId: person.id, displayName: person.name, participantType },
        ...{ lastPing: 0, sessionId: "0", inCall: 0 },
      });
      const data = await peopleOf(user, token);
      expect(data).toEqual([
        expected(owner, 1),
        expected(moderator, 2),
        expected(user, 3),
        {
          ...{ userId: "", displayName: "Gästin 🙂", participantType: 4, sessionId, inCall: 3 },
          lastPing: expect.any(Number),
        },
      ]);
      expect(Math.abs(Date.now() / 1_000 - (data[3] as Participant).lastPing)).toBeLessThan(60);
    });

    test("[B.2] types are 1 owner, 2 moderator, 3 user, 4 guest, 5 self-joined, 6 guest moderator", async () => {
      const token = await peopled(3);
      const [guest, guestModerator, selfJoined] = [site.guest(), site.guest(), await site.person()];
      for (const client of [guest, selfJoined]) await join(client, token);
      await owner.post(`/room/${token}/moderators`, { sessionId: await join(guestModerator, token) });
      const everybody: Client[] = [owner, moderator, user, guest, selfJoined, guestModerator];
      const typeOf = async (client: Client) => (await client.get(`/room/${token}`)).data.participantType;
      expect(await Promise.all(everybody.map(typeOf))).toEqual([1, 2, 3, 4, 5, 6]);
      const listed = (await peopleOf(owner, token)).map(({ participantType }) => participantType);
      expect(listed.sort()).toEqual([1, 2, 3, 4, 5, 6]);
      const actorOf = async (client: Client) =>
        (await client.post(`/chat/${token}`, { message: "hi" })).data.actorType;
      const authors = ["users", "users", "users", "guests", "users", "guests"];
      expect(await Promise.all(everybody.map(actorOf))).toEqual(authors);
    });

    test("[B.4] 403 for guests (not for guest moderators), 404 for strangers, 412 in the lobby", async () => {
      const token = await peopled(3);
      const [guest, guestModerator] = [site.guest(), site.guest()];
      await join(guest, token);
      await owner.post(`/room/${token}/moderators`, { sessionId: await join(guestModerator, token) });
      const list = (client: Client) => client.get(`/room/${token}/participants`);
      expect((await list(guest)).status).toBe(403);
      expect((await list(guestModerator)).status).toBe(200);
      expect((await list(stranger)).status).toBe(404);
      await owner.put(`/room/${token}/webinar/lobby`, { state: 1 });
      expect((await list(user)).status).toBe(412);
      expect((await list(owner)).status).toBe(200);
    });
  });

  describe("adding", () => {
    test("[B.4] a user is added with 200, who is in already too", async () => {
      const token = await makeRoom(owner);
      for (const _ of [1, 2]) {
        const answer = await owner.post(`/room/${token}/participants`, { newParticipant: user.id });
        expect(answer).toMatchObject({ status: 200, data: [] });
      }
      expect(await peopleOf(owner, token)).toMatchObject([
        { participantType: 1 },
        { userId: user.id, participantType: 3 },
      ]);
      expect((await user.get("/room")).data[0].token).toBe(token);
    });

    test("[B.4] a group is added with all its members", async () => {
      await site.useCases.directory.putGroup("some", { name: "Some", members: [user.id, stranger.id] });
      const token = await makeRoom(owner);
      const answer = await owner.post(`/room/${token}/participants`, {
        newParticipant: "some",
        source: "groups",
      });
      expect(answer).toMatchObject({ status: 200, data: [] });
      expect(await idsOf(token)).toEqual([owner.id, user.id, stranger.id]);
    });

    test("[B.4] an e-mail address turns the room public and answers its type", async () => {
      const token = await makeRoom(owner);
      const parameters = { newParticipant: "somebody@example.org", source: "emails" };
      expect(await owner.post(`/room/${token}/participants`, parameters)).toMatchObject({
        status: 200,
        data: { type: 3 },
      });
      expect((await owner.get(`/room/${token}`)).data.type).toBe(3);
    });

    test.each([
      ["an unknown source", { newParticipant: "x", source: "circles" }, 400],
      ["an unknown user", { newParticipant: "nobody-at-all" }, 404],
      ["an unknown group", { newParticipant: "no-group", source: "groups" }, 404],
      ["what is no address", { newParticipant: "nonsense", source: "emails" }, 400],
      ["nobody", {}, 400],
    ])("[B.4] %s is refused", async (_, parameters, status) => {
      const token = await makeRoom(owner);
      expect((await owner.post(`/room/${token}/participants`, parameters)).status).toBe(status);
    });
  });

  describe("removing", () => {
    const remove = (by: Client, token: string, whom: Person) =>
      by.delete(`/room/${token}/participants`, { participant: whom.id });

    test("[B.6.10] owners and moderators remove users and moderators; nobody removes an owner", async () => {
      const token = await peopled();
      expect((await remove(user, token, moderator)).status).toBe(403);
      expect((await remove(moderator, token, owner)).status).toBe(403);
      expect((await remove(moderator, token, user)).status).toBe(200);
      expect((await user.get(`/room/${token}`)).status).toBe(404);
      expect((await remove(owner, token, moderator)).status).toBe(200);
      expect(await idsOf(token)).toEqual([owner.id]);
    });

    test("[B.6.10] a stranger as target is 404 for moderators and 403 for users", async () => {
      const token = await peopled();
      expect((await remove(moderator, token, stranger)).status).toBe(404);
      expect((await remove(user, token, stranger)).status).toBe(403);
      expect((await remove(stranger, token, user)).status).toBe(404);
    });

    test("[B.6.9] the owner alone leaves, and the room is gone", async () => {
      const token = await makeRoom(owner);
      expect((await remove(owner, token, owner)).status).toBe(200);
      expect((await owner.get(`/room/${token}`)).status).toBe(404);
    });

    test("[B.6.9] the last moderator stays while others remain, and leaves beside another one", async () => {
      const token = await makeRoom(owner, { people: [user] });
      expect((await remove(owner, token, owner)).status).toBe(400);
      expect((await owner.delete(`/room/${token}/participants/self`)).status).toBe(400);
      await owner.post(`/room/${token}/moderators`, { participant: user.id });
      expect((await owner.delete(`/room/${token}/participants/self`)).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data.participantType).toBe(2);
    });

    test("[B.4] leaving for good is 200 for users, 401 for guests, 404 for strangers", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      await join(guest, token);
      const leave = (client: Client) => client.delete(`/room/${token}/participants/self`);
      expect((await leave(guest)).status).toBe(401);
      expect((await leave(stranger)).status).toBe(404);
      expect((await leave(user)).status).toBe(200);
      expect((await leave(user)).status).toBe(404);
    });

    test("[B.6.6] who leaves a one-to-one is brought back by the other's message or call", async () => {
      for (const call of ["chat", "call"] as const) {
        const [ann, ben] = [await site.person(), await site.person()];
        const token = await oneToOne(ann, ben);
        await ann.delete(`/room/${token}/participants/self`);
        expect((await ben.get(`/room/${token}`)).data).toMatchObject({ name: ann.id });
        if (call === "call") await join(ben, token);
        const answer =
          call === "chat"
            ? await ben.post(`/chat/${token}`, { message: "come back" })
            : await ben.post(`/call/${token}`);
        expect(answer.status).toBe(call === "chat" ? 201 : 200);
        expect((await ann.get("/room")).data[0]?.token).toBe(token);
      }
    });

    test("[B.4] the last one out of a one-to-one deletes it", async () => {
      const [ann, ben] = [await site.person(), await site.person()];
      const token = await oneToOne(ann, ben);
      for (const person of [ann, ben]) await person.delete(`/room/${token}/participants/self`);
      expect((await ann.post("/room", { roomType: 1, invite: ben.id })).data.token).not.toBe(token);
    });

    test("[B.4] a guest is removed by session; others' sessions are 400, one's own 403, unknown ones 404", async () => {
      const token = await peopled(3);
      const [guest, guestModerator] = [site.guest(), site.guest()];
      const sessionId = await join(guest, token);
      const own = await join(guestModerator, token);
      await owner.post(`/room/${token}/moderators`, { sessionId: own });
      const users = await join(user, token);
      const removeGuest = (by: Client, participant: string) =>
        by.delete(`/room/${token}/participants/guests`, { participant });
      expect((await removeGuest(user, sessionId)).status).toBe(403);
      expect((await removeGuest(stranger, sessionId)).status).toBe(404);
      expect((await removeGuest(owner, users)).status).toBe(400);
      expect((await removeGuest(owner, "x".repeat(512))).status).toBe(404);
      expect((await removeGuest(guestModerator, own)).status).toBe(403);
      expect((await removeGuest(guestModerator, sessionId)).status).toBe(200);
      expect((await guest.post(`/chat/${token}`, { message: "still here?" })).status).toBe(404);
    });
  });

  describe("joining and leaving", () => {
    const path = (token: string) => `/room/${token}/participants/active`;

    test("[B.4] [B.7] joining answers the room with a session of 512 characters, which leaving ends", async () => {
      const token = await peopled();
      const { status, data } = await user.post(path(token));
      expect(status).toBe(200);
      expect(data).toMatchObject({ token, participantType: 3, count: 1 });
      expect(data.sessionId).toHaveLength(512);
      expect((await user.get(`/room/${token}`)).data.sessionId).toBe(data.sessionId);
      expect((await owner.get(`/room/${token}`)).data.participants[user.id].sessionId).toBe(data.sessionId);
      expect((await user.delete(path(token))).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data).toMatchObject({ sessionId: "0", count: 0 });
    });

    test.each<[string, (one: Person) => Client[]]>([
      ["their cookies", (one) => [1, 2].map(() => clientOf(site.http, one.headers))],
      [
        "what they sign in with",
        (one) => [one, withoutCookies({ ...one.headers, Authorization: `Bearer ${one.token}` })],
      ],
      [
        "their User-Agent",
        (one) => ["a", "b"].map((agent) => withoutCookies({ ...one.headers, "User-Agent": agent })),
      ],
    ])(
      "two clients of one user, told apart by %s, have a session each, and one leaves alone",
      async (_, clients) => {
        const token = await makeRoom(owner, { type: 3 });
        const [phone, laptop] = clients(await site.person("Cy")) as [Client, Client];
        const first = await join(phone, token);
        await phone.post(`/call/${token}`, { flags: 3 });
        const second = await join(laptop, token);
        expect(second).not.toBe(first);
        await laptop.post(`/call/${token}`, { flags: 5 });
        const sessions = async () =>
          (await owner.get(`/call/${token}`)).data.map(({ sessionId }: Participant) => sessionId);
        expect(await sessions()).toEqual([first, second]);
        await laptop.delete(`/call/${token}`);
        expect(await sessions()).toEqual([first]);
        await laptop.delete(path(token));
        expect((await laptop.get(`/room/${token}`)).data).toMatchObject({
          sessionId: "0",
          participantType: 5,
        });
        expect((await laptop.get(`/signaling/${token}`)).status).toBe(404);
        expect((await phone.get(`/room/${token}`)).data).toMatchObject({
          sessionId: first,
          participantFlags: 3,
        });
        expect(await peopleOf(owner, token)).toHaveLength(2);
        await phone.delete(path(token));
        expect(await peopleOf(owner, token)).toHaveLength(1);
        expect((await owner.get(`/call/${token}`)).data).toEqual([]);
      },
    );

    test("a client that keeps its cookie joins again as the same session", async () => {
      const token = await peopled();
      const first = await join(user, token);
      expect(await join(user, token)).toBe(first);
      await user.delete(path(token));
      expect((await user.get(`/room/${token}`)).data.sessionId).toBe("0");
    });

    test("a guest comes back by name with the same cookie, and not once a moderator took them out (403)", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      await join(guest, token);
      await guest.post(`/guest/${token}/name`, { displayName: "Gus 🦊" });
      await guest.delete(path(token));
      const participant = await join(guest, token);
      expect((await peopleOf(owner, token)).at(-1)).toMatchObject({ displayName: "Gus 🦊" });
      await owner.delete(`/room/${token}/participants/guests`, { participant });
      expect((await guest.post(path(token))).status).toBe(403);
      await join(site.guest(), token);
    });

    test("[B.6.11] a private room is 404 for strangers and guests", async () => {
      const token = await peopled();
      for (const client of [stranger, site.guest()])
        expect((await client.post(path(token))).status).toBe(404);
    });

    test("[B.6.12] strangers and guests join a public room, and are no participants after leaving", async () => {
      const token = await peopled(3);
      const selfJoined = await site.person();
      for (const [client, participantType] of [
        [selfJoined, 5],
        [site.guest(), 4],
      ] as const) {
        expect((await client.get(`/chat/${token}`, { lookIntoFuture: 0 })).status).toBe(404);
        expect(await client.post(path(token))).toMatchObject({ status: 200, data: { participantType } });
        expect((await client.get(`/chat/${token}`, { lookIntoFuture: 0 })).status).toBe(200);
        expect((await client.delete(path(token))).status).toBe(200);
        expect((await client.get(`/chat/${token}`, { lookIntoFuture: 0 })).status).toBe(404);
      }
      await join(user, token);
      await user.delete(path(token));
      expect((await user.get(`/room/${token}`)).data.participantType).toBe(3);
    });

    test("[B.6.13] leaving is 200 for everybody, whatever room there is", async () => {
      const [open, shut] = [await peopled(3), await peopled(2)];
      for (const token of [open, shut, "unknown1"]) {
        for (const client of [user, stranger, site.guest()]) {
          expect((await client.delete(path(token))).status).toBe(200);
        }
      }
      expect((await user.get(`/room/${open}`)).status).toBe(200);
    });

    test("[B.6.14] strangers need the password, the invited don't, and nobody once it is removed", async () => {
      const token = await peopled(3);
      await owner.put(`/room/${token}/password`, { password: "Sesam, öffne dich" });
      for (const client of [stranger, site.guest()]) {
        expect((await client.post(path(token))).status).toBe(403);
        expect((await client.post(path(token), { password: "wrong" })).status).toBe(403);
        expect((await client.get(`/chat/${token}`, { lookIntoFuture: 0 })).status).toBe(404);
        expect((await client.post(path(token), { password: "Sesam, öffne dich" })).status).toBe(200);
        expect((await client.post(path(token))).status).toBe(200);
      }
      expect((await user.post(path(token))).status).toBe(200);
      await owner.put(`/room/${token}/password`, { password: "" });
      expect((await site.guest().post(path(token))).status).toBe(200);
    });

    test("[B.8.8] a guest moderator who leaves is removed like any guest", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      await owner.post(`/room/${token}/moderators`, { sessionId: await join(guest, token) });
      await guest.delete(path(token));
      expect(await peopleOf(owner, token)).toHaveLength(3);
      expect((await guest.post(path(token))).data.participantType).toBe(4);
    });
  });

  describe("moderators", () => {
    const change = (by: Client, method: "POST" | "DELETE", token: string, target: Record<string, string>) =>
      by.call(method, `/room/${token}/moderators`, target);
    const typeOf = async (token: string, id: string) =>
      (await peopleOf(owner, token)).find(({ userId }) => userId === id)?.participantType;

    test("[B.4] users become moderators and back", async () => {
      const token = await peopled();
      const target = { participant: user.id };
      expect((await change(moderator, "POST", token, target)).status).toBe(200);
      expect(await typeOf(token, user.id)).toBe(2);
      expect((await change(moderator, "POST", token, target)).status).toBe(400);
      expect((await change(owner, "DELETE", token, target)).status).toBe(200);
      expect(await typeOf(token, user.id)).toBe(3);
      expect((await change(owner, "DELETE", token, target)).status).toBe(400);
    });

    test("[B.6.19] guests become guest moderators by their session, and back", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      const target = { sessionId: await join(guest, token) };
      expect((await change(owner, "POST", token, target)).status).toBe(200);
      expect((await guest.get(`/room/${token}`)).data.participantType).toBe(6);
      expect((await change(owner, "POST", token, target)).status).toBe(400);
      expect((await change(owner, "DELETE", token, target)).status).toBe(200);
      expect((await guest.get(`/room/${token}`)).data.participantType).toBe(4);
    });

    test.each([
      ["an owner can't be promoted", "POST", "moderator", "owner", 400],
      ["an owner can't be demoted", "DELETE", "moderator", "owner", 400],
      ["nobody demotes themselves", "DELETE", "moderator", "moderator", 403],
      ["users promote nobody", "POST", "user", "user", 403],
      ["users demote nobody", "DELETE", "user", "moderator", 403],
      ["a stranger can't be promoted", "POST", "owner", "stranger", 404],
      ["a stranger can't be promoted by a user either", "POST", "user", "stranger", 403],
      ["strangers promote nobody", "POST", "stranger", "user", 404],
    ] as const)("[B.4] %s", async (_, method, by, target, status) => {
      const token = await peopled(3);
      const people = { owner, moderator, user, stranger };
      expect((await change(people[by], method, token, { participant: people[target].id })).status).toBe(
        status,
      );
    });

    test("[B.4] a self-joined user can't be promoted, an unknown one is 404, nobody is 400", async () => {
      const token = await peopled(3);
      const selfJoined = await site.person();
      await join(selfJoined, token);
      expect((await change(owner, "POST", token, { participant: selfJoined.id })).status).toBe(400);
      expect((await change(owner, "POST", token, { participant: "nobody-at-all" })).status).toBe(404);
      expect((await change(owner, "POST", token, { sessionId: "x".repeat(512) })).status).toBe(404);
      expect((await change(owner, "POST", token, {})).status).toBe(400);
    });

    test("[B.6.5] in a one-to-one the other is 400, somebody else 404", async () => {
      const token = await oneToOne(owner, user);
      for (const method of ["POST", "DELETE"] as const) {
        expect((await change(owner, method, token, { participant: user.id })).status).toBe(400);
        expect((await change(owner, method, token, { participant: stranger.id })).status).toBe(404);
      }
    });
  });

  describe("guests' names", () => {
    test("[B.4] are the guest's to set; users are 403, who is not in the room 404", async () => {
      const token = await peopled(3);
      const guest = site.guest();
      const name = (client: Client, displayName = "FooBar") =>
        client.post(`/guest/${token}/name`, { displayName });
      expect((await name(guest)).status).toBe(404);
      await join(guest, token);
      expect((await name(guest, "שם 👩‍👩‍👧")).status).toBe(200);
      expect((await peopleOf(owner, token)).at(-1)?.displayName).toBe("שם 👩‍👩‍👧");
      expect((await name(guest, "x".repeat(65))).status).toBe(400);
      expect((await name(user)).status).toBe(403);
      expect((await name(stranger)).status).toBe(404);
      expect((await name(guest, "")).status).toBe(200);
      expect((await peopleOf(owner, token)).at(-1)?.displayName).toBe("");
    });
  });

  describe.each(["webinar", "webinary"])("the lobby at /%s/lobby", (spelling) => {
    const close = (by: Client, token: string, parameters: Record<string, string | number> = { state: 1 }) =>
      by.put(`/room/${token}/${spelling}/lobby`, parameters);

    test("[B.4] is closed and opened by moderators, and shown with its time", async () => {
      const token = await peopled();
      const timer = Math.floor(Date.now() / 1_000) + 3_600;
      expect((await close(moderator, token, { state: 1, timer })).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data).toMatchObject({ lobbyState: 1, lobbyTimer: timer });
      expect((await close(owner, token, { state: 1 })).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data).toMatchObject({ lobbyState: 1, lobbyTimer: 0 });
      expect((await close(owner, token, { state: 0 })).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data).toMatchObject({ lobbyState: 0, lobbyTimer: 0 });
    });

    test("[B.6.18] is 403 for users, 401 for guests and guest moderators, 404 for strangers, 400 one-to-one", async () => {
      const token = await peopled(3);
      const [guest, guestModerator] = [site.guest(), site.guest()];
      await join(guest, token);
      await owner.post(`/room/${token}/moderators`, { sessionId: await join(guestModerator, token) });
      expect((await close(user, token)).status).toBe(403);
      expect((await close(guest, token)).status).toBe(401);
      expect((await close(guestModerator, token)).status).toBe(401);
      expect((await close(stranger, token)).status).toBe(404);
      expect((await close(owner, await oneToOne(owner, user))).status).toBe(400);
      for (const parameters of [{ state: 2 }, { state: -1 }, { state: "x" }, {}, { state: 1, timer: -1 }]) {
        expect((await close(owner, token, parameters)).status).toBe(400);
      }
    });

    test("[B.4] opens at its time, with a system message", async () => {
      const token = await peopled();
      const timer = Math.floor(Date.now() / 1_000) + 3_600;
      await close(owner, token, { state: 1, timer });
      expect((await user.get(`/chat/${token}`, { lookIntoFuture: 0 })).status).toBe(412);
      await site.useCases.roomSettings.sweep(timer * 1_000);
      const { data } = await user.get(`/chat/${token}`, { lookIntoFuture: 0, limit: 1 });
      expect(data).toMatchObject([
        { systemMessage: "lobby_timer_reached", actorType: "bots", messageType: "system" },
      ]);
      expect((await user.get(`/room/${token}`)).data.lobbyState).toBe(0);
    });
  });

  describe("behind a closed lobby", () => {
    test("[B.6.17] who does not moderate gets 412 on chat, call and peers; moderators and guest moderators don't", async () => {
      const token = await peopled(3);
      const [guest, guestModerator, selfJoined] = [site.guest(), site.guest(), await site.person()];
      for (const client of [owner, moderator, user, selfJoined, guest]) await join(client, token);
      await owner.post(`/room/${token}/moderators`, { sessionId: await join(guestModerator, token) });
      await owner.put(`/room/${token}/webinar/lobby`, { state: 1 });
      const tries = async (client: Client) => [
        (await client.post(`/chat/${token}`, { message: "hi" })).status,
        (await client.get(`/chat/${token}`, { lookIntoFuture: 0 })).status,
        (await client.get(`/chat/${token}/mentions`, { search: "" })).status,
        (await client.post(`/call/${token}`)).status,
        (await client.get(`/call/${token}`)).status,
        (await client.delete(`/call/${token}`)).status,
      ];
      for (const client of [user, selfJoined, guest]) {
        expect(await tries(client)).toEqual([412, 412, 412, 412, 412, 412]);
        expect((await client.delete(`/room/${token}/participants/active`)).status).toBe(200);
        expect((await client.post(`/room/${token}/participants/active`)).status).toBe(200);
      }
      for (const client of [owner, moderator, guestModerator]) {
        expect(await tries(client)).toEqual([201, 200, 200, 200, 200, 200]);
      }
    });

    test("[B.3] the room shows nothing of what goes on in it", async () => {
      const token = await peopled();
      await owner.post(`/chat/${token}`, { message: "secret @all" });
      await owner.put(`/room/${token}/webinar/lobby`, { state: 1 });
      for (const room of [(await user.get(`/room/${token}`)).data, (await user.get("/room")).data[0]]) {
        expect(room).toMatchObject({
          participants: [],
          lastMessage: [],
          unreadMessages: 0,
          unreadMention: false,
          canStartCall: false,
        });
      }
      expect((await owner.get(`/room/${token}`)).data).toMatchObject({ canStartCall: true });
    });
  });

  test("[B.6.24] a public room whose last user is deleted is gone", async () => {
    const ann = await site.person();
    const token = await makeRoom(ann, { type: 3 });
    await site.useCases.directory.deleteUser(ann.user.id);
    expect((await site.guest().get(`/room/${token}`)).status).toBe(404);
  });

  test("[B.4] a guest's actor id is the SHA-1 of their session", async () => {
    const token = await peopled(3);
    const guest = site.guest();
    const sessionId = await join(guest, token);
    const { data } = await guest.post(`/chat/${token}`, { message: "hello" });
    expect(data.actorId).toBe(createHash("sha1").update(sessionId).digest("hex"));
  });
});
