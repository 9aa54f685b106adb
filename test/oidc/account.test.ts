/** One's own account for people whom an identity provider signs in, and who have no password. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { Browser } from "./browser.ts";
import { type OidcSite, openOidcSite } from "./site.ts";

const PASSWORD = "battery staple";
const AGAIN = { code: "unauthorized", message: expect.stringMatching(/^Sign in again/) };

describeWith("postgres", "the account of somebody without a password", ({ postgres }) => {
  let site: OidcSite;
  let store: PostgresStore;
  beforeAll(async () => {
    site = await openOidcSite(postgres.url);
    store = await openStore({
      ...{ databaseUrl: postgres.url, maxConnections: 1, logger: createLogger("silent") },
    });
  });
  afterAll(async () => {
    await store?.close();
    await site?.close();
  });

  async function signedIn(subject = `a-${randomUUID()}`) {
    site.idp.people.set(subject, { preferred_username: subject });
    const browser = new Browser();
    expect((await site.signIn(subject, browser)).hash).toBe("#sign-in=done");
    const granted = await browser.get(`${site.url}/access`, { method: "POST" });
    const token: string = JSON.parse(granted.text).access_token;
    const headers = { authorization: `Bearer ${token}` };
    const ask = (method: string, path: string, body?: object) => site.call(method, path, body, headers);
    return { subject, browser, token, ask };
  }

  async function enter(token: string) {
    const client = await RawClient.connect(site.url);
    expect((await client.hello(token)).op).toBe("ready");
    let refs = 0;
    return { client, say: (op: string, more: object) => client.ask({ op, ref: `${refs++}`, ...more }) };
  }

  /** Makes the person's logins so old, as renewals would leave them. */
  const age = (subject: string, ms = 600_001) =>
    store.sql`update logins set started_at = started_at - ${ms}
      where user_id = (select id from users where handle = ${subject})`;

  test("[GW-17.11] deletes it by socket after signing in again", async () => {
    const { subject, token } = await signedIn();
    const { client, say } = await enter(token);
    await age(subject);
    expect(await say("account.delete", {})).toMatchObject(AGAIN);
    const again = await signedIn(subject);
    await say("token", { token: again.token });
    expect(await say("account.delete", { erase: true })).toMatchObject({ op: "ok", erased: true });
    expect(await client.closed).toMatchObject({ code: 4501 });
  });

  test("[GW-17.11] deletes it at /self, and is somebody new at the next sign-in", async () => {
    const { subject, browser, ask } = await signedIn();
    const { id } = (await ask("GET", "/self")).json;
    await age(subject);
    // A renewed access token is of the same login.
    expect((await site.self(browser)).status).toBe(200);
    const refusal = { status: 403, json: { label: "sign-in-again" } };
    expect(await ask("DELETE", "/self", {})).toMatchObject(refusal);
    expect(await ask("PUT", "/self/password", { new_password: PASSWORD })).toMatchObject(refusal);
    const again = await signedIn(subject);
    expect(await again.ask("DELETE", "/self", {})).toMatchObject({ status: 200, json: { erased: false } });
    expect((await ask("GET", "/self")).status).toBe(401);
    expect((await (await signedIn(subject)).ask("GET", "/self")).json.id).not.toBe(id);
  });

  test("[GW-17.11] sets a first password, by socket and at /self, and signs in with it", async () => {
    for (const way of ["socket", "http"]) {
      const { subject, token, ask } = await signedIn();
      const { client, say } = await enter(token);
      const set = async () =>
        way === "socket"
          ? (await say("password", { new: PASSWORD })).op === "ok"
          : (await ask("PUT", "/self/password", { new_password: PASSWORD })).status === 200;
      expect(await set(), way).toBe(true);
      expect((await site.call("POST", "/login", { handle: subject, password: PASSWORD })).status).toBe(200);
      expect(await say("account.delete", {})).toMatchObject({ code: "bad_request", field: "password" });
      const needed = { status: 400, json: { message: expect.stringMatching(/^old_password is required/) } };
      expect(await ask("PUT", "/self/password", { new_password: "another" })).toMatchObject(needed);
      client.socket.terminate();
    }
  });

  test("[GW-17.11] a first password keeps the rules of passwords", async () => {
    const { token } = await signedIn();
    const { say } = await enter(token);
    expect(await say("password", { new: "short" })).toMatchObject({ code: "bad_request", field: "new" });
    expect(await say("password", {})).toMatchObject({ code: "bad_request", field: "new" });
  });
});
