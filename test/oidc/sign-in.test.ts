import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { Browser } from "./browser.ts";
import { APP, type OidcSite, openOidcSite } from "./site.ts";

const verifierAndChallenge = () => {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
};

describeWith("postgres", "signing in with an identity provider", ({ postgres }) => {
  let site: OidcSite;
  beforeAll(async () => {
    site = await openOidcSite(postgres.url);
  });
  afterEach(() => {
    site.idp.tamper = null;
  });
  afterAll(() => site?.close());

  /** Somebody whom the provider knows. */
  function person(claims: Record<string, unknown> = {}): string {
    const subject = `s-${randomUUID()}`;
    site.idp.people.set(subject, { preferred_username: subject, name: "Ada", ...claims });
    return subject;
  }
  /** The user's number, for the admin API. */
  async function idOf(handle: string): Promise<number> {
    let next: number | null = 0;
    while (next !== null) {
      const { json } = await site.admin("GET", `/users?limit=200&after=${next}`);
      const found = json.items.find((user: { handle: string }) => user.handle === handle);
      if (found) return found.id;
      next = json.next;
    }
    throw new Error(`nobody is called ${handle}`);
  }
  const callback = (query: string) => `${site.url}/login/oidc/callback?${query}`;
  const isCallback = (url: URL) => url.pathname === "/login/oidc/callback";
  /** The address with which the provider sends a browser back, before the browser goes there. */
  async function answerFor(subject: string, browser: Browser, query = ""): Promise<URL> {
    site.idp.person = subject;
    return await browser.follow(`${site.url}/login/oidc${query}`, isCallback);
  }
  const appQuery = (challenge: string) =>
    `?${new URLSearchParams({ return: APP, code_challenge: challenge })}`;
  const exchange = (code: string | null, verifier: string) =>
    site.call("POST", "/login/oidc/token", { code, code_verifier: verifier });

  test("GET /login tells the ways to sign in", async () => {
    expect(await site.call("GET", "/login")).toEqual({
      status: 200,
      json: { password: true, oidc: { name: "127.0.0.1", url: `${site.url}/login/oidc` } },
    });
  });

  test("somebody new is made, and is the same person at the next sign-in, in any browser", async () => {
    const subject = person({ name: "  Ada  " });
    const browser = new Browser();
    const end = await site.signIn(subject, browser);
    expect(end.href).toBe(`${site.url}/#sign-in=done`);
    const self = await site.self(browser);
    expect(self).toMatchObject({ status: 200, json: { handle: subject, name: "Ada" } });
    const other = new Browser();
    await site.signIn(subject, other);
    expect((await site.self(other)).json.id).toBe(self.json.id);
    // The flow's cookie is gone, and the login's is as one by password: HttpOnly, strict, for /access alone.
    const cookies = [...(browser.cookies.get(site.url) ?? [])];
    expect(cookies.map(([name]) => name)).toEqual(["zuid"]);
    expect(cookies[0]?.[1].attributes.sort()).toEqual(["HttpOnly", "Path=/access", "SameSite=Strict"]);
  });

  test("several first sign-ins at once make one person", async () => {
    const subject = person();
    const browsers = Array.from({ length: 4 }, () => new Browser());
    const answers = await Promise.all(browsers.map((browser) => answerFor(subject, browser)));
    const pages = await Promise.all(browsers.map((browser, n) => browser.get(answers[n] as URL)));
    for (const { next } of pages) expect(next?.hash).toBe("#sign-in=done");
    const selves = await Promise.all(browsers.map((browser) => site.self(browser)));
    expect(new Set(selves.map(({ json }) => json.id)).size).toBe(1);
  });

  test("a handle that is somebody's, or is none, becomes another one; nobody is linked by it", async () => {
    const taken = `h-${randomUUID()}`;
    const made = await site.admin("POST", "/users", {
      handle: taken,
      displayName: "Eve",
      password: "long enough",
    });
    const browser = new Browser();
    await site.signIn(person({ preferred_username: taken.toUpperCase() }), browser);
    const { json } = await site.self(browser);
    expect(json.id).not.toBe(made.json.uuid);
    expect(json.handle).toMatch(new RegExp(`^${taken}-[0-9a-f]{12}$`, "i"));
    for (const preferred of [7, null, "", "a b/ü<b>", "x".repeat(5_000), { a: 1 }, ["ada"]]) {
      const odd = new Browser();
      const end = await site.signIn(person({ preferred_username: preferred }), odd);
      expect(end.hash, JSON.stringify(preferred)).toBe("#sign-in=done");
      expect((await site.self(odd)).json.handle).toMatch(/^[A-Za-z0-9_.@-]{1,64}$/);
    }
  });

  test("a name that is none by our rules is left out, and hostile text stays text", async () => {
    for (const name of [7, "", "\u0000", "\u200b", "\ud800", "x".repeat(3_000), ["Ada"], null]) {
      const browser = new Browser();
      const subject = person({ name });
      expect((await site.signIn(subject, browser)).hash).toBe("#sign-in=done");
      expect((await site.self(browser)).json.name).toBe(subject);
    }
    const browser = new Browser();
    await site.signIn(person({ name: "<img src=x onerror=alert(1)>" }), browser);
    expect((await site.self(browser)).json.name).toBe("<img src=x onerror=alert(1)>");
  });

  test("a name that changed at the provider changes here, and one that changed here stays until then", async () => {
    const subject = person({ name: "Ada" });
    const browser = new Browser();
    const nameAfterSignIn = async (name: string) => {
      site.idp.people.set(subject, { preferred_username: subject, name });
      await site.signIn(subject, browser);
      return (await site.self(browser)).json.name;
    };
    expect(await nameAfterSignIn("Ada")).toBe("Ada");
    await site.admin("PATCH", `/users/${await idOf(subject)}`, { displayName: "Countess" });
    expect(await nameAfterSignIn("Ada")).toBe("Countess");
    expect(await nameAfterSignIn("Ada Lovelace")).toBe("Ada Lovelace");
  });

  test("a browser that did not begin the sign-in gets nothing: no login CSRF, no fixation", async () => {
    const eve = new Browser();
    const answer = await answerFor(person(), eve);
    const victim = new Browser();
    const page = await victim.get(answer);
    expect(page).toMatchObject({ status: 303, next: { hash: "#sign-in=expired" } });
    expect([...(victim.cookies.get(site.url) ?? [])]).toEqual([]);
    // Nor one that began another.
    await answerFor(person(), victim);
    expect((await victim.get(answer)).next?.hash).toBe("#sign-in=expired");
    expect((await site.self(victim)).status).toBe(403);
  });

  test("a wrong state, none, and a flow that somebody made up sign nobody in", async () => {
    const browser = new Browser();
    const answer = await answerFor(person(), browser);
    const state = answer.searchParams.get("state") ?? "";
    const wrong = new URL(answer);
    wrong.searchParams.set("state", `${state.slice(0, -1)}${state.endsWith("A") ? "B" : "A"}`);
    expect((await browser.get(wrong)).next?.hash).toBe("#sign-in=expired");
    for (const query of ["", "code=x", "state=", "state=%00;a=b", `state=${"x".repeat(2_000)}`, "error=x"])
      expect((await browser.get(callback(query))).next?.hash).toBe("#sign-in=expired");
    const made = new Browser();
    const cookie = `oidc-${state.slice(0, 12)}=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c`;
    expect((await made.get(answer, { headers: { cookie } })).next?.hash).toBe("#sign-in=expired");
  });

  test("a code works once, also in the browser that got it", async () => {
    const browser = new Browser();
    const answer = await answerFor(person(), browser);
    const flow = new Map(browser.cookies.get(site.url));
    expect((await browser.get(answer)).next?.hash).toBe("#sign-in=done");
    expect((await browser.get(answer)).next?.hash).toBe("#sign-in=expired");
    // Also where the flow's cookie was kept.
    browser.cookies.set(site.url, flow);
    expect((await browser.get(answer)).next?.hash).toBe("#sign-in=failed");
  });

  test("a code that was injected from another sign-in is refused by PKCE", async () => {
    const [victim, eve] = [new Browser(), new Browser()];
    const stolen = await answerFor(person(), victim);
    const own = await answerFor(person(), eve);
    own.searchParams.set("code", stolen.searchParams.get("code") ?? "");
    expect((await eve.get(own)).next?.hash).toBe("#sign-in=failed");
  });

  test("an answer that names another issuer is refused: no mix-up", async () => {
    const browser = new Browser();
    const answer = await answerFor(person(), browser);
    expect(answer.searchParams.get("iss")).toBe(site.idp.issuer);
    answer.searchParams.set("iss", "https://evil.example.org");
    expect((await browser.get(answer)).next?.hash).toBe("#sign-in=failed");
  });

  test.each([
    ["another nonce", (claims: object) => ({ ...claims, nonce: "another" })],
    ["no nonce", (claims: object) => ({ ...claims, nonce: undefined })],
    ["another audience", (claims: object) => ({ ...claims, aud: "another" })],
    ["another issuer", (claims: object) => ({ ...claims, iss: "https://evil.example.org" })],
    ["an expired token", (claims: object) => ({ ...claims, exp: Math.floor(Date.now() / 1_000) - 60 })],
    ["another subject than the userinfo", (claims: object) => ({ ...claims, sub: "another" })],
    ["a subject that is too long", (claims: object) => ({ ...claims, sub: "s".repeat(300) })],
    ["no ID token", () => null],
  ])("%s signs nobody in", async (_, tamper) => {
    site.idp.tamper = tamper;
    const browser = new Browser();
    expect((await site.signIn(person(), browser)).hash).toBe("#sign-in=failed");
    expect((await site.self(browser)).status).toBe(403);
  });

  test("a key that is new signs people in; at the latest at the second try", async () => {
    await site.signIn(person());
    await site.idp.rotate();
    const browser = new Browser();
    const subject = person();
    const first = await site.signIn(subject, browser);
    expect(["#sign-in=done", "#sign-in=failed"]).toContain(first.hash);
    expect((await site.signIn(subject, browser)).hash).toBe("#sign-in=done");
  });

  test("an ID token with another's signature, or none, signs nobody in", async () => {
    const { sign } = site.idp;
    site.idp.sign = async (claims) => {
      const [header, payload] = (await sign(claims)).split(".");
      return `${header}.${payload}.${randomBytes(256).toString("base64url")}`;
    };
    expect((await site.signIn(person())).hash).toBe("#sign-in=failed");
    site.idp.sign = async (claims) => {
      const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
      return `${none}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;
    };
    expect((await site.signIn(person())).hash).toBe("#sign-in=failed");
    site.idp.sign = sign;
  });

  test("somebody who presses Cancel at the provider is told so, without the provider's words", async () => {
    site.idp.person = null;
    const browser = new Browser();
    const answer = await browser.follow(`${site.url}/login/oidc`, isCallback);
    expect(answer.searchParams.get("error")).toBe("access_denied");
    const page = await browser.get(answer);
    expect(page.next?.href).toBe(`${site.url}/#sign-in=denied`);
    expect(page.text).not.toContain("script");
  });

  test.each([
    "https://evil.example.org/",
    "//evil.example.org",
    "/\\evil.example.org",
    "\\\\evil.example.org",
    "https://app.example.org@evil.example.org/",
    "https://app.example.org.evil.example.org/",
    "http://app.example.org/",
    "https://user:pw@app.example.org/",
    "javascript:alert(1)",
    "data:text/html,x",
    "com.example.application:/x",
    "/\t/evil.example.org",
    "/a\r\nSet-Cookie: zuid=x",
    `/${"ü".repeat(400)}`,
  ])("nobody is sent to %j after signing in", async (target) => {
    const { challenge } = verifierAndChallenge();
    const query = new URLSearchParams({ return: target, code_challenge: challenge });
    const page = await new Browser().get(`${site.url}/login/oidc?${query}`);
    expect(page).toMatchObject({ status: 400, next: null });
    expect(JSON.parse(page.text).message).toMatch(/^return must be/);
  });

  test("a page of this server is gone back to, with its query", async () => {
    const end = await site.signIn(person(), new Browser(), `?return=${encodeURIComponent("/web/x?a=1#b")}`);
    expect(end.href).toBe(`${site.url}/web/x?a=1#sign-in=done`);
  });

  test("the longest address that may be gone back to fits into the flow's cookie", async () => {
    const page = `/${"x".repeat(2_000 - site.url.length - 1)}`;
    const browser = new Browser();
    const end = await site.signIn(person(), browser, `?return=${page}`);
    expect(end.href).toBe(`${site.url}${page}#sign-in=done`);
    await answerFor(person(), browser, `?return=${page}`);
    const flow = [...(browser.cookies.get(site.url) ?? [])].find(([name]) => name.startsWith("oidc-"));
    expect(`${flow?.[0]}=${flow?.[1].value}`.length).toBeLessThan(4_096);
  });

  test("an app gets a code that only its verifier exchanges, once, and no cookie", async () => {
    const { verifier, challenge } = verifierAndChallenge();
    const browser = new Browser();
    const subject = person();
    const end = await site.signIn(subject, browser, appQuery(challenge));
    expect(end.href).toMatch(/^com\.example\.app:\/signed-in\?code=cwx_[\w-]{43}$/);
    expect([...(browser.cookies.get(site.url)?.keys() ?? [])]).toEqual([]);
    const code = end.searchParams.get("code");
    const granted = await exchange(code, verifier);
    expect(granted).toMatchObject({ status: 200, json: { token_type: "Bearer", expires_in: 900 } });
    const authorization = `Bearer ${granted.json.access_token}`;
    expect((await site.call("GET", "/self", undefined, { authorization })).json.handle).toBe(subject);
    const { refresh_token } = granted.json;
    expect((await site.call("POST", "/access", { refresh_token })).json.user).toBe(granted.json.user);
    expect(await exchange(code, verifier)).toMatchObject({
      status: 403,
      json: { label: "invalid-credentials" },
    });
  });

  test("a code that reached another app is of no use there, and not afterwards", async () => {
    const [ours, theirs] = [verifierAndChallenge(), verifierAndChallenge()];
    const end = await site.signIn(person(), new Browser(), appQuery(ours.challenge));
    const code = end.searchParams.get("code");
    expect((await exchange(code, theirs.verifier)).status).toBe(403);
    expect((await exchange(code, ours.verifier)).status).toBe(403);
    expect((await exchange("cwx_none", ours.verifier)).status).toBe(403);
    expect((await exchange("", "")).status).toBe(403);
    expect((await site.call("POST", "/login/oidc/token", { code: 7 })).status).toBe(400);
  });

  test("an app without a challenge does not begin", async () => {
    for (const challenge of ["", "short", "x".repeat(44), "+".repeat(43)]) {
      const page = await new Browser().get(`${site.url}/login/oidc${appQuery(challenge)}`);
      expect(page.status, challenge).toBe(400);
    }
    expect((await new Browser().get(`${site.url}/login/oidc?return=${APP}`)).status).toBe(400);
  });

  test("ending all logins of somebody ends codes that wait", async () => {
    const { verifier, challenge } = verifierAndChallenge();
    const browser = new Browser();
    const subject = person();
    await site.signIn(subject, browser);
    const id = await idOf(subject);
    const end = await site.signIn(subject, new Browser(), appQuery(challenge));
    expect((await site.admin("DELETE", `/users/${id}/logins`)).status).toBe(204);
    expect((await exchange(end.searchParams.get("code"), verifier)).status).toBe(403);
    expect((await site.self(browser)).status).toBe(403);
    // Whom the operators delete is somebody new at the next sign-in.
    await site.admin("DELETE", `/users/${id}`);
    const again = new Browser();
    expect((await site.signIn(subject, again)).hash).toBe("#sign-in=done");
    const self = await site.self(again);
    expect(self.json.handle).toMatch(new RegExp(`^${subject}-[0-9a-f]{12}$`));
  });

  test("administrators and e-mail addresses are linked by nothing that the provider says", async () => {
    const email = `${randomUUID()}@example.org`;
    const made = await site.admin("POST", "/users", { handle: randomUUID(), email, password: "long enough" });
    const browser = new Browser();
    await site.signIn(person({ email, email_verified: true }), browser);
    const { json } = await site.self(browser);
    expect(json.id).not.toBe(made.json.uuid);
    expect(json.email).toBeUndefined();
  });
});
