/** Making, opening, listing and reading conversations as Wire's clients do (reference §A.3, §A.4). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import {
  addConversation,
  addLoner,
  addTeam,
  connect,
  DOMAIN,
  NIL,
  ROOM,
  refused,
  type WirePerson,
} from "./site.ts";

describeWith("postgres", "Wire conversations", ({ postgres }) => {
  let site: Site;
  let team: string;
  let [ada, bob, cy]: WirePerson[] = [];
  let stranger: WirePerson;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    const made = await addTeam(site, 3);
    team = made.org.uuid;
    [ada, bob, cy] = made.people;
    stranger = await addLoner(site);
  });
  afterAll(() => site?.close());
  const create = (body: object, who = ada) => (who as WirePerson).call("POST", "/conversations", body);
  const self = (person = ada, role = "wire_admin") => ({
    id: person?.uuid,
    service: null,
    conversation_role: role,
    otr_muted_status: null,
    otr_muted_ref: null,
    otr_archived: false,
    otr_archived_ref: null,
    hidden: false,
    hidden_ref: null,
    status: 0,
    status_ref: "0.0",
    status_time: "1970-01-01T00:00:00.000Z",
  });
  const other = (person = bob, role = "wire_admin") => ({
    id: person?.uuid,
    qualified_id: { id: person?.uuid, domain: DOMAIN },
    conversation_role: role,
    status: 0,
  });

  describe("POST /conversations", () => {
    test("[A.3] a new conversation has every field of Wire's object, seen by whoever asks", async () => {
      const made = await create({ users: [bob?.uuid], name: "The B-Team" });
      expect(made.status).toBe(201);
      expect(made.headers.get("location")).toBe(made.json.id);
      expect(made.json).toEqual({
        id: made.json.id,
        qualified_id: { id: made.json.id, domain: DOMAIN },
        room: ROOM,
        type: 0,
        creator: ada?.uuid,
        access: ["invite"],
        access_role: "activated",
        name: "The B-Team",
        team: null,
        message_timer: null,
        receipt_mode: null,
        last_event: "0.0",
        last_event_time: "1970-01-01T00:00:00.000Z",
        members: { self: self(ada), others: [other(bob)] },
      });
      const seen = await bob?.call("GET", `/conversations/${made.json.id}`);
      expect(seen).toMatchObject({
        status: 200,
        json: { ...made.json, members: { self: self(bob), others: [other(ada)] } },
      });
    });

    test("[A.1] the document's body makes a conversation of the team", async () => {
      const body = { users: [], name: "The B-Team", team: { managed: false, teamid: team }, receipt_mode: 0 };
      const made = await create({ ...body, message_timer: 0 });
      expect(made).toMatchObject({
        status: 201,
        json: { team, receipt_mode: 0, message_timer: 0, members: { others: [] } },
      });
    });

    test("[A.4] every key is optional, null is not given, and each create makes another", async () => {
      const nulls = {
        ...{ users: null, qualified_users: null, name: null, access: null, access_role: null, team: null },
        ...{ message_timer: null, receipt_mode: null, conversation_role: null },
      };
      const [first, second, third] = [await create({}), await create({}), await create(nulls)];
      for (const made of [first, second, third]) {
        expect(made).toMatchObject({
          status: 201,
          json: { name: null, team: null, receipt_mode: null, message_timer: null, type: 0 },
        });
      }
      expect(new Set([first.json.id, second.json.id, third.json.id]).size).toBe(3);
    });

    test("[A.4] takes access, qualified users, timer and role, and negative timers count as 0", async () => {
      const made = await create({
        qualified_users: [{ id: bob?.uuid, domain: DOMAIN }],
        users: [bob?.uuid, cy?.uuid.toUpperCase()],
        access: ["invite", "code"],
        access_role: "non_activated",
        message_timer: -5,
        receipt_mode: -2_147_483_648,
        conversation_role: "wire_member",
      });
      expect(made).toMatchObject({
        status: 201,
        json: {
          access: ["invite", "code"],
          access_role: "non_activated",
          message_timer: 0,
          receipt_mode: -2_147_483_648,
        },
      });
      expect(made.json.members).toEqual({
        self: self(ada),
        others: [other(bob, "wire_member"), other(cy, "wire_member")],
      });
    });

    test("[A.4] the creator among the users is nobody else", async () => {
      const made = await create({ users: [ada?.uuid, bob?.uuid, bob?.uuid] });
      expect(made.json.members.others).toEqual([other(bob)]);
    });

    test("[A.7.1] a name of 257 characters is 400, one of 256 is 201, whatever the characters", async () => {
      expect(await create({ name: "x".repeat(257) })).toMatchObject(refused(400, "client-error"));
      expect(await create({ name: "🦊".repeat(257) })).toMatchObject(refused(400, "client-error"));
      for (const name of ["x".repeat(256), "🦊".repeat(256)])
        expect(await create({ name })).toMatchObject({ status: 201, json: { name } });
      expect(await create({ name: "" })).toMatchObject(refused(400, "client-error"));
    });

    test.each([
      "مجموعة",
      "שלום עולם",
      "日本語の部屋",
      "👩‍👩‍👧‍👦 family",
      "e\u0301 vs é",
      "‮reversed‬",
      'O\'Brien "q" <b>',
    ])("[A.4] the name %j survives", async (name) => {
      const made = await create({ name });
      expect(made.json.name).toBe(name);
      expect((await ada?.call("GET", `/conversations/${made.json.id}`))?.json.name).toBe(name);
    });

    test("[A.4] 500 members are the most: 500 users beside the creator are 400", async () => {
      const users = Array.from({ length: 500 }, () => randomUUID());
      expect(await create({ users })).toMatchObject(refused(400, "client-error"));
      const half = {
        users: users.slice(0, 250),
        qualified_users: users.slice(250).map((id) => ({ id, domain: DOMAIN })),
      };
      expect(await create(half)).toMatchObject(refused(400, "client-error"));
      expect(await create({ users: users.slice(1) })).toMatchObject(refused(403, "not-connected"));
    });

    test("[A.7.2] with users who are not connected it is 403, unknown ones and those of other servers too", async () => {
      const label = refused(403, "not-connected", "Users are not connected");
      expect(await create({ users: [stranger.uuid] })).toMatchObject(label);
      expect(await create({ users: [bob?.uuid, randomUUID()] })).toMatchObject(label);
      expect(await create({ qualified_users: [{ id: bob?.uuid, domain: "else.where" }] })).toMatchObject(
        label,
      );
      const loner = await addLoner(site);
      expect(await create({ users: [loner.uuid] }, stranger)).toMatchObject(label);
    });

    test("[A.2] connected is who accepted a connection, or is of the same team", async () => {
      const friend = await addLoner(site);
      await connect(ada as WirePerson, friend);
      expect(await create({ users: [friend.uuid, bob?.uuid] })).toMatchObject({ status: 201 });
      expect(await create({ users: [ada?.uuid] }, friend)).toMatchObject({ status: 201 });
      expect(await create({ users: [bob?.uuid] }, friend)).toMatchObject(refused(403, "not-connected"));
    });

    test("[A.4] in a team that the caller is not in, or that there is not, it is 403 no-team-member", async () => {
      const label = refused(403, "no-team-member", "Requesting user is not a team member");
      expect(await create({ team: { teamid: team } }, stranger)).toMatchObject(label);
      expect(await create({ team: { teamid: randomUUID() } })).toMatchObject(label);
    });

    test("[A.7.13] managed:true is 400", async () => {
      const answer = await create({ team: { teamid: team, managed: true } });
      expect(answer).toMatchObject(refused(400, "bad-request", /managed conversations have been deprecated/));
    });

    test("[A.4] a private access role lets nobody else in, and `team` only the team", async () => {
      const friend = await addLoner(site);
      await connect(ada as WirePerson, friend);
      expect(await create({ users: [bob?.uuid], access_role: "private" })).toMatchObject(
        refused(403, "access-denied"),
      );
      expect(await create({ users: [], access_role: "private" })).toMatchObject({ status: 201 });
      const inTeam = { access_role: "team", team: { teamid: team } };
      expect(await create({ ...inTeam, users: [friend.uuid] })).toMatchObject(refused(403, "no-team-member"));
      expect(await create({ ...inTeam, users: [bob?.uuid] })).toMatchObject({ status: 201 });
    });

    test.each<[object, string]>([
      [{ users: "ada" }, "client-error"],
      [{ users: ["ada"] }, "client-error"],
      [{ name: 5 }, "client-error"],
      [{ name: "a\0b" }, "client-error"],
      [{ name: "\ud800" }, "client-error"],
      [{ access: ["open"] }, "bad-request"],
      [{ access_role: "everybody" }, "bad-request"],
      [{ team: "x" }, "bad-request"],
      [{ team: { teamid: "x" } }, "bad-request"],
      [{ message_timer: 1.5 }, "bad-request"],
      [{ message_timer: "1" }, "bad-request"],
      [{ receipt_mode: 2_147_483_648 }, "bad-request"],
      [{ conversation_role: "king" }, "bad-request"],
    ])("[A.6] refuses %j with 400", async (body, label) => {
      expect(await create(body)).toMatchObject(refused(400, label));
    });

    test("[A.6] a body that is no JSON is 400 bad-request, and no token is 401", async () => {
      const headers = { Authorization: `Bearer ${ada?.auth["Personal-Access-Token"]}` };
      const broken = await site.client("POST", "/conversations", { headers, body: "{" });
      expect(broken).toMatchObject(refused(400, "bad-request"));
      expect(await site.client("POST", "/conversations", { json: {} })).toMatchObject(
        refused(401, "invalid-credentials"),
      );
    });
  });

  describe("GET /conversations/:cnv", () => {
    test("[A.4] is 404 for what never was, 403 access-denied for what the caller is not in", async () => {
      const id = await addConversation([ada as WirePerson]);
      expect(await bob?.call("GET", `/conversations/${randomUUID()}`)).toMatchObject(
        refused(404, "no-conversation", "Conversation not found"),
      );
      expect(await bob?.call("GET", `/conversations/${id}`)).toMatchObject(
        refused(403, "access-denied", "Conversation access denied"),
      );
    });

    test("[A.1] trailing slashes and ids in capitals are the same, UUIDs of any version are read", async () => {
      const id = await addConversation([ada as WirePerson]);
      const [plain, slash, capitals] = [
        await ada?.call("GET", `/conversations/${id}`),
        await ada?.call("GET", `/conversations/${id}/`),
        await ada?.call("GET", `/conversations/${id.toUpperCase()}`),
      ];
      expect(plain?.status).toBe(200);
      expect(slash?.json).toEqual(plain?.json);
      expect(capitals?.json).toEqual(plain?.json);
      const v1 = await ada?.call("GET", "/conversations/b4b6a96c-70c8-11e9-99e6-f3ea044b132c/");
      expect(v1).toMatchObject(refused(404, "no-conversation"));
      expect(await ada?.call("GET", "/conversations/nonsense")).toMatchObject(refused(400, "bad-request"));
    });

    test("a room that an organization made shows the nil UUID as its creator", async () => {
      const { org, people } = await addTeam(site, 1);
      const [member] = people;
      const made = await site.client("POST", "/api/v1/chat/chatrooms", {
        headers: org.auth,
        json: { organizationID: org.id, name: "Board", assignedUsers: [member?.id] },
      });
      const room = await site.store.rooms.byId(made.json.id);
      const seen = await member?.call("GET", `/conversations/${room?.uuid}`);
      expect(seen).toMatchObject({
        status: 200,
        json: {
          ...{ creator: NIL, name: "Board", team: org.uuid, type: 0 },
          members: { self: { conversation_role: "wire_member" }, others: [] },
        },
      });
    });

    test("owners and moderators of Messenger are wire_admin, plain users wire_member", async () => {
      const { org, people } = await addTeam(site, 3);
      const [owner, moderator, user] = people.map(({ id }) => id);
      const made = await site.client("POST", "/api/v1/chat/chatrooms", {
        headers: org.auth,
        json: {
          ...{ organizationID: org.id, name: "Staff", admins: [owner] },
          ...{ moderators: [moderator], assignedUsers: [user] },
        },
      });
      const room = await site.store.rooms.byId(made.json.id);
      const roles = await Promise.all(
        people.map(async (one) => (await one.call("GET", `/conversations/${room?.uuid}/self`)).json),
      );
      expect(roles.map(({ conversation_role }) => conversation_role)).toEqual([
        ...["wire_admin", "wire_admin", "wire_member"],
      ]);
    });

    test("[A.3] a wire_admin may do nine things, a wire_member only leave", async () => {
      const id = await addConversation([ada as WirePerson]);
      const { json } = (await ada?.call("GET", `/conversations/${id}/roles`)) ?? {};
      const [admin, member] = json.conversation_roles;
      expect(admin).toMatchObject({ conversation_role: "wire_admin" });
      expect(admin.actions).toHaveLength(9);
      expect(member).toEqual({ conversation_role: "wire_member", actions: ["leave_conversation"] });
    });
  });

  describe("lists", () => {
    test("[A.7.8] walking 14 ids by 3 gives 3, 3, 3, 3, 2, in the order of the list", async () => {
      const { people } = await addTeam(site, 1);
      const [walker] = people as [WirePerson];
      for (let n = 0; n < 14; n++) await addConversation([walker]);
      const sizes: number[] = [];
      const ids: string[] = [];
      for (let start = ""; ; start = `&start=${ids.at(-1)}`) {
        const { json } = await walker.call("GET", `/conversations/ids?size=3${start}`);
        sizes.push(json.conversations.length);
        ids.push(...json.conversations);
        if (!json.has_more) break;
      }
      expect(sizes).toEqual([3, 3, 3, 3, 2]);
      expect(ids).toEqual([...ids].sort());
      const list = await walker.call("GET", "/conversations/");
      expect(list.json.has_more).toBe(false);
      expect(list.json.conversations.map(({ id }: { id: string }) => id)).toEqual(ids);
      const page = await walker.call("GET", `/conversations?size=5&start=${ids[3]}`);
      expect(page.json.has_more).toBe(true);
      expect(page.json.conversations.map(({ id }: { id: string }) => id)).toEqual(ids.slice(4, 9));
      expect((await walker.call("GET", "/conversations/ids/")).json).toEqual({
        conversations: ids,
        rooms: list.json.conversations.map(({ room }: { room: string }) => room),
        has_more: false,
      });
    });

    test("[A.4] GET /conversations gives 32 unless told", async () => {
      const { people } = await addTeam(site, 1);
      const [walker] = people as [WirePerson];
      for (let n = 0; n < 33; n++) await addConversation([walker]);
      const { json } = await walker.call("GET", "/conversations");
      expect(json.conversations).toHaveLength(32);
      expect(json.has_more).toBe(true);
    });

    test("[A.4] ids picks, wins over start, and leaves out what is unknown or foreign", async () => {
      const [mine, also] = [
        await addConversation([ada as WirePerson]),
        await addConversation([ada as WirePerson]),
      ];
      const foreign = await addConversation([bob as WirePerson]);
      const ids = [mine, foreign, randomUUID(), also];
      const { json } =
        (await ada?.call("GET", `/conversations?ids=${ids.join()}&start=${also}&size=1`)) ?? {};
      expect(json.has_more).toBe(false);
      expect(json.conversations.map(({ id }: { id: string }) => id).sort()).toEqual([mine, also].sort());
    });

    test("[A.7.7] a size of 501, or 1001 of ids, is 400, and so are 33 ids and bad ones", async () => {
      for (const query of [
        ...["/conversations?size=501", "/conversations?size=0", "/conversations?size=x"],
        ...["/conversations/ids?size=1001", "/conversations/ids?size=0"],
        ...["/conversations?start=x", "/conversations/ids?start=x"],
        ...["/conversations?ids=", "/conversations?ids=x", `/conversations?ids=${randomUUID()},`],
        `/conversations?ids=${Array.from({ length: 33 }, () => randomUUID()).join()}`,
      ])
        expect(await ada?.call("GET", query), query).toMatchObject(refused(400, "bad-request"));
      expect(await ada?.call("GET", "/conversations?size=500")).toMatchObject({ status: 200 });
      expect(await ada?.call("GET", "/conversations/ids?size=1000")).toMatchObject({ status: 200 });
      const most = Array.from({ length: 32 }, () => randomUUID()).join();
      expect(await ada?.call("GET", `/conversations?ids=${most}`)).toMatchObject({ status: 200 });
    });
  });

  describe("conversations with oneself and with one other", () => {
    test("[A.4] POST /conversations/self is 201, then 200 with the same, type 1, and counts in lists", async () => {
      const { people } = await addTeam(site, 1);
      const [one] = people as [WirePerson];
      const first = await one.call("POST", "/conversations/self");
      expect(first).toMatchObject({ status: 201, json: { type: 1, name: null, members: { others: [] } } });
      expect(first.headers.get("location")).toBe(first.json.id);
      const again = await one.call("POST", "/conversations/self");
      expect(again).toMatchObject({ status: 200, json: first.json });
      expect((await one.call("GET", "/conversations/ids")).json.conversations).toEqual([first.json.id]);
    });

    test("[A.4] POST /conversations/one2one is 201, then 200 with the same from either side, type 2", async () => {
      const { people } = await addTeam(site, 2);
      const [one, two] = people as [WirePerson, WirePerson];
      const first = await one.call("POST", "/conversations/one2one", { users: [two.uuid] });
      expect(first).toMatchObject({
        status: 201,
        json: { type: 2, members: { others: [{ id: two.uuid }] } },
      });
      const back = await two.call("POST", "/conversations/one2one", { users: [one.uuid] });
      expect(back).toMatchObject({ status: 200, json: { id: first.json.id, type: 2 } });
      expect((await two.call("GET", "/conversations/ids")).json.conversations).toEqual([first.json.id]);
    });

    test("[A.4] one2one with oneself is 403 invalid-op, with a stranger not-connected, with more than one 400", async () => {
      const open = (users: unknown[]) => ada?.call("POST", "/conversations/one2one", { users });
      expect(await open([ada?.uuid])).toMatchObject(refused(403, "invalid-op"));
      expect(await open([stranger.uuid])).toMatchObject(refused(403, "not-connected"));
      expect(await open([])).toMatchObject(refused(400, "client-error"));
      expect(await open([bob?.uuid, cy?.uuid])).toMatchObject(refused(400, "client-error"));
    });

    test("[A.4] they can be renamed, but have no members to add or remove", async () => {
      const made = await ada?.call("POST", "/conversations/one2one", { users: [bob?.uuid] });
      const path = `/conversations/${made?.json.id}`;
      expect(await ada?.call("PUT", path, { name: "We" })).toMatchObject({ status: 200 });
      expect((await bob?.call("GET", path))?.json.name).toBe("We");
      const label = refused(403, "invalid-op", "invalid operation for 1:1 conversations");
      expect(await ada?.call("POST", `${path}/members`, { users: [cy?.uuid] })).toMatchObject(label);
      expect(await ada?.call("DELETE", `${path}/members/${bob?.uuid}`)).toMatchObject(label);
      expect(await ada?.call("DELETE", `${path}/members/${ada?.uuid}`)).toMatchObject(label);
      expect(await ada?.call("PUT", `${path}/message-timer`, { message_timer: 1 })).toMatchObject(label);
      expect(
        await ada?.call("PUT", `${path}/members/${bob?.uuid}`, { conversation_role: "wire_member" }),
      ).toMatchObject(label);
      expect(await ada?.call("PUT", `${path}/receipt-mode`, { receipt_mode: 1 })).toMatchObject({
        status: 200,
      });
    });
  });
});
