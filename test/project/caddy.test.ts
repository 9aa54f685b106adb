/** deploy/Caddyfile, run by a real Caddy in front of a server that tells what reaches it. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Caddy, startCaddy } from "../../load/services/caddy.ts";
import { clientAddressBehind } from "../../src/app/client-address.ts";
import { describeWith } from "../services/need.ts";

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** What reached the server; null: nothing did. */
  reached: { path: string; client: string } | null;
}

/** The address that a gateway takes for the client's, when it trusts the proxy alone. */
const clientAddress = clientAddressBehind("127.0.0.1");

function ask(url: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const options = {
      host: "127.0.0.1",
      port,
      path,
      headers,
      servername: "localhost",
      rejectUnauthorized: false,
    };
    const asked = request(
      { ...options, headers: { host: `localhost:${port}`, ...headers } },
      async (answer) => {
        const { statusCode: status = 0, headers } = answer;
        const reached = status === 200 ? await json(answer) : null;
        answer.resume();
        resolve({ status, headers, reached: reached as Answer["reached"] });
      },
    );
    asked.once("error", reject).end();
  });
}

describeWith("caddy", "deploy/Caddyfile", () => {
  const server = createServer((request, response) => {
    const client = clientAddress("127.0.0.1", String(request.headers["x-forwarded-for"]));
    response.end(JSON.stringify({ path: request.url, client }));
  });
  const sockets = new WebSocketServer({ server, path: "/ws" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  let closed: Caddy;
  let open: Caddy;
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    closed = await startCaddy({ upstream, env: { ADMIN_ALLOW: "192.0.2.0/24" } });
    open = await startCaddy({ upstream, env: { ADMIN_ALLOW: "192.0.2.0/24 127.0.0.1/32" } });
  });
  afterAll(async () => {
    await Promise.all([closed?.stop(), open?.stop()]);
    sockets.close();
    server.closeAllConnections();
    server.close();
  });

  test.each([
    "/",
    "/login",
    "/api/v1/chat/chatrooms?all=true",
    "/administration",
    "/_matrix/client/versions",
  ])("%s is served, and told never to be asked for without encryption", async (path) => {
    const { status, headers, reached } = await ask(closed.url, path);
    expect({ status, reached }).toMatchObject({ status: 200, reached: { path } });
    expect(headers["strict-transport-security"]).toBe("max-age=31536000");
  });

  test.each([
    "/metrics",
    "/readyz",
    "/healthz",
    "/_matrix/app/v1/transactions/1",
    "/_synapse/admin/v1/users",
    ...[
      "/admin",
      "/admin/v1/users",
      "//admin/v1/users",
      "/%61dmin/v1/users",
      "/x/../admin/v1/users",
      "/ADMIN/v1/users",
    ],
    "/%6detrics",
    "//metrics",
  ])("%s stays inside", async (path) => {
    expect(await ask(closed.url, path)).toMatchObject({ status: 404, reached: null });
  });

  test("the admin API is for the addresses of ADMIN_ALLOW, which nobody can claim", async () => {
    const forged = { "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" };
    expect((await ask(closed.url, "/admin/v1/users", forged)).status).toBe(404);
    expect((await ask(open.url, "/admin/v1/users")).reached?.path).toBe("/admin/v1/users");
  });

  test("whom a request is from is for the proxy to say", async () => {
    const { reached } = await ask(closed.url, "/", { "x-forwarded-for": "203.0.113.9, 127.0.0.1" });
    expect(reached?.client).toBe("127.0.0.1");
  });

  test("a WebSocket passes", async () => {
    const socket = new WebSocket(`${closed.url.replace("https", "wss")}/ws`, { rejectUnauthorized: false });
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("hello");
    socket.close();
    await once(socket, "close");
  });
});
