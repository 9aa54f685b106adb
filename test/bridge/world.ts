/** A chat on a real PostgreSQL, bridged to a real Synapse, and people on both sides. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterAll, beforeAll } from "vitest";
import { parse } from "yaml";
import { type Bridge, type BridgeOptions, startBridge } from "../../bridge/bridge.ts";
import {
  type AppserviceRegistration,
  createHomeserver,
  type Homeserver,
} from "../../bridge/homeserver/homeserver.ts";
import { createGhosts, type Ghosts } from "../../bridge/mapping/ghosts.ts";
import type { RegisterUser } from "../../load/services/synapse.ts";
import { type HttpServer, serveHttp } from "../../src/app/http-server.ts";
import { attachmentsInFolder } from "../../src/attachments/folder.ts";
import {
  type EventData,
  type LoggedEvent,
  type Role,
  type Room,
  type User,
  userActor,
} from "../../src/domain/model.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";
import type { Bus } from "../../src/domain/ports/bus.ts";
import type { CreateRoom } from "../../src/domain/use-cases/room-lifecycle.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { CommitPublisher } from "../../src/gateway/frames/commit-publisher.ts";
import { createLogger } from "../../src/logger.ts";
import type { PostgresStore } from "../../src/store/postgres.ts";
import { describeWith } from "../services/need.ts";
import { testApp } from "../test-app.ts";
import { type MatrixUser, matrixUser } from "./matrix-user.ts";

export interface World {
  store: PostgresStore;
  bus: Bus;
  useCases: UseCases;
  files: AttachmentFiles;
  ghosts: Ghosts;
  homeserver: Homeserver;
  registration: AppserviceRegistration;
  registerUser: RegisterUser;
  /** The worker that the homeserver delivers to. */
  bridge: Bridge;
  /** Starts another worker and lets the homeserver deliver to it; the one before is not stopped. */
  startBridge(options?: Partial<BridgeOptions>): Promise<Bridge>;
  /** What stands between the homeserver and the worker: a test may look at its requests, or break them. */
  door: { open: (request: Request) => Promise<Response> };

  user(name?: string): Promise<User>;
  /** A group of people, the first of whom is its owner; the others are `user` unless a role is told. */
  group(people: User[], input?: Partial<CreateRoom> & { roles?: Role[] }): Promise<Room>;
  say(user: User, room: Room, text: string, more?: object): Promise<number>;
  /** Uploads files of these contents by their names, and says a text with them. */
  sayFiles(user: User, room: Room, text: string, files: Record<string, string>): Promise<number>;
  events(room: Pick<Room, "id">): Promise<LoggedEvent[]>;
  /** The room's messages as `name: text`; deleted ones as `name: (deleted)`. */
  texts(room: Pick<Room, "id">): Promise<string[]>;
  /** The Matrix room, once it has everything that is in the log now. */
  mirrored(room: Room): Promise<string>;
  /** The user in a Matrix client, signed in to their own ghost. */
  signIn(user: User, device?: string): Promise<MatrixUser>;
  /** Ada's group with Ben, which she is in with a Matrix client as well. */
  meeting(input?: Partial<CreateRoom>): Promise<Meeting>;
  /** Resolves when the text, as of `texts`, is in the chat. */
  untilSaid(room: Pick<Room, "id">, text: string): Promise<true>;
  /** A person from elsewhere in Matrix. */
  stranger(name?: string): Promise<MatrixUser>;
  /** Matrix as the bot sees it. */
  bot: MatrixUser;
}

export interface Meeting {
  ada: User;
  ben: User;
  room: Room;
  matrixRoom: string;
  client: MatrixUser;
}

const NODE = "worker-1";

/** `describeWith` PostgreSQL and Synapse, with a world that all tests of the block share. */
export function describeBridge(
  name: string,
  fn: (world: World) => void,
  options: Partial<BridgeOptions> = {},
) {
  describeWith(["postgres", "synapse"], name, ({ postgres, synapse }) => {
    const world = {} as World;
    let close = async () => {};
    beforeAll(async () => {
      const registration = readRegistration(synapse.registration.path, synapse.registration.prefix);
      const parts = { databaseUrl: postgres.url, homeserverUrl: synapse.url, serverName: synapse.serverName };
      close = await openWorld(world, { ...parts, registration, registerUser: synapse.registerUser }, options);
    });
    afterAll(() => close());
    fn(world);
  });
}

export interface WorldParts {
  databaseUrl: string;
  homeserverUrl: string;
  serverName: string;
  registration: AppserviceRegistration;
  registerUser: RegisterUser;
}

export function readRegistration(path: string, prefix: string): AppserviceRegistration {
  const file = parse(readFileSync(path, "utf8")) as Record<string, string>;
  const { id = "", url = "", as_token = "", hs_token = "", sender_localpart = "" } = file;
  return { id, url, asToken: as_token, hsToken: hs_token, senderLocalpart: sender_localpart, prefix };
}

/** Fills `world`. @returns how to close it */
export async function openWorld(
  world: World,
  parts: WorldParts,
  options: Partial<BridgeOptions> = {},
): Promise<() => Promise<void>> {
  const { registration, serverName } = parts;
  const logger = createLogger((process.env.BRIDGE_LOG as "debug") ?? "silent");
  const folder = mkdtempSync(join(tmpdir(), "causeway-bridge-"));
  const files = attachmentsInFolder(folder);
  const bounds = { perUser: 2 ** 30, perOrganization: 2 ** 30 };
  const { databaseUrl } = parts;
  const app = await testApp({ databaseUrl, maxConnections: 8, files, logger, settings: { files: bounds } });
  const { store, bus, useCases } = app;
  new CommitPublisher({ store, bus, logger });
  const homeserver = createHomeserver({ baseUrl: parts.homeserverUrl, registration, serverName, logger });
  const ghosts = createGhosts({ ...registration, serverName });
  const bridges: Bridge[] = [];
  const door: World["door"] = { open: async (request) => await world.bridge.handle(request) };
  const http: HttpServer = await serveHttp("127.0.0.1", Number(new URL(registration.url).port), (request) =>
    door.open(request),
  );
  const start = async (more: Partial<BridgeOptions> = {}) => {
    const fresh = { registry: new Registry(), node: NODE, ...options, ...more };
    world.bridge = await startBridge({ store, bus, useCases, files, homeserver, logger, ...fresh });
    bridges.push(world.bridge);
    return world.bridge;
  };
  Object.assign(world, {
    files,
    store,
    bus,
    useCases,
    ghosts,
    homeserver,
    registration,
    door,
    startBridge: start,
  });
  Object.assign(world, { registerUser: parts.registerUser }, fillers(world));
  await start();
  await until("the bridge is up", async () => (await world.bridge.health()).ok);
  world.bot = matrixUser(parts.homeserverUrl, registration.asToken, ghosts.bot, ghosts.bot);
  return async () => {
    await Promise.all(bridges.map((bridge) => bridge.stop()));
    await http.close();
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  };
}

function fillers(world: World): Partial<World> {
  const events: World["events"] = ({ id }) => world.store.log.range(id, 0, Number.MAX_SAFE_INTEGER, 100_000);
  return {
    events,
    async user(displayName = "Ada") {
      return await world.useCases.directory.createUser({ handle: `h-${randomUUID()}`, displayName });
    },
    async group([owner, ...others], { roles = [], ...input } = {}) {
      const members = others.map((user, i) => ({ member: userActor(user), role: roles[i] ?? "user" }));
      const creator = userActor(owner as User);
      return await world.useCases.roomLifecycle.create(creator, {
        type: "group",
        name: "Group",
        members,
        ...input,
      });
    },
    async say(user, room, text, more = {}) {
      const input = { id: randomUUID(), text, ...more };
      return (await world.useCases.messages.send(userActor(user), room.token, input)).seq;
    },
    async sayFiles(user, room, text, files) {
      const attachments: string[] = [];
      for (const [filename, content] of Object.entries(files)) {
        const input = { filename, content: new Blob([content]).stream() };
        attachments.push((await world.useCases.attachments.upload(userActor(user), input)).id);
      }
      return await world.say(user, room, text, { attachments });
    },
    async texts(room) {
      return (await events(room)).flatMap(({ type, actor, dataJson }) => {
        if (type !== "message") return [];
        const { text, deleted } = JSON.parse(dataJson) as EventData["message"];
        return [`${actor.name}: ${deleted ? "(deleted)" : text}`];
      });
    },
    async mirrored({ id }) {
      const [head] = await world.store.log.heads([id]);
      return await until("the room is in Matrix as far as the log goes", async () => {
        const [row] = await world.store.sql<{ at: number; matrix_room_id: string | null }[]>`
          select mirrored_seq as at, matrix_room_id from bridge_rooms where conversation_id = ${id}`;
        return row && row.at >= (head?.head ?? 0) && row.matrix_room_id;
      });
    },
    async signIn(user, device = "ELEMENT") {
      const identifier = { type: "m.id.user", user: world.ghosts.localpart(user.id) };
      await world.homeserver.ensureRegistered(identifier.user);
      const { access_token } = await world.homeserver.request<{ access_token: string }>(
        "POST",
        "/_matrix/client/v3/login",
        { body: { type: "m.login.application_service", identifier, device_id: device } },
      );
      return matrixUser(world.homeserver.baseUrl, access_token, world.ghosts.ofUser(user.id));
    },
    async meeting(input = {}) {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben], input);
      const matrixRoom = await world.mirrored(room);
      const client = await world.signIn(ada);
      await client.join(matrixRoom);
      return { ada, ben, room, matrixRoom, client };
    },
    async untilSaid(room, text) {
      const isSaid = async () => (await world.texts(room)).includes(text);
      return await until(`“${text}” is in the chat`, isSaid);
    },
    async stranger(name = `mel-${randomUUID().slice(0, 8)}`) {
      const { userId, accessToken } = await world.registerUser(name, "password");
      return matrixUser(world.homeserver.baseUrl, accessToken, userId);
    },
  };
}

const LIMIT_MS = 60_000;

/** Asks again until there is an answer: what happens at the homeserver has no event for us to wait for. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false>,
  limitMs = LIMIT_MS,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await delay(30);
  }
}
