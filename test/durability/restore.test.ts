/**
 * What outlives the database. Its backup is restored, and nobody has told Causeway: the ids that were given out after the
 * backup are given out anew, to others.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedisHot } from "../../src/hot/redis/redis.ts";
import { createLogger } from "../../src/logger.ts";
import { openStore } from "../../src/store/postgres.ts";
import { openDatabase } from "../../src/store/sql/database.ts";
import { describeWith } from "../services/need.ts";
import { testApp } from "../test-app.ts";

const logger = createLogger("silent");
const PASSWORD = "correct horse";

async function open(databaseUrl: string, redisUrl: string) {
  const { store, useCases, close } = await testApp({
    ...{ databaseUrl, maxConnections: 3 },
    hot: ({ clock, history }) => connectRedisHot({ url: redisUrl, logger, node: "test", clock, history }),
  });
  const { accounts, directory } = useCases;
  return {
    store,
    accounts,
    close,
    async signUp(displayName: string) {
      const handle = `h-${randomUUID()}`;
      const { id } = await directory.createUser({ handle, displayName, password: PASSWORD });
      const login = await accounts.login(handle, PASSWORD, { persistent: false, ip: "127.0.0.1" });
      const { token } = await directory.createToken({ userId: id, name: "phone" });
      return { id, ...login, token };
    },
  };
}

describeWith(["postgres", "redis"], "after a restore that nobody has told of", ({ postgres, redis }) => {
  let lost: Awaited<ReturnType<typeof open>>;
  let restored: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    await (await openStore({ databaseUrl: postgres.url, maxConnections: 2 })).close();
    const backup = await copyOf(postgres.url);
    [lost, restored] = await Promise.all([open(postgres.url, redis.url), open(backup, redis.url)]);
  });
  afterAll(() => Promise.all([lost?.close(), restored?.close()]));

  test("nothing that let somebody in lets them in as somebody else", async () => {
    const ada = await lost.signUp("Ada");
    expect(await lost.accounts.authenticate(ada.accessToken)).toMatchObject({ user: { id: ada.id } });
    const eve = await restored.signUp("Eve");
    expect(restored.store.history.epoch).toBe(lost.store.history.epoch);
    expect(eve.id).toBe(ada.id);

    const refused = { code: "unauthorized" };
    await expect(restored.accounts.authenticate(ada.accessToken)).rejects.toMatchObject(refused);
    await expect(restored.accounts.authenticate(ada.token)).rejects.toMatchObject(refused);
    await expect(restored.accounts.refresh(ada.cookie)).rejects.toMatchObject(refused);
    expect(await restored.accounts.authenticate(eve.accessToken)).toMatchObject({
      user: { uuid: eve.user.uuid },
    });
    expect(await lost.accounts.authenticate(ada.accessToken)).toMatchObject({
      user: { uuid: ada.user.uuid },
    });
  });
});

/** A database as it would be restored from a backup that is made now. Nobody may be connected to the original. */
async function copyOf(databaseUrl: string): Promise<string> {
  const name = `copy_${randomUUID().replaceAll("-", "")}`;
  const url = new URL(databaseUrl);
  const original = url.pathname.slice(1);
  url.pathname = "/postgres";
  const admin = openDatabase({ url: url.href, maxConnections: 1, statementTimeoutMs: 30_000 });
  await admin.sql`${admin.sql.unsafe(`create database "${name}" template "${original}"`)}`;
  await admin.close();
  url.pathname = `/${name}`;
  // What was restored by copying files back tells the same place as before.
  const copy = openDatabase({ url: url.href, maxConnections: 1, statementTimeoutMs: 30_000 });
  await copy.sql`delete from causeway_meta where key = 'place'`;
  await copy.close();
  return url.href;
}
