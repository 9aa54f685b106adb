/** Linking an account to a person of the identity provider, and unlinking it, on the socket and at `/self`. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { Browser } from "./browser.ts";
import { APP, type OidcSite, openOidcSite } from "./site.ts";

const PASSWORD = "correct horse";

describeWith("postgres", "linking an account to an identity provider", ({ postgres }) => {
  let site: OidcSite;
  let store: PostgresStore;
  const clients: RawClient[] = [];
  beforeAll(async () => {
    site = await openOidcSite(postgres.url);
    store = await openStore({
      ...{ databaseUrl: postgres.url, maxConnections: 1, logger: createLogger("silent") },
    });
  });
  afterAll(async () => {
    for (const client of clients) client.socket.terminate();
    await store?.close();
    await site?.close();
  });

  /** Says ops and asks `/self` with a token. */
  async function speaker(token: string) {
    const client = await RawClient.connect(site.url);
    clients.push(client);
    expect((await client.hello(token)).op).toBe("ready");
    let refs = 0;
    return {
      client,
      say: (op: string, more: object = {}) => client.ask({ op, ref: `${refs++}`, ...more }),
      ask: (method: string, path: string, body?: object) =>
        site.call(method, path, body, { authorization: `Bearer ${token}` }),
    };
  }

  /** Somebody with a password, who is signed in with it. */
  async function account() {
    const handle = `l-${randomUUID()}`;
    const made = await site.admin("POST", "/users", { handle, displayName: "Ada", password: PASSWORD });
    const { json } = await site.call("POST", "/login", { handle, password: PASSWORD });
    return {
      id: made.json.id as number,
      uuid: made.json.uuid,
      handle,
      ...(await speaker(json.access_token)),
    };
  }

  function person(): string {
    const subject = `p-${randomUUID()}`;
    site.idp.people.set(subject, { preferred_username: subject, name: "Ada at work" });
    return subject;
  }

  /** What an app begins with: where its browser goes, and the verifier that it keeps. */
  function begun(returnTo = APP) {
    const verifier = randomBytes(32).toString("base64url");
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const query = new URLSearchParams({ link: "true", return: returnTo, code_challenge: challenge });
    return { verifier, query: `?${query}` };
  }
  /** The code with which an app's browser comes back. */
  async function codeOf(subject: string, browser = new Browser()) {
    const { verifier, query } = begun();
    const end = await site.signIn(subject, browser, query);
    expect(end.protocol).toBe("com.example.app:");
    return { code: end.searchParams.get("code") ?? "", verifier };
  }
  /** Who signs in as the person. */
  async function signedInAs(subject: string) {
    const browser = new Browser();
    expect((await site.signIn(subject, browser)).hash).toBe("#sign-in=done");
    return (await site.self(browser)).json;
  }

  test("[GW-17.13] a signed-in user is linked on the socket, keeps the name, and signs in with the provider", async () => {
    const [ada, subject] = [await account(), person()];
    const browser = new Browser();
    const { code, verifier } = await codeOf(subject, browser);
    // Nobody was signed in or made by it.
    expect((await site.self(browser)).status).toBe(403);
    const answer = await ada.say("identity.link", { code, verifier, password: PASSWORD });
    const identity = { issuer: site.idp.issuer, name: "Ada at work", linkedAt: expect.any(Number) };
    expect(answer).toMatchObject({ op: "ok", identity });
    expect(answer).not.toHaveProperty("duplicate");
    expect(await ada.say("identities")).toMatchObject({ identities: [answer.identity] });
    expect(await signedInAs(subject)).toMatchObject({ id: ada.uuid, name: "Ada" });
  });

  test("[GW-17.13] a page of the server gets the code in its fragment, and links at /self", async () => {
    const [ada, subject] = [await account(), person()];
    const { verifier, query } = begun("/settings");
    const end = await site.signIn(subject, new Browser(), query);
    expect(end.pathname).toBe("/settings");
    const code = new URLSearchParams(end.hash.slice(1)).get("code");
    const body = { code, code_verifier: verifier };
    expect(await ada.ask("POST", "/self/identities", body)).toMatchObject({
      ...{ status: 400, json: { message: expect.stringMatching(/^password is required/) } },
    });
    const linked = await ada.ask("POST", "/self/identities", { ...body, password: PASSWORD });
    expect(linked).toMatchObject({ status: 200, json: { issuer: site.idp.issuer, name: "Ada at work" } });
    expect((await ada.ask("GET", "/self/identities")).json).toEqual({ identities: [linked.json] });
    expect((await signedInAs(subject)).id).toBe(ada.uuid);
  });

  test("[GW-17.13] a code links once: its repetition changes nothing, also after the link is gone", async () => {
    const [ada, eve, subject] = [await account(), await account(), person()];
    const password = PASSWORD;
    const link = { ...(await codeOf(subject)), password };
    const first = await ada.say("identity.link", link);
    expect(await ada.say("identity.link", link)).toMatchObject({ identity: first.identity, duplicate: true });
    expect(await eve.say("identity.link", link)).toMatchObject({ code: "forbidden", field: "code" });
    const { id: identity } = first.identity as { id: string };
    expect(await ada.say("identity.unlink", { identity, password })).toMatchObject({ op: "ok" });
    expect(await ada.say("identity.link", link)).toMatchObject({ code: "forbidden", field: "code" });
    expect(await ada.say("identities")).toMatchObject({ identities: [] });
  });

  test("[GW-17.13] a code is nothing without the verifier of who began, and is no login", async () => {
    const [ada, subject] = [await account(), person()];
    const { code, verifier } = await codeOf(subject);
    const refused = { code: "forbidden", field: "code" };
    for (const wrong of [begun().verifier, "", `${verifier}x`])
      expect(await ada.say("identity.link", { code, verifier: wrong, password: PASSWORD })).toMatchObject(
        refused,
      );
    const exchange = (given: object) => site.call("POST", "/login/oidc/token", given);
    const another = await codeOf(subject);
    expect((await exchange({ code: another.code, code_verifier: another.verifier })).status).toBe(403);
    // Nor does a login's code link anybody.
    const login = begun();
    const end = await site.signIn(subject, new Browser(), login.query.replace("link=true", "link=false"));
    const loginCode = { code: end.searchParams.get("code"), verifier: login.verifier };
    expect(await ada.say("identity.link", { ...loginCode, password: PASSWORD })).toMatchObject(refused);
    for (const odd of [{ code: 7, verifier }, { code: "x".repeat(101), verifier }, { verifier }])
      expect(await ada.say("identity.link", odd)).toMatchObject({ code: "bad_request", field: "code" });
  });

  test("[GW-17.13] another browser than the one that began gets no code", async () => {
    const { query } = begun();
    site.idp.person = person();
    const isCallback = (url: URL) => url.pathname === "/login/oidc/callback";
    const answer = await new Browser().follow(`${site.url}/login/oidc${query}`, isCallback);
    const page = await new Browser().get(answer);
    expect(page.next?.hash).toBe("#sign-in=expired");
    // Without a challenge nothing begins, for a page either.
    expect((await new Browser().get(`${site.url}/login/oidc?link=true&return=/`)).status).toBe(400);
  });

  test("[GW-17.13] a person who has another account, and a second person, are conflicts", async () => {
    const [ada, subject] = [await account(), person()];
    const password = PASSWORD;
    const taken = await signedInAs(subject);
    const conflict = { code: "conflict", field: "code" };
    const link = { ...(await codeOf(subject)), password };
    expect(await ada.say("identity.link", link)).toMatchObject(conflict);
    const { code, verifier: code_verifier } = await codeOf(subject);
    const atSelf = await ada.ask("POST", "/self/identities", { code, code_verifier, password });
    expect(atSelf).toMatchObject({ status: 409, json: { label: "conflict" } });
    expect((await signedInAs(subject)).id).toBe(taken.id);
    await ada.say("identity.link", { ...(await codeOf(person())), password });
    const second = person();
    expect(await ada.say("identity.link", { ...(await codeOf(second)), password })).toMatchObject(conflict);
    expect((await signedInAs(second)).id).not.toBe(ada.uuid);
  });

  test("[GW-17.13] one person that two accounts want at once is one's", async () => {
    const [ada, eve, subject] = [await account(), await account(), person()];
    const codes = [await codeOf(subject), await codeOf(subject)];
    const answers = await Promise.all(
      [ada, eve].map(({ say }, n) => say("identity.link", { ...codes[n], password: PASSWORD })),
    );
    expect(answers.map(({ op }) => op).sort()).toEqual(["error", "ok"]);
    expect(answers.find(({ op }) => op === "error")).toMatchObject({ code: "conflict" });
  });

  test("[GW-17.13] a link needs the proof, and administrators are linked where they may sign in with it", async () => {
    const [ada, boss] = [await account(), await account()];
    const link = await codeOf(person());
    expect(await ada.say("identity.link", link)).toMatchObject({ code: "bad_request", field: "password" });
    expect(await ada.say("identity.link", { ...link, password: "wrong" })).toMatchObject({
      ...{ code: "forbidden", field: "password" },
    });
    // The code was not used up.
    expect(await ada.say("identity.link", { ...link, password: PASSWORD })).toMatchObject({ op: "ok" });
    await store.sql`update users set administrator = true where id = ${boss.id}`;
    const theirs = { ...(await codeOf(person())), password: PASSWORD };
    expect(await boss.say("identity.link", theirs)).toMatchObject({ code: "forbidden" });
  });

  test("[GW-17.12] a link is taken away with its logins, but never the last way to sign in", async () => {
    const subject = person();
    const browser = new Browser();
    await site.signIn(subject, browser);
    const tokenOf = async (of: Browser) =>
      JSON.parse((await of.get(`${site.url}/access`, { method: "POST" })).text).access_token;
    const ada = await speaker(await tokenOf(browser));
    const other = new Browser();
    await site.signIn(subject, other);
    const elsewhere = await speaker(await tokenOf(other));
    const { identities } = (await ada.say("identities")) as unknown as { identities: { id: string }[] };
    const identity = identities[0]?.id ?? "";
    const last = { code: "conflict", field: "identity" };
    expect(await ada.say("identity.unlink", { identity })).toMatchObject(last);
    expect(await ada.ask("DELETE", `/self/identities/${identity}`, {})).toMatchObject({ status: 409 });
    expect((await ada.say("password", { new: PASSWORD })).op).toBe("ok");
    expect(await elsewhere.client.closed).toMatchObject({ code: 4501 });
    await site.signIn(subject, other);
    const again = await speaker(await tokenOf(other));
    const unlink = { identity, password: PASSWORD };
    expect(await (await account()).say("identity.unlink", unlink)).toMatchObject({ duplicate: true });
    expect(await ada.say("identity.unlink", { identity, password: "wrong" })).toMatchObject({
      code: "forbidden",
    });
    expect(await ada.say("identity.unlink", unlink)).not.toHaveProperty("duplicate");
    expect(await ada.say("identity.unlink", unlink)).toMatchObject({ op: "ok", duplicate: true });
    expect(await again.client.closed).toMatchObject({ code: 4501 });
    expect((await ada.ask("GET", "/self")).json.handle).toBe(subject);
    for (const odd of ["", "x", "0", "1e3", "9".repeat(20)])
      expect(await ada.say("identity.unlink", { identity: odd })).toMatchObject({ code: "bad_request" });
    // At the next sign-in the person is somebody new.
    expect((await signedInAs(subject)).handle).not.toBe(subject);
  });
});
