/** One connection: what a socket that opens late, falls silent, or says nonsense leads to. The clock is ours. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DEFAULT_BACKOFF, delayAfter, fullJitter } from "../../src/client/backoff.ts";
import { jsonCodec } from "../../src/client/codec.ts";
import { Connection, type ConnectionEnd } from "../../src/client/connection.ts";
import type { Socket } from "../../src/client/socket.ts";

type Listener = (event: never) => void;

/** A socket whose other side is the test. */
class FakeSocket implements Socket {
  static last: FakeSocket;
  binaryType = "";
  readonly said: { op: string; ref: number }[] = [];
  closed = false;
  readonly #listeners = new Map<string, Listener>();
  constructor() {
    FakeSocket.last = this;
  }
  send(data: string | Uint8Array): void {
    this.said.push(JSON.parse(String(data)));
  }
  close(): void {
    this.closed = true;
  }
  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener);
  }
  hears(type: "open" | "message" | "close", event: unknown = {}): void {
    this.#listeners.get(type)?.(event as never);
  }
}

function connect(): { connection: Connection; socket: FakeSocket; ends: ConnectionEnd[]; frames: unknown[] } {
  const ends: ConnectionEnd[] = [];
  const frames: unknown[] = [];
  const connection = new Connection("ws://127.0.0.1/ws", FakeSocket, jsonCodec, {
    onOpen: () => undefined,
    onFrame: (frame) => frames.push(frame),
    onEnd: (end) => ends.push(end),
  });
  return { connection, socket: FakeSocket.last, ends, frames };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("connection", () => {
  test("ends when the server does not accept in time", () => {
    const { socket, ends } = connect();
    vi.advanceTimersByTime(10_000);
    expect(ends).toEqual([{ code: 1006, reason: "the server did not accept in time" }]);
    expect(socket.closed).toBe(true);
  });

  test("ends when hello is not answered in time", () => {
    const { socket, ends } = connect();
    socket.hears("open");
    vi.advanceTimersByTime(30_000);
    expect(ends).toEqual([{ code: 1006, reason: "the server did not greet in time" }]);
  });

  test("lives while pings are answered, and ends when the other side falls silent", async () => {
    const { connection, socket, ends } = connect();
    socket.hears("open");
    connection.keepAlive(25_000);
    for (let n = 0; n < 20; n++) {
      vi.advanceTimersByTime(12_500);
      socket.hears("message", { data: JSON.stringify({ op: "ok", ref: socket.said.at(-1)?.ref, at: 1 }) });
    }
    expect(ends).toEqual([]);
    expect(socket.said.length).toBe(20);
    const asked = connection.ask<"read">({ op: "read", room: "r", seq: 1 });
    vi.advanceTimersByTime(25_000);
    expect(ends).toEqual([{ code: 1006, reason: "the server fell silent" }]);
    await expect(asked).rejects.toMatchObject({ name: "ConnectionLost" });
  });

  test("ends when one question stays without an answer although others are answered", () => {
    const { connection, socket, ends } = connect();
    socket.hears("open");
    connection.keepAlive(10_000);
    connection.ask<"read">({ op: "read", room: "r", seq: 1 }).catch(() => undefined);
    for (let n = 0; n < 8; n++) {
      vi.advanceTimersByTime(5_000);
      socket.hears("message", { data: JSON.stringify({ op: "typing", room: "r" }) });
    }
    expect(ends.length).toBe(1);
  });

  test.each(["{", "null", "7", '{"seq":1}'])("ends when the server says %s", (data) => {
    const { socket, ends, frames } = connect();
    socket.hears("open");
    socket.hears("message", { data });
    expect(ends).toEqual([{ code: 1006, reason: "the server sent what is no frame" }]);
    expect(frames).toEqual([]);
  });

  test("tells its end once and nothing after it", () => {
    const { connection, socket, ends, frames } = connect();
    socket.hears("open");
    connection.end(1000, "enough");
    socket.hears("message", { data: '{"op":"event"}' });
    socket.hears("close", { code: 1006, reason: "" });
    expect(ends).toEqual([{ code: 1000, reason: "enough" }]);
    expect(frames).toEqual([]);
  });
});

describe("backoff", () => {
  test("[GW-10.2] is full jitter below a bound that doubles up to the cap", () => {
    const most = (failures: number) => fullJitter(DEFAULT_BACKOFF, failures, () => 1);
    expect([0, 1, 2, 4, 5, 60].map(most)).toEqual([1_000, 2_000, 4_000, 16_000, 30_000, 30_000]);
    expect(fullJitter(DEFAULT_BACKOFF, 3, () => 0)).toBe(0);
  });

  test.each([
    [1001, 500],
    [1006, 500],
    [1013, 500],
    [4000, 500],
    [4499, 500],
    [4500, null],
    [4501, null],
    [4999, null],
  ])("[GW-10.1] after close code %i the wait is %s", (code, wait) => {
    expect(delayAfter({ code, reason: "" }, DEFAULT_BACKOFF, 0, () => 0.5)).toBe(wait);
  });

  test("the server's word comes first, and can't bring back who must not come back", () => {
    const random = () => 0.5;
    expect(delayAfter({ code: 4000, reason: "", reconnectMs: 7_000 }, DEFAULT_BACKOFF, 9, random)).toBe(
      7_000,
    );
    expect(delayAfter({ code: 4501, reason: "", reconnectMs: 0 }, DEFAULT_BACKOFF, 0, random)).toBeNull();
  });
});
