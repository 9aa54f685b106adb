import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import { makeSenderAdmin } from "../../bridge/homeserver/sender-admin.ts";
import { BRIDGE_DEVICE } from "../../bridge/mapping/ghosts.ts";
import { DomainError } from "../../src/domain/errors.ts";
import type { User } from "../../src/domain/model.ts";
import type { MatrixAccounts } from "../../src/domain/ports/matrix.ts";
import { describeWith } from "../services/need.ts";
import { accountsSite, LASTING, SILENT } from "./site.ts";

describeWith(["postgres", "synapse"], "Matrix accounts", ({ postgres, synapse }) => {
  const site = accountsSite(postgres, synapse);
  const { homeserver, homeserverAt, accountsOn, person, whoami, passwordLogin, matrix, rooms, prefix } = site;
  const { serverName, registration } = site;
  const accounts = site.accounts();

  test("passwords are refused, with what to do, while the sender is no administrator", async () => {
    const refused = accounts.credentials(await person(), LASTING);
    await expect(refused).rejects.toThrowError(DomainError);
    await expect(refused).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`@${prefix}sender:${serverName} has to be an administrator`) as string,
    });
  });

  test("an administrator of Synapse makes the sender one, once", async () => {
    const admin = await synapse.registerUser(`admin-of-${prefix}`, "admin's password", true);
    expect(await makeSenderAdmin(homeserver, { accessToken: admin.accessToken })).toBe(true);
    expect(await makeSenderAdmin(homeserver, { accessToken: "no longer needed" })).toBe(false);
  });

  test("a handed-out password signs in with Matrix, and is another one each time", async () => {
    const user = await person();
    const { username, password } = await accounts.credentials(user, LASTING);
    expect(username).toBe(`${prefix}${user.id}`);
    expect(password.length).toBeGreaterThanOrEqual(32);
    const first = await passwordLogin(username, password);
    expect(first).toMatchObject({ status: 200, body: { user_id: `@${username}:${serverName}` } });

    const second = await accounts.credentials(user, LASTING);
    expect(second.password).not.toBe(password);
    expect(await passwordLogin(username, password)).toMatchObject({ status: 403 });
    expect(await passwordLogin(username, second.password)).toMatchObject({ status: 200 });
    expect(await whoami(String(first.body.access_token))).toMatchObject({ status: 200 });
    expect(SILENT.warn).not.toHaveBeenCalled();
  });

  test("Login hands out tokens that work and can be refreshed", async () => {
    const user = await person();
    const login = await accounts.login(user, "PHONE", LASTING);
    const userID = `@${prefix}${user.id}:${serverName}`;
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
    const user = await person();
    const tablet = await accounts.login(user, "TABLET", LASTING);
    const first = await accounts.login(user, "PHONE/1?", LASTING);
    const second = await accounts.login(user, "PHONE/1?", LASTING);
    expect(await whoami(first.accessToken)).toMatchObject({ status: 401 });
    const refreshed = await matrix("POST", "refresh", null, { refresh_token: first.refreshToken });
    expect(refreshed.status).not.toBe(200);
    expect(await whoami(second.accessToken)).toMatchObject({ status: 200 });
    expect(await whoami(tablet.accessToken)).toMatchObject({ status: 200 });
  });

  test("the bridge's own device is nobody's to sign in on", async () => {
    await expect(accounts.login(await person(), BRIDGE_DEVICE, LASTING)).rejects.toMatchObject({
      code: "bad_request",
      field: "deviceID",
    });
  });

  test("the configured public URL wins over what the homeserver says, without a final slash", async () => {
    const publicBaseUrl = "https://matrix.example.org/";
    const options = {
      homeserver,
      store: site.store(),
      provider: "none",
      publicBaseUrl,
      logger: SILENT,
    } as const;
    const { wellKnown } = await createMatrixAccounts(options).login(await person(), "PHONE", LASTING);
    expect(wellKnown["m.homeserver"]).toEqual({ base_url: "https://matrix.example.org" });
  });

  test.each([
    ["credentials", (user: User) => accounts.credentials(user, LASTING)],
    ["login", (user: User) => accounts.login(user, "PHONE", LASTING)],
  ])("%s answers once the worker has the person in their rooms", async (_, ask) => {
    const user = await person();
    rooms.markMatrixAccount.mockResolvedValue([{ roomId: 1, matrixRoomId: "!a" }]);
    rooms.roomsToEnter
      .mockResolvedValueOnce([{ roomId: 1, matrixRoomId: "!a" }])
      .mockResolvedValueOnce([{ roomId: 2, matrixRoomId: null }]);
    await ask(user);
    expect(rooms.markMatrixAccount).toHaveBeenCalledExactlyOnceWith(user.id);
    expect(rooms.roomsToEnter).toHaveBeenCalledTimes(2);
  });

  test("without a worker it answers all the same", async () => {
    const nowhere = [{ roomId: 1, matrixRoomId: "!a" }];
    rooms.markMatrixAccount.mockResolvedValue(nowhere);
    rooms.roomsToEnter.mockResolvedValue(nowhere);
    expect(await accounts.login(await person(), "PHONE", LASTING)).toMatchObject({ deviceID: "PHONE" });
  });

  test("with the provider none passwords are not supported, and tokens work", async () => {
    const without = accountsOn(homeserver, "none");
    await expect(without.credentials(await person(), LASTING)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("not supported") as string,
    });
    const { accessToken } = await without.login(await person(), "PHONE", LASTING);
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
      ["credentials", async () => cut.credentials(await person(), LASTING)],
      ["login", async () => cut.login(await person(), "PHONE", LASTING)],
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
