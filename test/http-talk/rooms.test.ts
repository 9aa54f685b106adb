/** Talk's rooms: the sixteen operations of the document (reference §B.3, §B.6, §B.7), and the fields of a room. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { type Client, join, makeRoom, oneToOne, openSite, type Person, type Site } from "./site.ts";

/** The document's fields, and those of §B.3 beyond it. */
const FIELDS = {
  id: expect.any(Number),
  token: expect.stringMatching(/^[a-z0-9]{8}$/),
  room: expect.stringMatching(/^[a-z0-9]{8}$/),
  type: expect.any(Number),
  name: expect.any(String),
  displayName: expect.any(String),
  participantType: expect.any(Number),
  participantInCall: expect.any(Boolean),
  participantFlags: expect.any(Number),
  readOnly: expect.any(Number),
  count: expect.any(Number),
  numGuests: expect.any(Number),
  lastPing: expect.any(Number),
  sessionId: expect.any(String),
  hasPassword: expect.any(Boolean),
  hasCall: expect.any(Boolean),
  canStartCall: expect.any(Boolean),
  lastActivity: expect.any(Number),
  isFavorite: expect.any(Boolean),
  notificationLevel: expect.any(Number),
  lobbyState: expect.any(Number),
  lobbyTimer: expect.any(Number),
  unreadMessages: expect.any(Number),
  unreadMention: expect.any(Boolean),
  lastReadMessage: expect.any(Number),
  lastMessage: expect.anything(),
  objectType: "",
  objectId: "",
  guestList: "",
  participants: expect.anything(),
};

describeWith("postgres", "Talk's rooms", ({ postgres }) => {
  let site: Site;
  let owner: Person;
  let moderator: Person;
  let user: Person;
  let stranger: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    owner = await site.person("Olga Owner");
    moderator = await site.person("Mo Moderator");
    user = await site.person("Ulf User");
    stranger = await site.person("Sig Stranger");
  });
  afterAll(() => site?.close());

  /** A room with everybody but the stranger. */
  async function peopled(type: 2 | 3 = 2): Promise<string> {
    const token = await makeRoom(owner, { type, people: [moderator, user] });
    await owner.post(`/room/${token}/moderators`, { participant: moderator.id });
    return token;
  }

  describe("GET /room", () => {
    test("[B.3] lists the caller's rooms with every field, newest activity first", async () => {
      const ann = await site.person("Ann");
      const [first, second] = [
        await makeRoom(ann, { name: "First" }),
        await makeRoom(ann, { name: "Second" }),
      ];
      await ann.post(`/chat/${first}`, { message: "hello" });
      const { status, data } = await ann.get("/room");
      expect(status).toBe(200);
      expect(data.map(({ token }: { token: string }) => token)).toEqual([first, second]);
      for (const room of data) expect(room).toEqual(FIELDS);
      expect(await stranger.get("/room")).toMatchObject({ status: 200, data: [] });
    });

    test("[B.3] 401 for guests", async () => {
      expect((await site.guest().get("/room")).status).toBe(401);
    });

    test("[B.8.2] a new user has no rooms", async () => {
      expect((await (await site.person()).get("/room")).data).toEqual([]);
    });
  });

  describe("POST /room", () => {
    test("[B.3] makes a public or a group room, whose creator owns it", async () => {
      for (const roomType of [2, 3]) {
        const { status, data } = await owner.post("/room", { roomType, roomName: "  A name  " });
        expect(status).toBe(201);
        expect(data).toEqual(FIELDS);
        expect(data).toMatchObject({
          type: roomType,
          name: "A name",
          displayName: "A name",
          participantType: 1,
        });
        expect(data).toMatchObject({ sessionId: "0", lastPing: 0, count: 0, unreadMessages: 0, readOnly: 0 });
        expect(data.participants).toEqual({
          [owner.id]: { name: "Olga Owner", type: 1, call: 0, sessionId: "0" },
        });
      }
    });

    test("[B.1] a room's token is eight letters and digits, none of them l, 0 or 1; other texts name no room", async () => {
      const tokens = await Promise.all(Array.from({ length: 30 }, () => makeRoom(owner, { type: 3 })));
      for (const token of tokens) expect(token).toMatch(/^[a-km-z2-9]{8}$/);
      expect(new Set(tokens).size).toBe(30);
      const [token = ""] = tokens;
      for (const other of [
        token.toUpperCase(),
        `${token}x`,
        token.slice(1),
        "settings",
        "backend",
        "%F0%9F%9A%92",
      ]) {
        expect((await owner.get(`/room/${other}`)).status, other).toBe(404);
      }
    });

    test("[B.8.2] names need not be unique", async () => {
      const name = "Twice";
      expect(await makeRoom(owner, { name })).not.toBe(await makeRoom(owner, { name }));
    });

    test("[B.6.2] the same one-to-one again is 200, and still one room; both are owners", async () => {
      const [ann, ben] = [await site.person("Ann"), await site.person("Ben 🙂 بن")];
      const made = await ann.post("/room", { roomType: 1, invite: ben.id });
      expect(made.status).toBe(201);
      expect(made.data).toMatchObject({ type: 1, name: ben.id, displayName: ben.name, participantType: 1 });
      for (const [me, other] of [
        [ann, ben],
        [ben, ann],
      ] as const) {
        const again = await me.post("/room", { roomType: 1, invite: other.id });
        expect(again).toMatchObject({ status: 200, data: { token: made.data.token, participantType: 1 } });
        expect((await me.get("/room")).data).toHaveLength(1);
      }
      expect((await ben.get("/room")).data[0]).toMatchObject({ name: ann.id, displayName: "Ann" });
    });

    test("[B.6.1] [B.7] a one-to-one with oneself is 403", async () => {
      expect((await owner.post("/room", { roomType: 1, invite: owner.id })).status).toBe(403);
    });

    test("[B.6.3] after leaving, making it again is 200 with the same token, and in it again", async () => {
      const [ann, ben] = [await site.person(), await site.person()];
      const token = await oneToOne(ann, ben);
      expect((await ann.delete(`/room/${token}/participants/self`)).status).toBe(200);
      expect((await ann.get("/room")).data).toEqual([]);
      const again = await ann.post("/room", { roomType: 1, invite: ben.id });
      expect(again).toMatchObject({ status: 200, data: { token } });
      expect((await ann.get("/room")).data).toHaveLength(1);
    });

    test("[B.3] with a group's id makes a room of that name with all its members", async () => {
      const [ann, ben] = [await site.person(), await site.person()];
      const members = [owner.id, ann.id, ben.id];
      await site.useCases.directory.putGroup("the-group", { name: "The group", members });
      const { status, data } = await owner.post("/room", { roomType: 2, invite: "the-group" });
      expect(status).toBe(201);
      expect(data.name).toBe("the-group");
      expect((await owner.get(`/room/${data.token}/participants`)).data).toMatchObject([
        { userId: owner.id, participantType: 1 },
        { userId: ann.id, participantType: 3 },
        { userId: ben.id, participantType: 3 },
      ]);
    });

    test.each([
      ["an unknown type", { roomType: 7, roomName: "a" }, 400],
      ["type 0", { roomType: 0, roomName: "a" }, 400],
      ["the changelog's type", { roomType: 4, roomName: "a" }, 400],
      ["no type", { roomName: "a" }, 400],
      ["a type that is no number", { roomType: "group", roomName: "a" }, 400],
      ["a public room without name", { roomType: 3 }, 400],
      ["a public room with an empty name", { roomType: 3, roomName: "" }, 400],
      ["a public room with a blank name", { roomType: 3, roomName: "  \t " }, 400],
      ["a group room without invite and name", { roomType: 2 }, 400],
      ["a group room with a blank name", { roomType: 2, roomName: "   " }, 400],
      ["a name of 201 characters", { roomType: 3, roomName: "🙂".repeat(201) }, 400],
      ["an unknown user", { roomType: 1, invite: "nobody-at-all" }, 404],
      ["nobody", { roomType: 1 }, 404],
      ["an id that nobody can have", { roomType: 1, invite: "a b/ü" }, 404],
      ["an unknown group", { roomType: 2, invite: "no-group" }, 404],
    ])("[B.3] [B.7] refuses %s", async (_, parameters, status) => {
      const answer = await owner.post("/room", parameters);
      expect(answer).toMatchObject({ status, data: [] });
    });

    test("[B.3] 401 for guests", async () => {
      expect((await site.guest().post("/room", { roomType: 3, roomName: "a" })).status).toBe(401);
    });

    test("[B.7] a name may have 200 characters, counted as code points", async () => {
      for (const name of ["🙂".repeat(200), "ö".repeat(200), "e\u0301".repeat(100)]) {
        expect(await owner.post("/room", { roomType: 3, roomName: name })).toMatchObject({
          status: 201,
          data: { name },
        });
      }
    });

    test("[B.8.2] people of different organizations do not exist for each other", async () => {
      const { directory } = site.useCases;
      const [one, two] = [
        await directory.createOrganization({ name: "One" }),
        await directory.createOrganization({ name: "Two" }),
      ];
      const [ann, ben] = [
        await site.person("Ann", { organization: one.id }),
        await site.person("Ben", { organization: two.id }),
      ];
      expect((await ann.post("/room", { roomType: 1, invite: ben.id })).status).toBe(404);
      const token = await makeRoom(ann);
      expect((await ann.post(`/room/${token}/participants`, { newParticipant: ben.id })).status).toBe(404);
    });
  });

  describe("GET /room/{token}", () => {
    test("[B.3] 200 for members, with every field", async () => {
      const token = await peopled();
      for (const [person, participantType] of [
        [owner, 1],
        [moderator, 2],
        [user, 3],
      ] as const) {
        const { status, data } = await person.get(`/room/${token}`);
        expect(status).toBe(200);
        expect(data).toEqual(FIELDS);
        expect(data).toMatchObject({ token, room: token, participantType });
      }
    });

    test("[B.3] a private room is 404 for strangers and guests", async () => {
      const token = await peopled();
      for (const client of [stranger, site.guest()])
        expect((await client.get(`/room/${token}`)).status).toBe(404);
      expect((await owner.get("/room/unknown1")).status).toBe(404);
      expect((await owner.get("/room/A%20strange%00token")).status).toBe(404);
    });

    test("[B.3] a public room shows a stub to those who are not in it", async () => {
      const token = await peopled(3);
      for (const client of [stranger, site.guest()]) {
        const { status, data } = await client.get(`/room/${token}`);
        expect(status).toBe(200);
        expect(data).toMatchObject({
          token,
          room: token,
          type: 3,
          participantType: 4,
          sessionId: "0",
          name: "",
          displayName: "",
        });
        expect(data).toMatchObject({ participants: [], lastMessage: [], hasPassword: false, guestList: "" });
        expect(data).not.toHaveProperty("lobbyState");
        expect(data).not.toHaveProperty("lobbyTimer");
        expect(new Set([...Object.keys(data), "lobbyState", "lobbyTimer"])).toEqual(
          new Set(Object.keys(FIELDS)),
        );
      }
    });
  });

  /** Everybody who may try something with a room, and who they are in it. */
  type Who =
    | "owner"
    | "moderator"
    | "user"
    | "stranger"
    | "nobody"
    | "guest"
    | "guest moderator"
    | "self-joined";
  const CHANGES: [string, string, (token: string) => [string, string, Record<string, string | number>]][] = [
    ["rename", "guest moderator", (token) => ["PUT", `/room/${token}`, { roomName: "New name" }]],
    ["delete", "guest moderator", (token) => ["DELETE", `/room/${token}`, {}]],
    ["make private", "user", (token) => ["DELETE", `/room/${token}/public`, {}]],
    ["lock", "user", (token) => ["PUT", `/room/${token}/read-only`, { state: 1 }]],
    [
      "set the password of",
      "guest moderator",
      (token) => ["PUT", `/room/${token}/password`, { password: "x" }],
    ],
    ["close the lobby of", "user", (token) => ["PUT", `/room/${token}/webinar/lobby`, { state: 1 }]],
    [
      "add people to",
      "user",
      (token) => ["POST", `/room/${token}/participants`, { newParticipant: stranger.id }],
    ],
  ];

  async function cast(token: string): Promise<Record<Who, Client>> {
    const [guest, guestModerator, selfJoined] = [
      site.guest(),
      site.guest(),
      await site.person("Self-joined"),
    ];
    await join(guest, token);
    await owner.post(`/room/${token}/moderators`, { sessionId: await join(guestModerator, token) });
    await join(selfJoined, token);
    const people = { owner, moderator, user, stranger, nobody: site.guest() };
    return { ...people, guest, "guest moderator": guestModerator, "self-joined": selfJoined };
  }

  describe.each(CHANGES)("to %s a public room", (_, least, request) => {
    const forGuests = least === "guest moderator";
    test.each<[Who, number]>([
      ["owner", 200],
      ["moderator", 200],
      ["user", 403],
      ["self-joined", 403],
      ["stranger", 404],
      ["guest moderator", forGuests ? 200 : 401],
      ["guest", forGuests ? 403 : 401],
      ["nobody", forGuests ? 404 : 401],
    ])("[B.6.7] [B.6.8] %s gets %i", async (who, status) => {
      const token = await peopled(3);
      const client = (await cast(token))[who];
      const [method, path, parameters] = request(token);
      expect(await client.call(method, path, parameters)).toMatchObject({ status, data: [] });
    });
  });

  describe("PUT /room/{token}", () => {
    test("[B.3] renames, and keeps scripts, emoji and combining characters as they are", async () => {
      const token = await peopled();
      for (const roomName of [
        "שלום עולם",
        "مرحبا 👩‍👩‍👧‍👦",
        "日本語の部屋",
        "e\u0301 \u202Eabc",
        "x".repeat(200),
      ]) {
        expect((await moderator.put(`/room/${token}`, { roomName: ` ${roomName} ` })).status).toBe(200);
        expect((await user.get(`/room/${token}`)).data).toMatchObject({
          name: roomName,
          displayName: roomName,
        });
      }
    });

    test.each([
      ["an empty name", { roomName: "" }],
      ["a blank name", { roomName: "   " }],
      ["no name", {}],
      ["201 characters", { roomName: "ü".repeat(201) }],
    ])("[B.3] %s is 400 for moderators, and who may not rename hears that first", async (_, parameters) => {
      const token = await peopled(3);
      expect((await owner.put(`/room/${token}`, parameters)).status).toBe(400);
      expect((await user.put(`/room/${token}`, parameters)).status).toBe(403);
      expect((await stranger.put(`/room/${token}`, parameters)).status).toBe(404);
    });
  });

  test("[B.6.4] [B.7] a one-to-one can't be deleted, renamed, opened, locked, filled, emptied or given a lobby", async () => {
    const token = await oneToOne(owner, user);
    const refused: [string, string, Record<string, string | number>][] = [
      ["DELETE", "", {}],
      ["PUT", "", { roomName: "Name" }],
      ["POST", "/public", {}],
      ["DELETE", "/public", {}],
      ["PUT", "/read-only", { state: 1 }],
      ["PUT", "/read-only", { state: 0 }],
      ["POST", "/participants", { newParticipant: stranger.id }],
      ["DELETE", "/participants", { participant: user.id }],
      ["PUT", "/webinar/lobby", { state: 1 }],
    ];
    for (const [method, path, parameters] of refused) {
      const answer = await owner.call(method, `/room/${token}${path}`, parameters);
      expect(answer.status, `${method} ${path}`).toBe(400);
    }
    expect((await owner.put(`/room/${token}/password`, { password: "x" })).status).toBe(403);
  });

  test("[B.3] a deleted room is gone for everybody", async () => {
    const token = await peopled();
    expect((await moderator.delete(`/room/${token}`)).status).toBe(200);
    for (const person of [owner, moderator, user]) {
      expect((await person.get(`/room/${token}`)).status).toBe(404);
    }
  });

  describe("public and private", () => {
    test("[B.7] opening a group room and closing a public one is 200, what is so already 400", async () => {
      const token = await peopled();
      expect((await owner.delete(`/room/${token}/public`)).status).toBe(400);
      expect((await owner.post(`/room/${token}/public`)).status).toBe(200);
      expect((await owner.get(`/room/${token}`)).data.type).toBe(3);
      expect((await owner.post(`/room/${token}/public`)).status).toBe(400);
      expect((await owner.delete(`/room/${token}/public`)).status).toBe(200);
      expect((await owner.get(`/room/${token}`)).data.type).toBe(2);
    });

    test("[B.3] [B.6.8] opening is for owners and moderators: 403 for users, 404 for strangers, 401 for guests", async () => {
      const [group, open] = [await peopled(2), await peopled(3)];
      const publish = async (who: Client, token: string) => (await who.post(`/room/${token}/public`)).status;
      expect(await publish(user, group)).toBe(403);
      expect(await publish(stranger, group)).toBe(404);
      expect(await publish(site.guest(), group)).toBe(401);
      expect((await owner.get(`/room/${group}`)).data.type).toBe(2);
      expect(await publish(moderator, group)).toBe(200);
      const people = await cast(open);
      for (const who of ["guest", "guest moderator", "nobody"] as const) {
        expect(await publish(people[who], open), who).toBe(401);
      }
      for (const who of ["user", "self-joined"] as const) {
        expect(await publish(people[who], open), who).toBe(403);
      }
    });

    test("[B.3] going private removes guests and self-joined users, and keeps the invited", async () => {
      const token = await peopled(3);
      const people = await cast(token);
      await owner.delete(`/room/${token}/public`);
      for (const who of ["guest", "guest moderator", "self-joined"] as const) {
        expect((await people[who].get(`/room/${token}`)).status, who).toBe(404);
      }
      const { data } = await owner.get(`/room/${token}/participants`);
      expect(data.map(({ userId }: { userId: string }) => userId)).toEqual([owner.id, moderator.id, user.id]);
    });
  });

  test("[B.7] read-only is for group and public rooms, and repeating it is 200", async () => {
    for (const type of [2, 3] as const) {
      const token = await peopled(type);
      for (const state of [1, 1, 0, 0]) {
        expect((await moderator.put(`/room/${token}/read-only`, { state })).status).toBe(200);
        expect((await user.get(`/room/${token}`)).data.readOnly).toBe(state);
      }
      for (const state of [2, -1, "x", ""]) {
        expect((await owner.put(`/room/${token}/read-only`, { state })).status).toBe(400);
      }
      expect((await owner.put(`/room/${token}/read-only`)).status).toBe(400);
    }
  });

  test("[B.3] a password is set, shown as a flag only, and removed by an empty one; group rooms have none", async () => {
    const token = await peopled(3);
    expect((await owner.put(`/room/${token}/password`, { password: "geheim 🙂" })).status).toBe(200);
    expect((await user.get(`/room/${token}`)).data.hasPassword).toBe(true);
    expect((await site.guest().get(`/room/${token}`)).data.hasPassword).toBe(true);
    expect((await owner.put(`/room/${token}/password`, { password: "" })).status).toBe(200);
    expect((await user.get(`/room/${token}`)).data.hasPassword).toBe(false);
    const group = await peopled(2);
    expect((await owner.put(`/room/${group}/password`, { password: "x" })).status).toBe(403);
  });

  describe("what is the member's own", () => {
    test("[B.3] favourites are each member's", async () => {
      const token = await peopled();
      for (const _ of [1, 2]) expect((await user.post(`/room/${token}/favorite`)).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data.isFavorite).toBe(true);
      expect((await owner.get(`/room/${token}`)).data.isFavorite).toBe(false);
      for (const _ of [1, 2]) expect((await user.delete(`/room/${token}/favorite`)).status).toBe(200);
      expect((await user.get(`/room/${token}`)).data.isFavorite).toBe(false);
    });

    test("[B.2] the notification level is 2 at first, 1 in one-to-one rooms, 3 for guests", async () => {
      const token = await peopled(3);
      expect((await user.get(`/room/${token}`)).data.notificationLevel).toBe(2);
      expect((await user.get(`/room/${await oneToOne(user, owner)}`)).data.notificationLevel).toBe(1);
      const guest = site.guest();
      await join(guest, token);
      expect((await guest.get(`/room/${token}`)).data.notificationLevel).toBe(3);
    });

    test("[B.7] levels 1 to 3 are set, every other one is 400", async () => {
      const token = await peopled();
      for (const level of [1, 3, 2]) {
        expect((await user.post(`/room/${token}/notify`, { level })).status).toBe(200);
        expect((await user.get(`/room/${token}`)).data.notificationLevel).toBe(level);
      }
      for (const level of [0, 4, -1, "x", "1.5"]) {
        expect((await user.post(`/room/${token}/notify`, { level })).status).toBe(400);
      }
      expect((await user.post(`/room/${token}/notify`)).status).toBe(400);
    });

    test.each([
      ["POST", "favorite"],
      ["DELETE", "favorite"],
      ["POST", "notify"],
    ])("[B.3] %s %s is 401 for guests and 404 for strangers", async (method, what) => {
      const token = await peopled(3);
      const guest = site.guest();
      await join(guest, token);
      const call = (client: Client) => client.call(method, `/room/${token}/${what}`, { level: 1 });
      expect((await call(guest)).status).toBe(401);
      expect((await call(stranger)).status).toBe(404);
    });

    test("[B.3] none of it is told in the room", async () => {
      const token = await peopled();
      const before = (await user.get(`/room/${token}`)).data;
      await user.post(`/room/${token}/favorite`);
      await user.post(`/room/${token}/notify`, { level: 3 });
      const after = (await user.get(`/room/${token}`)).data;
      expect(after.lastActivity).toBe(before.lastActivity);
      expect(after.lastMessage).toEqual(before.lastMessage);
    });
  });
});
