/** The homeserver is away, or loses what it had not delivered. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import { makeSenderAdmin } from "../../bridge/homeserver/sender-admin.ts";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../load/services/synapse.ts";
import { freePort } from "../black-box/processes.ts";
import { describeWith } from "../services/need.ts";
import { registrationText } from "../services/shared.ts";
import { killedAfterSend, withoutAudit } from "./faulty.ts";
import { openWorld, readRegistration, until, type World } from "./world.ts";

describeWith(["postgres", "synapseProgram"], "a homeserver that goes away", ({ postgres }) => {
  const world = {} as World;
  let synapse: SynapseService;
  let close = async () => {};

  beforeAll(async () => {
    const folder = newSynapseFolder();
    const prefix = "cw_";
    const registrationPath = join(folder, "registration.yaml");
    const url = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(registrationPath, registrationText("outages", { url, prefix }));
    synapse = await startSynapse({ folder, registrationPath });
    close = await openWorld(
      world,
      {
        databaseUrl: postgres.url,
        homeserverUrl: synapse.url,
        serverName: synapse.serverName,
        registration: readRegistration(registrationPath, prefix),
        registerUser: synapse.registerUser,
      },
      { scanMs: 300, reconcileMs: 600_000 },
    );
  }, 180_000);
  afterAll(async () => {
    await close();
    await synapse?.stop();
  });

  test("what it did not deliver before it was killed is found by the reconciler, in order, more than a page of it", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    const before = world.bridge.stats().recovered;
    const { open } = world.door;
    // The homeserver waits for us and keeps everything that follows in memory.
    world.door.open = () => new Promise(() => {});
    const texts = Array.from({ length: 130 }, (_, n) => `from Matrix ${n}`);
    for (const [n, text] of texts.entries()) await client.say(matrixRoom, text, `t${n}`);
    await world.say(ben, room, "from the app");
    await world.mirrored(room);
    await synapse.kill9();
    world.door.open = open;
    await world.say(ben, room, "while it is away");
    expect((await world.texts(room)).at(-1)).toBe("Ben: while it is away");
    await until("the bridge has noticed", async () => !(await world.bridge.health()).ok);
    await synapse.restart();
    await until("everything is in the chat", async () => {
      return (await world.texts(room)).filter((text) => text.startsWith("Ada")).length === texts.length;
    });
    expect((await world.texts(room)).filter((text) => text.startsWith("Ada"))).toEqual(
      texts.map((text) => `Ada: ${text}`),
    );
    await world.mirrored(room);
    const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
    expect(bodies).toEqual([...texts, "from the app", "while it is away"]);
    expect(world.bridge.stats().recovered - before).toBeGreaterThanOrEqual(100);
  }, 120_000);

  test("rooms that are made, used and left meanwhile are there when it comes back", async () => {
    await synapse.kill9();
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await world.group([ada, ben], { name: "Made meanwhile" });
    for (let n = 0; n < 30; n++) await world.say(n % 2 ? ada : ben, room, `message ${n}`);
    expect((await world.store.rooms.byId(room.id))?.matrixRoomId).toBeNull();
    await until("the bridge has noticed", async () => !(await world.bridge.health()).ok);
    await synapse.restart();
    const matrixRoom = await world.mirrored(room);
    const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
    expect(bodies).toEqual(Array.from({ length: 30 }, (_, n) => `message ${n}`));
    await until("all is well", async () => (await world.bridge.health()).ok);
  }, 120_000);

  test("who is deleted, signed out or given another password meanwhile is so in Matrix when it comes back", async () => {
    const { homeserver, store, useCases } = world;
    const { directory } = useCases;
    const admin = await world.registerUser("admin-of-outages", "admin's password", true);
    await makeSenderAdmin(homeserver, admin);
    const logger = { warn() {} };
    const matrix = createMatrixAccounts({
      ...{ homeserver, store: createBridgeStore(store.sql), provider: "synapse-admin", logger },
    });
    const made = async () => {
      const user = await world.user();
      const { id: tokenId } = await directory.createToken({ userId: user.id, name: "t" });
      const credential = { via: "token", tokenId, expiresAt: null } as const;
      const { accessToken } = await matrix.login(user, "PHONE", credential);
      return { user, tokenId, ...(await matrix.credentials(user, credential)), accessToken };
    };
    const status = async (method: string, path: string, token: string | null, body?: object) => {
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
      const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      return (await fetch(`${synapse.url}/_matrix/client/v3/${path}`, sent)).status;
    };
    const isOver = async ({ accessToken, username: user, password }: Awaited<ReturnType<typeof made>>) => {
      const login = { type: "m.login.password", identifier: { type: "m.id.user", user }, password };
      const statuses = [
        await status("GET", "account/whoami", accessToken),
        await status("POST", "login", null, login),
      ];
      return statuses.join() === "401,403";
    };
    const people = {
      deleted: await made(),
      signedOut: await made(),
      renewed: await made(),
      kept: await made(),
    };
    await synapse.kill9();
    await directory.deleteUser(people.deleted.user.id);
    await directory.deleteToken(people.signedOut.tokenId);
    await directory.updateUser(people.renewed.user.id, { password: "another password" });
    await until("the bridge has noticed", async () => !(await world.bridge.health()).ok);
    await synapse.restart();
    for (const one of [people.deleted, people.signedOut, people.renewed])
      await until("it is over in Matrix", () => isOver(one), 30_000);
    expect(await status("GET", "account/whoami", people.kept.accessToken)).toBe(200);
  }, 120_000);

  test("a worker killed between a send and storing it, and the homeserver killed as well: once, all the same", async () => {
    const { ben, room, matrixRoom } = await world.meeting();
    await world.bridge.stop();
    const { open } = world.door;
    // Nothing but the homeserver's own memory of our device's transaction ids is left to prevent a double.
    world.door.open = async () => Response.json({});
    const sent = { count: 0 };
    const killed = await world.startBridge({ homeserver: killedAfterSend(world.homeserver, sent) });
    await world.say(ben, room, "once");
    await until("it was sent", async () => sent.count > 0);
    await synapse.kill9();
    await synapse.restart();
    await world.startBridge({ homeserver: withoutAudit(world.homeserver) });
    await world.mirrored(room);
    await killed.stop();
    world.door.open = open;
    const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));
    expect(bodies).toEqual(["once"]);
  }, 120_000);

  test("a worker that starts while it is away says so, and begins when it is there", async () => {
    await synapse.kill9();
    await world.bridge.stop();
    await world.startBridge();
    const ada = await world.user("Ada");
    const room = await world.group([ada]);
    await world.say(ada, room, "hello");
    const health = await world.bridge.health();
    expect(health.ok).toBe(false);
    expect(health.detail).toMatch(/\S/);
    await synapse.restart();
    expect(await world.bot.texts(await world.mirrored(room))).toEqual([`cw_${ada.id}: hello`]);
  }, 120_000);

  test("a homeserver that can't reach us is told of, and what happens in it arrives all the same", async () => {
    const { room, matrixRoom, client } = await world.meeting();
    await world.bridge.stop();
    const { open } = world.door;
    world.door.open = async () => new Response("no", { status: 502 });
    await world.startBridge({ reconcileMs: 200 });
    await client.say(matrixRoom, "hello");
    await until("it is in the chat", async () => (await world.texts(room)).includes("Ada: hello"));
    expect(await world.bridge.health()).toMatchObject({
      ok: false,
      detail: expect.stringContaining(world.registration.url),
    });
    world.door.open = open;
    await until("all is well", async () => (await world.bridge.health()).ok);
  }, 120_000);
});
