import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createMatrixAccounts } from "../../bridge/accounts.ts";
import type { CredentialProviderName } from "../../bridge/credentials.ts";
import { BRIDGE_DEVICE } from "../../bridge/ghosts.ts";
import { createHomeserver, type Homeserver } from "../../bridge/homeserver.ts";
import { readOrMakeRegistration } from "../../bridge/registration.ts";
import { makeSenderAdmin } from "../../bridge/sender-admin.ts";
import { DomainError } from "../../src/domain/errors.ts";
import type { User } from "../../src/domain/model.ts";
import type { MatrixAccounts } from "../../src/domain/ports/matrix.ts";
import type { RoomToEnter } from "../../src/store/bridge-members.ts";
import { describeWith } from "../services/need.ts";

const SILENT = { debug: () => undefined, warn: vi.fn() };
let lastId = 100;

function person(): User {
  const id = ++lastId;
  const names = { uuid: `uuid-${id}`, publicId: `public-${id}`, handle: `person-${id}`, displayName: "P" };
  return { id, ...names, email: null, administrator: false, createdAt: 0 };
}

describeWith("synapse", "Matrix accounts", ({ synapse }) => {
  const { registration: given, serverName } = synapse;
  const registration = readOrMakeRegistration({
    path: given.path,
    appserviceUrl: given.url,
    prefix: given.prefix,
    serverName,
  });
  const store = {
    markMatrixAccount: vi.fn((_userId: number) => Promise.resolve<RoomToEnter[]>([])),
    roomsToEnter: vi.fn((_userId: number) => Promise.resolve<RoomToEnter[]>([])),
  };
  const homeserverAt = (baseUrl: string) =>
    createHomeserver({ baseUrl, registration, serverName, logger: SILENT });
  const accountsOn = (homeserver: Homeserver, provider: CredentialProviderName = "synapse-admin") =>
    createMatrixAccounts({ homeserver, store, provider, logger: SILENT });
  const homeserver = homeserverAt(synapse.url);
  const accounts = accountsOn(homeserver);

  const matrix = async (method: string, path: string, token: string | null, body?: object) => {
    const answer = await fetch(`${synapse.url}/_matrix/client/v3/${path}`, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const whoami = (token: string) => matrix("GET", "account/whoami", token);
  const passwordLogin = (user: string, password: string) =>
    matrix("POST", "login", null, {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password,
    });

  beforeEach(() => {
    SILENT.warn.mockClear();
    for (const method of Object.values(store)) method.mockReset().mockResolvedValue([]);
  });

  test("passwords are refused, with what to do, while the sender is no administrator", async () => {
    const refused = accounts.credentials(person());
    await expect(refused).rejects.toThrowError(DomainError);
    await expect(refused).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(
        `@${given.prefix}sender:${serverName} has to be an administrator`,
      ) as string,
    });
  });

  test("an administrator of Synapse makes the sender one, once", async () => {
    const admin = await synapse.registerUser(`admin-of-${given.prefix}`, "admin's password", true);
    expect(await makeSenderAdmin(homeserver, { accessToken: admin.accessToken })).toBe(true);
    expect(await makeSenderAdmin(homeserver, { accessToken: "no longer needed" })).toBe(false);
  });

  test("a handed-out password signs in with Matrix, and is another one each time", async () => {
    const user = person();
    const { username, password } = await accounts.credentials(user);
    expect(username).toBe(`${given.prefix}${user.id}`);
    expect(password.length).toBeGreaterThanOrEqual(32);
    const first = await passwordLogin(username, password);
    expect(first).toMatchObject({ status: 200, body: { user_id: `@${username}:${serverName}` } });

    const second = await accounts.credentials(user);
    expect(second.password).not.toBe(password);
    expect(await passwordLogin(username, password)).toMatchObject({ status: 403 });
    expect(await passwordLogin(username, second.password)).toMatchObject({ status: 200 });
    expect(await whoami(String(first.body.access_token))).toMatchObject({ status: 200 });
    expect(SILENT.warn).not.toHaveBeenCalled();
  });

  test("Login hands out tokens that work and can be refreshed", async () => {
    const user = person();
    const login = await accounts.login(user, "PHONE");
    const userID = `@${given.prefix}${user.id}:${serverName}`;
    expect(login).toEqual({
      accessToken: expect.any(String) as string,
      refreshToken: expect.any(String) as string,
      expiresInMS: expect.any(Number) as number,
      deviceID: "PHONE",
      userID,
      wellKnown: { "m.homeserver": { base_url: synapse.url } },
    });
    const who = await whoami(login.accessToken);
    expect(who).toMatchObject({ status: 200, body: { user_id: userID, device_id: "PHONE" } });

    const refreshed = await matrix("POST", "refresh", null, { refresh_token: login.refreshToken });
    expect(refreshed.status).toBe(200);
    expect(await whoami(String(refreshed.body.access_token))).toMatchObject({ status: 200 });
  });

  test("a second login on a device ends the first one's tokens, and no other device's", async () => {
    const user = person();
    const tablet = await accounts.login(user, "TABLET");
    const first = await accounts.login(user, "PHONE/1?");
    const second = await accounts.login(user, "PHONE/1?");
    expect(await whoami(first.accessToken)).toMatchObject({ status: 401 });
    const refreshed = await matrix("POST", "refresh", null, { refresh_token: first.refreshToken });
    expect(refreshed.status).not.toBe(200);
    expect(await whoami(second.accessToken)).toMatchObject({ status: 200 });
    expect(await whoami(tablet.accessToken)).toMatchObject({ status: 200 });
  });

  test("the bridge's own device is nobody's to sign in on", async () => {
    await expect(accounts.login(person(), BRIDGE_DEVICE)).rejects.toMatchObject({
      code: "bad_request",
      field: "deviceID",
    });
  });

  test("the configured public URL wins over what the homeserver says, without a final slash", async () => {
    const publicBaseUrl = "https://matrix.example.org/";
    const options = { homeserver, store, provider: "none", publicBaseUrl, logger: SILENT } as const;
    const { wellKnown } = await createMatrixAccounts(options).login(person(), "PHONE");
    expect(wellKnown["m.homeserver"]).toEqual({ base_url: "https://matrix.example.org" });
  });

  test.each([
    ["credentials", (user: User) => accounts.credentials(user)],
    ["login", (user: User) => accounts.login(user, "PHONE")],
  ])("%s answers once the worker has the person in their rooms", async (_, ask) => {
    const user = person();
    store.markMatrixAccount.mockResolvedValue([{ conversationId: 1, matrixRoomId: "!a" }]);
    store.roomsToEnter
      .mockResolvedValueOnce([{ conversationId: 1, matrixRoomId: "!a" }])
      .mockResolvedValueOnce([{ conversationId: 2, matrixRoomId: null }]);
    await ask(user);
    expect(store.markMatrixAccount).toHaveBeenCalledExactlyOnceWith(user.id);
    expect(store.roomsToEnter).toHaveBeenCalledTimes(2);
  });

  test("without a worker it answers all the same", async () => {
    const nowhere = [{ conversationId: 1, matrixRoomId: "!a" }];
    store.markMatrixAccount.mockResolvedValue(nowhere);
    store.roomsToEnter.mockResolvedValue(nowhere);
    expect(await accounts.login(person(), "PHONE")).toMatchObject({ deviceID: "PHONE" });
  });

  test("deactivating ends every session and every password", async () => {
    const user = person();
    const { username, password } = await accounts.credentials(user);
    const { accessToken } = await accounts.login(user, "PHONE");
    await accounts.deactivate(user.id);
    expect(await whoami(accessToken)).toMatchObject({ status: 401 });
    expect((await passwordLogin(username, password)).status).toBe(403);
    await accounts.deactivate(user.id);
  });

  test("deactivating somebody without an account is fine", async () => {
    await accounts.deactivate(person().id);
  });

  test("with the provider none passwords are not supported, and tokens work", async () => {
    const without = accountsOn(homeserver, "none");
    await expect(without.credentials(person())).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("not supported") as string,
    });
    const { accessToken } = await without.login(person(), "PHONE");
    expect(await whoami(accessToken)).toMatchObject({ status: 200 });
  });

  describe.each<[string, () => Promise<{ url: string; stop: () => void }>]>([
    ["not there", () => Promise.resolve({ url: "http://127.0.0.1:9", stop: () => undefined })],
    ["a gateway that has lost it", brokenHomeserver],
  ])("with a homeserver that is %s", (_, start) => {
    let away: { url: string; stop: () => void };
    let cut: MatrixAccounts;
    beforeAll(async () => {
      away = await start();
      cut = accountsOn(homeserverAt(away.url));
    });
    afterAll(() => away.stop());

    test.each([
      ["credentials", () => cut.credentials(person())],
      ["login", () => cut.login(person(), "PHONE")],
      ["deactivate", () => cut.deactivate(person().id)],
    ])("%s is unavailable, and says so", async (_name, ask) => {
      const refused = ask();
      await expect(refused).rejects.toThrowError(DomainError);
      await expect(refused).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("can't be reached") as string,
      });
      expect(inspect(SILENT.warn.mock.calls, { depth: 20 })).not.toContain(registration.asToken);
    });
  });
});

/** A proxy whose homeserver is gone. */
async function brokenHomeserver(): Promise<{ url: string; stop: () => void }> {
  const server = createServer((_, response) => response.writeHead(502).end("Bad Gateway"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => server.close() };
}
