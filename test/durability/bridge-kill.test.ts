/** One of two bridge processes is killed in the middle of traffic: the other takes its rooms over, and nothing comes twice. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGhosts } from "../../bridge/mapping/ghosts.ts";
import { type HttpServer, serveHttp } from "../../src/app/http-server.ts";
import { type Room, type User, userActor } from "../../src/domain/model.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { matrixUser } from "../bridge/matrix-user.ts";
import { readRegistration, until } from "../bridge/world.ts";
import { describeWith } from "../services/need.ts";
import { type TestApp, testApp } from "../test-app.ts";

const ROOMS = 4;
const PER_ROOM = 20;

describeWith(["postgres", "redis", "synapse"], "a bridge that is killed", ({ postgres, redis, synapse }) => {
  const fleet = serverFleet();
  const { registration, serverName } = synapse;
  const bridges: ServerProcess[] = [];
  let app: TestApp;
  let door: HttpServer;

  beforeAll(async () => {
    app = await testApp({ databaseUrl: postgres.url });
    const settings = {
      ...{ ROLE: "bridge", DATABASE_URL: postgres.url, REDIS_URL: redis.url },
      ...{ MATRIX_HOMESERVER_URL: synapse.url, MATRIX_SERVER_NAME: serverName },
      ...{ MATRIX_REGISTRATION: registration.path, MATRIX_APPSERVICE_URL: registration.url },
      MATRIX_USER_PREFIX: registration.prefix,
    };
    // As a proxy does, the homeserver's deliveries go to the last one that runs.
    door = await serveHttp("127.0.0.1", registration.port, async (request) => {
      const { pathname, search } = new URL(request.url);
      const headers = { authorization: request.headers.get("authorization") ?? "" };
      const body = request.method === "GET" ? {} : { body: await request.text() };
      return await fetch(`${bridges.at(-1)?.url}${pathname}${search}`, {
        method: request.method,
        headers,
        ...body,
      });
    });
    for (let n = 0; n < 2; n++) bridges.push(await fleet.start(settings));
    await Promise.all(bridges.map((bridge) => bridge.untilReady()));
  }, 300_000);
  afterAll(async () => {
    await Promise.all(bridges.map((bridge) => bridge.kill9()));
    await door?.close();
    await app?.close();
  });

  const user = (displayName: string) =>
    app.useCases.directory.createUser({ handle: `h-${randomUUID()}`, displayName });
  const say = (by: User, room: Room, text: string) =>
    app.useCases.messages.send(userActor(by), room.token, { id: randomUUID(), text });

  test("the other goes on with its rooms, and every message is in Matrix once, in order", async () => {
    const { asToken, ...known } = readRegistration(registration.path, registration.prefix);
    const { bot } = createGhosts({ ...known, serverName });
    const matrix = matrixUser(synapse.url, asToken, bot, bot);
    const ada = await user("Ada");
    const create = { type: "group" as const, name: "Group", members: [] };
    const rooms = await Promise.all(
      Array.from({ length: ROOMS }, () => app.useCases.roomLifecycle.create(userActor(ada), create)),
    );
    const texts = Array.from({ length: PER_ROOM }, (_, n) => `message ${n}`);
    for (const text of texts) for (const room of rooms) await say(ada, room, text);
    const bodiesOf = async (room: Room) => {
      const id = (await app.store.rooms.byId(room.id))?.matrixRoomId;
      return id ? (await matrix.texts(id)).map((text) => text.replace(/^.*: /, "")) : [];
    };
    const owned = () => app.store.sql<{ owner: string }[]>`
      select owner from bridge_rooms where owner is not null and mirrored_seq > 3`;
    await until("the bridges are at it", async () => (await owned()).length > 0, 60_000);
    await bridges[0]?.kill9();
    for (const room of rooms) await say(ada, room, "after it");
    for (const room of rooms) {
      await until("all of it is there", async () => (await bodiesOf(room)).includes("after it"), 60_000);
      expect(await bodiesOf(room)).toEqual([...texts, "after it"]);
    }
  }, 240_000);
});
