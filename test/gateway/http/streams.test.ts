/** Bodies and answers that are longer than what is held in memory, with clients that are slow on purpose. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { HttpDoor, type Pace } from "../../../src/gateway/http/door.ts";
import type { HttpHandler } from "../../../src/gateway/http/exchange.ts";

import type { Transport } from "../../../src/gateway/transport/transport.ts";
import { openTransport } from "../../../src/gateway/transport/transport-choice.ts";
import { createLogger } from "../../../src/logger.ts";
import { TRANSPORTS } from "../fixtures.ts";

const MIB = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, "Causeway");
/** More than what kernels hold for a client that does not read. */
const LONG = 32 * MIB;
const SHORT_PACE: Pace = {
  bodies: { mostMs: 300, bytesPerSecond: 1_000_000 },
  answers: { mostMs: 300, bytesPerSecond: 1_000_000 },
};

/** A body of `length` bytes that counts what was taken of it, and says when nobody wants the rest. */
function source(length: number) {
  let taken = 0;
  let giveUp = () => {};
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = CHUNK.subarray(0, length - taken);
        taken += chunk.length;
        if (chunk.length > 0) controller.enqueue(Uint8Array.from(chunk));
        if (taken === length) controller.close();
      },
      cancel: () => giveUp(),
    },
    { highWaterMark: 0 },
  );
  return { stream, givenUp, taken: () => taken };
}

function fileOf(length: number, stream: ReadableStream<Uint8Array>): Response {
  return new Response(stream, { headers: { "content-length": String(length), "x-own": "yes" } });
}

describe.each(TRANSPORTS)("HTTP in streams over %s", (name) => {
  let transport: Transport;
  let hurried: Transport;
  let handler: HttpHandler;
  const sockets: Socket[] = [];
  const open = (pace?: Pace) =>
    openTransport(
      name,
      {
        ...{
          host: "127.0.0.1",
          port: 0,
          maxFrameBytes: 1_000,
          maxBufferedBytes: 1_000,
          idleMs: 10_000,
          pace,
        },
        accept: () => {
          throw new Error("nobody chats in these tests");
        },
        endpoints: {},
        http: new HttpDoor((request, info) => handler(request, info), undefined, pace),
      },
      createLogger("silent"),
    );

  beforeAll(async () => {
    [transport, hurried] = await Promise.all([open(), open(SHORT_PACE)]);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all([transport.close(), hurried.close()]);
  });

  /** A client that writes this and reads nothing until it is told to. */
  async function rawClient(head: string, at = transport): Promise<Socket> {
    const socket = connect(at.port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.pause();
    await once(socket, "connect");
    socket.write(head);
    return socket;
  }
  /** What it says until it ends, or until `enough`. */
  async function answerOf(socket: Socket, enough = /$^/): Promise<string> {
    let answer = "";
    for await (const chunk of socket) {
      answer += (chunk as Buffer).toString("latin1");
      if (enough.test(answer)) break;
    }
    return answer;
  }
  const url = (path = "/") => `http://127.0.0.1:${transport.port}${path}`;
  const get = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";
  const post = (length: number, more = "") =>
    `POST /v1/attachments HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n${more}\r\n`;

  test("a long answer comes whole, with its length and headers, and the connection lives on", async () => {
    const { stream } = source(LONG);
    handler = async ({ url: asked }) =>
      asked.endsWith("/file") ? fileOf(LONG, stream) : new Response("short");
    const answer = await fetch(url("/file"));
    expect([answer.headers.get("content-length"), answer.headers.get("x-own")]).toEqual([
      String(LONG),
      "yes",
    ]);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(Buffer.alloc(LONG, "Causeway"))).toBe(true);
    expect(await (await fetch(url("/"))).text()).toBe("short");
  });

  test("clients that don't read hold no more than the kernel has for them, and nobody else up", async () => {
    const slow: ReturnType<typeof source>[] = [];
    handler = async ({ url: asked }) => {
      const file = source(LONG);
      if (asked.endsWith("/slow")) slow.push(file);
      return fileOf(LONG, file.stream);
    };
    const clients = await Promise.all(Array.from({ length: 10 }, () => rawClient(get)));
    expect((await (await fetch(url("/fast"))).arrayBuffer()).byteLength).toBe(LONG);
    expect(slow).toHaveLength(10);
    for (const { taken } of slow) expect(taken()).toBeLessThan(LONG / 2);
    const [reads, leaves] = clients as [Socket, Socket];
    const all = answerOf(reads, /^/);
    leaves.destroy();
    await slow.find((file) => file.taken() > 0)?.givenUp.catch(() => {});
    expect(await all).toMatch(/^HTTP\/1.1 200/);
    for (const client of clients) client.destroy();
    await Promise.all(slow.map(({ givenUp }) => givenUp));
  });

  test("a client that stalls in an answer is cut, and what it was to get is given up", async () => {
    const file = source(LONG);
    handler = async () => fileOf(LONG, file.stream);
    const client = await rawClient(get, hurried);
    await file.givenUp;
    const answer = await answerOf(client).catch(() => "cut");
    expect(answer.length).toBeLessThan(LONG);
  });

  test("a source that fails, or ends early, cuts the connection", async () => {
    for (const stream of [
      source(MIB - 1).stream,
      new ReadableStream({ pull: (controller) => controller.error(new Error("the disk is gone")) }),
    ]) {
      handler = async () => fileOf(MIB, stream);
      const bytes = fetch(url()).then((answer) => answer.arrayBuffer());
      expect(await bytes.catch(() => "cut")).toBe("cut");
    }
  });

  test("HEAD tells the length and asks for no bytes", async () => {
    handler = async ({ method }) =>
      new Response(method === "HEAD" ? null : "x", { headers: { "content-length": String(LONG) } });
    const answer = await fetch(url(), { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, String(LONG)]);
  });

  test("a body is read no faster than the handler takes it", async () => {
    let take = () => {};
    const taking = new Promise<void>((resolve) => {
      take = resolve;
    });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    handler = async ({ body }) => {
      begin();
      await taking;
      let size = 0;
      for await (const chunk of body ?? []) size += chunk.byteLength;
      return new Response(String(size));
    };
    const length = 24 * MIB;
    const client = await rawClient(post(length));
    await begun;
    let written = 0;
    while (written < length && client.write(CHUNK.subarray(0, length - written))) written += CHUNK.length;
    const rest = Buffer.alloc(length - written - CHUNK.length);
    client.write(rest);
    const held = client.writableLength;
    expect(held).toBeGreaterThan(length / 2);
    take();
    expect(await answerOf(client, /\d\d$/)).toMatch(new RegExp(`^HTTP/1.1 200[\\s\\S]*\r\n\r\n${length}$`));
  });

  test("a handler refuses by the head alone, before the body is there, and the connection lives on", async () => {
    handler = async ({ headers }) =>
      headers.has("authorization") ? new Response("welcome") : new Response("who are you?", { status: 401 });
    const client = await rawClient(post(MIB));
    client.resume();
    const [head] = await once(client, "data");
    expect(String(head)).toMatch(/^HTTP\/1.1 401[\s\S]*who are you\?$/);
    client.write(Buffer.alloc(MIB));
    client.write("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\n\r\n");
    expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1.1 200[\s\S]*welcome$/);
  });

  // uWebSockets.js counts by itself, and takes 10 s.
  test.runIf(name === "ws").each(["POST", "GET"])(
    "a client that is answered %s and goes on dripping its body is cut",
    async (method) => {
      handler = async () => new Response("who are you?", { status: 401 });
      const client = await rawClient(post(MIB).replace("POST", method), hurried);
      client.resume();
      await once(client, "data");
      const drip = setInterval(() => client.write("x"), 20);
      await new Promise((resolve) => client.once("close", resolve));
      clearInterval(drip);
    },
  );

  test("Expect: 100-continue is answered when the body is wanted", async () => {
    handler = async (request) => new Response(String((await request.arrayBuffer()).byteLength));
    for (const length of [10, MIB]) {
      const client = await rawClient(post(length, "Expect: 100-continue\r\n"));
      client.resume();
      expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
      client.write(Buffer.alloc(length));
      expect(String((await once(client, "data"))[0])).toMatch(new RegExp(`^HTTP/1.1 200[\\s\\S]*${length}$`));
      client.destroy();
    }
  });

  test.each([10, MIB])("a body of %i bytes that stalls is 408, and the handler is told", async (length) => {
    const failures: unknown[] = [];
    handler = async (request) => {
      await request.arrayBuffer().catch((error) => failures.push(error));
      return new Response("never sent");
    };
    const client = await rawClient(`${post(length)}half`, hurried);
    client.resume();
    expect(await answerOf(client)).toMatch(/^HTTP\/1.1 408 Request Timeout[\s\S]*came too slowly\n$/);
    expect(failures).toHaveLength(length === MIB ? 1 : 0);
  });

  test("a longer body than is taken fails where it is read, with the rule", async () => {
    let failure: unknown;
    handler = async (request) => {
      await request.arrayBuffer().catch((error) => {
        failure = error;
      });
      return new Response("too large", { status: 413 });
    };
    const client = await rawClient("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.resume();
    for (let i = 0; i < 40; i++)
      client.write(Buffer.concat([Buffer.from("10000\r\n"), CHUNK, Buffer.from("\r\n")]));
    expect(await answerOf(client, /too large$/)).toMatch(/^HTTP\/1.1 413/);
    expect(failure).toBeInstanceOf(DomainError);
    expect(failure).toMatchObject({ code: "too_large", message: "body must have at most 2097152 bytes" });
  });

  test("a client that leaves in the middle of its body fails the reading of it", async () => {
    const read = new Promise<string>((resolve) => {
      handler = async (request) => {
        client.destroy();
        await request.arrayBuffer().catch((error: Error) => resolve(error.message));
        return new Response("nobody reads this");
      };
    });
    const client = await rawClient(`${post(MIB)}half`);
    expect(await read).toBe("The client gave the request up");
  });
});
