import { createHash, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import type { Credential } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { account, describeDomain, PASSWORD, refused } from "../world.ts";

const ip = "192.0.2.1";
const LIMITED = { passwordMinLength: 1, rateLimits: true };
const DAY = 86_400_000;
const away = () => Promise.reject(new DomainError("unavailable"));

describeDomain("accounts: login", (world) => {
  const login = (name: string, password = PASSWORD, persistent = false) =>
    world.useCases.accounts.login(name, password, { persistent, ip });

  test("with handle or e-mail, whatever their case", async () => {
    const user = await account(world);
    for (const name of [user.handle, user.handle.toUpperCase(), user.email!, user.email!.toLowerCase()]) {
      const session = await login(name);
      expect(session).toMatchObject({ user, expiresIn: 900 });
      const principal = await world.useCases.accounts.authenticate(session.accessToken);
      expect(principal).toMatchObject({ kind: "user", user, credential: { via: "session" } });
    }
  });

  test("a wrong password and an unknown name are told the same", async () => {
    const user = await account(world);
    const noPassword = await world.person();
    const messages: string[] = [];
    for (const [name, password] of [
      [user.handle, "wrong"],
      [user.handle, ""],
      [user.handle, "x".repeat(100_000)],
      [`nobody-${randomUUID()}`, PASSWORD],
      [noPassword.user.handle, PASSWORD],
      ["", PASSWORD],
      ["x".repeat(1_000), PASSWORD],
      ["a\0b", PASSWORD],
    ] as const) {
      messages.push((await refused(login(name, password), "unauthorized")).message);
    }
    expect(new Set(messages).size).toBe(1);
  });

  test("only hashes of secrets are kept", async () => {
    const user = await account(world);
    const { accessToken, cookie } = await login(user.handle);
    expect(accessToken).toMatch(/^cwa_/);
    expect(cookie).toMatch(/^cwc_/);
    const hash = createHash("sha256").update(cookie).digest();
    expect(await world.store.logins.byHash(hash)).toMatchObject({ userId: user.id });
    const [row] = await world.store.sql<{ hash: string }[]>`
      select password_hash as hash from users where id = ${user.id}`;
    expect(row!.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const hex = createHash("sha256").update(accessToken).digest("hex");
    expect(await world.hot.tokens.get(hex)).toMatchObject({ userId: user.id });
    expect(await world.hot.tokens.get(accessToken)).toBeNull();
  });

  test("a cookie lasts a day, a persistent one 56 days", async () => {
    const user = await account(world);
    const day = 86_400_000;
    expect((await login(user.handle)).cookieExpiresAt).toBe(world.clock.now + day);
    expect((await login(user.handle, PASSWORD, true)).cookieExpiresAt).toBe(world.clock.now + 56 * day);
  });

  test("without hot state a login is unavailable, and passwords work on", async () => {
    const user = await account(world);
    const tokens = { ...world.hot.tokens, put: away, get: away };
    const { accounts } = world.another({ settings: LIMITED, hot: { ...world.hot, tokens } });
    await refused(accounts.login(user.handle, PASSWORD, { persistent: false, ip }), "unavailable");
    await refused(accounts.login(user.handle, "wrong", { persistent: false, ip }), "unauthorized");
    await accounts.authenticateBasic(user.handle, PASSWORD, ip);
  });
});

describeDomain("accounts: refresh and logout", (world) => {
  const login = async () => {
    const user = await account(world);
    const session = await world.useCases.accounts.login(user.handle, PASSWORD, { persistent: true, ip });
    return session;
  };

  test("the cookie gives a new access token, also after all hot state was lost", async () => {
    const { user, cookie, accessToken } = await login();
    await world.hot.tokens.dropUser(user.id);
    const { accounts } = world.useCases;
    await refused(accounts.authenticate(accessToken), "unauthorized");
    const renewed = await accounts.refresh(cookie);
    expect(renewed).toMatchObject({ user, expiresIn: 900 });
    expect(await accounts.authenticate(renewed.accessToken)).toMatchObject({ user });
    for (const wrong of ["", "cwc_", accessToken, `${cookie}x`, `cwc_${"x".repeat(43)}`]) {
      await refused(accounts.refresh(wrong), "unauthorized");
    }
  });

  test("an access token ends after 15 minutes", async () => {
    const { accessToken } = await login();
    world.clock.now += 899_000;
    await world.useCases.accounts.authenticate(accessToken);
    world.clock.now += 1_000;
    await refused(world.useCases.accounts.authenticate(accessToken), "unauthorized");
  });

  test("logout needs cookie and token of one user, and ends every token of the login", async () => {
    const [mine, other] = [await login(), await login()];
    const { accounts } = world.useCases;
    const renewed = await accounts.refresh(mine.cookie);
    await refused(accounts.logout(mine.cookie, other.accessToken), "unauthorized");
    await refused(accounts.logout(mine.cookie, "nonsense"), "unauthorized");
    await refused(accounts.logout("nonsense", mine.accessToken), "unauthorized");
    await accounts.logout(mine.cookie, mine.accessToken);
    await refused(accounts.authenticate(mine.accessToken), "unauthorized");
    await refused(accounts.authenticate(renewed.accessToken), "unauthorized");
    await refused(accounts.refresh(mine.cookie), "unauthorized");
    await accounts.authenticate(other.accessToken);
  });

  test("the cookie is enough to sign out, whatever became of the access token", async () => {
    const { accounts } = world.useCases;
    const [without, expired, unseen] = [await login(), await login(), await login()];
    await accounts.logout(without.cookie, null);
    await refused(accounts.authenticate(without.accessToken), "unauthorized");
    world.clock.now += 900_000;
    await accounts.logout(expired.cookie, expired.accessToken);
    const tokens = { ...world.hot.tokens, get: away, dropLogin: away };
    await world.another({ hot: { ...world.hot, tokens } }).accounts.logout(unseen.cookie, unseen.accessToken);
    for (const { cookie } of [without, expired, unseen])
      await refused(accounts.refresh(cookie), "unauthorized");
  });

  test("a renewed cookie is the only one, and the login's sessions go on", async () => {
    const { accounts } = world.useCases;
    const { cookie, accessToken } = await login();
    const before = await accounts.authenticate(accessToken);
    world.clock.now += 29 * DAY;
    const [first, second] = await Promise.allSettled([accounts.refresh(cookie), accounts.refresh(cookie)]);
    const renewals = [first, second].flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(renewals).toHaveLength(1);
    const { accessToken: fresh, renewed } = renewals[0]!;
    await refused(accounts.refresh(cookie), "unauthorized");
    const after = await accounts.authenticate(fresh);
    if (before.kind !== "user" || after.kind !== "user") throw new Error("no users");
    expect(after.credential).toMatchObject({ via: "session" });
    const loginId = (credential: Credential) => (credential.via === "session" ? credential.loginId : 0);
    expect(loginId(after.credential)).toBe(loginId(before.credential));
    expect((await accounts.refresh(renewed!.cookie)).renewed).toBeNull();
  });

  test("a renewal that hot state refuses leaves the cookie as it was", async () => {
    const { cookie } = await login();
    world.clock.now += 29 * DAY;
    const tokens = { ...world.hot.tokens, put: away };
    await refused(world.another({ hot: { ...world.hot, tokens } }).accounts.refresh(cookie), "unavailable");
    expect((await world.useCases.accounts.refresh(cookie)).renewed).not.toBeNull();
  });

  test("however often it is renewed, a login ends 90 days after its password was given, or as is set", async () => {
    const began = world.clock.now;
    let { cookie } = await login();
    const { accounts } = world.useCases;
    for (let day = 10; day < 90; day += 10) {
      world.clock.now = began + day * DAY;
      const { renewed } = await accounts.refresh(cookie);
      if (renewed) expect(renewed.cookieExpiresAt).toBeLessThanOrEqual(began + 90 * DAY);
      cookie = renewed?.cookie ?? cookie;
    }
    world.clock.now = began + 90 * DAY;
    await refused(accounts.refresh(cookie), "unauthorized");
    world.clock.now = began;

    const settings = { passwordMinLength: 1, rateLimits: false, longestLoginMs: 2 * DAY };
    const strict = world.another({ settings }).accounts;
    const user = await account(world);
    const session = await strict.login(user.handle, PASSWORD, { persistent: true, ip });
    expect(session.cookieExpiresAt).toBe(began + 2 * DAY);
  });

  test("a logout that hot state missed ends the tokens all the same", async () => {
    const { cookie, accessToken } = await login();
    const tokens = { ...world.hot.tokens, dropLogin: away };
    await world.another({ hot: { ...world.hot, tokens } }).accounts.logout(cookie, accessToken);
    await refused(world.useCases.accounts.authenticate(accessToken), "unauthorized");
  });

  test("a deleted user's login is over", async () => {
    const { user, cookie, accessToken } = await login();
    await world.useCases.directory.deleteUser(user.id);
    await refused(world.useCases.accounts.refresh(cookie), "unauthorized");
    await refused(world.useCases.accounts.authenticate(accessToken), "unauthorized");
  });
});

describeDomain("accounts: tokens and Basic", (world) => {
  test("personal and API tokens stand for their owner until they are revoked or expire", async () => {
    const user = await account(world);
    const organization = await world.organization();
    const { directory, accounts } = world.useCases;
    const personal = await directory.createToken({ userId: user.id, name: "phone" });
    const api = await directory.createToken({ organizationId: organization.id, name: "back office" });
    expect(personal.token).toMatch(/^cwp_/);
    expect(api.token).toMatch(/^cwo_/);
    expect(await accounts.authenticate(personal.token)).toMatchObject({
      kind: "user",
      user,
      credential: { via: "token", tokenId: personal.id, expiresAt: null },
    });
    expect(await accounts.authenticate(api.token)).toMatchObject({
      kind: "organization",
      organization: { id: organization.id },
      version: 0,
    });
    await directory.deleteToken(personal.id);
    await refused(accounts.authenticate(personal.token), "unauthorized");
    for (const wrong of ["", "x", "cwp_", `cwp_${"x".repeat(43)}`, "eyJhbGciOiJub25lIn0.e30.", "\0"]) {
      await refused(accounts.authenticate(wrong), "unauthorized");
    }
  });

  test("the version that comes with a principal is the one that a revocation raises", async () => {
    const user = await account(world);
    const { directory, accounts } = world.useCases;
    const { token } = await directory.createToken({ userId: user.id, name: "kept" });
    const other = await directory.createToken({ userId: user.id, name: "revoked" });
    const { version } = await accounts.authenticate(token);
    expect(await world.store.users.changed([{ userId: user.id, version }])).toEqual([]);
    await directory.deleteToken(other.id);
    expect(await world.store.users.changed([{ userId: user.id, version }])).toHaveLength(1);
    const login = await accounts.login(user.handle, PASSWORD, { persistent: false, ip });
    expect((await accounts.authenticate(login.accessToken)).version).toBe(version + 1);
    expect((await accounts.authenticateBasic(user.handle, PASSWORD, ip)).version).toBe(version + 1);
  });

  test("gateways are told at once of what ends a user's sessions", async () => {
    const user = await account(world);
    const { directory, accounts } = world.useCases;
    let heard = 0;
    await world.bus.subscribe(channels.user(user.id), () => heard++);
    const { id } = await directory.createToken({ userId: user.id, name: "t" });
    const { cookie, accessToken } = await accounts.login(user.handle, PASSWORD, { persistent: false, ip });
    expect(heard).toBe(0);
    await directory.deleteToken(id);
    await expect.poll(() => heard).toBe(1);
    await accounts.logout(cookie, accessToken);
    await expect.poll(() => heard).toBe(2);
    await directory.deleteUser(user.id);
    await expect.poll(() => heard).toBe(3);
  });

  test("a token costs one query", async () => {
    const user = await account(world);
    const { directory, accounts } = world.useCases;
    const { token } = await directory.createToken({ userId: user.id, name: "t" });
    const { accessToken } = await accounts.login(user.handle, PASSWORD, { persistent: false, ip });
    for (const secret of [token, accessToken]) {
      const before = world.store.stats().statements;
      await accounts.authenticate(secret);
      expect(world.store.stats().statements - before).toBe(1);
    }
  });

  test("[B.8.9] Basic: a password is remembered for as long as it is the user's", async () => {
    const user = await account(world);
    const { accounts } = world.another({ settings: LIMITED });
    const basic = (password: string) => accounts.authenticateBasic(user.handle, password, ip);
    expect(await basic(PASSWORD)).toMatchObject({ user, credential: { via: "password" } });
    // More than the limit allows: only what is remembered costs nothing.
    for (let i = 0; i < 30; i++) await basic(PASSWORD);
    await refused(basic("wrong"), "unauthorized");
    await world.useCases.directory.updateUser(user.id, { password: "new" });
    await refused(basic(PASSWORD), "unauthorized");
    await basic("new");
    await world.useCases.directory.deleteUser(user.id);
    await refused(basic("new"), "unauthorized");
  });
});
