/** Signing in as Wire's clients do (reference §A.2), over the real domain on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { fakeApp } from "../http/fake-parts.ts";
import type { Answer, Client } from "../http/http-client.ts";
import { ADMIN, addOrg, addPerson, openSite, type Person, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";

const refused = (code: number, label: string, message: string | RegExp) => ({
  status: code,
  json: { code, label, message: expect.stringMatching(message) },
});

/** The cookie of an answer: its value, and its attributes in lower case. */
function cookieOf({ headers }: Answer): { value: string; attributes: string[] } {
  const [pair = "", ...attributes] = (headers.get("set-cookie") ?? "").split("; ");
  expect(pair).toMatch(/^zuid=/);
  return { value: pair.slice("zuid=".length), attributes: attributes.map((text) => text.toLowerCase()) };
}

describe("logins that are too frequent", () => {
  test("[A.2] are 429 client-error with Retry-After", async () => {
    const login = () =>
      Promise.reject(new DomainError("rate_limited", "Logins too frequent", { retryAfterMs: 90_000 }));
    const answer = await fakeApp({ accounts: { login } })("POST", "/login", {
      json: { handle: "a", password: "b" },
    });
    expect(answer).toMatchObject(refused(429, "client-error", "Logins too frequent"));
    expect(answer.headers.get("retry-after")).toBe("90");
  });
});

describeWith("postgres", "signing in", ({ postgres }) => {
  let site: Site;
  let client: Client;
  let ada: Person;
  let team: string;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    client = site.client;
    const org = await addOrg(site);
    team = org.uuid;
    ada = await addPerson(site, org);
  });
  afterAll(() => site?.close());

  const login = (json: object = { handle: ada.handle, password: "secret" }, query = "") =>
    client("POST", `/login${query}`, { json });
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const cookie = (value: string) => ({ Cookie: `zuid=${value}` });

  describe("refresh tokens", () => {
    const renew = (token: unknown, headers: Record<string, string> = {}) =>
      client("POST", "/access", { json: { refresh_token: token }, headers });

    test("[GW-17.7] renew the access token once each, without a cookie", async () => {
      const { json: first } = await login({ handle: ada.handle, password: "secret", refresh: true });
      expect(first.refresh_token).toMatch(/^cwr_/);
      const renewed = await renew(first.refresh_token);
      expect(renewed).toMatchObject({ status: 200, json: { user: ada.uuid, expires_in: 900 } });
      expect(renewed.json.refresh_token).not.toBe(first.refresh_token);
      expect((await renew(first.refresh_token)).json.refresh_token).toBe(renewed.json.refresh_token);
      const headers = bearer(renewed.json.access_token);
      expect((await client("GET", "/self", { headers })).status).toBe(200);
      const invalid = refused(403, "invalid-credentials", "Invalid refresh token");
      expect(await renew(first.refresh_token, { "User-Agent": "Thief" })).toMatchObject(invalid);
      expect((await client("GET", "/self", { headers })).status).toBe(401);
      expect(await renew(renewed.json.refresh_token)).toMatchObject(invalid);
    });

    test("[GW-17.7] end their login at /access/logout", async () => {
      const { json } = await login({ handle: ada.handle, password: "secret", refresh: true });
      const logout = () => client("POST", "/access/logout", { json: { refresh_token: json.refresh_token } });
      expect((await logout()).status).toBe(200);
      expect((await client("GET", "/self", { headers: bearer(json.access_token) })).status).toBe(401);
      expect((await logout()).status).toBe(403);
      expect((await renew(json.refresh_token)).status).toBe(403);
      expect((await renew(7)).status).toBe(400);
    });

    test("[GW-17.7] are answered to those who ask for one", async () => {
      expect((await login()).json).not.toHaveProperty("refresh_token");
    });
  });

  describe("/login", () => {
    test("[A.2] answers an access token of 15 minutes and a session cookie", async () => {
      const answer = await login();
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        user: ada.uuid,
        access_token: expect.any(String),
        token_type: "Bearer",
        expires_in: 900,
      });
      const { value, attributes } = cookieOf(answer);
      expect(value.length).toBeGreaterThan(20);
      expect(attributes).toEqual(["path=/access", "httponly", "secure", "samesite=strict"]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    });

    test("[A.2] takes the e-mail address in any case, and ignores what it does not know", async () => {
      const json = {
        email: ada.email?.toUpperCase(),
        password: "secret",
        label: "phone",
        verification_code: "1",
      };
      expect((await login(json)).json.user).toBe(ada.uuid);
    });

    test("[A.2] persist=true makes a cookie that outlives the browser", async () => {
      const { attributes } = cookieOf(await login(undefined, "?persist=true"));
      const expires = attributes.find((text) => text.startsWith("expires="))?.slice("expires=".length) ?? "";
      const days = (Date.parse(expires) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(55);
      expect(days).toBeLessThan(57);
      expect(cookieOf(await login(undefined, "?persist=false")).attributes).toEqual([
        "path=/access",
        "httponly",
        "secure",
        "samesite=strict",
      ]);
    });

    test("[A.2] marks the cookie Secure where PUBLIC_URL is https, and except on plain loopback", async () => {
      const local = "http://127.0.0.1:8080";
      for (const [origin, publicUrl, secure] of [
        [local, local, false],
        ["http://localhost:8080", local, false],
        ["http://[::1]:8080", local, false],
        ["https://127.0.0.1", local, true],
        ["http://chat.example.org", local, true],
        ["http://localhost.example.org", local, true],
        [local, "https://chat.example.org", true],
      ] as const) {
        const signIn = fakeApp({
          publicUrl: () => publicUrl,
          accounts: {
            login: async () => ({
              user: ada,
              accessToken: "cwa_x",
              expiresIn: 900,
              cookie: "cwc_x",
              cookieExpiresAt: Date.now(),
              refreshToken: null,
            }),
          },
        });
        const answer = await signIn("POST", "/login", { json: { handle: "a", password: "b" }, origin });
        const { attributes } = cookieOf(answer);
        expect(attributes.includes("secure"), `${origin} ${publicUrl}`).toBe(secure);
        expect(attributes).toContain("samesite=strict");
      }
    });

    test("[A.2] [A.7.15] is 403 invalid-credentials alike for a bad password and an unknown person", async () => {
      const answers = [
        await login({ handle: ada.handle, password: "wrong" }),
        await login({ handle: "nobody", password: "secret" }),
        await login({ email: "nobody@example.org", password: "secret" }),
        await login({ phone: "+491234", password: "secret" }),
        await login({ handle: `${ada.handle}\u0130`, password: "x".repeat(1_000) }),
      ];
      for (const answer of answers) {
        expect(answer).toMatchObject(refused(403, "invalid-credentials", /^Authentication failed\.$/));
        expect(answer.headers.has("set-cookie")).toBe(false);
      }
    });

    test.each<[object, string]>([
      [{ password: "secret" }, "email or handle is required"],
      [{ handle: "ada" }, "password is required"],
      [{ handle: 5, password: "x" }, "handle must be"],
      [{ handle: "ada", password: 5 }, "password must be"],
      [{ handle: "ada", password: "x".repeat(2_000) }, "password must be"],
      [{ handle: "a\0", password: "x" }, "handle must be"],
    ])("[A.2] refuses %j with 400", async (json, message) => {
      expect(await login(json)).toMatchObject(refused(400, "bad-request", message));
    });

    test("refuses a persist that is no boolean", async () => {
      expect(await login(undefined, "?persist=maybe")).toMatchObject(
        refused(400, "bad-request", "persist must be"),
      );
    });
  });

  describe("/access", () => {
    test("[A.2] renews the access token by the cookie, and sets none", async () => {
      const first = await login();
      const { value } = cookieOf(first);
      for (const headers of [cookie(value), { ...cookie(value), ...bearer(first.json.access_token) }]) {
        const answer = await client("POST", "/access", { headers });
        expect(answer.status).toBe(200);
        expect(answer.json).toEqual({ ...first.json, access_token: expect.any(String) });
        expect(answer.headers.has("set-cookie")).toBe(false);
        const self = await client("GET", "/self", { headers: bearer(answer.json.access_token) });
        expect(self.json.id).toBe(ada.uuid);
      }
    });

    test("accepts an old access token that is over", async () => {
      const { value } = cookieOf(await login());
      const gone = `cwa_${"A".repeat(43)}`;
      const answer = await client("POST", `/access?access_token=${gone}`, { headers: cookie(value) });
      expect(answer.status).toBe(200);
    });

    test("[A.2] renews a persistent cookie that has had half of its time, and never one of a session", async () => {
      const access = async (query: string) => {
        const { value } = cookieOf(await login(undefined, query));
        await site.store.sql`update logins set expires_at = expires_at - ${29 * 86_400_000} where persistent`;
        return [value, await client("POST", "/access", { headers: cookie(value) })] as const;
      };
      const [old, renewal] = await access("?persist=true");
      const { value, attributes } = cookieOf(renewal);
      expect(value).not.toBe(old);
      expect(attributes.some((text) => text.startsWith("expires="))).toBe(true);
      const again = async (each: string) =>
        (await client("POST", "/access", { headers: cookie(each) })).status;
      expect([await again(value), await again(old)], "the old one ends").toEqual([200, 403]);
      const [, ofSession] = await access("");
      expect(ofSession.status).toBe(200);
      expect(ofSession.headers.has("set-cookie")).toBe(false);
    });

    test("leaves the cookie as it is when the old access token is somebody else's", async () => {
      const { value } = cookieOf(await login(undefined, "?persist=true"));
      await site.store.sql`update logins set expires_at = expires_at - ${29 * 86_400_000} where persistent`;
      const bob = await addPerson(site);
      const bobs = (await login({ handle: bob.handle, password: "secret" })).json.access_token;
      const access = (more: object) => client("POST", "/access", { headers: { ...cookie(value), ...more } });
      expect(await access(bearer(bobs))).toMatchObject(
        refused(403, "invalid-credentials", "Invalid access token"),
      );
      const renewal = await access({});
      expect(renewal.status).toBe(200);
      expect(cookieOf(renewal).value).not.toBe(value);
    });

    test("[A.2] is 403 without a cookie, with a wrong one, and with somebody else's token", async () => {
      const { value } = cookieOf(await login());
      const bob = await addPerson(site);
      const bobs = (await login({ handle: bob.handle, password: "secret" })).json.access_token;
      const access = (headers: Record<string, string>) => client("POST", "/access", { headers });
      expect(await access({})).toMatchObject(refused(403, "invalid-credentials", "Missing cookie"));
      expect(await access(cookie(""))).toMatchObject(refused(403, "invalid-credentials", "Missing cookie"));
      expect(await access(cookie("nonsense"))).toMatchObject(
        refused(403, "invalid-credentials", "Invalid user token"),
      );
      for (const token of [bobs, "nonsense"]) {
        expect(await access({ ...cookie(value), ...bearer(token) })).toMatchObject(
          refused(403, "invalid-credentials", "Invalid access token"),
        );
      }
    });
  });

  describe("/access/logout", () => {
    test("[A.2] ends the login, its cookie and its access tokens", async () => {
      const first = await login();
      const { value } = cookieOf(first);
      const headers = { ...cookie(value), ...bearer(first.json.access_token) };
      const answer = await client("POST", "/access/logout", { headers });
      expect(answer).toMatchObject({ status: 200, text: "" });
      expect(cookieOf(answer)).toEqual({
        value: "",
        attributes: expect.arrayContaining(["max-age=0", "path=/access"]),
      });
      expect(await client("POST", "/access", { headers: cookie(value) })).toMatchObject(
        refused(403, "invalid-credentials", "Invalid user token"),
      );
      expect((await client("GET", "/self", { headers: bearer(first.json.access_token) })).status).toBe(401);
    });

    test("[A.2] says what is missing", async () => {
      const first = await login();
      const { value } = cookieOf(first);
      const logout = (headers: Record<string, string>) => client("POST", "/access/logout", { headers });
      const label = "invalid-credentials";
      expect(await logout({})).toMatchObject(refused(403, label, /^Missing cookie and token$/));
      expect(await logout(bearer(first.json.access_token))).toMatchObject(
        refused(403, label, /^Missing cookie$/),
      );
      expect((await client("POST", "/access", { headers: cookie(value) })).status).toBe(200);
    });

    test("takes the cookie alone, or with an access token that ran out", async () => {
      for (const token of [null, `cwa_${"A".repeat(43)}`]) {
        const { value } = cookieOf(await login());
        const headers = { ...cookie(value), ...(token !== null && bearer(token)) };
        expect((await client("POST", "/access/logout", { headers })).status).toBe(200);
        expect((await client("POST", "/access", { headers: cookie(value) })).status).toBe(403);
      }
    });
  });

  describe("one's own account", () => {
    async function signedIn() {
      const person = await addPerson(site);
      const { json } = await login({ handle: person.handle, password: "secret" });
      const headers = bearer(json.access_token);
      const ask = (method: string, path: string, body?: object) =>
        client(method, path, { headers, ...(body && { json: body }) });
      return { person, ask };
    }
    const wrong = refused(403, "invalid-credentials", "password is wrong");

    test("[GW-17.1] [GW-17.5] [GW-17.6] has a profile, a password and logins at /self", async () => {
      const { person, ask } = await signedIn();
      const privacy = { receipts: "contacts", lastSeen: "nobody" };
      const changed = await ask("PUT", "/self", { name: "Ada L.", status: "At sea", privacy });
      expect(changed).toMatchObject({ status: 200, json: { name: "Ada L.", status: "At sea", privacy } });
      expect((await ask("GET", "/self")).json).toEqual(changed.json);
      expect((await ask("PUT", "/self", { status: "s".repeat(141) })).status).toBe(400);
      await login({ handle: person.handle, password: "secret" });
      const { json } = await ask("GET", "/self/sessions");
      expect(json.sessions).toHaveLength(2);
      expect((await ask("DELETE", "/self/sessions")).json).toEqual({ ended: 1 });
      const passwords = { old_password: "secret", new_password: "another secret" };
      expect(await ask("PUT", "/self/password", { ...passwords, old_password: "no" })).toMatchObject(wrong);
      expect((await ask("PUT", "/self/password", passwords)).status).toBe(200);
      expect((await login({ handle: person.handle, password: "secret" })).status).toBe(403);
      const [own] = (await ask("GET", "/self/sessions")).json.sessions;
      expect((await ask("DELETE", `/self/sessions/${own.id}`)).json).toEqual({ ended: 1 });
      expect((await ask("GET", "/self")).status).toBe(401);
    });

    test("[GW-17.10] is deleted with the password", async () => {
      const { person, ask } = await signedIn();
      expect(await ask("DELETE", "/self", { password: "no" })).toMatchObject(wrong);
      expect(await ask("DELETE", "/self", { password: "secret", erase: true })).toMatchObject({
        ...{ status: 200, json: { erased: true } },
      });
      expect((await ask("GET", "/self")).status).toBe(401);
      expect((await login({ handle: person.handle, password: "secret" })).status).toBe(403);
    });
  });

  describe("/self", () => {
    test("[A.2] is the caller's profile, in the shape that Wire's clients read", async () => {
      const { json } = await login();
      const self = await client("GET", "/self", { headers: bearer(json.access_token) });
      expect(self.status).toBe(200);
      expect(self.json).toEqual({
        id: ada.uuid,
        qualified_id: { id: ada.uuid, domain: "chat.example.org" },
        name: ada.displayName,
        picture: [],
        assets: [],
        email: ada.email,
        accent_id: 0,
        locale: "en",
        managed_by: "wire",
        privacy: { receipts: "everybody", lastSeen: "everybody" },
        handle: ada.handle,
        team,
      });
      expect((await client("GET", `/self/?access_token=${json.access_token}`)).json).toEqual(self.json);
    });

    test("[A.2] leaves out what the caller has not", async () => {
      const made = await client("POST", "/admin/v1/users", {
        headers: ADMIN,
        json: { handle: "lone", password: "secret" },
      });
      expect(made.status).toBe(201);
      const { json } = await login({ handle: "lone", password: "secret" });
      const self = await client("GET", "/self", { headers: bearer(json.access_token) });
      expect(self.json).not.toHaveProperty("email");
      expect(self.json).not.toHaveProperty("team");
    });

    test("[A.2] takes a personal access token, and is 401 for everything else", async () => {
      const org = await addOrg(site);
      const personal = await client("GET", "/self", { headers: bearer(ada.auth["Personal-Access-Token"]) });
      expect(personal.json.id).toBe(ada.uuid);
      for (const headers of [
        {},
        bearer("nonsense"),
        bearer(org.auth["API-TOKEN"]),
        ADMIN,
        { Authorization: "Basic YTpi" },
      ]) {
        const answer = await client("GET", "/self", { headers });
        expect(answer).toMatchObject(refused(401, "invalid-credentials", /./));
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    });
  });
});
