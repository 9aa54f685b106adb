/** WebSockets of other APIs on the gateway's port: handshakes that are judged first, and what comes after. */
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { HttpDoor } from "../../../src/gateway/http/door.ts";
import type {
  Admission,
  Endpoint,
  EndpointSocket,
  Refused,
} from "../../../src/gateway/transport/endpoint.ts";
import type { Transport } from "../../../src/gateway/transport/transport.ts";
import { openUwsTransport } from "../../../src/gateway/transport/transport-uws.ts";
import { openWsTransport } from "../../../src/gateway/transport/transport-ws.ts";

/** The least that uWebSockets.js knows. */
const IDLE_MS = { uws: 8_000, ws: 300 };
const TRANSPORTS = { uws: openUwsTransport, ws: openWsTransport };

interface Heard {
  bytes: string;
  isBinary: boolean;
}

describe.each(["uws", "ws"] as const)("endpoints over %s", (name) => {
  let transport: Transport;
  let judge: Endpoint["admit"];
  const sockets: EndpointSocket[] = [];
  const heard: Heard[] = [];
  const closed: EndpointSocket[] = [];
  let abandoned = 0;
  const admission: Admission = {
    accept(socket) {
      sockets.push(socket);
      return {
        onFrame: (bytes, isBinary) => heard.push({ bytes: Buffer.from(bytes).toString(), isBinary }),
        onClosed: () => closed.push(socket),
      };
    },
    abandon: () => abandoned++,
  };
  beforeAll(async () => {
    const endpoint: Endpoint = { admit: (handshake) => judge(handshake), drain: () => {} };
    transport = await TRANSPORTS[name]({
      ...{
        host: "127.0.0.1",
        port: 0,
        maxFrameBytes: 1_024,
        maxBufferedBytes: 1 << 20,
        idleMs: IDLE_MS[name],
      },
      accept: () => {
        throw new Error("nobody connects to /ws here");
      },
      endpoints: { "/other": endpoint },
      http: new HttpDoor(async (request) => new Response(`http ${new URL(request.url).pathname}`)),
    });
  });
  afterAll(() => transport?.close());
  const url = (path = "/other") => `ws://127.0.0.1:${transport.port}${path}`;
  const open = async (path?: string, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(url(path), { headers });
    await once(socket, "open");
    return socket;
  };
  const untilTrue = async (holds: () => boolean) => {
    while (!holds()) await turn();
  };

  test("a handshake is judged by its path with query, its headers and its address", async () => {
    judge = async ({ target, header, ip }) => {
      expect([target, header("x-proof"), header("x-none"), ip]).toEqual([
        ...["/other?a=b", "yes", undefined, "127.0.0.1"],
      ]);
      return admission;
    };
    const socket = await open("/other?a=b", { "X-Proof": "yes" });
    socket.terminate();
  });

  test("text and bytes go out as text and binary frames, and come in as what they are", async () => {
    judge = async () => admission;
    const socket = await open();
    const told: Heard[] = [];
    socket.on("message", (data: Buffer, isBinary) => told.push({ bytes: data.toString(), isBinary }));
    sockets.at(-1)?.send("text");
    sockets.at(-1)?.send(Buffer.from("bytes"));
    await untilTrue(() => told.length === 2);
    expect(told).toEqual([
      { bytes: "text", isBinary: false },
      { bytes: "bytes", isBinary: true },
    ]);
    heard.length = 0;
    socket.send("text");
    socket.send(Buffer.from("bytes"));
    await untilTrue(() => heard.length === 2);
    expect(heard).toEqual(told);
    socket.terminate();
  });

  test("either side ends it, and the handlers hear of it once", async () => {
    const first = sockets.length;
    const socket = await open();
    sockets.at(-1)?.end(1001, "away");
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1001, "away"]);
    const other = await open();
    other.close();
    await once(other, "close");
    const ended = () => closed.filter((one) => sockets.indexOf(one) >= first);
    await untilTrue(() => ended().length >= 2);
    expect(ended()).toEqual(sockets.slice(first));
  });

  test.each<[string, () => Promise<Admission | Refused>, number, string]>([
    [
      "refusal",
      async () => ({ refused: { status: 418, headers: { "x-why": "tea" }, body: "short and stout" } }),
      ...([418, "short and stout"] as const),
    ],
    [
      "failure",
      () => Promise.reject(new Error("secret")),
      ...([500, "The server failed; try again\n"] as const),
    ],
  ])("a %s is an HTTP answer", async (_, verdict, status, text) => {
    judge = verdict;
    const socket = new WebSocket(url());
    socket.on("error", () => {});
    const [, answer] = await once(socket, "unexpected-response");
    expect(answer.statusCode).toBe(status);
    expect((await answer.toArray()).join("")).toBe(text);
  });

  test("a client that gives up before the answer is let go of", async () => {
    let judged: (verdict: Admission) => void = () => {};
    let asked: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    judge = async () => {
      asked();
      return await new Promise((resolve) => {
        judged = resolve;
      });
    };
    const before = sockets.length;
    const client = connect(transport.port, "127.0.0.1");
    client.write(
      "GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await isAsked;
    client.resetAndDestroy();
    // The server has read the reset when it answers who came later.
    for (let n = 0; n < 3; n++) await (await fetch(`http://127.0.0.1:${transport.port}/x`)).text();
    judged(admission);
    await untilTrue(() => abandoned === 1);
    expect(sockets.length).toBe(before);
  });

  test("without an upgrade the path is HTTP's", async () => {
    const answer = await fetch(`http://127.0.0.1:${transport.port}/other`);
    expect(await answer.text()).toBe("http /other");
  });

  test("all of many who are let in later stay, and are reached", async () => {
    judge = async () => {
      await turn();
      return admission;
    };
    const from = sockets.length;
    const clients = await Promise.all(Array.from({ length: 500 }, () => open()));
    let told = 0;
    for (const client of clients) client.on("message", () => told++);
    for (const socket of sockets.slice(from)) socket.send(Buffer.from("hello"));
    await untilTrue(() => told === 500);
    for (const client of clients) client.terminate();
  });

  test("a client that only listens is pinged, and stays", async () => {
    judge = async () => admission;
    const client = await open();
    let pings = 0;
    client.on("ping", () => pings++);
    const enough = name === "ws" ? 6 : 1;
    while (pings < enough) await once(client, "ping");
    expect(client.readyState).toBe(client.OPEN);
    client.terminate();
  });
});
