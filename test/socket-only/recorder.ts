/**
 * What stands in front of the server for the apps of the story: it lets through what an app on the SDK may ask, writes down what was
 * asked, and refuses everything else.
 */
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Every request that an app needs, each with the reason why it is no frame of the socket. */
export const DOORS = [
  { name: "GET /ws", path: /^\/ws$/, because: "it is the socket" },
  { name: "POST /login", path: /^\/login$/, because: "signing in gives the token that the socket asks for" },
  {
    name: "POST /access",
    path: /^\/access$/,
    because: "a new token is needed while there is no socket, too",
  },
  { name: "POST /access/logout", path: /^\/access\/logout$/, because: "a login ends without a socket, too" },
  {
    name: "PUT /uploads",
    path: /^\/uploads\/[^/]+$/,
    because: "the bytes of a file, at a URL of the socket's",
  },
  { name: "HEAD /uploads", path: /^\/uploads\/[^/]+$/, because: "how far an upload is" },
  { name: "GET /files", path: /^\/files\/[^/]+$/, because: "the bytes of a file, at a URL of the socket's" },
  {
    name: "GET /api/v1/chat/avatars",
    path: /^\/api\/v1\/chat\/avatars\/[0-9a-f]{64}$/,
    because: "the bytes of a picture, at a URL of the socket's",
  },
] as const;

export interface Recorder {
  /** Where the apps reach the server. */
  readonly url: string;
  /** The names of the doors that were used. */
  readonly asked: Set<string>;
  /** What was refused. */
  readonly refused: string[];
  /** The server behind it. */
  target: string;
  /** Called with each request of these doors; when it returns true, the connection breaks before an answer comes. */
  breaks: (method: string, path: string) => boolean;
  close(): void;
}

/** No status of the server: whatever asked can tell that it was the recorder. */
export const REFUSED = 418;

export async function startRecorder(): Promise<Recorder> {
  const sockets = new Set<Duplex>();
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    if (!isLetThrough(recorder, incoming)) {
      incoming.resume();
      outgoing.writeHead(REFUSED).end();
      return;
    }
    const forwarded = request(recorder.target + url, { method, headers }, (answer) => {
      if (recorder.breaks(method, pathOf(url))) return void outgoing.destroy();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!isLetThrough(recorder, incoming)) return void socket.destroy();
    const forwarded = request(recorder.target + incoming.url, { headers: incoming.headers });
    forwarded.on("upgrade", (answer, upstream, first) => join(socket, upstream, answer, [head, first]));
    forwarded.on("error", () => socket.destroy());
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    forwarded.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const recorder: Recorder = {
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, target: "" },
    ...{ asked: new Set<string>(), refused: [], breaks: () => false },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
  return recorder;
}

function pathOf(url: string): string {
  return url.split("?")[0] ?? "";
}

function isLetThrough({ asked, refused }: Recorder, { method, url = "" }: IncomingMessage): boolean {
  const path = pathOf(url);
  const door = DOORS.find((one) => one.name.startsWith(`${method} `) && one.path.test(path));
  if (door) asked.add(door.name);
  else refused.push(`${method} ${path}`);
  return door !== undefined;
}

/** Passes the bytes of a WebSocket on in both directions, and its end. */
function join(
  client: Duplex,
  server: Duplex,
  answer: IncomingMessage,
  [head, first]: [Buffer, Buffer],
): void {
  const lines = ["HTTP/1.1 101 Switching Protocols"];
  for (let i = 0; i < answer.rawHeaders.length; i += 2) {
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
  }
  client.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (first.length > 0) client.write(first);
  if (head.length > 0) server.write(head);
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
}
