import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { Browser } from "./browser.ts";
import { CLIENT } from "./identity-provider.ts";
import { APP, type OidcSite, openOidcSite } from "./site.ts";

const EVENT = { "http://schemas.openid.net/event/backchannel-logout": {} };
const seconds = () => Math.floor(Date.now() / 1_000);

describeWith("postgres", "signing out with an identity provider", ({ postgres }) => {
  let site: OidcSite;
  beforeAll(async () => {
    site = await openOidcSite(postgres.url);
    site.idp.open({
      redirect_uris: [`${site.url}/login/oidc/callback`],
      post_logout_redirect_uris: [`${site.url}/`],
      backchannel_logout_uri: `${site.url}/login/oidc/backchannel-logout`,
      backchannel_logout_session_required: true,
    });
  });
  afterAll(() => site?.close());

  interface SignedIn {
    subject: string;
    /** The provider's session. */
    session: string;
    browser: Browser;
    token: string;
  }
  async function signedIn(subject = `o-${randomUUID()}`): Promise<SignedIn> {
    site.idp.people.set(subject, { preferred_username: subject });
    let session = "";
    site.idp.tamper = (claims) => {
      session = String(claims.sid);
      return claims;
    };
    const browser = new Browser();
    expect((await site.signIn(subject, browser)).hash).toBe("#sign-in=done");
    site.idp.tamper = null;
    const granted = await browser.get(`${site.url}/access`, { method: "POST" });
    return { subject, session, browser, token: JSON.parse(granted.text).access_token };
  }
  const isIn = async ({ browser, token }: SignedIn) => {
    const byToken = await site.call("GET", "/self", undefined, { authorization: `Bearer ${token}` });
    const byCookie = await site.self(browser);
    expect(byToken.status === 200).toBe(byCookie.status === 200);
    return byToken.status === 200;
  };
  async function logout(token: string): Promise<number> {
    const body = new URLSearchParams({ logout_token: token });
    return (await fetch(`${site.url}/login/oidc/backchannel-logout`, { method: "POST", body })).status;
  }
  const logoutToken = (
    claims: Record<string, unknown>,
    header: { alg?: string; typ?: string } = { typ: "logout+jwt" },
  ) =>
    site.idp.sign(
      {
        ...{ iss: site.idp.issuer, aud: CLIENT.id, iat: seconds(), exp: seconds() + 120 },
        ...{ jti: randomUUID(), events: EVENT, ...claims },
      },
      header,
    );

  test("a logout token of a session ends that session's login and no other", async () => {
    const ada = await signedIn();
    const [other, eve] = [await signedIn(ada.subject), await signedIn()];
    expect(await logout(await logoutToken({ sub: ada.subject, sid: ada.session }))).toBe(200);
    expect([await isIn(ada), await isIn(other), await isIn(eve)]).toEqual([false, true, true]);
    // By the session alone, too.
    expect(await logout(await logoutToken({ sid: other.session }))).toBe(200);
    expect([await isIn(other), await isIn(eve)]).toEqual([false, true]);
  });

  test("a logout token of a person ends all of their logins, and nobody else's", async () => {
    const ada = await signedIn();
    const [again, eve] = [await signedIn(ada.subject), await signedIn()];
    expect(await logout(await logoutToken({ sub: ada.subject }))).toBe(200);
    expect([await isIn(ada), await isIn(again), await isIn(eve)]).toEqual([false, false, true]);
    expect(await isIn(await signedIn(eve.subject))).toBe(true);
  });

  test("a session of one person and the name of another end nothing", async () => {
    const [ada, eve] = [await signedIn(), await signedIn()];
    expect(await logout(await logoutToken({ sub: eve.subject, sid: ada.session }))).toBe(200);
    expect([await isIn(ada), await isIn(eve)]).toEqual([true, true]);
  });

  test("an old token that is repeated ends no login that began since", async () => {
    const ada = await signedIn();
    expect(await logout(await logoutToken({ sub: ada.subject, iat: seconds() - 120 }))).toBe(200);
    expect(await isIn(ada)).toBe(true);
  });

  test("nothing but a logout token of the provider ends anything", async () => {
    const ada = await signedIn();
    const { subject: sub } = ada;
    const good = await logoutToken({ sub });
    const wrong = [
      await logoutToken({ sub, iss: "https://evil.example.org" }),
      await logoutToken({ sub, aud: "another" }),
      await logoutToken({ sub, nonce: "n" }),
      await logoutToken({ sub, events: undefined }),
      await logoutToken({ sub, events: "http://schemas.openid.net/event/backchannel-logout" }),
      await logoutToken({ sub, events: { other: {} } }),
      await logoutToken({ sub, jti: undefined }),
      await logoutToken({ sub, iat: undefined }),
      await logoutToken({ sub, iat: seconds() - 600 }),
      await logoutToken({ sub, exp: seconds() - 120 }),
      await logoutToken({ sub }, { typ: "at+jwt" }),
      await logoutToken({}),
      await logoutToken({ sub: "", sid: "" }),
      await logoutToken({ sub: { a: 1 } }),
      `${good.split(".").slice(0, 2).join(".")}.`,
      `${good.slice(0, -8)}AAAAAAAA`,
      `eyJhbGciOiJub25lIn0.${good.split(".")[1]}.`,
      "x".repeat(9_000),
      "",
    ];
    for (const token of wrong) expect(await logout(token), token.slice(0, 200)).toBe(400);
    const empty = await fetch(`${site.url}/login/oidc/backchannel-logout`, { method: "POST" });
    expect(empty.status).toBe(400);
    expect(await isIn(ada)).toBe(true);
    expect(await logout(good)).toBe(200);
    expect(await isIn(ada)).toBe(false);
  });

  test("signing out at the provider ends the login here, by its back channel", async () => {
    const ada = await signedIn();
    const { browser } = ada;
    const start = await browser.get(`${site.url}/login/oidc/logout`);
    expect(start).toMatchObject({ status: 303, next: { origin: site.idp.issuer } });
    const asked = await browser.get(start.next as URL);
    const [, xsrf = ""] = /name="xsrf" value="([^"]+)"/.exec(asked.text) ?? [];
    const confirmed = await browser.get(`${site.idp.issuer}/session/end/confirm`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: String(new URLSearchParams({ xsrf, logout: "yes" })),
    });
    expect(confirmed.next?.href).toBe(`${site.url}/`);
    expect(await isIn(ada)).toBe(false);
  });
});

describeWith("postgres", "an identity provider that is away", ({ postgres }) => {
  let site: OidcSite;
  beforeAll(async () => {
    site = await openOidcSite(postgres.url);
    site.idp.away();
  });
  afterAll(() => site?.close());

  test("holds nothing else up: the server starts, is ready, and says what to do", async () => {
    const begun = await new Browser().get(`${site.url}/login/oidc`);
    expect(begun.next?.href).toBe(`${site.url}/#sign-in=unavailable`);
    const query = new URLSearchParams({ return: APP, code_challenge: "x".repeat(43) });
    const app = await new Browser().get(`${site.url}/login/oidc?${query}`);
    expect(app.next?.href).toBe(`${APP}?error=unavailable`);
    const ready = await site.call("GET", "/readyz");
    expect(ready).toMatchObject({ status: 200, json: { parts: { oidc: { ok: false, degraded: true } } } });
    const handle = randomUUID();
    await site.admin("POST", "/users", { handle, password: "long enough" });
    expect((await site.call("POST", "/login", { handle, password: "long enough" })).status).toBe(200);
    expect((await site.call("GET", "/login")).json.oidc).toBeDefined();
    expect((await site.call("GET", "/login/oidc/logout")).status).toBe(503);
    expect((await new Browser().get(`${site.url}/login/oidc/callback`)).next?.hash).toBe("#sign-in=expired");
  });
});
