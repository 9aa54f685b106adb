/** Accounts where Matrix Authentication Service stands before the homeserver, on a stand-in that answers as it documents. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createAccountTasks } from "../../bridge/homeserver/account-tasks.ts";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import { createCredentialProvider } from "../../bridge/homeserver/credentials.ts";
import { isDeactivated } from "../../bridge/homeserver/deactivated.ts";
import { createHomeserver, type Homeserver } from "../../bridge/homeserver/homeserver.ts";
import { createMas } from "../../bridge/homeserver/mas.ts";
import { createGhosts } from "../../bridge/mapping/ghosts.ts";
import { createBridgeAccounts } from "../../bridge/store/accounts.ts";
import type { User } from "../../src/domain/model.ts";
import type { MatrixAccounts } from "../../src/domain/ports/matrix.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import { type FakeMas, startFakeMas } from "./fake-mas.ts";
import { LASTING, SILENT } from "./site.ts";

const DEVICE = "ELEMENT-PHONE";
const SERVER = "mas.test";

describeWith("postgres", "accounts of Matrix Authentication Service", ({ postgres }) => {
  let chat: PostgresStore;
  let mas: FakeMas;
  let homeserver: Homeserver;
  let accounts: MatrixAccounts;
  const rooms = {
    markMatrixAccount: () => Promise.resolve([]),
    roomsToEnter: () => Promise.resolve([]),
  };
  const registration = {
    ...{ id: "causeway", url: "http://127.0.0.1:1", asToken: "as", hsToken: "hs" },
    ...{ senderLocalpart: "cw_sender", prefix: "cw_" },
  };
  beforeAll(async () => {
    chat = await openStore({ databaseUrl: postgres.url, maxConnections: 5, logger: SILENT });
    mas = await startFakeMas();
    homeserver = createHomeserver({ baseUrl: mas.url, registration, serverName: SERVER, logger: SILENT });
    const store = { ...createBridgeAccounts(chat.sql), ...rooms };
    accounts = createMatrixAccounts({ homeserver, store, provider: mas.settings, logger: SILENT });
  });
  afterAll(async () => {
    mas?.close();
    await chat?.close();
  });

  const person = () =>
    chat.transaction((tx) =>
      tx.users.create({
        ...{ handle: `h-${randomUUID()}`, displayName: "P", email: null },
        ...{ passwordHash: null, administrator: false },
      }),
    );
  const accountOf = ({ id }: User) => mas.users.get(`cw_${id}`);
  const sessionsOf = (user: User) => mas.sessions.filter(({ actor }) => actor === accountOf(user)?.id);
  const runTasks = () =>
    createAccountTasks({
      ...{ homeserver, store: createBridgeAccounts(chat.sql), logger: SILENT },
      ghosts: createGhosts({ ...registration, serverName: SERVER }),
      provider: createCredentialProvider(mas.settings, homeserver),
    }).run();

  test("Login makes the account and hands out the token of a personal session for the device", async () => {
    const user = await person();
    const login = await accounts.login(user, DEVICE, LASTING);
    const [session] = sessionsOf(user);
    expect(login).toEqual({
      ...{ accessToken: session?.token, deviceID: DEVICE, userID: `@cw_${user.id}:${SERVER}` },
      wellKnown: { "m.homeserver": { base_url: mas.url } },
    });
    expect(session?.scope).toBe(`urn:matrix:client:api:* urn:matrix:client:device:${DEVICE}`);
  });

  test("the same device again ends its token, and no other's", async () => {
    const user = await person();
    for (const device of [DEVICE, "ANOTHER-ONE", DEVICE]) await accounts.login(user, device, LASTING);
    expect(sessionsOf(user).map(({ isRevoked }) => isRevoked)).toEqual([true, false, false]);
  });

  test("a device id that the service's scopes do not take is refused by name", async () => {
    const login = accounts.login(await person(), "short", LASTING);
    await expect(login).rejects.toMatchObject({ code: "bad_request", field: "deviceID" });
  });

  test("an access token of the service that has run out is fetched anew", async () => {
    const user = await person();
    await accounts.login(user, DEVICE, LASTING);
    mas.expireTokens();
    await accounts.login(user, DEVICE, LASTING);
    expect(sessionsOf(user)).toHaveLength(2);
  });

  test("GetCredentials sets the password of the service's own page", async () => {
    const user = await person();
    const { password, username } = await accounts.credentials(user, LASTING);
    expect(mas.passwords.get(username)).toBe(password);
  });

  test("where passwords are turned off, GetCredentials says what to do", async () => {
    mas.passwordsEnabled = false;
    const refused = accounts.credentials(await person(), LASTING);
    await expect(refused).rejects.toMatchObject({
      ...{ code: "conflict", message: expect.stringMatching(/passwords\.enabled.*use Login/) as string },
    });
    mas.passwordsEnabled = true;
  });

  test("a locked account is refused, and is told from an active one", async () => {
    const user = await person();
    await accounts.login(user, DEVICE, LASTING);
    const ofService = createMas(mas.settings);
    const id = homeserver.userId(`cw_${user.id}`);
    expect(await isDeactivated(homeserver, id, ofService)).toBe(false);
    Object.assign(accountOf(user) ?? {}, { locked_at: "2026-12-01T00:00:00Z" });
    expect(await isDeactivated(homeserver, id, ofService)).toBe(true);
    await expect(accounts.login(user, DEVICE, LASTING)).rejects.toMatchObject({ code: "conflict" });
    await expect(accounts.credentials(user, LASTING)).rejects.toMatchObject({ code: "conflict" });
  });

  test.each([
    [{ status: 404, body: "<h1>nginx</h1>" }],
    [{ status: 502, body: "" }],
    [{ status: 200, body: "{}" }],
  ])("an answer of %j is no answer of the service: try again later", async (page) => {
    const user = await person();
    mas.instead = page;
    await expect(accounts.login(user, DEVICE, LASTING)).rejects.toMatchObject({ code: "unavailable" });
    mas.instead = null;
    expect(JSON.stringify(vi.mocked(SILENT.warn).mock.calls)).not.toContain(mas.settings.clientSecret);
  });

  test("a revoked credential ends its token or password, a deleted user the account", async () => {
    const [one, two, three] = [await person(), await person(), await person()];
    const credential = LASTING;
    const store = createBridgeAccounts(chat.sql);
    await accounts.login(one, DEVICE, LASTING);
    await store.revoke({ userId: one.id, device: DEVICE, credential });
    await accounts.credentials(two, LASTING);
    const password = mas.passwords.get(`cw_${two.id}`);
    await store.revoke({ userId: two.id, device: null, credential });
    await chat.sql`delete from bridge_grants where user_id = ${two.id}`;
    await accounts.login(three, DEVICE, LASTING);
    await chat.transaction((tx) => tx.users.delete(three.id));
    await runTasks();
    expect(sessionsOf(one)).toMatchObject([{ isRevoked: true }]);
    expect(mas.passwords.get(`cw_${two.id}`)).not.toBe(password);
    expect(mas.killed).toContain(accountOf(two)?.id);
    expect(sessionsOf(three)).toMatchObject([{ isRevoked: true }]);
    expect(accountOf(three)?.deactivated_at).not.toBeNull();
  });
});
