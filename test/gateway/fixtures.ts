/** Gateways for tests, in this process, on a real PostgreSQL, with people and rooms of their own. */
import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { afterAll, afterEach } from "vitest";
import { type Actor, userActor } from "../../src/domain/model.ts";
import type { Bus } from "../../src/domain/ports/bus.ts";
import type { HotState } from "../../src/domain/ports/hot.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { CommitPublisher } from "../../src/gateway/frames/commit-publisher.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import type { GatewayOptions } from "../../src/gateway/gateway-options.ts";
import { createMemoryHot } from "../../src/hot/memory/memory.ts";
import { createLogger } from "../../src/logger.ts";
import type { PostgresStore } from "../../src/store/postgres.ts";
import { memoryFiles } from "../attachments/memory.ts";
import { type Codec, SocketClient } from "../black-box/socket-client.ts";
import { testApp } from "../test-app.ts";
import { type Frame, RawClient } from "./raw-client.ts";

export const TRANSPORTS = ["uws", "ws"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

export interface Person {
  id: number;
  uuid: string;
  name: string;
  actor: Actor;
  token: string;
  tokenId: number;
}
export interface Room {
  id: number;
  token: string;
}

/** One process of the program, without its composition root. */
export interface Node {
  url: string;
  gateway: Gateway;
  store: PostgresStore;
  hot: HotState;
  bus: Bus;
  useCases: UseCases;
  registry: Registry;
  /** Ends the server and what it opened. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  transport?: TransportName;
  /** Shared by nodes that should hear each other; each has its own unless told. */
  shared?: { hot: HotState; bus: Bus };
  /** What this node hears of the bus. */
  bus?: (bus: Bus) => Bus;
  gateway?: Partial<GatewayOptions>;
  /** Of an outside issuer. */
  jwksUrl?: string;
  store?: (store: PostgresStore) => PostgresStore;
  /** The ids of users in Matrix. */
  matrixIdOf?: (userId: number) => string | null;
  /** It serves the HTTP APIs, too. */
  servesHttp?: true;
}

export interface Site {
  node(options?: NodeOptions): Promise<Node>;
  client(name: string, token: string, codec?: Codec): SocketClient;
  /** Connects without saying hello. */
  raw(node: Node, codec?: Codec): Promise<RawClient>;
}

const silent = createLogger("silent");

/** Call it at the top of a `describe`: clients end with their test, nodes with the last of the tests, if not stopped before. */
export function site(databaseUrl: string | (() => string)): Site {
  const clients: SocketClient[] = [];
  const raws: RawClient[] = [];
  const nodes = new Set<Node>();

  afterEach(async () => {
    await Promise.all([
      ...clients.splice(0).map((client) => client.drop()),
      ...raws.splice(0).map((raw) => raw.drop()),
    ]);
  });
  afterAll(async () => {
    for (const node of nodes) await node.stop();
  });

  return {
    async node(options = {}) {
      const url = typeof databaseUrl === "string" ? databaseUrl : databaseUrl();
      const { jwksUrl, shared, matrixIdOf, bus: hears = (bus) => bus } = options;
      const matrix = matrixIdOf ? { matrixIdOf } : {};
      const seen = ({ hot, bus }: { hot: HotState; bus: Bus }) => ({ hot, bus: hears(bus) });
      let served = "";
      const publicUrl = () => served;
      const app = await testApp({
        ...{ databaseUrl: url, maxConnections: 4, files: memoryFiles(), publicUrl },
        ...(options.store && { store: options.store }),
        ...matrix,
        hot: shared ? seen(shared) : () => seen(createMemoryHot()),
        settings: {
          issuers: jwksUrl ? [{ keys: { jwksUrl }, administrators: false }] : [],
        },
      });
      const { store, hot, bus, useCases } = app;
      const registry = new Registry();
      const commits = new CommitPublisher({ store, bus, logger: silent });
      const gateway = await startGateway({
        ...{ host: "127.0.0.1", port: 0, transport: options.transport },
        ...{ store, hot, bus, commits, useCases, registry, publicUrl },
        http: options.servesHttp
          ? app.http({ publicUrl })
          : async () => new Response("no such page", { status: 404 }),
        ...{ node: randomUUID(), heartbeatMs: 25_000, drainMs: 100, rateLimits: false, logger: silent },
        ...matrix,
        ...options.gateway,
      });
      served = `http://127.0.0.1:${gateway.port}`;
      const node: Node = {
        ...{ url: served, gateway, store, hot, bus, useCases, registry },
        async stop() {
          if (!nodes.delete(node)) return;
          await gateway.close();
          await app.close();
        },
      };
      nodes.add(node);
      return node;
    },
    client(name, token, codec = "json") {
      const client = new SocketClient(name, token, codec);
      clients.push(client);
      return client;
    },
    async raw(node, codec = "json") {
      const raw = await RawClient.connect(node.url, codec);
      raws.push(raw);
      return raw;
    },
  };
}

/** Where a change may be made (`there`), with those who hear of it on `here`. */
export function places(
  node: Site["node"],
  options: Pick<NodeOptions, "transport"> = {},
): [name: string, nodes: () => Promise<{ here: Node; there: Node }>][] {
  return [
    [
      "on the same gateway",
      async () => {
        const here = await node(options);
        return { here, there: here };
      },
    ],
    [
      "on another process",
      async () => {
        const shared = createMemoryHot();
        return { here: await node({ ...options, shared }), there: await node({ ...options, shared }) };
      },
    ],
    [
      "on another process, with a bus that loses everything",
      async () => ({
        here: await node({ ...options, bus: deaf, gateway: { compareMs: 100 } }),
        there: await node(options),
      }),
    ],
  ];
}

function deaf(bus: Bus): Bus {
  return { ...bus, subscribe: async () => {} };
}

export async function person(
  { store, useCases }: Pick<Node, "store" | "useCases">,
  name: string,
): Promise<Person> {
  const user = await store.transaction((tx) =>
    tx.users.create({
      ...{
        handle: `h-${randomUUID()}`,
        displayName: name,
        email: null,
        passwordHash: null,
        administrator: false,
      },
    }),
  );
  const { id: tokenId, token } = await useCases.directory.createToken({ userId: user.id, name: "test" });
  return { id: user.id, uuid: user.uuid, name, actor: userActor(user), token, tokenId };
}

/** A group that the first person made for all of them. */
export async function room(
  { useCases }: Pick<Node, "useCases">,
  people: readonly Person[],
  name = "Room",
): Promise<Room> {
  const [owner, ...others] = people;
  const members = others.map(({ actor }) => ({ member: actor, role: "user" as const }));
  const { id, token } = await useCases.roomLifecycle.create((owner as Person).actor, {
    type: "group",
    name,
    members,
  });
  return { id, token };
}

type People<N extends readonly string[]> = { -readonly [K in keyof N]: Person };

/** What the tests of a block share: one node, which starts with the first of them, and refs that no two frames have. */
export interface Meetings {
  /** People of these names, in a room that the first of them made. */
  meet<const N extends readonly string[]>(...names: N): Promise<{ one: Node; people: People<N>; home: Room }>;
  /** A session of this person. */
  session(person: Person, codec?: Codec): Promise<RawClient>;
  /** Says a frame under a ref of its own, and returns the answer. */
  ask(client: RawClient, frame: { op: string } & Record<string, unknown>): Promise<Frame>;
}

export function meetings({ node, raw }: Pick<Site, "node" | "raw">, options: NodeOptions = {}): Meetings {
  let started: Promise<Node> | null = null;
  let refs = 0;
  const theNode = () => {
    started ??= node(options);
    return started;
  };
  return {
    async meet<const N extends readonly string[]>(...names: N) {
      const one = await theNode();
      const people: Person[] = [];
      for (const name of names) people.push(await person(one, name));
      return { one, people: people as People<N>, home: await room(one, people) };
    },
    async session({ token }, codec = "json") {
      const client = await raw(await theNode(), codec);
      await client.hello(token);
      return client;
    },
    ask: (client, frame) => client.ask({ ...frame, ref: `${frame.op} ${refs++}` }),
  };
}

/** Appends a message without any gateway's doing. */
export async function say(node: Pick<Node, "useCases">, { actor }: Person, { token }: Room, text: string) {
  return node.useCases.messages.send(actor, token, { id: randomUUID(), text });
}

/** One figure of `/metrics`. */
export async function metric(
  { registry }: Node,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const found = await registry.getSingleMetric(name)?.get();
  const value = found?.values.find((each) =>
    Object.entries(labels).every(([label, wanted]) => each.labels[label] === wanted),
  );
  return value?.value ?? 0;
}
