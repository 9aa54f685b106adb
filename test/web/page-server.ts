/** The built page before a scripted server: sign-in that knows one password, and a protocol that may be made to fail. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { WebSocketServer } from "ws";
import { ScriptedServer } from "../client/scripted-server.ts";

const BUILT = resolve(import.meta.dirname, "../../dist/src");
const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html",
};
export const PASSWORD = "correct horse";

export interface PageServer {
  readonly url: string;
  readonly sockets: ScriptedServer;
  /** Requests to the sign-in endpoints, in order. */
  readonly asked: string[];
  /** Who the shared cookie belongs to: `/access` renews for them. */
  cookieOf: string | null;
  /** The name of an identity provider, which lets in whom the cookie belongs to; null: there is none. */
  provider: string | null;
  stop(): Promise<void>;
}

export async function startPageServer(): Promise<PageServer> {
  if (!existsSync(join(BUILT, "web/app.js"))) throw new Error("the page is not built: npm run build");
  const server = createServer((request, response) => answer(page, request, response));
  const sockets = new ScriptedServer(
    new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] ?? false }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const page: PageServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    asked: [],
    cookieOf: null,
    provider: null,
    stop: async () => {
      server.closeAllConnections();
      await sockets.stop();
      server.close();
    },
  };
  return page;
}

function answer(page: PageServer, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "/";
  if (request.method === "POST") void signIn(page, path, request, response);
  else if (path === "/login")
    sendJson(response, { oidc: page.provider && { name: page.provider, url: `${page.url}login/oidc` } });
  else if (path === "/self") sendJson(response, { handle: page.cookieOf });
  else if (path.startsWith("/login/oidc")) {
    page.asked.push(path);
    const end = page.cookieOf === null ? "denied" : "done";
    response.writeHead(303, { location: path === "/login/oidc" ? `/#sign-in=${end}` : "/" }).end();
  } else sendFile(path === "/" ? "/web/index.html" : path, response);
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function sendFile(path: string, response: ServerResponse): void {
  const file = join(BUILT, path);
  if (!existsSync(file)) response.writeHead(404).end();
  else
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(readFileSync(file));
}

async function signIn(
  page: PageServer,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  page.asked.push(path);
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { handle, password } = (text === "" ? {} : JSON.parse(text)) as {
    handle?: string;
    password?: string;
  };
  if (path === "/login" && password === PASSWORD) page.cookieOf = handle ?? null;
  const user = path === "/login" && password !== PASSWORD ? null : page.cookieOf;
  response.writeHead(user === null ? 403 : 200, { "content-type": "application/json" });
  const refusal = { code: 403, label: "invalid-credentials", message: "Authentication failed." };
  const grant = { user, access_token: `token of ${user}`, token_type: "Bearer", expires_in: 900 };
  response.end(JSON.stringify(user === null ? refusal : grant));
}
