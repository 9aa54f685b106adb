/** How often passwords may be tried, and whom that keeps out. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createLoginLimits } from "../../../src/domain/auth/login-limits.ts";
import { createContext } from "../../../src/domain/context/context.ts";
import { account, describeDomain, PASSWORD, refused } from "../world.ts";

const LIMITED = { passwordMinLength: 1, rateLimits: true };

describeDomain("limits of logins", (world) => {
  test("guessing is limited per name and address, handle and e-mail alike, and a success frees the name", async () => {
    const user = await account(world);
    const attempt = (name: string, password: string, from = "192.0.2.7") =>
      world.another({ settings: LIMITED }).accounts.login(name, password, { persistent: false, ip: from });
    for (let i = 0; i < 9; i++) await refused(attempt(user.handle, "wrong"), "unauthorized");
    await attempt(user.handle, PASSWORD);
    for (let i = 0; i < 5; i++) {
      await refused(attempt(user.handle, "wrong"), "unauthorized");
      await refused(attempt(user.email!, "wrong"), "unauthorized");
    }
    const refusal = await refused(attempt(user.handle.toUpperCase(), PASSWORD), "rate_limited");
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    await refused(attempt(user.email!, PASSWORD), "rate_limited");
    await attempt(user.handle, PASSWORD, "192.0.2.8");
    world.clock.now += refusal.retryAfterMs!;
    await attempt(user.handle, PASSWORD);
  });

  test("an IPv6 line counts by its /64", async () => {
    const user = await account(world);
    const { accounts } = world.another({ settings: LIMITED });
    const attempt = (from: string) => accounts.authenticateBasic(user.handle, "wrong", from);
    for (let i = 0; i < 10; i++) await refused(attempt(`2001:db8:1:2::${i}`), "unauthorized");
    await refused(attempt("2001:db8:1:2:ffff::1"), "rate_limited");
    await refused(attempt("2001:db8:1:3::1"), "unauthorized");
  });

  test("what strangers try elsewhere keeps nobody out, also where they never were before", async () => {
    const user = await account(world);
    const { accounts } = world.another({ settings: LIMITED });
    for (let i = 0; i < 25; i++) {
      const from = `198.51.100.${i % 5}`;
      const stranger = accounts.login(user.handle, "guess", { persistent: false, ip: from });
      expect(["unauthorized", "rate_limited"]).toContain((await stranger.catch((error) => error)).code);
    }
    for (let i = 0; i < 30; i++)
      await accounts.login(user.handle, PASSWORD, { persistent: false, ip: `203.0.113.${i % 3}` });
  });

  test("a lockout and a failed login are told of with who and from where, and without what was typed", async () => {
    const user = await account(world);
    const lines: object[] = [];
    const note = (line: object) => void lines.push(line);
    const logger = { info: note, warn: note, error: note };
    const { accounts } = world.another({ settings: LIMITED, logger });
    for (let i = 0; i < 12; i++)
      await accounts.authenticateBasic(user.handle, "s3cret guess", "192.0.2.50").catch(() => {});
    await refused(accounts.authenticateBasic("typed in the wrong field", "x", "192.0.2.51"), "unauthorized");
    const failed = { event: "login.failed", userId: user.id, ip: "192.0.2.50" };
    expect(lines).toEqual([
      ...Array.from({ length: 10 }, () => failed),
      { event: "login.limited", userId: user.id, ip: "192.0.2.50" },
      { event: "login.failed", userId: null, ip: "192.0.2.51" },
    ]);
  });

  test("who signed in from there before waits for none of the strangers whose passwords are checked", async () => {
    const user = await account(world);
    const known = "192.0.2.60";
    await world.useCases.accounts.authenticateBasic(user.handle, PASSWORD, known);
    const { accounts } = world.another({ settings: LIMITED });
    let checked = 0;
    const strangers = Array.from({ length: 60 }, async (_, i) => {
      await accounts.authenticateBasic(`nobody-${i}`, "guess", `198.18.0.${i}`).catch(() => {});
      checked++;
    });
    await accounts.login(user.handle, PASSWORD, { persistent: false, ip: known });
    expect(checked).toBeLessThan(30);
    await Promise.all(strangers);
  });

  describe("limits", () => {
    function limitsOf(pause?: (ms: number) => Promise<unknown>) {
      const { store, hot, bus, clock } = world;
      const logger = { info: () => {}, warn: () => {}, error: () => {} };
      const options = { store, hot, bus, settings: LIMITED, logger, now: () => clock.now };
      return createLoginLimits(createContext(options), pause);
    }
    const attempt = (login: string, from: string, known = false) => ({
      login,
      ip: from,
      userId: null,
      known,
    });

    test("an address pays for every name that it tries, and others don't", async () => {
      const limits = limitsOf();
      for (let i = 0; i < 200; i++) await limits.take(attempt(`nobody-${i}`, "192.0.2.30"));
      const refusal = await refused(limits.take(attempt("nobody", "192.0.2.30")), "rate_limited");
      await limits.take(attempt("somebody", "192.0.2.30", true));
      await limits.take(attempt("nobody", "192.0.2.31"));
      world.clock.now += refusal.retryAfterMs!;
      await limits.take(attempt("nobody", "192.0.2.30"));
    });

    test("a name that is tried from many addresses is slowed, not refused, except where its user is known", async () => {
      const pauses: number[] = [];
      const limits = limitsOf(async (ms) => pauses.push(ms));
      const name = randomUUID();
      for (let i = 0; i < 30; i++) await limits.take(attempt(name, `203.0.113.${i}`));
      expect(pauses).toEqual([]);
      for (let i = 30; i < 40; i++) await limits.take(attempt(name, `203.0.113.${i}`));
      expect(pauses).toHaveLength(10);
      for (const ms of pauses) expect(ms).toBeGreaterThan(0);
      await limits.take(attempt(name, "203.0.113.41", true));
      expect(pauses).toHaveLength(10);
    });

    test("what is slowed is bounded", async () => {
      let go = () => {};
      const until = new Promise<void>((resolve) => {
        go = resolve;
      });
      let slowed = 0;
      const limits = limitsOf(() => {
        slowed++;
        return until;
      });
      const name = randomUUID();
      const from = (i: number) => attempt(name, `10.0.${i >> 8}.${i & 255}`);
      const all = Array.from({ length: 1_030 }, (_, i) => limits.take(from(i)));
      await expect.poll(() => slowed).toBe(1_000);
      await refused(limits.take(from(1_031)), "busy");
      go();
      await Promise.all(all);
    });
  });
});
