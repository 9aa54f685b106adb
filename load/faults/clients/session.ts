/** One WebSocket session in JSON, from hello to its end. */
import { WebSocket } from "ws";
import type { EventFrame, ReadyFrame, ServerFrame } from "../../../src/protocol/frames.ts";

/** The server answered `error`: nothing was done. */
export class Refusal extends Error {
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  constructor({
    code,
    message,
    retry,
    retryAfterMs,
  }: { code: string; message: string; retry: boolean; retryAfterMs?: number }) {
    super(`${code}: ${message}`);
    this.retry = retry;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The connection ended before the answer: what was asked may or may not have been done. */
export class ConnectionGone extends Error {}

export interface SessionListener {
  onReady(ready: ReadyFrame): void;
  onEvent(event: EventFrame): void;
}

export interface Session {
  ask(frame: Record<string, unknown>): Promise<unknown>;
  /** Ends without a word. */
  drop(): void;
  readonly ended: Promise<{ code: number; reconnectMs?: number }>;
}

interface Pending {
  resolve(frame: unknown): void;
  reject(error: Error): void;
}

const OPEN_LIMIT_MS = 5_000;
const ANSWER_LIMIT_MS = 15_000;
const PING_MS = 3_000;
const SILENCE_MS = 10_000;
const HELLO = 0;

/** Resolves after `ready`. @throws Refusal of the hello, or ConnectionGone */
export async function openSession(
  url: string,
  hello: Record<string, unknown>,
  listener: SessionListener,
): Promise<Session> {
  const socket = new WebSocket(url, "causeway.v1.json", { handshakeTimeout: OPEN_LIMIT_MS });
  const pending = new Map<number, Pending>();
  let nextRef = HELLO;
  let reconnectMs: number | undefined;
  let heardAt = performance.now();

  const ask = (frame: Record<string, unknown>) =>
    new Promise<unknown>((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) return reject(new ConnectionGone("not connected"));
      const ref = nextRef++;
      // An answer that does not come is a connection that is gone.
      const timer = setTimeout(() => socket.terminate(), ANSWER_LIMIT_MS);
      const settle = (end: () => void) => {
        clearTimeout(timer);
        end();
      };
      pending.set(ref, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
      socket.send(JSON.stringify({ ...frame, ref }));
    });
  const take = (frame: ServerFrame) => {
    if (frame.op === "event") listener.onEvent(frame);
    else if (frame.op === "bye") reconnectMs = frame.reconnectMs;
    else if ("ref" in frame) {
      const asked = pending.get(Number(frame.ref));
      pending.delete(Number(frame.ref));
      if (frame.op === "ready") listener.onReady(frame);
      if (frame.op === "error") asked?.reject(new Refusal(frame));
      else asked?.resolve(frame);
    }
  };
  socket.on("message", (bytes: Buffer) => {
    heardAt = performance.now();
    take(JSON.parse(bytes.toString()) as ServerFrame);
  });
  socket.on("error", () => undefined); // The close that follows says the same.
  const ended = new Promise<{ code: number; reconnectMs?: number }>((resolve) => {
    socket.once("close", (code) => {
      clearInterval(beat);
      for (const { reject } of pending.values()) reject(new ConnectionGone(`closed with ${code}`));
      resolve({ code, ...(reconnectMs !== undefined && { reconnectMs }) });
    });
  });
  const beat = setInterval(() => {
    if (performance.now() - heardAt > SILENCE_MS) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) ask({ op: "ping" }).catch(() => undefined);
  }, PING_MS);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    void ended.then(({ code }) => reject(new ConnectionGone(`closed with ${code}`)));
  });
  try {
    await ask(hello);
  } catch (error) {
    socket.terminate();
    throw error;
  }
  return { ask, drop: () => socket.terminate(), ended };
}
