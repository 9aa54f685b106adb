import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, clientOf } from "../http/http-client.ts";
import { describeWith } from "../services/need.ts";
import { type TestApp, testApp } from "../test-app.ts";
import { fakeOidc, STATE } from "./fake-provider.ts";

const PUBLIC_URL = "https://chat.example.org/chat";

describeWith("postgres", "signing in with an identity provider below a path", ({ postgres }) => {
  let app: TestApp;
  let client: Client;
  beforeAll(async () => {
    const person = { issuer: "https://id.example.org", subject: randomUUID(), session: null, claims: {} };
    app = await testApp({ databaseUrl: postgres.url, oidc: fakeOidc(() => person) });
    client = clientOf(app.http({ publicUrl: () => PUBLIC_URL }));
  });
  afterAll(() => app?.close());

  test("addresses and cookies have the path that the proxy takes away", async () => {
    const begun = await client("GET", "/login/oidc");
    const redirectUri = new URL(begun.headers.get("location") ?? "").searchParams.get("redirect_uri");
    expect(redirectUri).toBe(`${PUBLIC_URL}/login/oidc/callback`);
    const [flow = "", ...attributes] = (begun.headers.get("set-cookie") ?? "").split("; ");
    expect(attributes.sort()).toEqual([
      "HttpOnly",
      "Max-Age=600",
      "Path=/chat/login/oidc/callback",
      "SameSite=Lax",
      "Secure",
    ]);
    const query = new URLSearchParams({ state: STATE, code: "c" });
    const ended = await client("GET", `/login/oidc/callback?${query}`, { headers: { cookie: flow } });
    expect(ended.headers.get("location")).toBe(`${PUBLIC_URL}/#sign-in=done`);
    const [dropped, login] = ended.headers.getSetCookie();
    expect(dropped).toMatch(/^oidc-s{12}=; Max-Age=0; Path=\/chat\/login\/oidc\/callback;/);
    expect(login).toMatch(/^zuid=cwc_.*; Path=\/chat\/access;/);
    const signedOut = await client("GET", "/login/oidc/logout");
    expect(signedOut.headers.get("location")).toBe(`${PUBLIC_URL}/`);
  });
});
