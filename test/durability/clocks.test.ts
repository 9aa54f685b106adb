/** Processes whose own clock is wrong, or is set anew: what people have does not depend on it. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startSweepers } from "../../src/app/sweepers.ts";
import { memberKey, userActor } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { connectRedisHot } from "../../src/hot/redis/redis.ts";
import { createLogger } from "../../src/logger.ts";
import { person, room, site } from "../gateway/fixtures.ts";
import { describeWith } from "../services/need.ts";
import { testApp } from "../test-app.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const logger = createLogger("silent");

/** What a process is made of, without its faces. */
async function openProcess(databaseUrl: string, redisUrl: string) {
  return await testApp({
    ...{ databaseUrl, maxConnections: 4 },
    hot: ({ clock, history }) => connectRedisHot({ url: redisUrl, logger, node: "test", clock, history }),
  });
}
type Process = Awaited<ReturnType<typeof openProcess>>;

/** From now on this process's wall clock is so far off. Its timers of intervals run only when they are told to. */
function setWallClock(offMs: number): void {
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"], now: Date.now() + offMs });
}

async function member({ directory }: UseCases, organizationId: number) {
  const user = await directory.createUser({
    ...{ handle: `h-${randomUUID()}`, displayName: "Ada", password: "correct horse" },
    organizations: [{ id: organizationId, role: "admin" }],
  });
  return {
    user,
    actor: userActor(user),
    principal: { kind: "user", user, credential: { via: "password" } },
  } as const;
}

describeWith(["postgres", "redis"], "a process whose clock is wrong", ({ postgres, redis }) => {
  let right: Process;
  beforeAll(async () => {
    right = await openProcess(postgres.url, redis.url);
  });
  afterEach(() => void vi.useRealTimers());
  afterAll(() => right?.close());

  test("two hours ahead: it deletes nothing early, ends no call, and takes nobody for gone", async () => {
    const { useCases, hot, store } = right;
    const organization = await useCases.directory.createOrganization({ name: "Rescue", defaultRoom: false });
    const ada = await member(useCases, organization.id);
    const { room } = await useCases.chatrooms.create(ada.principal, {
      ...{ organizationId: organization.id, name: "Short", scheduledDeletion: Date.now() + HOUR },
    });
    const { accessToken } = await useCases.accounts.login(ada.user.handle, "correct horse", {
      ...{ persistent: false, ip: "127.0.0.1" },
    });
    await useCases.calls.join(ada.actor, room.token, "s", 7);
    await useCases.presence.ping(ada.actor, [room], "s");
    await hot.sessions.put(
      [{ id: "s", userId: ada.user.id, node: "n", device: null, startedAt: Date.now() }],
      MINUTE,
    );

    setWallClock(2 * HOUR);
    const wrong = await openProcess(postgres.url, redis.url);
    const stop = startSweepers(wrong.useCases, wrong.store, logger);
    vi.advanceTimersByTime(15 * MINUTE);
    await stop();
    await wrong.hot.sweep(wrong.store.clock.now());
    await wrong.close();
    vi.useRealTimers();

    expect(await store.rooms.byId(room.id)).not.toBeNull();
    expect((await hot.calls.get(room.id)).participants).toHaveLength(1);
    const now = store.clock.now();
    expect(await hot.presence.isActive(memberKey(ada.actor), [room.id], now, MINUTE)).toEqual([true]);
    expect(await hot.sessions.ofUser(ada.user.id)).toHaveLength(1);
    await expect(useCases.accounts.authenticate(accessToken)).resolves.toMatchObject({ kind: "user" });
  });

  test.each([45_000, -45_000])("%d ms off: it sees who is in a call, and is seen", async (offMs) => {
    const { useCases, hot } = right;
    const organization = await useCases.directory.createOrganization({ name: "Rescue", defaultRoom: false });
    const [ada, ben] = [await member(useCases, organization.id), await member(useCases, organization.id)];
    const { id, token } = await useCases.roomLifecycle.create(ada.actor, {
      ...{ type: "group", name: "Call", members: [{ member: ben.actor, role: "user" }] },
    });
    await useCases.calls.join(ada.actor, token, "ada", 1);

    setWallClock(offMs);
    const wrong = await openProcess(postgres.url, redis.url);
    expect((await wrong.hot.calls.get(id)).flags).toBe(1);
    expect(await wrong.hot.calls.flags([id])).toEqual([1]);
    const { participants } = await wrong.useCases.calls.join(ben.actor, token, "ben", 2);
    expect(participants).toHaveLength(2);
    await wrong.hot.sweep(wrong.store.clock.now());
    vi.useRealTimers();

    expect((await hot.calls.get(id)).flags).toBe(3);
    const now = right.store.clock.now();
    const entries = ["ada", "ben"].map((session) => ({ roomId: id, session }));
    expect(await hot.calls.refresh(entries, now, MINUTE)).toEqual([]);
    await wrong.close();
  });
});

describeWith("postgres", "a clock that is set anew while people are there", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  afterEach(() => void vi.useRealTimers());

  test.each([2 * MINUTE, -10 * MINUTE])(
    "by %d ms: who is silent is ended, and nobody else",
    async (stepMs) => {
      const one = await node({ gateway: { heartbeatMs: 400 } });
      const ada = await person(one, "Ada");
      const home = await room(one, [ada]);
      const [silent, loud] = [await raw(one), await raw(one)];
      for (const each of [silent, loud]) await each.hello(ada.token);
      await loud.ask({ op: "open", ref: 1, room: home.token });
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + stepMs });
      const signs = setInterval(() => loud.say({ op: "ping", ref: 2 }), 100);
      expect((await silent.closed).code).toBe(4001);
      clearInterval(signs);
      const { op, at } = await loud.ask({ op: "ping", ref: 3 });
      vi.useRealTimers();
      expect(op).toBe("ok");
      // What it is told of the time is the database's.
      expect(Math.abs(Number(at) - Date.now())).toBeLessThan(MINUTE);
    },
  );
});
