/** HTTP on the gateway's port: the same requests and answers on both transports. */
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { HttpHandler } from "../../../src/gateway/http/exchange.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, site, TRANSPORTS } from "../fixtures.ts";

/** Answers with what it was asked. */
const echo: HttpHandler = async (request, { ip }) => {
  const body = await request.text();
  const { pathname, search } = new URL(request.url);
  const answer = { method: request.method, pathname, search, ip, body, header: request.headers.get("x-own") };
  const headers = new Headers({ "content-type": "application/json", "x-size": String(body.length) });
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  const empty = pathname === "/empty";
  return new Response(empty ? null : JSON.stringify(answer), { status: empty ? 204 : 201, headers });
};

describeWith("postgres", "HTTP", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node } = site(postgres.url);
    let handler: HttpHandler = echo;
    let started: Promise<Node> | null = null;
    const url = async (use: HttpHandler = echo) => {
      handler = use;
      started ??= node({ transport, gateway: { http: (request, info) => handler(request, info) } });
      return (await started).url;
    };
    /** What comes back for these bytes, until the server ends the connection or `enough` is in it. */
    const bytes = async (request: string | string[], enough: RegExp) => {
      const socket = connect(Number(new URL(await url()).port), "127.0.0.1");
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
        if (enough.test(answer)) socket.end();
      });
      socket.on("error", () => {});
      const closed = once(socket, "close");
      for (const piece of [request].flat()) {
        socket.write(piece);
        await turn();
      }
      await closed;
      return answer;
    };

    test.each(["GET", "POST", "PUT", "PATCH", "DELETE"])(
      "%s reaches the handler as it was sent",
      async (method) => {
        const body = method === "GET" ? undefined : "ž👋";
        const answer = await fetch(`${await url()}/some/path?q=1&r=%20`, {
          method,
          headers: { "x-own": "yes" },
          ...(body !== undefined && { body }),
        });
        expect(answer.status).toBe(201);
        expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
        expect(await answer.json()).toEqual({
          ...{
            method,
            pathname: "/some/path",
            search: "?q=1&r=%20",
            ip: "127.0.0.1",
            body: body ?? "",
            header: "yes",
          },
        });
      },
    );

    test("headers hold any bytes: an apostrophe that is no Latin-1 reaches the handler", async () => {
      const answer = await bytes(
        "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: Zo\u00eb\u2019s phone\r\nCookie: a=\u2019\r\nX-Own: it\u2019s\r\n\r\n",
        /\}/,
      );
      expect(answer).toMatch(/^HTTP\/1.1 201/);
      const { header } = JSON.parse(answer.slice(answer.indexOf("{")));
      expect(Buffer.from(header, "latin1").toString()).toBe("it\u2019s");
    });

    const withHeader = (bytes: number) => `GET / HTTP/1.1\r\nHost: h\r\nX-Own: ${"x".repeat(bytes)}\r\n\r\n`;
    const withTarget = (bytes: number) => `GET /${"x".repeat(bytes)} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const KIB = 1024;

    test.each([
      ["headers of 15 KiB are taken", withHeader(15 * KIB), 201],
      ["headers beyond 16 KiB are 431", withHeader(16 * KIB + 1), 431],
      ["headers beyond what is read at all are 431", withHeader(64 * KIB), 431],
      ["a target of 8,000 bytes is taken", withTarget(8_000), 201],
      ["a target beyond 8 KiB is 414", withTarget(8 * KIB + 1), 414],
    ])("%s, in one piece or in many", async (_, request, status) => {
      expect(await bytes([request], /\r\n\r\n/)).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
      const pieces = request.match(/.{1,5000}/gs) as string[];
      expect(await bytes(pieces, /\r\n\r\n/)).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    });

    test("HEAD and answers without a body have none", async () => {
      const head = await fetch(`${await url()}/`, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([201, ""]);
      const empty = await fetch(`${await url()}/empty`);
      expect([empty.status, await empty.text()]).toEqual([204, ""]);
    });

    test("/ws without a WebSocket, and a WebSocket elsewhere, are answered", async () => {
      expect((await fetch(`${await url()}/ws`)).status).toBe(201);
      const upgrade =
        "GET /elsewhere HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
      expect(await bytes(upgrade, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 (404|201)/);
    });

    test("a body of 2 MiB is taken", async () => {
      const answer = await fetch(`${await url()}/`, { method: "POST", body: "x".repeat(2 * 1024 * 1024) });
      expect(answer.headers.get("x-size")).toBe(String(2 * 1024 * 1024));
    });

    test("a homeserver's transaction may be longer: 100 events of 64 KiB", async () => {
      const body = "x".repeat(7 * 1024 * 1024);
      const path = "/_matrix/app/v1/transactions/1";
      const answer = await fetch(`${await url()}${path}`, { method: "PUT", body });
      expect(answer.headers.get("x-size")).toBe(String(body.length));
    });

    test("an upload may be longer: a file of 25 MiB", async () => {
      const body = "x".repeat(25 * 1024 * 1024 + 1_000);
      for (const path of ["/v1/attachments", "/v1/attachments/"]) {
        const answer = await fetch(`${await url()}${path}`, { method: "POST", body });
        expect(answer.headers.get("x-size")).toBe(String(body.length));
      }
    });

    test("a new chatroom may be longer: an avatar of 1 MiB as a JSON array", async () => {
      const body = `{"avatar":[${"255,".repeat(1024 * 1024 - 1)}255]}`;
      for (const path of ["/api/v1/chat/chatrooms", "/chatrooms"]) {
        const answer = await fetch(`${await url()}${path}`, { method: "POST", body });
        expect(answer.headers.get("x-size")).toBe(String(body.length));
      }
    });

    test("a longer body is for the handler to refuse, which never sees it", async () => {
      const seen: unknown[] = [];
      const target = await url(async (request, { bodyTooLarge }) => {
        seen.push({ body: await request.text(), bodyTooLarge });
        return new Response("too large, in the API's own words", { status: 413 });
      });
      const body = "x".repeat(2 * 1024 * 1024 + 1);
      const answer = await fetch(`${target}/`, { method: "POST", body }).catch(() => null);
      // A server that stops reading may end the connection before its answer is read.
      if (answer)
        expect([answer.status, await answer.text()]).toEqual([413, "too large, in the API's own words"]);
      expect(seen).toEqual([{ body: "", bodyTooLarge: true }]);
      handler = echo;
    });

    test("a target that looks like another host stays a path", async () => {
      const answer = await bytes("GET //elsewhere/x HTTP/1.1\r\nHost: h\r\n\r\n", /\}/);
      expect(answer).toContain('"pathname":"//elsewhere/x"');
    });

    test.each([
      ["a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
      ["a target without a path", "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n"],
    ])("%s is refused", async (_, request) => {
      expect(await bytes(request, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 (4\d\d|505)/);
    });

    test("a handler that fails is 500 and tells nothing of why", async () => {
      const target = await url(async () => {
        throw new Error("a secret reason");
      });
      const answer = await fetch(`${target}/`);
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain("secret");
    });

    test("a client that gives up aborts the request", async () => {
      let abort = () => {};
      const aborted = new Promise<void>((resolve) => {
        abort = resolve;
      });
      let begin = () => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const target = await url(async ({ signal }) => {
        signal.addEventListener("abort", () => abort());
        begin();
        await aborted;
        return new Response("too late");
      });
      const given = new AbortController();
      const answer = fetch(`${target}/`, { signal: given.signal }).catch(() => null);
      await begun;
      given.abort();
      await aborted;
      expect(await answer).toBeNull();
    });
  });
});
