/** The client-server API client against a scripted homeserver: what a real one does not do on demand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHomeserver, type Homeserver } from "../../../bridge/homeserver/homeserver.ts";
import { HomeserverError, reasonOf } from "../../../bridge/homeserver/homeserver-error.ts";
import { freePort } from "../../black-box/processes.ts";

const REGISTRATION = {
  id: "causeway",
  url: "http://127.0.0.1:1",
  asToken: "as-secret",
  hsToken: "hs-secret",
  senderLocalpart: "cw_sender",
  prefix: "cw_",
};

describe("the homeserver client", () => {
  let server: Server;
  let homeserver: Homeserver;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const logger = { debug: () => {}, warn: () => {} };
    const baseUrl = `http://127.0.0.1:${port}/`;
    homeserver = createHomeserver({ baseUrl, registration: REGISTRATION, serverName: "hs.test", logger });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  function scripted(status: number, body: object, headers: Record<string, string> = {}): void {
    answer = (_, response) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    };
  }

  async function failure(path: string, options = {}): Promise<HomeserverError> {
    const error = await homeserver.request("GET", path, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(HomeserverError);
    return error as HomeserverError;
  }

  test("a request goes out as the ghost, on its device, with the as_token in the header only", async () => {
    answer = (request, response) => {
      response.end(JSON.stringify({ url: request.url, authorization: request.headers.authorization }));
    };
    const options = { asUser: "@cw_1:hs.test", device: "CAUSEWAY", query: { ts: 5, unset: undefined } };
    expect(await homeserver.request("PUT", "/rooms/%21a%2Fb", options)).toEqual({
      url: "/rooms/%21a%2Fb?ts=5&user_id=%40cw_1%3Ahs.test&device_id=CAUSEWAY",
      authorization: "Bearer as-secret",
    });
  });

  test("bytes are sent as they are, with their type", async () => {
    answer = (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const type = request.headers["content-type"];
        response.end(JSON.stringify({ type, bytes: [...Buffer.concat(chunks)] }));
      });
    };
    const body = new Uint8Array([0, 255, 7]);
    const sent = homeserver.request("POST", "/upload", { body, contentType: "image/png" });
    expect(await sent).toEqual({ type: "image/png", bytes: [0, 255, 7] });
  });

  test("an error carries status, errcode and the pause that the homeserver asked for", async () => {
    scripted(429, { errcode: "M_LIMIT_EXCEEDED", error: "slow down", retry_after_ms: 1_234 });
    const limited = await failure("/limited");
    expect(limited).toMatchObject({ status: 429, errcode: "M_LIMIT_EXCEEDED", retryAfterMs: 1_234 });
    expect(limited).toMatchObject({ temporary: true, away: false });
    scripted(403, { errcode: "M_FORBIDDEN", error: "no" });
    expect(await failure("/no")).toMatchObject({ status: 403, errcode: "M_FORBIDDEN", temporary: false });
    scripted(401, { errcode: "M_UNKNOWN_TOKEN", error: "who?" });
    expect(await failure("/who")).toMatchObject({ status: 401, errcode: "M_UNKNOWN_TOKEN" });
  });

  test("an answer whose body stalls is given up after the limit", async () => {
    answer = (_, response) => response.writeHead(200).write("{");
    expect(await failure("/stalls", { timeoutMs: 200 })).toMatchObject({
      status: null,
      temporary: true,
      away: true,
    });
  });

  test("the caller's signal ends a request", async () => {
    const controller = new AbortController();
    answer = () => controller.abort();
    expect(await failure("/hangs", { signal: controller.signal })).toMatchObject({ status: null });
  });

  test("no connection, and a page of a proxy in place of an answer, count as away", async () => {
    answer = (request) => request.socket.destroy();
    expect(await failure("/gone")).toMatchObject({ status: null, away: true });
    answer = (_, response) =>
      response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
    expect(await failure("/proxy")).toMatchObject({ status: 502, errcode: null, away: true });
  });

  test("an error of a connection says what was wrong with it", async () => {
    const logger = { debug: () => {} };
    const address = `127.0.0.1:${await freePort()}`;
    const baseUrl = `http://${address}`;
    const nobody = createHomeserver({ baseUrl, registration: REGISTRATION, serverName: "hs.test", logger });
    const message = new RegExp(`^GET /versions got no answer: .*connect ECONNREFUSED ${address}$`);
    await expect(nobody.request("GET", "/versions")).rejects.toThrow(message);
    await expect(nobody.stream("GET", "/versions", { asUser: "@cw_1:hs.test" })).rejects.toThrow(message);
    const refusals = new AggregateError([new Error("refused at ::1"), new Error("refused at 127.0.0.1")]);
    expect(reasonOf(new TypeError("fetch failed", { cause: refusals }))).toBe(
      "refused at ::1, refused at 127.0.0.1",
    );
  });

  test("registering a ghost that exists is fine, and never signs it in", async () => {
    const bodies: string[] = [];
    answer = (request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(String(chunk)));
      request.on("end", () => {
        response.writeHead(400, { "content-type": "application/json" });
        response.end(JSON.stringify({ errcode: "M_USER_IN_USE", error: "taken" }));
      });
    };
    await homeserver.ensureRegistered("cw_7");
    expect(JSON.parse(bodies.join(""))).toEqual({
      type: "m.login.application_service",
      username: "cw_7",
      inhibit_login: true,
    });
  });

  test("a homeserver that lets nobody make devices is told apart from one that fails", async () => {
    scripted(404, { errcode: "M_UNRECOGNIZED", error: "no such route" });
    expect(await homeserver.ensureDevice("@cw_7:hs.test", "CAUSEWAY")).toBe(false);
    scripted(201, {});
    expect(await homeserver.ensureDevice("@cw_7:hs.test", "CAUSEWAY")).toBe(true);
    scripted(500, { errcode: "M_UNKNOWN", error: "broken" });
    await expect(homeserver.ensureDevice("@cw_7:hs.test", "CAUSEWAY")).rejects.toBeInstanceOf(
      HomeserverError,
    );
  });
});
