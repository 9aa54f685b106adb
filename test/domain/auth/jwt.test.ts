import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Accounts } from "../../../src/domain/use-cases/accounts.ts";
import { describeDomain, refused, type World } from "../world.ts";

const ISSUER = "https://issuer.example";
const AUDIENCE = "causeway";

interface Issuer {
  jwksUrl: string;
  sign(
    claims: object,
    options?: { issuer?: string; audience?: string; expires?: string | number; kid?: string },
  ): Promise<string>;
  answer(response: ServerResponse): void;
  close(): void;
}

/** @param asked is given each request for the keys; unless given, they are answered at once */
async function startIssuer(asked?: (response: ServerResponse) => void): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
  const answer = (response: ServerResponse) => void response.end(JSON.stringify({ keys: [jwk] }));
  const server = createServer((_, response) => (asked ?? answer)(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    sign: (claims, { issuer = ISSUER, audience = AUDIENCE, expires = "5m", kid = "one" } = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "ES256", kid })
        .setIssuedAt((claims as { iat?: number }).iat)
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(expires)
        .sign(privateKey),
    answer,
    close: () => void server.close(),
  };
}

describeDomain("accounts: JWTs of an outside issuer", (world) => {
  let issuer: Issuer;
  let accounts: Accounts;
  beforeAll(async () => {
    issuer = await startIssuer();
    accounts = trusting(world, issuer.jwksUrl);
  });
  afterAll(() => issuer.close());

  const handle = () => `j-${randomUUID()}`;

  test("a token names an existing user by handle", async () => {
    const { user } = await world.person();
    const token = await issuer.sign({ sub: user.handle });
    const principal = await accounts.authenticate(token);
    expect(principal).toMatchObject({ kind: "user", user, credential: { via: "jwt" } });
  });

  test("a user who is seen for the first time is made, once, by however many requests", async () => {
    const sub = handle();
    const token = await issuer.sign({ sub, name: "  Jo  " });
    const principals = await Promise.all(Array.from({ length: 5 }, () => accounts.authenticate(token)));
    const users = principals.map((principal) => (principal.kind === "user" ? principal.user : null));
    expect(new Set(users.map((user) => user?.id)).size).toBe(1);
    expect(users[0]).toMatchObject({ handle: sub, displayName: "Jo", administrator: false });
    const nameless = await accounts.authenticate(await issuer.sign({ sub: handle(), name: "x".repeat(300) }));
    expect(nameless).toMatchObject({ user: { displayName: expect.stringMatching(/^j-/) } });
  });

  test("subjects that differ in case are two people, of whom the first has the handle", async () => {
    const sub = handle();
    await accounts.authenticate(await issuer.sign({ sub }));
    await refused(accounts.authenticate(await issuer.sign({ sub: sub.toUpperCase() })), "unauthorized");
    expect(await accounts.authenticate(await issuer.sign({ sub }))).toMatchObject({ user: { handle: sub } });
  });

  test.each([42, 0, null, true, ["ada"], { ada: 1 }])("a subject that is %j lets nobody in", async (sub) => {
    await refused(accounts.authenticate(await issuer.sign({ sub })), "unauthorized");
  });

  test("administrators are let in only where the operator says so", async () => {
    const { id, handle: sub } = await world.useCases.directory.createUser({
      handle: handle(),
      administrator: true,
    });
    const token = await issuer.sign({ sub });
    await refused(accounts.authenticate(token), "unauthorized");
    const trustful = trusting(world, issuer.jwksUrl, true);
    expect(await trustful.authenticate(token)).toMatchObject({ user: { id, administrator: true } });
  });

  test("a token from before the user was deleted lets nobody in", async () => {
    const sub = handle();
    const old = await issuer.sign({ sub, iat: Math.floor(Date.now() / 1_000) - 10 });
    const principal = await accounts.authenticate(old);
    if (principal.kind === "user") await world.useCases.directory.deleteUser(principal.user.id);
    await refused(accounts.authenticate(old), "unauthorized");
    const { id } = await world.useCases.directory.createUser({ handle: sub });
    await refused(accounts.authenticate(old), "unauthorized");
    const fresh = await issuer.sign({ sub, iat: Math.floor(Date.now() / 1_000) + 3 });
    expect(await accounts.authenticate(fresh)).toMatchObject({ user: { id } });
  });

  test("a token from before all logins of the user were ended lets nobody in, a later one does", async () => {
    const sub = handle();
    const issuedAt = (s: number) => issuer.sign({ sub, iat: Math.floor(Date.now() / 1_000) + s });
    const old = await issuedAt(-10);
    const principal = await accounts.authenticate(old);
    if (principal.kind === "user") await world.useCases.directory.endLogins(principal.user.id);
    await refused(accounts.authenticate(old), "unauthorized");
    expect(await accounts.authenticate(await issuedAt(3))).toMatchObject({ user: { handle: sub } });
  });

  test("what is wrong with a token is told, and lets nobody in", async () => {
    const sub = handle();
    const [header, payload] = (await issuer.sign({ sub })).split(".");
    const other = await startIssuer();
    const wrong = [
      await issuer.sign({ sub }, { issuer: "https://other.example" }),
      await issuer.sign({ sub }, { audience: "other" }),
      await issuer.sign({ sub }, { expires: Math.floor(Date.now() / 1_000) - 60 }),
      await issuer.sign({}),
      await issuer.sign({ sub: "not a handle" }),
      await other.sign({ sub }),
      `${header}.${payload}.`,
      "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
      "eyJ.eyJ.eyJ",
    ];
    other.close();
    for (const token of wrong) await refused(accounts.authenticate(token), "unauthorized");
    expect(await world.store.users.byHandle(sub)).toBeNull();
  });

  test("an issuer that hangs is asked once, and keeps few waiting; keys that are known stay good", async () => {
    const hanging: ServerResponse[] = [];
    let onAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    const slow = await startIssuer((response) => {
      hanging.push(response);
      onAsked();
    });
    const waiting = trusting(world, slow.jwksUrl);
    const sub = handle();
    const token = await slow.sign({ sub });
    const all = Array.from({ length: 80 }, () => waiting.authenticate(token));
    const early = await Promise.allSettled(all.slice(16));
    expect(early.every(({ status }) => status === "rejected")).toBe(true);
    await asked;
    expect(hanging).toHaveLength(1);
    slow.answer(hanging[0] as ServerResponse);
    for (const principal of await Promise.all(all.slice(0, 16)))
      expect(principal).toMatchObject({ user: { handle: sub } });

    const unknown = await issuer.sign({ sub }, { kid: "two" });
    for (let i = 0; i < 20; i++) await refused(waiting.authenticate(unknown), "unauthorized");
    expect(hanging).toHaveLength(1);
    slow.close();
    expect(await waiting.authenticate(token)).toMatchObject({ user: { handle: sub } });
  });

  test("[GW-17.11] auth_time, or else iat, is when the issuer saw the person", async () => {
    const sub = handle();
    const at = Math.floor(Date.now() / 1_000) - 3;
    for (const [claims, authenticatedAt] of [
      [{ iat: at }, at * 1_000],
      [{ iat: at, auth_time: at - 3_600 }, (at - 3_600) * 1_000],
      [{ iat: at, auth_time: String(at) }, null],
      [{ iat: at, auth_time: null }, null],
    ] as const) {
      const token = await issuer.sign({ sub, ...claims });
      const { credential } = (await accounts.authenticate(token)) as { credential: object };
      expect(credential, JSON.stringify(claims)).toMatchObject({ issuedAt: at * 1_000, authenticatedAt });
    }
  });

  test("without an issuer no JWT is accepted, and an issuer that is away is unavailable", async () => {
    const token = await issuer.sign({ sub: handle() });
    await refused(world.useCases.accounts.authenticate(token), "unauthorized");
    const gone = await startIssuer();
    gone.close();
    await refused(trusting(world, gone.jwksUrl).authenticate(token), "unavailable");
  });
});

function trusting(world: World, jwksUrl: string, administrators = false): Accounts {
  const issuers = [{ keys: { jwksUrl }, issuer: ISSUER, audience: AUDIENCE, administrators }];
  return world.another({ settings: { passwordMinLength: 1, rateLimits: false, issuers } }).accounts;
}
