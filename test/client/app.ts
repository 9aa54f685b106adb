/** An app on the SDK as the tests use it: it writes down what it is told, and tests wait for what it has seen. */
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import { type Client, createClient } from "../../src/client/client.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import type { ConnectionState } from "../../src/client/reconnecting-connection.ts";
import type { Reset } from "../../src/client/room-logs.ts";
import type { EventFrame, ReadyFrame } from "../../src/protocol/frames.ts";

export interface App {
  client: Client;
  /** Each told once and in order, or the SDK broke its promise. */
  events: EventFrame[];
  states: ConnectionState[];
  readies: ReadyFrame[];
  resets: Reset[];
  left: string[];
  /** Resolves as soon as `check` holds; looked at after everything that the client tells. */
  until(what: string, check: () => boolean): Promise<void>;
  seqs(room: string): number[];
  texts(room: string): unknown[];
}

const LIMIT_MS = 20_000;

/** Makes clients that end with the test. Their waits are short: nobody else is spared by long ones. */
export function apps(): (options: Partial<ClientOptions> & { url: string }) => App {
  const clients: Client[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });
  return (options) => {
    const backoff = { baseMs: 5, capMs: 40 };
    const client = createClient({ token: "token", WebSocket, backoff, ...options });
    clients.push(client);
    return watch(client);
  };
}

function watch(client: Client): App {
  const checks = new Set<() => void>();
  const app: App = {
    client,
    events: [],
    states: [],
    readies: [],
    resets: [],
    left: [],
    until: (what, check) => waitFor(what, check, checks),
    seqs: (room) => app.events.filter((event) => event.room === room).map(({ seq }) => seq),
    texts: (room) =>
      app.events
        .filter((event) => event.room === room && event.type === "message")
        .map(({ data }) => data.text),
  };
  const keep = <T>(list: T[]) => {
    return (item: T) => {
      list.push(item);
      for (const check of [...checks]) check();
    };
  };
  client.on("event", keep(app.events));
  client.on("state", keep(app.states));
  client.on("ready", keep(app.readies));
  client.on("reset", keep(app.resets));
  client.on("room", keep<unknown>([]));
  client.on("call", keep<unknown>([]));
  client.on("left", ({ room }) => keep(app.left)(room));
  return app;
}

function waitFor(what: string, check: () => boolean, checks: Set<() => void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (check()) finish(resolve);
    };
    const finish = (end: () => void) => {
      clearTimeout(timer);
      checks.delete(look);
      end();
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`waited in vain for ${what}`))), LIMIT_MS);
    checks.add(look);
    look();
  });
}
