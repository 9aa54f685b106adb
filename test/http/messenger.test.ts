/** The Messenger API, operation by operation (reference §C.2), over the real domain on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import type { Call } from "./http-client.ts";
import {
  ADMIN,
  ADMIN_TOKEN,
  addOrg,
  addPerson,
  type Org,
  openSite,
  type Person,
  PUBLIC_URL,
  type Site,
} from "./real-parts.ts";

/** A PNG of one pixel. */
const PNG = [
  ...Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg==",
    "base64",
  ),
];
const API = "/api/v1/chat";
const REFUSAL = { success: false, message: expect.any(String), error: expect.any(String) };

describeWith("postgres", "the Messenger API", ({ postgres }) => {
  let site: Site;
  let org: Org;
  let other: Org;
  let admin: Person;
  let chat: Person;
  let member: Person;
  let stranger: Person;
  let names = 0;

  beforeAll(async () => {
    site = await openSite(postgres.url);
    org = await addOrg(site);
    other = await addOrg(site);
    admin = await addPerson(site, org, "admin");
    chat = await addPerson(site, org, "chat");
    member = await addPerson(site, org);
    stranger = await addPerson(site, other, "admin");
  });
  afterAll(() => site?.close());

  const call = (method: string, path: string, headers: Record<string, string>, more: Call = {}) =>
    site.client(method, API + path, { headers, ...more });
  const create = (headers: Record<string, string>, more: object = {}) =>
    call("POST", "/chatrooms", headers, {
      json: { organizationID: org.id, name: `Room ${++names}`, ...more },
    });

  test("a chatroom is made once under an Idempotency-Key, whatever is repeated; another body is 422", async () => {
    const name = `Room ${++names}`;
    const make = (headers: Record<string, string>, json: object) =>
      call("POST", "/chatrooms", { ...headers, "Idempotency-Key": "room-1" }, { json });
    const body = { organizationID: org.id, name };
    const answers = [...(await Promise.all([make(org.auth, body), make(org.auth, body)]))];
    answers.push(await make(org.auth, body));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers[2]?.headers.get("location")).toBe(answers[0]?.headers.get("location"));
    expect(await make(org.auth, { ...body, name: "Other" })).toMatchObject({ status: 422, json: REFUSAL });
    expect(await make(admin.auth, body)).toMatchObject({ status: 409, json: REFUSAL });

    const fresh = await addOrg(site);
    const standard = () =>
      call(
        "POST",
        "/chatrooms/default",
        { ...fresh.auth, "Idempotency-Key": "default" },
        {
          json: { organizationID: fresh.id },
        },
      );
    const [one, two] = [await standard(), await standard()];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.json.id).toBe(one.json.id);
    // The organization made it, which is in no room: deleted, it is made again, and once.
    await call("DELETE", `/chatrooms/default/${fresh.id}`, fresh.auth);
    const anew = await Promise.all([standard(), standard(), standard()]);
    expect(anew.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(anew.map(({ json }) => json.id)).size).toBe(1);
    expect(anew[0]?.json.id).not.toBe(one.json.id);
  });

  describe("who may call", () => {
    test.each([
      ["nobody", () => ({})],
      ["an unknown token", () => ({ "API-TOKEN": "nonsense" })],
      ["an unknown personal token", () => ({ "Personal-Access-Token": "nonsense" })],
      ["a user's token as API-TOKEN", () => ({ "API-TOKEN": member.auth["Personal-Access-Token"] })],
      [
        "an organization's token as a personal one",
        () => ({ "Personal-Access-Token": org.auth["API-TOKEN"] }),
      ],
      ["ADMIN_TOKEN as API-TOKEN", () => ({ "API-TOKEN": ADMIN_TOKEN })],
      ["an organization's token as Bearer", () => ({ Authorization: `Bearer ${org.auth["API-TOKEN"]}` })],
    ])("%s is 401", async (_, headers) => {
      const answer = await call("GET", `/chatrooms?organization_id=${org.id}`, headers());
      expect(answer).toMatchObject({ status: 401, json: { ...REFUSAL, error: "unauthorized" } });
    });

    test("two proofs at once are 400", async () => {
      const answer = await call("GET", `/chatrooms?organization_id=${org.id}`, {
        ...org.auth,
        ...admin.auth,
      });
      expect(answer).toMatchObject({ status: 400, json: REFUSAL });
    });

    test("a user's token works as Bearer too", async () => {
      const headers = { Authorization: `Bearer ${admin.auth["Personal-Access-Token"]}` };
      expect((await call("GET", `/chatrooms?organization_id=${org.id}`, headers)).status).toBe(200);
    });
  });

  describe("creating a custom chatroom", () => {
    test("answers 201 with the documented room, its integer id, its token and Location", async () => {
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      const { status, json, headers } = await create(admin.auth, {
        name: "  Einsatz 🚒 مرحبا  ",
        moderators: [chat.id],
        assignedUsers: [member.id],
        automationEnabled: true,
        avatar: PNG,
        scheduledDeletion: soon,
      });
      expect(status).toBe(201);
      expect(json).toEqual({
        id: expect.any(Number),
        token: expect.stringMatching(/^\w{8}$/),
        room: json.token,
        admins: [admin.id],
        moderators: [chat.id],
        assignedUsers: [member.id],
        automationEnabled: true,
        avatarURL: expect.stringContaining(`${PUBLIC_URL}/api/v1/chat/avatars/`),
        eventID: 0,
        matrixRoomID: null,
        name: "Einsatz 🚒 مرحبا",
        organizationID: org.id,
        scheduledDeletion: soon,
        type: "custom",
      });
      const again = await site.client("GET", headers.get("location") ?? "", { headers: org.auth });
      expect(again.json).toEqual(json);
    });

    test("needs organizationID and name only, and ignores what it does not know", async () => {
      const json = {
        organizationID: org.id,
        name: `Plain ${++names}`,
        color: "red",
        admins: null,
        avatar: null,
      };
      const answer = await call("POST", "/chatrooms", org.auth, { json });
      expect(answer.status).toBe(201);
      expect(answer.json).toMatchObject({
        ...{ admins: [], moderators: [], assignedUsers: [], automationEnabled: false },
        ...{ avatarURL: "", scheduledDeletion: null },
      });
    });

    test("is for those who manage the organization", async () => {
      for (const [headers, status] of [
        [admin.auth, 201],
        [chat.auth, 201],
        [org.auth, 201],
        [member.auth, 403],
        [stranger.auth, 403],
        [other.auth, 403],
      ] as const) {
        expect((await create(headers)).status).toBe(status);
      }
    });

    test("with a name that the organization has is 409", async () => {
      const { json } = await create(admin.auth);
      const answer = await create(admin.auth, { name: json.name });
      expect(answer).toMatchObject({ status: 409, json: REFUSAL });
      expect(answer.json.message).toContain("name");
    });

    test.each<[string, object, string]>([
      ["no organizationID", { organizationID: undefined }, "organizationID is required"],
      ["organizationID as text", { organizationID: "1" }, "organizationID must be an integer"],
      ["organizationID of 0", { organizationID: 0 }, "organizationID must be an integer"],
      ["organizationID beyond int64", { organizationID: 2 ** 64 }, "organizationID must be an integer"],
      ["organizationID with a fraction", { organizationID: 1.5 }, "organizationID must be an integer"],
      ["no name", { name: undefined }, "name is required"],
      ["a name of spaces", { name: "   " }, "name must be 1 to 200"],
      ["a name of 201 characters", { name: "🚒".repeat(201) }, "name must be 1 to 200"],
      ["a name of a megabyte", { name: "x".repeat(1_000_000) }, "name must be"],
      ["a name with NUL", { name: "a\0b" }, "name must be"],
      ["a name with half a character", { name: "a\ud83d" }, "name must be"],
      ["a name that is a number", { name: 5 }, "name must be"],
      ["admins that are no list", { admins: 1 }, "admins must be a list"],
      ["admins with a text", { admins: ["1"] }, "admins.0 must be an integer"],
      ["an unknown admin", { admins: [999_999_999] }, "admins"],
      ["automationEnabled as text", { automationEnabled: "yes" }, "automationEnabled must be true or false"],
      ["an avatar of no bytes", { avatar: [1, 256] }, "avatar must be an array of integers from 0 to 255"],
      ["an avatar as text", { avatar: "AAAA" }, "avatar must be an array"],
      [
        "an avatar that is no image",
        { avatar: [...Buffer.from("<svg onload='x()'/>")] },
        "avatar must be a PNG",
      ],
      ["a deletion in the past", { scheduledDeletion: "2001-01-01T00:00:00Z" }, "scheduledDeletion must"],
      [
        "a deletion without a time zone",
        { scheduledDeletion: "2101-01-01T00:00:00" },
        "scheduledDeletion must",
      ],
      ["a deletion on no day", { scheduledDeletion: "2101-02-30T00:00:00Z" }, "scheduledDeletion must"],
      ["a deletion as a number", { scheduledDeletion: 4e12 }, "scheduledDeletion must"],
    ])("refuses %s with 400 and the field's name", async (_, change, message) => {
      const answer = await create(admin.auth, change);
      expect(answer).toMatchObject({ status: 400, json: REFUSAL });
      expect(answer.json.message).toContain(message);
    });

    test("refuses people of another organization, and then nobody is added", async () => {
      const answer = await create(admin.auth, { assignedUsers: [member.id, stranger.id] });
      expect(answer).toMatchObject({ status: 400, json: REFUSAL });
      expect(answer.json.message).toContain("assignedUsers");
    });

    test("refuses an avatar that is too large with 413", async () => {
      const avatar = new Array(1_048_577).fill(0);
      expect(await create(admin.auth, { avatar })).toMatchObject({ status: 413, json: REFUSAL });
    });
  });

  describe("avatars", () => {
    test("are served to everybody who has the URL with their type, and can do nothing but be a picture", async () => {
      const { json } = await create(admin.auth, { avatar: PNG });
      const { pathname } = new URL(json.avatarURL);
      for (const path of [pathname, pathname.replace(API, "")]) {
        const picture = await site.client("GET", path);
        expect(picture.status).toBe(200);
        expect(Object.fromEntries(picture.headers)).toMatchObject({
          "content-type": "image/png",
          "x-content-type-options": "nosniff",
          "content-security-policy": expect.stringContaining("sandbox"),
          "cache-control": "private, max-age=3600, immutable",
          "cross-origin-resource-policy": "cross-origin",
        });
      }
    });

    test("are each one room's, under a URL that nobody guesses, and gone with the room", async () => {
      const [one, two] = [
        await create(admin.auth, { avatar: PNG }),
        await create(admin.auth, { avatar: PNG }),
      ].map(({ json }) => ({ id: json.id, path: new URL(json.avatarURL).pathname }));
      expect(one?.path).toMatch(/\/[0-9a-f]{64}$/);
      expect(one?.path).not.toBe(two?.path);
      await call("DELETE", `/chatrooms/${one?.id}`, admin.auth);
      expect(await site.client("GET", one?.path ?? "")).toMatchObject({ status: 404, json: REFUSAL });
      expect((await site.client("GET", two?.path ?? "")).status).toBe(200);
    });

    test.each(["nothing", "..%2f..%2fetc%2fpasswd", "'%20or%201=1", "x".repeat(2_000)])(
      "%s is 404",
      async (id) => {
        expect(await site.client("GET", `${API}/avatars/${id}`)).toMatchObject({
          status: 404,
          json: REFUSAL,
        });
      },
    );
  });

  describe("listing", () => {
    let full: Org;
    let manager: Person;
    let guest: Person;
    beforeAll(async () => {
      full = await addOrg(site);
      manager = await addPerson(site, full, "admin");
      guest = await addPerson(site, full);
      for (let n = 0; n < 12; n++) {
        const people = n === 5 ? { assignedUsers: [guest.id] } : {};
        const json = { organizationID: full.id, name: `Listed ${n}`, ...people };
        await call("POST", "/chatrooms", full.auth, { json });
      }
    });
    const list = (query: string, headers: Record<string, string> = manager.auth) =>
      call("GET", `/chatrooms?organization_id=${full.id}${query}`, headers);

    test("has 10 entries a page unless told, and the count of all", async () => {
      const { status, json } = await list("");
      expect(status).toBe(200);
      expect(Object.keys(json).sort()).toEqual(["entries", "total"]);
      expect(json.entries.map((room: { name: string }) => room.name)).toEqual(
        Array.from({ length: 10 }, (_, n) => `Listed ${n}`),
      );
      expect(json.total).toBe(12);
    });

    test("pages by limit and offset", async () => {
      const page = await list("&limit=5&offset=10");
      expect(page.json.entries.map((room: { name: string }) => room.name)).toEqual([
        "Listed 10",
        "Listed 11",
      ]);
      expect((await list("&offset=12")).json).toEqual({ entries: [], total: 12 });
    });

    test("all=true ignores limit and offset", async () => {
      for (const query of ["&all=true", "&all=true&limit=1&offset=3", "&all=true&limit=99&offset=-1"]) {
        const { status, json } = await list(query);
        expect(status).toBe(200);
        expect(json.entries).toHaveLength(12);
        expect(json.total).toBe(12);
      }
    });

    test("shows plain users their own rooms only", async () => {
      const { json } = await list("", guest.auth);
      expect(json.total).toBe(1);
      expect(json.entries[0]).toMatchObject({ name: "Listed 5", assignedUsers: [guest.id] });
    });

    test.each([
      ["limit=0", "limit must be an integer from 1 to 50"],
      ["limit=51", "limit must be an integer from 1 to 50"],
      ["limit=ten", "limit must be an integer from 1 to 50"],
      ["limit=1.5", "limit must be an integer from 1 to 50"],
      ["limit=", "limit must be an integer from 1 to 50"],
      ["limit=1&limit=2", "limit must be an integer from 1 to 50"],
      ["offset=-1", "offset must be an integer from 0"],
      ["offset=99999999999999999999", "offset must be an integer from 0"],
      ["all=yes", "all must be true or false"],
    ])("refuses %s", async (query, message) => {
      const answer = await list(`&${query}`);
      expect(answer).toMatchObject({ status: 400, json: REFUSAL });
      expect(answer.json.message).toContain(message);
    });

    test.each([
      ["", 400],
      ["organization_id=x", 400],
      ["organization_id=0", 400],
      ["organization_id=-1", 400],
      ["organization_id=9223372036854775808", 400],
      ["organization_id=9223372036854775807", 403],
      ["organization_id=999999999", 403],
    ])("of the organization %s is %i", async (query, status) => {
      const answer = await call("GET", `/chatrooms?${query}`, manager.auth);
      expect(answer).toMatchObject({ status, json: REFUSAL });
    });

    test("of another organization is 403", async () => {
      expect((await list("", stranger.auth)).status).toBe(403);
      expect((await list("", other.auth)).status).toBe(403);
    });
  });

  describe("one chatroom", () => {
    test("is found by its integer id, and by its Matrix id with or without server", async () => {
      const { json: room } = await create(admin.auth, { assignedUsers: [member.id] });
      await site.store
        .sql`update conversations set matrix_room_id = '!opaque/1:localhost' where id = ${room.id}`;
      const known = { ...room, matrixRoomID: "!opaque/1:localhost" };
      for (const id of [room.id, encodeURIComponent("!opaque/1:localhost")]) {
        for (const headers of [admin.auth, member.auth, org.auth]) {
          const answer = await call("GET", `/chatrooms/${id}`, headers);
          expect(answer).toMatchObject({ status: 200, json: known });
        }
      }
      await site.store.sql`update conversations set matrix_room_id = '!v12room' where id = ${room.id}`;
      for (const id of ["!v12room", "!v12room:localhost", "!v12room%3Alocalhost"]) {
        expect((await call("GET", `/chatrooms/${id}`, admin.auth)).status, id).toBe(200);
      }
    });

    test("is 404 for a plain user who is not in it, and 403 outside of the organization", async () => {
      const { json: room } = await create(admin.auth);
      expect((await call("GET", `/chatrooms/${room.id}`, member.auth)).status).toBe(404);
      expect((await call("GET", `/chatrooms/${room.id}`, stranger.auth)).status).toBe(403);
    });

    test.each([
      ["999999999", 404],
      ["9223372036854775807", 404],
      ["9223372036854775808", 400],
      ["0", 400],
      ["-1", 400],
      ["1.5", 400],
      ["abc", 400],
      ["0x10", 400],
      ["!nothing:localhost", 404],
      ["!", 400],
      [`!${"x".repeat(300)}`, 400],
      ["%00", 400],
      ["!a%00b", 404],
      ["%ff", 400],
    ])("%s is %i", async (id, status) => {
      const answer = await call("GET", `/chatrooms/${id}`, admin.auth);
      expect(answer).toMatchObject({ status, json: REFUSAL });
    });

    test("is updated by PATCH and by PUT", async () => {
      const { json: room } = await create(admin.auth);
      for (const [method, automationEnabled] of [
        ["PATCH", true],
        ["PUT", false],
      ] as const) {
        const answer = await call(method, `/chatrooms/${room.id}`, admin.auth, {
          json: { automationEnabled },
        });
        expect(answer).toMatchObject({ status: 200, json: { ...room, automationEnabled } });
      }
      for (const json of [{}, { automationEnabled: null }, { automationEnabled: 1 }]) {
        const answer = await call("PATCH", `/chatrooms/${room.id}`, admin.auth, { json });
        expect(answer).toMatchObject({ status: 400, json: REFUSAL });
        expect(answer.json.message).toContain("automationEnabled");
      }
      const json = { automationEnabled: true };
      expect((await call("PATCH", `/chatrooms/${room.id}`, member.auth, { json })).status).toBe(403);
      expect((await call("PATCH", "/chatrooms/999999999", admin.auth, { json })).status).toBe(404);
    });

    test("is deleted for good", async () => {
      const { json: room } = await create(admin.auth, { assignedUsers: [member.id] });
      expect((await call("DELETE", `/chatrooms/${room.id}`, member.auth)).status).toBe(403);
      const answer = await call("DELETE", `/chatrooms/${room.id}`, admin.auth);
      expect(answer).toMatchObject({ status: 200, json: { message: "success" } });
      expect((await call("GET", `/chatrooms/${room.id}`, admin.auth)).status).toBe(404);
      expect((await call("DELETE", `/chatrooms/${room.id}`, admin.auth)).status).toBe(404);
    });

    test("is claimed by users of the organization, as often as they like, once it has no admin", async () => {
      const { json: owned } = await create(admin.auth);
      expect(await call("POST", `/chatrooms/${owned.id}/claim`, member.auth)).toMatchObject({ status: 403 });
      expect(await call("GET", `/chatrooms/${owned.id}`, member.auth)).toMatchObject({ status: 404 });
      const { json: room } = await create(org.auth);
      for (let n = 0; n < 2; n++) {
        const answer = await call("POST", `/chatrooms/${room.id}/claim`, member.auth);
        expect(answer).toMatchObject({ status: 200, json: { ...room, admins: [member.id] } });
      }
      expect((await call("POST", `/chatrooms/${room.id}/claim`, stranger.auth)).status).toBe(403);
      expect((await call("POST", `/chatrooms/${room.id}/claim`, org.auth)).status).toBe(403);
      expect((await call("POST", "/chatrooms/999999999/claim", member.auth)).status).toBe(404);
    });

    test("gets people, all or none, and a later role wins", async () => {
      const { json: room } = await create(org.auth);
      const add = (headers: Record<string, string>, json: object) =>
        call("POST", `/chatrooms/${room.id}/users`, headers, { json });
      const added = await add(chat.auth, {
        admins: [admin.id],
        moderators: [chat.id],
        assignedUsers: [member.id],
      });
      const people = { admins: [admin.id], moderators: [chat.id], assignedUsers: [member.id] };
      expect(added).toMatchObject({ status: 200, json: { ...room, ...people } });
      expect((await add(chat.auth, { admins: [member.id] })).json).toMatchObject({ assignedUsers: [] });
      const refused = await add(chat.auth, { assignedUsers: [chat.id, stranger.id] });
      expect(refused).toMatchObject({ status: 400, json: REFUSAL });
      expect((await call("GET", `/chatrooms/${room.id}`, admin.auth)).json.moderators).toEqual([chat.id]);
      expect((await add(member.auth, {})).status).toBe(403);
      expect((await add(admin.auth, { admins: {} })).json.message).toContain("admins must be a list");
    });
  });

  describe("the default chatroom", () => {
    test("is made once, follows the organization, and is removed by its own operation only", async () => {
      const own = await addOrg(site);
      const boss = await addPerson(site, own, "admin");
      const json = { organizationID: own.id, automationEnabled: true };
      const made = await call("POST", "/chatrooms/default", boss.auth, { json });
      expect(made).toMatchObject({ status: 201, json: { type: "default", organizationID: own.id } });
      expect(made.headers.get("location")).toBe(`${API}/chatrooms/${made.json.id}`);
      expect((await call("POST", "/chatrooms/default", boss.auth, { json })).status).toBe(409);

      const joiner = await addPerson(site, own);
      const now = await call("GET", `/chatrooms/${made.json.id}`, joiner.auth);
      expect(now.json.assignedUsers).toContain(joiner.id);

      const wrongWay = await call("DELETE", `/chatrooms/${made.json.id}`, boss.auth);
      expect(wrongWay).toMatchObject({ status: 400, json: REFUSAL });
      expect((await call("DELETE", `/chatrooms/default/${own.id}`, joiner.auth)).status).toBe(403);
      const removed = await call("DELETE", `/chatrooms/default/${own.id}`, boss.auth);
      expect(removed).toMatchObject({ status: 200, json: { message: "success" } });
      expect((await call("DELETE", `/chatrooms/default/${own.id}`, boss.auth)).status).toBe(404);
      expect((await call("DELETE", "/chatrooms/default/x", boss.auth)).json.message).toContain(
        "organizationID",
      );
    });
  });

  describe("the chatroom of an event", () => {
    test("is found by organization and event, and carries what the event says", async () => {
      const json = { name: "Fire", endsAt: "2100-01-01T00:00:00Z", acceptedUsers: [member.id] };
      await site.client("PUT", `/admin/v1/organizations/${org.id}/events/77`, { headers: ADMIN, json });
      const path = `/chatroom?organization_id=${org.id}&event_id=77`;
      for (const headers of [admin.auth, member.auth, org.auth]) {
        const found = await call("GET", path, headers);
        expect(found.status).toBe(200);
        expect(found.json).toMatchObject({
          ...{ type: "event", eventID: 77, name: "Fire", automationEnabled: true },
          assignedUsers: [member.id],
          scheduledDeletion: "2100-01-01T01:00:00.000Z",
        });
      }
      expect((await call("GET", path, chat.auth)).status).toBe(200);
      expect((await call("GET", path, stranger.auth)).status).toBe(403);
    });

    test.each([
      ["event_id=999", 404, ""],
      ["event_id=9223372036854775807", 404, ""],
      ["", 400, "event_id is required"],
      ["event_id=", 400, "event_id must be"],
      ["event_id=abc", 400, "event_id must be"],
      ["event_id=9223372036854775808", 400, "event_id must be"],
    ])("with %s is %i", async (query, status, message) => {
      const answer = await call("GET", `/chatroom?organization_id=${org.id}&${query}`, admin.auth);
      expect(answer).toMatchObject({ status, json: REFUSAL });
      expect(answer.json.message).toContain(message);
    });
  });

  describe("Matrix", () => {
    test("credentials are the caller's own", async () => {
      const answer = await call("GET", "/user/credentials", member.auth);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        ...{ username: `cw_${member.id}`, password: "matrix password", newPassword: true },
        ...{ matrixId: `@cw_${member.id}:localhost`, homeserver: "http://localhost:8008" },
      });
      expect(answer.headers.get("cache-control")).toBe("no-store");
    });

    test("Login answers in the document's spelling, for the device that was asked for", async () => {
      const answer = await call("POST", "/user/login", member.auth, { json: { deviceID: "PHONE" } });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        accessToken: "syt_a",
        deviceID: "PHONE",
        expiresInMS: 300_000,
        refreshToken: "syr_a",
        userID: `@cw_${member.id}:localhost`,
        wellKnown: { "m.homeserver": { base_url: "http://localhost:8008" } },
        ...{ matrixId: `@cw_${member.id}:localhost`, homeserver: "http://localhost:8008" },
      });
      expect(site.matrixLogins.at(-1)).toMatchObject({ user: { id: member.id }, deviceId: "PHONE" });
    });

    test("is closed to API tokens", async () => {
      expect(await call("GET", "/user/credentials", org.auth)).toMatchObject({ status: 403, json: REFUSAL });
      const login = await call("POST", "/user/login", org.auth, { json: { deviceID: "PHONE" } });
      expect(login).toMatchObject({ status: 403, json: REFUSAL });
    });

    test.each<[object, string]>([
      [{}, "deviceID is required"],
      [{ deviceID: "" }, "deviceID must"],
      [{ deviceID: 5 }, "deviceID must"],
      [{ deviceID: "x".repeat(256) }, "deviceID must"],
    ])("Login refuses %j", async (json, message) => {
      const answer = await call("POST", "/user/login", member.auth, { json });
      expect(answer).toMatchObject({ status: 400, json: REFUSAL });
      expect(answer.json.message).toContain(message);
    });

    test("is 503 while the homeserver is away, and where there is none", async () => {
      const away = await call("POST", "/user/login", member.auth, { json: { deviceID: "away" } });
      expect(away).toMatchObject({ status: 503, json: REFUSAL });
      const none = await site.withoutMatrix("GET", `${API}/user/credentials`, { headers: member.auth });
      expect(none).toMatchObject({ status: 503, json: REFUSAL });
      expect(none.json.message).toContain("MATRIX_HOMESERVER_URL");
      const json = { deviceID: "PHONE" };
      const login = await site.withoutMatrix("POST", `${API}/user/login`, { headers: member.auth, json });
      expect(login).toMatchObject({ status: 503, json: REFUSAL });
    });
  });
});
