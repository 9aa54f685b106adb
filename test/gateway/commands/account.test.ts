/** PROTOCOL.md, section 17: password, sessions, another token, and the Matrix account. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { userActor } from "../../../src/domain/model.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, person, room, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const OLD = "correct horse";
const UNAUTHORIZED = { code: 4501 };

describeWith("postgres", "one's own account", ({ postgres }) => {
  const here = site(() => postgres.url);
  let node: Node;
  let refs = 0;
  beforeAll(async () => {
    node = await here.node({
      gateway: {
        compareMs: 200,
        matrixAccounts: {
          credentials: async (user) => ({
            ...{ username: `cw_${user.id}`, password: "secret" },
            ...{ userID: `@cw_${user.id}:example.org`, homeserver: "https://matrix.example.org" },
          }),
          login: async (user, deviceID) => ({
            ...{ accessToken: "syt_1", deviceID, userID: `@cw_${user.id}:example.org`, expiresInMS: 300_000 },
            wellKnown: { "m.homeserver": { base_url: "https://matrix.example.org" } },
          }),
        },
      },
    });
  });

  async function account() {
    const handle = `h-${randomUUID()}`;
    const user = await node.useCases.directory.createUser({ handle, password: OLD });
    const signIn = async (client: string, password = OLD) =>
      await node.useCases.accounts.login(handle, password, {
        ...{ persistent: false, ip: "192.0.2.1", client, refresh: true },
      });
    return { user, signIn };
  }

  async function enter(token: string, device?: string): Promise<RawClient> {
    const client = await here.raw(node);
    const ready = await client.hello(token, device === undefined ? {} : { device });
    expect(ready.op).toBe("ready");
    return client;
  }

  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const sessionsOf = (frame: Frame) => frame.sessions as Record<string, unknown>[];

  test("[GW-17.6] sessions are logins, with device, address and use; one and all others can be ended", async () => {
    const { signIn } = await account();
    const [phone, desk, web] = [await signIn("Phone/1"), await signIn("Desk/1"), await signIn("Web/1")];
    const [onPhone, onDesk, onWeb] = [
      await enter(phone.accessToken, "Ada's phone"),
      await enter(desk.accessToken),
      await enter(web.accessToken),
    ];
    const sessions = async () => sessionsOf(await ask(onPhone, "sessions"));
    const device = (name: string, more: object = {}) => expect.objectContaining({ device: name, ...more });
    await expect
      .poll(sessions, { timeout: 10_000 })
      .toEqual(expect.arrayContaining([device("Ada's phone", { current: true, address: "127.0.0.1" })]));
    const listed = await sessions();
    expect(listed).toHaveLength(3);
    expect(listed.filter(({ current }) => current)).toHaveLength(1);
    for (const { lastSeen } of listed) expect(Math.abs(Date.now() - Number(lastSeen))).toBeLessThan(60_000);
    const other = listed.find((each) => each.device === "Desk/1");
    expect(await ask(onPhone, "session.end", { session: other?.id })).not.toHaveProperty("duplicate");
    expect(await onDesk.closed).toMatchObject(UNAUTHORIZED);
    expect(await ask(onPhone, "session.end", { session: other?.id })).toMatchObject({ duplicate: true });
    await ask(onPhone, "session.end", { others: true });
    expect(await onWeb.closed).toMatchObject(UNAUTHORIZED);
    expect(await sessions()).toMatchObject([{ device: "Ada's phone" }]);
    await expect(node.useCases.accounts.authenticate(web.accessToken)).rejects.toMatchObject({
      code: "unauthorized",
    });
    await node.useCases.accounts.authenticate(phone.accessToken);
  });

  test("[GW-17.6] nobody ends another person's session", async () => {
    const [ada, eve] = [await account(), await account()];
    const [hers, eves] = [await ada.signIn("a"), await eve.signIn("e")];
    const [onHers, onEves] = [await enter(hers.accessToken), await enter(eves.accessToken)];
    const [mine] = sessionsOf(await ask(onHers, "sessions"));
    expect(await ask(onEves, "session.end", { session: mine?.id })).toMatchObject({ duplicate: true });
    expect(sessionsOf(await ask(onHers, "sessions"))).toHaveLength(1);
    for (const frame of [{}, { session: "1", others: true }, { session: "no" }, { others: false }]) {
      expect(await ask(onEves, "session.end", frame)).toMatchObject({ code: "bad_request" });
    }
  });

  test("[GW-17.5] a new password needs the old one, and ends the other logins", async () => {
    const { signIn } = await account();
    const [phone, desk] = [await signIn("Phone"), await signIn("Desk")];
    const [onPhone, onDesk] = [await enter(phone.accessToken), await enter(desk.accessToken)];
    const next = "battery staple";
    expect(await ask(onPhone, "password", { old: "wrong", new: next })).toMatchObject({
      ...{ code: "forbidden", field: "old" },
    });
    expect(await ask(onPhone, "password", { old: OLD, new: "" })).toMatchObject({
      ...{ code: "bad_request", field: "new" },
    });
    expect(await ask(onPhone, "password", { old: OLD, new: next })).toMatchObject({ op: "ok" });
    expect(await onDesk.closed).toMatchObject(UNAUTHORIZED);
    expect(await ask(onPhone, "password", { old: OLD, new: next })).toMatchObject({ duplicate: true });
    await node.useCases.accounts.authenticate(phone.accessToken);
    await expect(signIn("Phone")).rejects.toMatchObject({ code: "unauthorized" });
    await signIn("Phone", next);
  });

  test("[GW-17.8] a session moves to another token of its user, and no other", async () => {
    const { user, signIn } = await account();
    const stranger = await person(node, "Stranger");
    const old = await node.useCases.directory.createToken({ userId: user.id, name: "old" });
    const client = await enter(old.token);
    const { accessToken } = await signIn("Phone");
    expect(await ask(client, "token", { token: stranger.token })).toMatchObject({
      ...{ code: "forbidden", field: "token" },
    });
    expect(await ask(client, "token", { token: "nothing" })).toMatchObject({ code: "unauthorized" });
    expect(await ask(client, "token", { token: accessToken })).toMatchObject({ op: "ok" });
    // The token of before counts for nothing now.
    await node.useCases.directory.deleteToken(old.id);
    const [session] = sessionsOf(await ask(client, "sessions"));
    expect(session).toMatchObject({ current: true });
    expect(await ask(client, "hello", { token: accessToken })).toMatchObject({ code: "conflict" });
    await ask(client, "session.end", { session: session?.id });
    expect(await client.closed).toMatchObject(UNAUTHORIZED);
  });

  test("[GW-17.10] an account is deleted with its password, and its messages go where its user wishes it", async () => {
    const { user, signIn } = await account();
    const bob = await person(node, "Bob");
    const { id: roomId, token } = await room(node, [bob]);
    const member = { member: userActor(user), role: "user" as const };
    await node.useCases.roomLifecycle.addMembers(bob.actor, token, [member]);
    const [hers, his] = [await enter((await signIn("Phone")).accessToken), await enter(bob.token)];
    const { seq } = await ask(hers, "send", { room: token, id: "1", text: "mine" });
    expect(await ask(hers, "account.delete", { password: "wrong", erase: true })).toMatchObject({
      ...{ code: "forbidden", field: "password" },
    });
    expect(await ask(hers, "account.delete", { password: OLD, erase: true })).toMatchObject({ erased: true });
    expect(await hers.closed).toMatchObject(UNAUTHORIZED);
    await node.useCases.accountDeletions.sweep();
    await his.next(({ type, data }) => type === "message.deleted" && (data as { seq: number }).seq === seq);
    expect(JSON.stringify(await node.store.log.range(roomId, 0, 100, 100))).not.toContain("mine");
    await expect(signIn("Phone")).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("[GW-17.9] the Matrix account has a password, or a device", async () => {
    const { user, signIn } = await account();
    const client = await enter((await signIn("Phone")).accessToken);
    const where = { homeserver: "https://matrix.example.org", matrixId: `@cw_${user.id}:example.org` };
    expect(await ask(client, "matrix")).toMatchObject({
      ...where,
      username: `cw_${user.id}`,
      password: "secret",
    });
    expect(await ask(client, "matrix", { device: "PHONE" })).toMatchObject({
      ...where,
      ...{ device: "PHONE", accessToken: "syt_1", expiresInMs: 300_000 },
    });
    expect(await ask(client, "matrix", { device: "" })).toMatchObject({
      code: "bad_request",
      field: "device",
    });
  });

  test("[GW-17.7] a refresh token that is used twice ends its login and its sessions, and no other login", async () => {
    const { accounts } = node.useCases;
    const { signIn } = await account();
    const [phone, desk] = [await signIn("Phone"), await signIn("Desk")];
    const [onPhone, onDesk] = [await enter(phone.accessToken), await enter(desk.accessToken)];
    const by = { ip: "192.0.2.1", client: "Phone" };
    const first = phone.refreshToken as string;
    const second = await accounts.refreshByToken(first, by);
    // The answer was lost: the same again.
    expect((await accounts.refreshByToken(first, by)).refreshToken).toBe(second.refreshToken);
    const third = await accounts.refreshByToken(second.refreshToken, by);
    await accounts.authenticate(third.accessToken);
    await expect(accounts.refreshByToken(first, by)).rejects.toMatchObject({ code: "unauthorized" });
    expect(await onPhone.closed).toMatchObject(UNAUTHORIZED);
    for (const refused of [
      () => accounts.authenticate(third.accessToken),
      () => accounts.refreshByToken(third.refreshToken, by),
      () => accounts.refreshByToken("cwr_nothing", by),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: "unauthorized" });
    }
    expect(await ask(onDesk, "sessions")).toMatchObject({ sessions: [{ device: "Desk", current: true }] });
  });

  test("[GW-17.7] a copy that is used as the client itself would gets what the client has, and ends the login", async () => {
    const { accounts } = node.useCases;
    const { refreshToken } = await (await account()).signIn("Phone");
    const [owner, thief] = [
      { ip: "192.0.2.1", client: "Phone" },
      { ip: "198.51.100.7", client: "Phone" },
    ];
    const second = await accounts.refreshByToken(refreshToken as string, owner);
    const copied = await accounts.refreshByToken(refreshToken as string, thief);
    expect(copied.refreshToken).toBe(second.refreshToken);
    const third = await accounts.refreshByToken(copied.refreshToken, thief);
    await node.store.sql`update logins set refreshed_at = refreshed_at - 10001`;
    for (const token of [second.refreshToken, third.refreshToken])
      await expect(accounts.refreshByToken(token, owner)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("[GW-17.7] a lost answer is repeated for the same client alone, and for a moment", async () => {
    const { signIn } = await account();
    const by = { ip: "192.0.2.1", client: "Phone" };
    const [one, other] = [await signIn("Phone"), await signIn("Phone")];
    const later = await here.node();
    for (const [token, accounts, again] of [
      [one.refreshToken as string, node.useCases.accounts, { ...by, client: "Thief" }],
      [other.refreshToken as string, later.useCases.accounts, by],
    ] as const) {
      const { refreshToken } = await accounts.refreshByToken(token, by);
      if (again === by) await later.store.sql`update logins set refreshed_at = refreshed_at - 10001`;
      await expect(accounts.refreshByToken(token, again)).rejects.toMatchObject({ code: "unauthorized" });
      await expect(accounts.refreshByToken(refreshToken, by)).rejects.toMatchObject({ code: "unauthorized" });
    }
  });
});
