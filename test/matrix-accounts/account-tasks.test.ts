/** What ends in Matrix with what it was made with, and with whom. */
import { randomBytes } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Homeserver } from "../../bridge/homeserver/homeserver.ts";
import { HomeserverError } from "../../bridge/homeserver/homeserver-error.ts";
import { makeSenderAdmin } from "../../bridge/homeserver/sender-admin.ts";
import { BRIDGE_DEVICE } from "../../bridge/mapping/ghosts.ts";
import { createBridgeAccounts, MAX_DEVICES } from "../../bridge/store/accounts.ts";
import { describeWith } from "../services/need.ts";
import { accountsSite, LASTING, SILENT } from "./site.ts";

describeWith(["postgres", "synapse"], "what was made in Matrix ends", ({ postgres, synapse }) => {
  const site = accountsSite(postgres, synapse);
  const { homeserver, accountsOn, tasksOn, person, whoami, passwordLogin, prefix, chat } = site;
  const accounts = site.accounts();
  beforeAll(async () => {
    const admin = await synapse.registerUser(`admin-for-${prefix}`, "admin's password", true);
    await makeSenderAdmin(homeserver, admin);
  });

  const tokenOf = async (userId: number) =>
    await chat().tokens.create({
      ...{ userId, organizationId: null, name: "t", expiresAt: null, hash: randomBytes(32) },
    });
  const through = ({ id: tokenId }: { id: number }) => ({ via: "token", tokenId, expiresAt: null }) as const;
  const deviceOf = (answer: { body: Record<string, unknown> }) => String(answer.body.access_token);
  const status = async (token: string) => (await whoami(token)).status;
  const carryOut = () => tasksOn(homeserver).run();
  const waiting = (userId: number) =>
    chat().sql`select kind, device from bridge_account_tasks where user_id = ${userId} order by id`;

  test("with all logins of a user, devices and passwords alike, but for the bridge's own device", async () => {
    const user = await person();
    const token = await tokenOf(user.id);
    const phone = await accounts.login(user, "PHONE", through(token));
    const { username, password } = await accounts.credentials(user, LASTING);
    const element = deviceOf(await passwordLogin(username, password));
    const asUser = homeserver.userId(username);
    await homeserver.ensureDevice(asUser, BRIDGE_DEVICE);
    await chat().transaction((tx) => tx.users.endLogins(user.id));
    expect(await waiting(user.id)).toEqual([{ kind: "end_sessions", device: "" }]);
    await carryOut();
    expect([await status(phone.accessToken), await status(element)]).toEqual([401, 401]);
    expect((await passwordLogin(username, password)).status).toBe(403);
    const { devices } = await homeserver.request<{ devices: object[] }>("GET", "/_matrix/client/v3/devices", {
      asUser,
    });
    expect(devices).toMatchObject([{ device_id: BRIDGE_DEVICE }]);
    expect(await waiting(user.id)).toEqual([]);
    const again = await accounts.login(user, "PHONE", through(token));
    await carryOut();
    expect(await status(again.accessToken)).toBe(200);
  });

  test("with the token that it was made with, and nothing else", async () => {
    const user = await person();
    const [one, other] = [await tokenOf(user.id), await tokenOf(user.id)];
    const phone = await accounts.login(user, "PHONE", through(one));
    const tablet = await accounts.login(user, "TABLET", through(other));
    const shared = await accounts.login(user, "SHARED", through(one));
    const taken = await accounts.login(user, "SHARED", through(other));
    const { username, password } = await accounts.credentials(user, through(one));
    const element = deviceOf(await passwordLogin(username, password));
    await chat().tokens.delete(one.id);
    await carryOut();
    expect([await status(phone.accessToken), await status(shared.accessToken)]).toEqual([401, 401]);
    expect([await status(tablet.accessToken), await status(taken.accessToken)]).toEqual([200, 200]);
    expect(await status(element), "made with the password").toBe(401);
    expect((await passwordLogin(username, password)).status).toBe(403);
  });

  test("with the login that it was made with", async () => {
    const user = await person();
    const login = await chat().logins.create({
      ...{ userId: user.id, hash: randomBytes(32), passwordHash: null, persistent: false },
      ...{ startedAt: Date.now(), expiresAt: Date.now() + 60_000 },
    });
    const credential = { via: "session", loginId: login?.id ?? 0, expiresAt: 0 } as const;
    const phone = await accounts.login(user, "PHONE", credential);
    await chat().logins.delete(credential.loginId);
    await carryOut();
    expect(await status(phone.accessToken)).toBe(401);
  });

  test("with the user, password and all", async () => {
    const user = await person();
    const phone = await accounts.login(user, "PHONE", through(await tokenOf(user.id)));
    const { username, password } = await accounts.credentials(user, LASTING);
    await chat().transaction((tx) => tx.users.delete(user.id));
    expect(await waiting(user.id)).toEqual([{ kind: "deactivate", device: "" }]);
    await carryOut();
    expect(await status(phone.accessToken)).toBe(401);
    expect((await passwordLogin(username, password)).status).toBe(403);
    expect(await waiting(user.id)).toEqual([]);
  });

  test("before anything new is made, so that it does not end that", async () => {
    const user = await person();
    const first = await accounts.login(user, "PHONE", LASTING);
    await chat().transaction((tx) => tx.users.endLogins(user.id));
    const second = await accounts.login(user, "PHONE", LASTING);
    const { username, password } = await accounts.credentials(user, LASTING);
    await carryOut();
    expect([await status(first.accessToken), await status(second.accessToken)]).toEqual([401, 200]);
    expect((await passwordLogin(username, password)).status).toBe(200);
  });

  test("also when the credential is revoked while it is being made", async () => {
    const user = await person();
    const token = await tokenOf(user.id);
    const revoking: Homeserver = {
      ...homeserver,
      async request<T>(...[method, path, options]: Parameters<Homeserver["request"]>) {
        const answer = await homeserver.request<T>(method, path, options);
        if (path.endsWith("/login")) await chat().tokens.delete(token.id);
        return answer;
      },
    };
    const refused = accountsOn(revoking).login(user, "PHONE", through(token));
    await expect(refused).rejects.toMatchObject({ code: "unauthorized" });
    await carryOut();
    const asUser = homeserver.userId(`${prefix}${user.id}`);
    const { devices } = await homeserver.request<{ devices: object[] }>("GET", "/_matrix/client/v3/devices", {
      asUser,
    });
    expect(devices).toEqual([]);
    const late = accounts.login(user, "PHONE", through(token));
    await expect(late, "it is none any more").rejects.toMatchObject({ code: "unauthorized" });
  });

  test("and nothing is demanded for somebody who never had an account", async () => {
    const user = await person();
    await chat().transaction((tx) => tx.users.endLogins(user.id));
    await chat().transaction((tx) => tx.users.delete(user.id));
    expect(await waiting(user.id)).toEqual([]);
  });

  test("once the homeserver does what it refused or could not do before; one account holds up no other", async () => {
    const [ada, ben] = [await person(), await person()];
    const phones = [await accounts.login(ada, "PHONE", LASTING), await accounts.login(ben, "PHONE", LASTING)];
    for (const { id } of [ada, ben]) await chat().transaction((tx) => tx.users.endLogins(id));
    const refusing: Homeserver = {
      ...homeserver,
      async request<T>(...[method, path, options]: Parameters<Homeserver["request"]>) {
        if (options?.asUser?.includes(`${prefix}${ada.id}:`))
          throw new HomeserverError("no", { status: 400, errcode: "M_UNKNOWN" });
        return await homeserver.request<T>(method, path, options);
      },
    };
    await tasksOn(refusing).run();
    expect(await Promise.all(phones.map(({ accessToken }) => status(accessToken)))).toEqual([200, 401]);
    expect(SILENT.warn).toHaveBeenCalledTimes(1);
    await carryOut();
    expect(await status(phones[0]?.accessToken ?? ""), "it waits").toBe(200);
    await createBridgeAccounts(chat().sql).retryTasks();
    await carryOut();
    expect(await status(phones[0]?.accessToken ?? "")).toBe(401);
  });

  test("for the oldest of more than a hundred devices", async () => {
    const user = await person();
    const store = createBridgeAccounts(chat().sql);
    const at = (n: number) => ({ userId: user.id, device: `D${n}`, credential: LASTING });
    for (let n = 0; n <= MAX_DEVICES; n++) {
      await store.grant(at(n));
      await chat().sql`
        update bridge_grants set made_at = made_at - ${1_000 - n} where user_id = ${user.id} and device = ${`D${n}`}`;
    }
    expect(await waiting(user.id)).toEqual([{ kind: "end_device", device: "D0" }]);
    expect(await store.grantedDevices(user.id)).toHaveLength(MAX_DEVICES);
  });
});
