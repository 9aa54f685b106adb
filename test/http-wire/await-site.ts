/** A gateway with the Wire API and its /await, on the network, over a real PostgreSQL; and clients that wait on it. */
import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { WebSocket } from "ws";
import { CommitPublisher } from "../../src/gateway/frames/commit-publisher.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import { type AwaitFace, createAwait } from "../../src/http/wire/notifications/await.ts";
import { createLogger } from "../../src/logger.ts";
import { clientOf } from "../http/http-client.ts";
import { ADMIN_TOKEN, PUBLIC_URL, type Site } from "../http/real-parts.ts";
import { testApp } from "../test-app.ts";

export interface AwaitSite extends Site {
  url: string;
  gateway: Gateway;
  awaitFace: AwaitFace;
  /** Waits as the person of this token; its answer is awaited. */
  waiter(token: string): Promise<WaitingClient>;
}

const silent = createLogger("silent");

export async function openAwaitSite(
  databaseUrl: string,
  { transport, rateLimits = false }: { transport: "uws" | "ws"; rateLimits?: boolean },
): Promise<AwaitSite> {
  const app = await testApp({ databaseUrl, settings: { passwordMinLength: 4 } });
  const { store, hot, bus, useCases } = app;
  const commits = new CommitPublisher({ store, bus, logger: silent });
  let gateway: Gateway | null = null;
  const feed = () => (gateway as Gateway).feed;
  const publicUrl = () => PUBLIC_URL;
  const awaitFace = createAwait({
    ...{ useCases, hot, publicUrl, rateLimits, feed },
    storeHealth: store.health,
    logger: { warn: console.warn, error: console.error },
  });
  const http = app.http({ feed, publicUrl, adminToken: ADMIN_TOKEN });
  gateway = await startGateway({
    ...{
      host: "127.0.0.1",
      port: 0,
      transport,
      store,
      hot,
      bus,
      commits,
      useCases,
      http,
      publicUrl,
      logger: silent,
    },
    ...{ node: randomUUID(), heartbeatMs: 25_000, drainMs: 100, compareMs: 200 },
    ...{ rateLimits: false, registry: new Registry(), publicUrl },
    endpoints: { "/await": awaitFace },
  });
  const started = gateway;
  const url = `http://127.0.0.1:${started.port}`;
  const clients: WaitingClient[] = [];
  return {
    ...{ url, gateway: started, awaitFace, store, useCases, matrixLogins: [] },
    app: http,
    client: clientOf(http),
    withoutMatrix: clientOf(http),
    async waiter(token) {
      const client = await WaitingClient.open(url, token);
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.socket.terminate();
      await started.close();
      await app.close();
    },
  };
}

export interface Told {
  id: string;
  transient: boolean;
  payload: {
    type: string;
    conversation: string;
    from: string;
    data: unknown;
    connection?: { status: string; to: string };
  }[];
}

/** A client of /await, and everything that it was told. */
export class WaitingClient {
  readonly socket: WebSocket;
  readonly told: Told[] = [];
  /** Text frames. */
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly #wakes = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.told.push(JSON.parse(data.toString()) as Told);
      else this.texts.push(data.toString());
      this.#wake();
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on("error", () => {});
  }

  static async open(url: string, token: string): Promise<WaitingClient> {
    const client = new WaitingClient(
      new WebSocket(`${url.replace("http", "ws")}/await?client=1`, {
        headers: { authorization: `Bearer ${token}` },
      }),
    );
    await new Promise<void>((resolve, reject) => {
      client.socket.once("open", resolve);
      client.socket.once("unexpected-response", (_, answer) =>
        reject(new Error(`/await answered ${answer.statusCode}`)),
      );
    });
    return client;
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wakes.delete(look);
        const types = this.told.flatMap(({ payload }) => payload.map(({ type }) => type));
        reject(new Error(`${what} did not come; told: ${types}; closed: ${JSON.stringify(this.closed)}`));
      }, 10_000);
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#wakes.delete(look);
        resolve();
      };
      this.#wakes.add(look);
    });
  }

  /** The events of one conversation so far. */
  events(conversation: string): Told["payload"] {
    return this.told.flatMap(({ payload }) => payload).filter((one) => one.conversation === conversation);
  }

  /** How the user's connections came to stand so far. */
  connections(): string[] {
    return this.told.flatMap(({ payload }) => payload.flatMap(({ connection }) => connection?.status ?? []));
  }

  /** Types of the events after the making of the conversation, which may still be told to whoever comes right after it. */
  changes(conversation: string): string[] {
    const types = this.events(conversation).map(({ type }) => type);
    return types.filter((type) => type !== "conversation.create");
  }

  /** Awaits an event of this type in the conversation. */
  async event(type: string, conversation: string): Promise<Told["payload"][number]> {
    const find = () => this.events(conversation).find((one) => one.type === type);
    await this.until(type, () => find() !== undefined);
    return find() as Told["payload"][number];
  }
}

/** The answer to a handshake that is refused. */
export async function refusedHandshake(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; json: unknown }> {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, { headers });
  return await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.once("open", () => reject(new Error("the handshake was accepted")));
    socket.once("unexpected-response", (_, answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, json: JSON.parse(text) });
      });
    });
  });
}
