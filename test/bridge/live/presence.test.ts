/** Who is online, in the chat and in Matrix, on a homeserver that has presence. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../../load/services/synapse.ts";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import { freePort } from "../../black-box/processes.ts";
import { describeWith } from "../../services/need.ts";
import { registrationText } from "../../services/shared.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge, openWorld, readRegistration, until, type World } from "../world.ts";

describeWith(["postgres", "synapseProgram"], "who is online", ({ postgres }) => {
  const world = {} as World;
  let synapse: SynapseService;
  let close = async () => {};
  const looking: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const folder = newSynapseFolder();
    const registrationPath = join(folder, "registration.yaml");
    const url = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(registrationPath, registrationText("online", { url, prefix: "cw_" }));
    // People's own clients may say so only once in ten seconds.
    const rc_presence = { per_user: { per_second: 1_000, burst_count: 1_000 } };
    const overrides = { presence: { enabled: true }, rc_presence };
    synapse = await startSynapse({ folder, registrationPath, overrides });
    const parts = { databaseUrl: postgres.url, homeserverUrl: synapse.url, serverName: synapse.serverName };
    const registration = readRegistration(registrationPath, "cw_");
    const registerUser = synapse.registerUser;
    close = await openWorld(world, { ...parts, registration, registerUser }, { presence: true, scanMs: 300 });
  }, 180_000);
  afterAll(async () => {
    await close();
    await synapse?.stop();
  });
  afterEach(async () => {
    for (const end of looking.splice(0)) await end();
  });

  const close1 = (user: User, room: Room) =>
    world.useCases.presence.close(userActor(user), [room], `session of ${user.id}`);
  const open = async (user: User, room: Room) => {
    await world.useCases.presence.ping(userActor(user), [room], `session of ${user.id}`);
    looking.push(() => close1(user, room));
  };
  const presenceOf = async (viewer: MatrixUser, user: User) => {
    const path = `presence/${encodeURIComponent(world.ghosts.ofUser(user.id))}/status`;
    return (await viewer.ask<{ presence: string }>("GET", path)).presence;
  };
  const untilPresence = (viewer: MatrixUser, user: User, wanted: string) =>
    until(`${user.displayName} is ${wanted}`, async () => (await presenceOf(viewer, user)) === wanted);
  /** Ada with a Matrix client, and Ben, whose ghost is in the room. */
  const meeting = async () => {
    const here = await world.meeting();
    await createBridgeStore(world.store.sql).markMatrixAccount(here.ada.id);
    await world.say(here.ben, here.room, "hello");
    await world.mirrored(here.room);
    return here;
  };

  test("who looks at a room is online in Matrix, until they look at none", async () => {
    const { ben, room, client } = await meeting();
    await open(ben, room);
    await untilPresence(client, ben, "online");
    await close1(ben, room);
    await untilPresence(client, ben, "offline");
  });

  test("who does not tell everybody when they were last seen is not shown", async () => {
    const { ben, room, client, matrixRoom } = await meeting();
    await world.useCases.ownProfile.change(userActor(ben), { privacy: { lastSeen: "nobody" } });
    const other = await meeting();
    await open(ben, room);
    await open(other.ben, other.room);
    // Said in the same second, or after it.
    await untilPresence(other.client, other.ben, "online");
    await client.say(matrixRoom, "a second later");
    await world.untilSaid(room, "Ada: a second later");
    expect(await presenceOf(client, ben)).toBe("offline");
  });

  test("a worker that begins finds who looks by itself, and goes on saying so", async () => {
    const { ben, room, client } = await meeting();
    await world.bridge.stop();
    await open(ben, room);
    const before = world.bridge;
    await world.startBridge();
    expect(world.bridge).not.toBe(before);
    await untilPresence(client, ben, "online");
  });

  test("somebody of Matrix who is online looks at their rooms in the chat, until they are not", async () => {
    const { room, matrixRoom } = await meeting();
    const mel = await world.stranger();
    await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
    await mel.join(matrixRoom);
    await until("Mel is a member", async () => {
      const members = await world.store.memberships.list([room.id]);
      return members.some(({ member }) => member === `m:${mel.id}`);
    });
    const isHere = async () =>
      (await world.useCases.presence.looking(room)).some(
        ({ kind, id }) => kind === "matrix" && id === mel.id,
      );
    const set = (presence: string) =>
      mel.ask("PUT", `presence/${encodeURIComponent(mel.id)}/status`, { presence });
    await set("online");
    await until("Mel looks at the room", isHere);
    await set("offline");
    await until("Mel is gone", async () => !(await isHere()));
  });

  test("what Matrix says of a user's account does not come back as their presence", async () => {
    const { ada, ben, room, client } = await meeting();
    await open(ben, room);
    await untilPresence(client, ben, "online");
    await close1(ben, room);
    await client.ask("PUT", `presence/${encodeURIComponent(client.id)}/status`, { presence: "online" });
    await untilPresence(client, ada, "online");
    await untilPresence(client, ben, "offline");
    expect(await world.useCases.presence.looking(room)).toEqual([]);
  });
});

describeBridge("a homeserver without presence", (world) => {
  test("is told once, and asked no more", async () => {
    const lines: string[] = [];
    const requests: string[] = [];
    const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    const request: World["homeserver"]["request"] = async (method, path, options) => {
      if (path.includes("/presence/")) requests.push(`${method} ${options?.asUser}`);
      return await world.homeserver.request(method, path, options);
    };
    const homeserver = { ...world.homeserver, request };
    await world.startBridge({ node: "worker-2", presence: true, logger, homeserver });
    await until("it is told", async () => lines.some((line) => line.includes("bridge.presence_off")));
    const { ada, ben, room } = await world.meeting();
    await createBridgeStore(world.store.sql).markMatrixAccount(ada.id);
    await world.useCases.presence.ping(userActor(ben), [room], "session");
    await world.say(ben, room, "hello");
    await world.mirrored(room);
    expect(requests).toEqual([`PUT ${world.ghosts.bot}`, `GET ${world.ghosts.bot}`]);
  });
});
