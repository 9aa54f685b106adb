/** A TCP proxy in front of a database that can fall silent, or swallow an answer and cut the connection. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface FlakyProxy {
  /** The database's URL through the proxy. */
  url: string;
  /** Nothing gets through any more in either direction; connections stay open. */
  silence(): void;
  resume(): void;
  /** Cuts every connection, and new ones at once, until `resume`. */
  cut(): void;
  /**
   * When a client next sends bytes that hold `text`, lets them through, waits until the server has answered them,
   * and cuts the connection instead of passing the answer on. Resolves when that has happened.
   */
  swallowAnswerTo(text: string): Promise<void>;
  /** Cuts the connection on which a client next sends `text`, before the server hears it. */
  cutBefore(text: string): Promise<void>;
  close(): Promise<void>;
}

interface Trap {
  text: string;
  passOn: boolean;
  sprung: () => void;
}

/** @param toServer opens a connection to the server; unset: to the URL's */
export async function flakyProxy(
  databaseUrl: string,
  toServer = () => connect(Number(new URL(databaseUrl).port), new URL(databaseUrl).hostname),
): Promise<FlakyProxy> {
  const sockets = new Set<Socket>();
  let trap: Trap | null = null;
  let silent = false;
  let refusing = false;

  const server = createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = toServer();
    let answering: Trap | null = null;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {}); // The other end was cut.
      socket.on("close", () => sockets.delete(socket));
      if (silent) socket.pause();
    }
    const cut = (by: Trap) => {
      client.destroy();
      upstream.destroy();
      by.sprung();
    };
    client.on("data", (bytes) => {
      if (trap && bytes.includes(trap.text)) {
        answering = trap;
        trap = null;
        if (!answering.passOn) return cut(answering);
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (answering) cut(answering);
      else client.write(bytes);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const set = (text: string, passOn: boolean) =>
    new Promise<void>((sprung) => {
      trap = { text, passOn, sprung };
    });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    silence: () => {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      silent = false;
      refusing = false;
      for (const socket of sockets) socket.resume();
    },
    cut: () => {
      refusing = true;
      for (const socket of sockets) socket.destroy();
    },
    swallowAnswerTo: (text) => set(text, true),
    cutBefore: (text) => set(text, false),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
