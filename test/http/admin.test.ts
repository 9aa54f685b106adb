/** The admin API, resource by resource, over the real domain on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMemoryHot } from "../../src/hot/memory/memory.ts";
import { describeWith } from "../services/need.ts";
import { fakeApp } from "./fake-parts.ts";
import type { Call } from "./http-client.ts";
import { ADMIN, ADMIN_TOKEN, addOrg, addPerson, openSite, type Site } from "./real-parts.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("the admin API's door", () => {
  test("is 403 and says what to do where ADMIN_TOKEN is unset", async () => {
    for (const adminToken of [null, ""]) {
      const answer = await fakeApp({ adminToken })("GET", "/admin/v1/stats", {
        headers: { Authorization: "Bearer " },
      });
      expect(answer.status).toBe(403);
      expect(answer.json.error).toEqual({
        code: "forbidden",
        message: expect.stringContaining("ADMIN_TOKEN"),
      });
    }
  });

  test.each(["", "Bearer", "Bearer x", `Basic ${ADMIN_TOKEN}`, ADMIN_TOKEN, `Bearer ${ADMIN_TOKEN}x`])(
    "is 401 for Authorization %j",
    async (Authorization) => {
      const answer = await fakeApp({ adminToken: ADMIN_TOKEN })("GET", "/admin/v1/stats", {
        headers: { Authorization },
      });
      expect(answer).toMatchObject({ status: 401, json: { error: { code: "unauthorized" } } });
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    },
  );
});

describe("guesses at ADMIN_TOKEN", () => {
  function site() {
    const lines: Record<string, unknown>[] = [];
    const note = (line: object) => void lines.push({ ...line });
    const { limits } = createMemoryHot().hot;
    const logger = { error: note, info: note, warn: note };
    const app = fakeApp({ adminToken: ADMIN_TOKEN, rateLimits: true, hot: { limits }, logger });
    const ask = async (token: string, ip: string) => {
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await app("GET", "/admin/v1/stats", { headers, info: { ip, requestId: "r-1" } });
      return answer.status;
    };
    return { ask, lines, events: () => lines.map(({ event, ip }) => [event, ip]) };
  }

  test("are limited per address, and are not looked at beyond that", async () => {
    const { ask } = site();
    for (let n = 0; n < 10; n++) expect(await ask(`guess ${n}`, "192.0.2.1")).toBe(401);
    expect(await ask("guess", "192.0.2.1")).toBe(429);
    expect(await ask(ADMIN_TOKEN, "192.0.2.1"), "right by chance").toBe(429);
    expect(await ask(ADMIN_TOKEN, "192.0.2.2")).toBe(200);
    for (let n = 0; n < 10; n++) expect(await ask("guess", `2001:db8::${n}`)).toBe(401);
    expect(await ask("guess", "2001:db8::ffff")).toBe(429);
  });

  test("don't lock out an operator who was let in from there before", async () => {
    const { ask } = site();
    expect(await ask(ADMIN_TOKEN, "192.0.2.1")).toBe(200);
    for (let n = 0; n < 20; n++) await ask("guess", "192.0.2.1");
    expect(await ask("guess", "192.0.2.1")).toBe(429);
    expect(await ask(ADMIN_TOKEN, "192.0.2.1")).toBe(200);
  });

  test("are told of with what was asked and from where, a lockout once, and never what was sent", async () => {
    const { ask, lines, events } = site();
    for (let n = 0; n < 13; n++) await ask("s3cret", "192.0.2.1");
    expect(events()).toEqual([
      ...Array.from({ length: 10 }, () => ["admin.refused", "192.0.2.1"]),
      ["admin.limited", "192.0.2.1"],
    ]);
    expect(lines[0]).toMatchObject({ method: "GET", path: "/admin/v1/stats", requestId: "r-1" });
    expect(JSON.stringify(lines)).not.toContain("s3cret");
  });
});

describeWith("postgres", "the admin API", ({ postgres }) => {
  let site: Site;
  let count = 0;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());

  const call = (method: string, path: string, more: Call = {}) =>
    site.client(method, `/admin/v1/${path}`, { headers: ADMIN, ...more });
  const post = (path: string, json: unknown) => call("POST", path, { json });
  const refused = (status: number, code: string, field?: string) => ({
    status,
    json: { error: { code, message: expect.any(String), ...(field && { field }) } },
  });

  test("ends all logins of a user, and leaves tokens", async () => {
    const person = await addPerson(site);
    const login = await site.client("POST", "/login", {
      json: { handle: person.handle, password: "secret" },
    });
    const self = async (token: string) =>
      (await site.client("GET", "/self", { headers: { Authorization: `Bearer ${token}` } })).status;
    expect(await self(login.json.access_token)).toBe(200);
    expect(await call("DELETE", `users/${person.id}/logins`)).toMatchObject({ status: 204, text: "" });
    expect(await self(login.json.access_token)).toBe(401);
    expect(await self(person.auth["Personal-Access-Token"])).toBe(200);
    expect(await call("DELETE", "users/999999/logins")).toMatchObject(refused(404, "not_found", "id"));
  });

  test("is closed to users' and organizations' tokens", async () => {
    const org = await addOrg(site);
    const { auth } = await addPerson(site, org, "admin");
    for (const token of [auth["Personal-Access-Token"], org.auth["API-TOKEN"]]) {
      const headers = { Authorization: `Bearer ${token}` };
      expect(await call("GET", "stats", { headers })).toMatchObject(refused(401, "unauthorized"));
    }
  });

  test("stats are what the server says", async () => {
    expect(await call("GET", "stats")).toMatchObject({ status: 200, json: { connections: 0 } });
  });

  describe("organizations", () => {
    test("are created, read, listed and deleted", async () => {
      const made = await post("organizations", { name: "Fire brigade" });
      expect(made).toMatchObject({ status: 201, json: { name: "Fire brigade" } });
      expect(made.json).toEqual({
        id: expect.any(Number),
        uuid: expect.stringMatching(UUID),
        name: "Fire brigade",
        createdAt: expect.stringMatching(TIME),
        deletedMessages: "choice",
      });
      const path = `organizations/${made.json.id}`;
      const changed = await call("PATCH", path, { json: { deletedMessages: "erase" } });
      expect(changed).toMatchObject({ status: 200, json: { ...made.json, deletedMessages: "erase" } });
      expect((await call("PATCH", path, { json: { deletedMessages: "burn" } })).status).toBe(400);
      await call("PATCH", path, { json: { deletedMessages: "choice" } });
      expect(made.headers.get("location")).toBe(`/admin/v1/organizations/${made.json.id}`);
      expect(await call("GET", `organizations/${made.json.id}`)).toMatchObject({
        status: 200,
        json: made.json,
      });
      const list = await call("GET", `organizations?after=${made.json.id - 1}`);
      expect(list.json.items).toEqual([made.json]);
      expect(await call("DELETE", `organizations/${made.json.id}`)).toMatchObject({ status: 204, text: "" });
      expect(await call("GET", `organizations/${made.json.id}`)).toMatchObject(
        refused(404, "not_found", "id"),
      );
      expect((await call("DELETE", `organizations/${made.json.id}`)).status).toBe(404);
    });

    test("come with a default chatroom when asked, and go with their chatrooms", async () => {
      const org = await addOrg(site, { defaultRoom: true });
      const list = () => site.client("GET", `/chatrooms?organization_id=${org.id}`, { headers: org.auth });
      expect((await list()).json.entries).toMatchObject([{ type: "default" }]);
      expect((await call("DELETE", `organizations/${org.id}`)).status).toBe(204);
      expect((await list()).status).toBe(401);
    });

    test.each<[unknown, string]>([
      [{}, "name"],
      [{ name: "" }, "name"],
      [{ name: "x".repeat(201) }, "name"],
      [{ name: 1 }, "name"],
      [{ name: "a", defaultRoom: "yes" }, "defaultRoom"],
      [{ name: "a", color: "red" }, "color"],
      ["text", "body"],
    ])("refuse %j naming the field", async (json, field) => {
      const answer = await post("organizations", json);
      expect(answer).toMatchObject(refused(400, "bad_request", field));
      expect(answer.json.error.message).toContain(field);
    });

    test("hold users with a role that can be changed, idempotently", async () => {
      const { id } = await addOrg(site);
      const person = await addPerson(site);
      const path = `organizations/${id}/users/${person.id}`;
      expect(await call("GET", path)).toMatchObject(refused(404, "not_found"));
      for (const role of ["member", "member", "chat"]) {
        const put = await call("PUT", path, { json: { role } });
        expect(put.status).toBe(200);
        expect(put.json).toEqual({
          id: person.id,
          handle: person.handle,
          displayName: person.displayName,
          role,
        });
      }
      expect((await call("GET", path)).json.role).toBe("chat");
      expect((await call("GET", `organizations/${id}/users`)).json).toMatchObject({
        items: [{ id: person.id, role: "chat" }],
        next: null,
      });
      expect((await call("DELETE", path)).status).toBe(204);
      expect((await call("DELETE", path)).status).toBe(404);
    });

    test("refuse unknown roles, users and organizations", async () => {
      const { id } = await addOrg(site);
      const person = await addPerson(site);
      const json = { role: "member" };
      const wrong = await call("PUT", `organizations/${id}/users/${person.id}`, { json: { role: "owner" } });
      expect(wrong).toMatchObject(refused(400, "bad_request", "role"));
      expect(wrong.json.error.message).toBe("role must be one of member, chat, admin");
      expect((await call("PUT", `organizations/${id}/users/999999999`, { json })).status).toBe(404);
      expect((await call("PUT", `organizations/999999999/users/${person.id}`, { json })).status).toBe(404);
      expect((await call("GET", "organizations/999999999/users")).status).toBe(404);
    });
  });

  describe("users", () => {
    test("are created, read, listed, changed and deleted", async () => {
      const org = await addOrg(site);
      const handle = `grace-${++count}`;
      const made = await post("users", {
        handle,
        password: "secret",
        displayName: "Grace 🌊",
        email: `${handle}@example.org`,
        administrator: true,
        organizations: [{ id: org.id, role: "chat" }],
      });
      expect(made.status).toBe(201);
      expect(made.json).toEqual({
        id: expect.any(Number),
        uuid: expect.stringMatching(UUID),
        publicId: expect.stringMatching(/^[A-Za-z0-9]{16}$/),
        handle,
        displayName: "Grace 🌊",
        email: `${handle}@example.org`,
        administrator: true,
        createdAt: expect.stringMatching(TIME),
      });
      const path = `users/${made.json.id}`;
      expect(made.headers.get("location")).toBe(`/admin/v1/${path}`);
      expect(await call("GET", path)).toMatchObject({ status: 200, json: made.json });
      expect((await call("GET", `organizations/${org.id}/${path}`)).json.role).toBe("chat");
      expect((await call("GET", `users?after=${made.json.id - 1}`)).json.items[0]).toEqual(made.json);

      const changed = await call("PATCH", path, {
        json: { displayName: "Grace H.", email: null, administrator: false },
      });
      const after = { ...made.json, displayName: "Grace H.", email: null, administrator: false };
      expect(changed).toMatchObject({ status: 200, json: after });
      expect((await call("PATCH", path, { json: {} })).json).toEqual(after);

      expect((await call("DELETE", path)).status).toBe(204);
      expect(await call("GET", path)).toMatchObject(refused(404, "not_found", "id"));
      expect((await call("PATCH", path, { json: { displayName: "x" } })).status).toBe(404);
      expect((await call("DELETE", path)).status).toBe(404);
    });

    test("need a handle only, and show no password", async () => {
      const made = await post("users", { handle: `min-${++count}` });
      expect(made).toMatchObject({ status: 201, json: { email: null, administrator: false } });
      expect(made.text).not.toMatch(/password/i);
    });

    test("with a handle or e-mail in use are 409 naming it", async () => {
      const person = await addPerson(site);
      const handle = await post("users", { handle: person.handle.toUpperCase() });
      expect(handle).toMatchObject(refused(409, "conflict", "handle"));
      const email = await post("users", { handle: `other-${++count}`, email: person.email });
      expect(email).toMatchObject(refused(409, "conflict", "email"));
    });

    test.each<[object, string]>([
      [{}, "handle"],
      [{ handle: "" }, "handle"],
      [{ handle: "with space" }, "handle"],
      [{ handle: "x".repeat(65) }, "handle"],
      [{ handle: 5 }, "handle"],
      [{ handle: "ok-1", password: "abc" }, "password"],
      [{ handle: "ok-1", password: 12345 }, "password"],
      [{ handle: "ok-1", displayName: "x".repeat(201) }, "displayName"],
      [{ handle: "ok-1", email: "no address" }, "email"],
      [{ handle: "ok-1", administrator: "true" }, "administrator"],
      [{ handle: "ok-1", organizations: [{ id: 1, role: "boss" }] }, "organizations.0.role"],
      [{ handle: "ok-1", organizations: [{ id: "1", role: "chat" }] }, "organizations.0.id"],
      [{ handle: "ok-1", organizations: {} }, "organizations"],
      [{ handle: "ok-1", id: 5 }, "id"],
    ])("refuse %j naming the field", async (json, field) => {
      expect(await post("users", json)).toMatchObject(refused(400, "bad_request", field));
    });
  });

  describe("groups", () => {
    test("are put as a whole, read and deleted", async () => {
      const people = [await addPerson(site), await addPerson(site)];
      const path = `groups/team-${++count}`;
      const put = (members: string[]) => call("PUT", path, { json: { name: "Team", members } });
      const made = await put(people.map((person) => person.handle));
      expect(made.status).toBe(200);
      expect(made.json).toEqual({
        id: `team-${count}`,
        name: "Team",
        members: people.map((person) => person.handle),
      });
      expect((await call("GET", path)).json).toEqual(made.json);
      expect((await put([people[1]?.handle ?? ""])).json.members).toEqual([people[1]?.handle]);
      expect((await put([])).json.members).toEqual([]);
      expect((await call("DELETE", path)).status).toBe(204);
      expect((await call("DELETE", path)).status).toBe(404);
      expect(await call("GET", path)).toMatchObject(refused(404, "not_found", "groupId"));
    });

    test.each<[object, string]>([
      [{ members: [] }, "name"],
      [{ name: "x" }, "members"],
      [{ name: "x", members: "ada" }, "members"],
      [{ name: "x", members: [1] }, "members.0"],
    ])("refuse %j naming the field", async (json, field) => {
      expect(await call("PUT", "groups/g", { json })).toMatchObject(refused(400, "bad_request", field));
    });

    test("refuse members who do not exist", async () => {
      const answer = await call("PUT", "groups/g", { json: { name: "x", members: ["nobody-at-all"] } });
      expect([400, 404]).toContain(answer.status);
      expect(answer.json.error.message).toContain("nobody-at-all");
    });
  });

  describe("tokens", () => {
    test("are shown once, listed without their secret, and end when they are deleted", async () => {
      const person = await addPerson(site);
      const expiresAt = "2100-01-01T00:00:00.000Z";
      const made = await post("tokens", { userId: person.id, name: "phone", expiresAt });
      expect(made.status).toBe(201);
      expect(made.json).toEqual({ id: expect.any(Number), token: expect.any(String), expiresAt });
      const headers = { Authorization: `Bearer ${made.json.token}` };
      expect((await site.client("GET", "/self", { headers })).json.id).toBe(person.uuid);

      const shown = { id: made.json.id, userId: person.id, organizationId: null, name: "phone", expiresAt };
      const one = await call("GET", `tokens/${made.json.id}`);
      expect(one.json).toEqual({ ...shown, createdAt: expect.stringMatching(TIME) });
      expect((await call("GET", `tokens?after=${made.json.id - 1}`)).json.items).toEqual([one.json]);
      expect(one.text).not.toContain(made.json.token);

      expect((await call("DELETE", `tokens/${made.json.id}`)).status).toBe(204);
      expect((await site.client("GET", "/self", { headers })).status).toBe(401);
      expect((await call("DELETE", `tokens/${made.json.id}`)).status).toBe(404);
      expect(await call("GET", `tokens/${made.json.id}`)).toMatchObject(refused(404, "not_found", "id"));
    });

    test("of organizations need no end", async () => {
      const org = await addOrg(site);
      const made = await post("tokens", { organizationId: org.id, name: "back office" });
      expect(made).toMatchObject({ status: 201, json: { expiresAt: null } });
    });

    test.each<[object, number, string]>([
      [{ name: "x" }, 400, "userId"],
      [{ name: "x", userId: 1, organizationId: 1 }, 400, "userId"],
      [{ name: "x", userId: 999_999_999 }, 404, "userId"],
      [{ name: "x", userId: 2 ** 60 }, 400, "userId"],
      [{ userId: 1 }, 400, "name"],
      [{ name: "x", userId: 1, expiresAt: "tomorrow" }, 400, "expiresAt"],
      [{ name: "x", userId: 1, expiresAt: "2001-01-01T00:00:00Z" }, 400, "expiresAt"],
    ])("refuse %j", async (json, status, field) => {
      const answer = await post("tokens", json);
      expect(answer).toMatchObject({ status, json: { error: { field } } });
    });
  });

  describe("events", () => {
    test("are put, read and deleted, and their chatroom follows", async () => {
      const org = await addOrg(site);
      const person = await addPerson(site, org);
      const path = `organizations/${org.id}/events/42`;
      const room = () =>
        site.client("GET", `/chatroom?organization_id=${org.id}&event_id=42`, { headers: org.auth });
      const json = { name: "Flood", endsAt: "2100-01-01T00:00:00+02:00", acceptedUsers: [person.id] };
      const put = await call("PUT", path, { json });
      expect(put.status).toBe(200);
      expect(put.json).toEqual({
        id: 42,
        organizationId: org.id,
        name: "Flood",
        endsAt: "2099-12-31T22:00:00.000Z",
        acceptedUsers: [person.id],
      });
      expect((await call("GET", path)).json).toEqual(put.json);
      expect((await room()).json).toMatchObject({ name: "Flood", assignedUsers: [person.id] });
      const renamed = await call("PUT", path, { json: { name: "Great flood", acceptedUsers: [] } });
      expect(renamed.json).toMatchObject({ endsAt: null, acceptedUsers: [] });
      expect((await room()).json).toMatchObject({ name: "Great flood", assignedUsers: [] });
      expect((await call("DELETE", path)).status).toBe(204);
      expect((await call("GET", path)).status).toBe(404);
      expect((await call("DELETE", path)).status).toBe(404);
      expect((await room()).status).toBe(404);
    });

    test.each<[string, object, number]>([
      ["42", { acceptedUsers: [] }, 400],
      ["42", { name: "x" }, 400],
      ["42", { name: "x", acceptedUsers: ["1"] }, 400],
      ["42", { name: "x", acceptedUsers: [], endsAt: "soon" }, 400],
      ["0", { name: "x", acceptedUsers: [] }, 400],
      ["x", { name: "x", acceptedUsers: [] }, 400],
      ["9223372036854775808", { name: "x", acceptedUsers: [] }, 400],
      ["9223372036854775807", { name: "x", acceptedUsers: [] }, 400],
    ])("%s with %j is %i", async (eventId, json, status) => {
      const org = await addOrg(site);
      const answer = await call("PUT", `organizations/${org.id}/events/${eventId}`, { json });
      expect(answer).toMatchObject(refused(status, "bad_request"));
    });
  });

  describe("lists", () => {
    test("are read page by page to the end, each item once", async () => {
      for (let n = 0; n < 5; n++) await addOrg(site);
      const seen: number[] = [];
      let after = 0;
      for (;;) {
        const { json } = await call("GET", `organizations?limit=2&after=${after}`);
        expect(Object.keys(json).sort()).toEqual(["items", "next"]);
        seen.push(...json.items.map((item: { id: number }) => item.id));
        if (json.next === null) break;
        expect(json.next).toBe(seen.at(-1));
        after = json.next;
      }
      const all = await call("GET", "organizations?limit=200");
      expect(all.json.items.map((item: { id: number }) => item.id)).toEqual(seen);
      expect(new Set(seen).size).toBe(seen.length);
    });

    test.each(["limit=0", "limit=201", "limit=x", "after=-1", "after=x", "after=9223372036854775808"])(
      "refuse %s",
      async (query) => {
        for (const path of ["organizations", "users", "tokens"]) {
          const answer = await call("GET", `${path}?${query}`);
          expect(answer).toMatchObject(refused(400, "bad_request", query.split("=")[0]));
        }
      },
    );
  });
});
