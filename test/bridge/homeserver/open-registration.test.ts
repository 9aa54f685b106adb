/** A homeserver where strangers can register is not used: they could take the names of users to come. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMatrixAccounts } from "../../../bridge/homeserver/accounts.ts";
import {
  OpenRegistrationError,
  refuseOpenRegistration,
} from "../../../bridge/homeserver/open-registration.ts";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../../load/services/synapse.ts";
import { freePort } from "../../black-box/processes.ts";
import { describeWith } from "../../services/need.ts";
import { registrationText } from "../../services/shared.ts";
import { openWorld, readRegistration, until, type World } from "../world.ts";

describeWith(["postgres", "synapseProgram"], "a homeserver with open registration", ({ postgres }) => {
  const world = {} as World;
  const overrides: Record<string, unknown> = {};
  let synapse: SynapseService;
  let close = async () => {};

  beforeAll(async () => {
    const folder = newSynapseFolder();
    const registrationPath = join(folder, "registration.yaml");
    const url = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(registrationPath, registrationText("open", { url, prefix: "cw_" }));
    synapse = await startSynapse({ folder, registrationPath, overrides });
    close = await openWorld(world, {
      ...{ databaseUrl: postgres.url, homeserverUrl: synapse.url, serverName: synapse.serverName },
      ...{ registration: readRegistration(registrationPath, "cw_"), registerUser: synapse.registerUser },
    });
  }, 180_000);
  afterAll(async () => {
    await close();
    await synapse?.stop();
  });

  test("is refused with the reason, by the bridge and by Login, until registration is closed", async () => {
    const ada = await world.user("Ada");
    const room = await world.group([ada]);
    const matrixRoom = await world.mirrored(room);
    Object.assign(overrides, { enable_registration: true, enable_registration_without_verification: true });
    await synapse.restart();
    world.bridge.homeserverRestarted();
    const reason = /Strangers can register accounts at the Matrix homeserver.*enable_registration: false/;
    await until("the bridge says why", async () => reason.test((await world.bridge.health()).detail ?? ""));
    await world.say(ada, room, "while it is open");
    const { homeserver, store } = world;
    const accounts = createMatrixAccounts({
      ...{ homeserver, store: createBridgeStore(store.sql), provider: "none", logger: { warn() {} } },
    });
    const login = () => accounts.login(ada, "PHONE", { via: "jwt", expiresAt: 0 });
    await expect(login()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(reason) as string,
    });
    expect(await world.bot.texts(matrixRoom)).toEqual([]);

    Object.assign(overrides, { registration_requires_token: true });
    await synapse.restart();
    await world.mirrored(room);
    expect(await world.bot.texts(matrixRoom)).toEqual([`cw_${ada.id}: while it is open`]);
    expect(await login()).toMatchObject({ userID: world.ghosts.ofUser(ada.id) });
  }, 120_000);
});

describe("whether strangers can register", () => {
  const ask = async (status: number, body: string) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await refuseOpenRegistration({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    } finally {
      server.close();
    }
  };
  const flows = (...stages: string[][]) => JSON.stringify({ flows: stages.map((one) => ({ stages: one })) });
  const token = "m.login.registration_token";

  test.each([
    ["it is refused", 403, '{"errcode":"M_FORBIDDEN"}'],
    ["the homeserver has no such path", 404, '{"errcode":"M_UNRECOGNIZED"}'],
    ["each way needs a token", 401, flows([token, "m.login.dummy"], [token, "m.login.email.identity"])],
  ])("they can't when %s", async (_, status, body) => {
    await expect(ask(status, body)).resolves.toBeUndefined();
  });

  test.each([
    ["a way needs nothing", 401, flows(["m.login.dummy"])],
    ["a way needs an address only", 401, flows([token], ["m.login.email.identity"])],
    ["the ways can't be read", 401, '{"flows":[null]}'],
    ["there are none", 401, '{"flows":[]}'],
    ["somebody was registered", 200, '{"user_id":"@x:y"}'],
  ])("they can when %s", async (_, status, body) => {
    await expect(ask(status, body)).rejects.toThrowError(OpenRegistrationError);
  });

  test.each([
    ["a proxy answers", 403, "<html>"],
    ["it is asked too often", 429, '{"errcode":"M_LIMIT_EXCEEDED"}'],
  ])("it is not known, and asked again, when %s", async (_, status, body) => {
    await expect(ask(status, body)).rejects.toMatchObject({ name: "HomeserverError", temporary: true });
  });
});
