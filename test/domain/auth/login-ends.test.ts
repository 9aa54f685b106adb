/** What ends all logins of a user, and whom that ends. */
import { expect, test } from "vitest";
import { revokedOf } from "../../../src/domain/auth/revoked.ts";
import type { Holder } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { account, describeDomain, PASSWORD, refused, type World } from "../world.ts";

const ip = "192.0.2.1";

describeDomain("the end of all logins", (world) => {
  const ends: [string, (world: World, id: number) => Promise<unknown>][] = [
    ["a new password", ({ useCases }, id) => useCases.directory.updateUser(id, { password: "another one" })],
    ["the back office", ({ useCases }, id) => useCases.directory.endLogins(id)],
  ];

  test.each(ends)(
    "comes with %s: cookies and access tokens end, and gateways look at once",
    async (_, end) => {
      const [user, other] = [await account(world), await account(world)];
      const { accounts, directory } = world.useCases;
      const login = (name: string) => accounts.login(name, PASSWORD, { persistent: true, ip });
      const sessions = [await login(user.handle), await login(user.handle)];
      const kept = await login(other.handle);
      const personal = await directory.createToken({ userId: user.id, name: "script" });
      let heard = 0;
      await world.bus.subscribe(channels.user(user.id), () => heard++);
      const { version } = await accounts.authenticate(personal.token);
      await end(world, user.id);
      await expect.poll(() => heard).toBe(1);
      for (const { cookie, accessToken } of sessions) {
        await refused(accounts.refresh(cookie), "unauthorized");
        await refused(accounts.authenticate(accessToken), "unauthorized");
      }
      expect(await accounts.authenticate(personal.token), "tokens stay").toMatchObject({
        version: version + 1,
      });
      await accounts.authenticate(kept.accessToken);
      await accounts.refresh(kept.cookie);
    },
  );

  test("a change of anything else ends none", async () => {
    const user = await account(world);
    const { accounts, directory } = world.useCases;
    const { cookie, accessToken } = await accounts.login(user.handle, PASSWORD, { persistent: false, ip });
    await directory.updateUser(user.id, { displayName: "Ada L.", email: null });
    await accounts.authenticate(accessToken);
    await accounts.refresh(cookie);
    await refused(directory.endLogins(0), "not_found", "id");
    await refused(directory.endLogins(Number.NaN), "not_found", "id");
  });

  test("a login that is under way with the old password is none", async () => {
    const user = await account(world);
    const { store } = world;
    const slow = {
      ...store.logins,
      async create(input: Parameters<typeof store.logins.create>[0]) {
        await world.useCases.directory.updateUser(user.id, { password: "changed meanwhile" });
        return await store.logins.create(input);
      },
    };
    const { accounts } = world.another({ store: { ...store, logins: slow } });
    await refused(accounts.login(user.handle, PASSWORD, { persistent: false, ip }), "unauthorized");
  });

  test("whoever lets somebody stay hears of sessions that began before, by what they began with", async () => {
    const user = await account(world);
    const { accounts } = world.useCases;
    const session = await accounts.login(user.handle, PASSWORD, { persistent: false, ip });
    const basic = await accounts.authenticateBasic(user.handle, PASSWORD, ip);
    const principals = [basic, await accounts.authenticate(session.accessToken)];
    const holders = principals.flatMap((each) => (each.kind === "user" ? [each] : []));
    const jwt = (issuedAt: number | null) => ({
      user,
      credential: { via: "jwt", expiresAt: 0, issuedAt } as const,
    });
    const before = [...holders, jwt(0)];
    const revoked = (some: Holder[]) => revokedOf(world.store.credentials, some, (one) => one);
    expect(await revoked(before)).toEqual([]);
    await world.useCases.directory.endLogins(user.id);
    const after = [jwt(Date.now() + 60_000), jwt(null)];
    expect(await revoked([...before, ...after])).toEqual(before);
  });
});
