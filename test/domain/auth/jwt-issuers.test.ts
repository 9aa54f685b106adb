import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterAll, expect, test } from "vitest";
import type { JwtIssuer } from "../../../src/domain/context/issuers.ts";
import type { Accounts } from "../../../src/domain/use-cases/accounts.ts";
import { describeDomain, refused, type World } from "../world.ts";

const AUDIENCE = "causeway";
const SECRET = "a secret that has forty-eight bytes, for two algorithms";

type Key = Parameters<SignJWT["sign"]>[0];

function sign(iss: string, claims: object, alg: string, key: Key, kid?: string): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .setIssuedAt()
    .setIssuer(iss)
    .setAudience(AUDIENCE)
    .setExpirationTime("5m")
    .sign(key);
}

const bySecret = (iss: string, claims: object, alg = "HS256") =>
  sign(iss, claims, alg, new TextEncoder().encode(SECRET));

const sharing = (issuer: string, more: Partial<JwtIssuer> = {}): JwtIssuer => ({
  ...{ issuer, audience: AUDIENCE, keys: { secret: SECRET }, administrators: false },
  ...more,
});

function trusting(world: World, ...issuers: JwtIssuer[]): Accounts {
  return world.another({ settings: { passwordMinLength: 1, rateLimits: false, issuers } }).accounts;
}

const handle = () => `i-${randomUUID()}`;

describeDomain("accounts: JWTs of several issuers", (world) => {
  const stopped: (() => void)[] = [];
  afterAll(() => {
    for (const stop of stopped) stop();
  });

  /** Serves keys; `answer` decides about each request. */
  async function keysAt(answer: (response: ServerResponse) => void): Promise<string> {
    const server = createServer((_, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stopped.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  }

  const organization = async () =>
    (await world.useCases.directory.createOrganization({ name: "An organization" })).id;

  test("iss selects the issuer, and tokens of others are refused without telling who is known", async () => {
    const accounts = trusting(world, sharing("a"), sharing("b", { handlePrefix: "b." }));
    const sub = handle();
    expect(await accounts.authenticate(await bySecret("a", { sub }))).toMatchObject({
      user: { handle: sub },
    });
    const ofB = await accounts.authenticate(await bySecret("b", { sub }));
    expect(ofB).toMatchObject({ user: { handle: `b.${sub}` } });
    const unknown = await accounts.authenticate(await bySecret("c", { sub })).catch((error: Error) => error);
    expect(unknown).toMatchObject({ code: "unauthorized", message: "The token's issuer is not known here" });
    const nameless = new SignJWT({ sub }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("5m");
    await refused(
      accounts.authenticate(await nameless.sign(new TextEncoder().encode(SECRET))),
      "unauthorized",
    );
    for (const iss of ["__proto__", "constructor", "A", "a "])
      await refused(accounts.authenticate(await bySecret(iss, { sub })), "unauthorized");
  });

  test("no issuer names people by the prefix of another, also before they are there", async () => {
    const ofOthers = { handlePrefix: "b.c." };
    const accounts = trusting(
      world,
      ...[sharing("a"), sharing("b", { handlePrefix: "b." }), sharing("c", ofOthers)],
    );
    const sub = handle();
    for (const [iss, handle] of [
      ["a", `b.${sub}`],
      ["a", `B.${sub}`],
      ["a", `b.c.${sub}`],
      ["b", `c.${sub}`],
    ] as const)
      await refused(accounts.authenticate(await bySecret(iss, { sub: handle })), "unauthorized");
    for (const [iss, handle] of [
      ["a", sub],
      ["b", `b.${sub}`],
      ["c", `b.c.${sub}`],
    ] as const)
      expect(await accounts.authenticate(await bySecret(iss, { sub }))).toMatchObject({ user: { handle } });
  });

  test("an issuer that may speak for one organization makes people there, and names nobody of another", async () => {
    const [ours, theirs] = [await organization(), await organization()];
    const accounts = trusting(
      world,
      sharing("a", { organizations: [ours] }),
      sharing("b", { organizations: [theirs] }),
    );
    const sub = handle();
    const principal = await accounts.authenticate(await bySecret("a", { sub, name: "Ada" }));
    const { user } = principal.kind === "user" ? principal : { user: null };
    expect(await world.store.organizations.role(ours, user?.id ?? 0)).toBe("member");
    expect(await world.store.organizations.role(theirs, user?.id ?? 0)).toBeNull();
    await refused(accounts.authenticate(await bySecret("b", { sub })), "unauthorized");
    // Somebody who is in both is not for one of them alone to name.
    await world.useCases.directory.putOrganizationUser(theirs, user?.id ?? 0, "member");
    await refused(accounts.authenticate(await bySecret("a", { sub })), "unauthorized");
    const both = trusting(world, sharing("a", { organizations: [theirs, ours] }));
    expect(await both.authenticate(await bySecret("a", { sub }))).toMatchObject({ user: { handle: sub } });
    // Nor is somebody without an organization.
    const alone = await world.useCases.directory.createUser({ handle: handle() });
    await refused(accounts.authenticate(await bySecret("a", { sub: alone.handle })), "unauthorized");
  });

  test("an issuer whose organization is gone makes nobody", async () => {
    const gone = await organization();
    await world.useCases.directory.deleteOrganization(gone);
    const sub = handle();
    const accounts = trusting(world, sharing("a", { organizations: [gone] }));
    await refused(accounts.authenticate(await bySecret("a", { sub })), "unauthorized");
    expect(await world.store.users.byHandle(sub)).toBeNull();
  });

  test("administrators are let in by those issuers alone that may do so", async () => {
    const { handle: sub } = await world.useCases.directory.createUser({
      handle: handle(),
      administrator: true,
    });
    const accounts = trusting(world, sharing("a"), sharing("b", { administrators: true }));
    await refused(accounts.authenticate(await bySecret("a", { sub })), "unauthorized");
    expect(await accounts.authenticate(await bySecret("b", { sub }))).toMatchObject({
      user: { handle: sub },
    });
  });

  test("other claims hold the handle and the name, where an issuer says so", async () => {
    const claims = { handle: "preferred_username", name: "given" };
    const accounts = trusting(world, sharing("a", { claims }));
    const sub = handle();
    const token = await bySecret("a", { preferred_username: sub, given: "Ada", name: "Eve", sub: "x" });
    expect(await accounts.authenticate(token)).toMatchObject({ user: { handle: sub, displayName: "Ada" } });
    await refused(accounts.authenticate(await bySecret("a", { sub })), "unauthorized");
  });

  test("the kind of an issuer's keys decides about the algorithms, whatever a token says", async () => {
    const rsa = await generateKeyPair("RS256", { extractable: true });
    const ec = await generateKeyPair("ES256", { extractable: true });
    const pem = await exportSPKI(rsa.publicKey);
    const jwk = { ...(await exportJWK(rsa.publicKey)), kid: "one" };
    const jwksUrl = await keysAt((response) => void response.end(JSON.stringify({ keys: [jwk] })));
    const accounts = trusting(
      world,
      sharing("pem", { keys: { publicKey: pem } }),
      sharing("ec", { keys: { publicKey: await exportSPKI(ec.publicKey) } }),
      sharing("url", { keys: { jwksUrl } }),
      sharing("secret"),
    );
    const sub = handle();
    const good = [
      await sign("pem", { sub }, "RS256", rsa.privateKey),
      await sign("ec", { sub }, "ES256", ec.privateKey),
      await sign("url", { sub }, "RS256", rsa.privateKey, "one"),
      await bySecret("secret", { sub }),
      await bySecret("secret", { sub }, "HS384"),
    ];
    for (const token of good)
      expect(await accounts.authenticate(token)).toMatchObject({ user: { handle: sub } });
    const [, payload] = (await sign("pem", { sub }, "RS256", rsa.privateKey)).split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const wrong = [
      // The public key as a secret: the classic confusion of algorithms.
      await sign("pem", { sub }, "HS256", new TextEncoder().encode(pem)),
      await sign("url", { sub }, "HS256", new TextEncoder().encode(pem), "one"),
      await sign("secret", { sub }, "RS256", rsa.privateKey),
      // The secret is too short for the algorithm.
      await bySecret("secret", { sub }, "HS512"),
      // Keys of another issuer.
      await sign("ec", { sub }, "RS256", rsa.privateKey),
      await bySecret("url", { sub }),
      `${none}.${payload}.`,
    ];
    for (const token of wrong) await refused(accounts.authenticate(token), "unauthorized");
  });

  test("an issuer whose keys do not come, or have no end, holds up nobody else's people", async () => {
    const jwksUrl = await keysAt(() => {});
    const endless = await keysAt((response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    const { privateKey } = await generateKeyPair("ES256");
    const accounts = trusting(
      world,
      sharing("slow", { keys: { jwksUrl } }),
      sharing("long", { keys: { jwksUrl: endless } }),
      sharing("quick"),
    );
    const sub = handle();
    const token = await sign("slow", { sub }, "ES256", privateKey, "one");
    const waiting = Array.from({ length: 40 }, () =>
      accounts.authenticate(token).catch((error: Error) => error),
    );
    const quick = await bySecret("quick", { sub });
    let slow = 0;
    for (const each of waiting) void each.then(() => slow++);
    expect(await accounts.authenticate(quick)).toMatchObject({ user: { handle: sub } });
    await refused(
      accounts.authenticate(await sign("long", { sub }, "ES256", privateKey, "one")),
      "unavailable",
    );
    // Sixteen wait; the others were refused at once.
    expect(slow).toBe(24);
    stopped.shift()?.();
    for (const each of await Promise.all(waiting)) expect(each).toMatchObject({ code: "unavailable" });
  });

  test("a key that is new is fetched, and one that was taken away signs nobody in any more", async () => {
    const [old, fresh] = [await generateKeyPair("ES256"), await generateKeyPair("ES256")];
    const jwk = async (key: typeof old, kid: string) => ({ ...(await exportJWK(key.publicKey)), kid });
    let keys = [await jwk(old, "old")];
    const jwksUrl = await keysAt((response) => void response.end(JSON.stringify({ keys })));
    const sub = handle();
    const [byOld, byFresh] = [
      await sign("a", { sub }, "ES256", old.privateKey, "old"),
      await sign("a", { sub }, "ES256", fresh.privateKey, "fresh"),
    ];
    const before = trusting(world, sharing("a", { keys: { jwksUrl } }));
    expect(await before.authenticate(byOld)).toMatchObject({ user: { handle: sub } });
    keys = [await jwk(fresh, "fresh")];
    const after = trusting(world, sharing("a", { keys: { jwksUrl } }));
    expect(await after.authenticate(byFresh)).toMatchObject({ user: { handle: sub } });
    await refused(after.authenticate(byOld), "unauthorized");
  });
});
