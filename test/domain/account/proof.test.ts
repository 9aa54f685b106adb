/** What people show before they change their password or delete their account. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Credential, User } from "../../../src/domain/model.ts";
import { account, describeDomain, PASSWORD, refused } from "../world.ts";

const ip = "192.0.2.1";
const MINUTES = 60_000;

describeDomain("[GW-17.11] the proof that it is the owner of an account", (world) => {
  /** Somebody without a password, as identity providers and outside issuers sign them in. */
  const guestOfAnIssuer = () => world.useCases.directory.createUser({ handle: `i-${randomUUID()}` });

  const jwt = (authenticatedAt: number | null): Credential => ({
    ...{ via: "jwt", expiresAt: world.clock.now + 60 * MINUTES, issuedAt: world.clock.now, authenticatedAt },
  });
  const change = (user: User, credential: Credential, password?: string) =>
    world.useCases.accounts.changePassword(user, "battery staple", { password, ip, credential });
  const remove = (user: User, credential: Credential, password?: string) =>
    world.useCases.accountDeletions.delete(user, { password, ip, credential }, { erase: false });

  /** A login that an identity provider began so long ago. */
  async function login(user: User, ageMs: number): Promise<Credential> {
    const issuer = "https://id.example.org";
    const identityId = await world.store.transaction((tx) =>
      tx.users.link({ userId: user.id, issuer, subject: randomUUID(), name: null }),
    );
    const made = await world.store.logins.create({
      ...{ userId: user.id, hash: Buffer.from(randomUUID()), passwordHash: null, persistent: true },
      ...{ startedAt: world.clock.now - ageMs, expiresAt: world.clock.now + 60 * MINUTES },
      origin: { identityId: identityId ?? 0, providerSession: null },
    });
    return { via: "session", loginId: made?.id ?? 0, expiresAt: world.clock.now + MINUTES };
  }

  test("a login of at most 10 minutes is enough for people without a password, an older one is not", async () => {
    for (const act of [change, remove]) {
      const [old, recent] = [await guestOfAnIssuer(), await guestOfAnIssuer()];
      const refusal = await refused(act(old, await login(old, 10 * MINUTES + 1)), "unauthorized");
      expect(refusal.message).toMatch(/^Sign in again/);
      await act(recent, await login(recent, 9 * MINUTES));
    }
  });

  test("the time of a JWT counts; none, one of long ago and one that is to come do not", async () => {
    const { now } = world.clock;
    for (const act of [change, remove]) {
      const user = await guestOfAnIssuer();
      for (const at of [null, now - 10 * MINUTES - 1, now + 2 * MINUTES, Number.MAX_SAFE_INTEGER])
        await refused(act(user, jwt(at)), "unauthorized");
      await act(user, jwt(now - 9 * MINUTES));
    }
  });

  test("personal access tokens prove nothing, nor does a login of somebody else", async () => {
    for (const act of [change, remove]) {
      const [user, other] = [await guestOfAnIssuer(), await guestOfAnIssuer()];
      await refused(act(user, { via: "token", tokenId: 1, expiresAt: null }), "unauthorized");
      await refused(act(user, await login(other, 0)), "unauthorized");
    }
  });

  test("whoever has a password gives it, however they signed in", async () => {
    const fields = [
      [change, "old"],
      [remove, "password"],
    ] as const;
    for (const [act, field] of fields) {
      const user = await account(world);
      for (const credential of [await login(user, 0), jwt(world.clock.now)]) {
        await refused(act(user, credential), "bad_request", field);
        await refused(act(user, credential, "wrong"), "forbidden", field);
      }
      await act(user, jwt(null), PASSWORD);
    }
  });

  test("[GW-17.12] whom an outside issuer signs in takes the last link away, and nobody else does", async () => {
    const user = await guestOfAnIssuer();
    const credential = await login(user, 0);
    const { ownIdentities } = world.useCases;
    const [identity] = await ownIdentities.list(user.id);
    const unlink = (by: Credential) => ownIdentities.unlink(user, identity?.id ?? 0, { ip, credential: by });
    await refused(unlink(jwt(null)), "unauthorized");
    await refused(unlink(credential), "conflict", "identity");
    expect(await unlink(jwt(world.clock.now))).toBe(true);
    expect(await unlink(jwt(world.clock.now))).toBe(false);
  });

  test("a first password signs in, is needed from then on, and its repetition changes nothing", async () => {
    const user = await guestOfAnIssuer();
    const credential = await login(user, 0);
    expect(await change(user, credential)).toBe(true);
    expect(await change(user, credential)).toBe(false);
    await refused(remove(user, credential), "bad_request", "password");
    const { accounts } = world.useCases;
    await accounts.login(user.handle, "battery staple", { persistent: false, ip });
    // The login that set it goes on.
    expect(await accounts.sessions(user.id, credential)).toContainEqual(
      expect.objectContaining({ current: true }),
    );
  });
});
