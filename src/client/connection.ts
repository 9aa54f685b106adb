/**
 * One WebSocket from its opening to its end. It matches answers to requests, sends `ping` as often as the server wants, and
 * ends when the server falls silent. reconnecting-connection.ts makes the next one.
 */
import type { ErrorFrame, OkFields, OkFrame, Question, ReadyFrame, ServerFrame } from "../protocol/frames.ts";
import { FRAME_BYTES } from "../protocol/limits.ts";
import type { Codec } from "./codec.ts";
import { ConnectionLost, Refused } from "./failures.ts";
import type { Socket, SocketConstructor } from "./socket.ts";

/** The server must accept the connection within this time. */
const MAX_OPEN_MS = 10_000;
/** The server must answer each request within this time. */
const MAX_ANSWER_MS = 30_000;
/** A longer silence of the server ends the connection. */
const MAX_SILENCE_MS = 10_000;
/** The client pings twice in the server's heartbeat interval, but not more often than this. */
const MIN_BEAT_MS = 100;

/** A frame that the server sends without a request, or `ready`. */
export type Announcement = Exclude<ServerFrame, OkFrame | ErrorFrame>;

/** Why a connection ended. `reconnectMs` is the wait before a new connection, when the server named one. */
export interface ConnectionEnd {
  code: number;
  reason: string;
  reconnectMs?: number;
}

export interface ConnectionHandlers {
  onOpen(): void;
  /** Called in the order of arrival, before the next frame is read. */
  onFrame(frame: Announcement): void;
  /** Called once and last, also when the connection never opened. */
  onEnd(end: ConnectionEnd): void;
}

interface Pending {
  askedAt: number;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #codec: Codec;
  readonly #handlers: ConnectionHandlers;
  readonly #pending = new Map<number, Pending>();
  #nextRef = 1;
  #heardAt = Date.now();
  #ended = false;
  #bye: { code: number; reconnectMs: number } | null = null;
  /** Runs until the session is ready. */
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;

  constructor(url: string, WebSocket: SocketConstructor, codec: Codec, handlers: ConnectionHandlers) {
    this.#codec = codec;
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, codec.subprotocol);
    this.#socket.binaryType = "arraybuffer";
    this.#handshakeTimer = setTimeout(() => this.end(1006, "the server did not accept in time"), MAX_OPEN_MS);
    this.#listen();
  }

  /**
   * Sends a frame and resolves with its answer.
   * Rejects with {@link Refused}, or with {@link ConnectionLost} when the connection ends before the answer.
   */
  ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>> {
    return this.say(question) as Promise<OkFrame<Op>>;
  }

  /** Starts the heartbeat of a session that is ready. @param heartbeatMs the interval that the server wants */
  keepAlive(heartbeatMs: number): void {
    clearTimeout(this.#handshakeTimer);
    const everyMs = Math.max(MIN_BEAT_MS, heartbeatMs / 2);
    this.#beat = setInterval(() => this.#checkAndPing(everyMs), everyMs);
  }

  /** Ends the connection now. It does not wait for the closing handshake, which a dead network never completes. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#handshakeTimer);
    clearInterval(this.#beat);
    this.#socket.close();
    for (const { reject } of this.#pending.values())
      reject(new ConnectionLost(`The connection ended: ${code}`));
    this.#pending.clear();
    this.#handlers.onEnd({ code, ...this.#bye, reason });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.addEventListener("open", () => {
      clearTimeout(this.#handshakeTimer);
      if (this.#ended) return;
      this.#handshakeTimer = setTimeout(
        () => this.end(1006, "the server did not greet in time"),
        MAX_ANSWER_MS,
      );
      this.#handlers.onOpen();
    });
    socket.addEventListener("message", ({ data }) => {
      if (!this.#ended) this.#take(data);
    });
    socket.addEventListener("error", () => {
      // The close event follows and has the reason.
    });
    socket.addEventListener("close", ({ code, reason }) => this.end(code, reason));
  }

  /** Sends any frame, as {@link Connection.ask} does. That of hello resolves after `onFrame` got the `ready` that answers it. */
  say(question: Question): Promise<unknown> {
    if (this.#ended) return Promise.reject(new ConnectionLost());
    const ref = this.#nextRef++;
    const data = this.#codec.encode({ ...question, ref });
    if (byteLength(data) > FRAME_BYTES) {
      return Promise.reject(new Refused("too_large", "the frame is too large"));
    }
    return new Promise((resolve, reject) => {
      this.#pending.set(ref, { askedAt: Date.now(), resolve, reject });
      this.#socket.send(data);
    });
  }

  #take(data: unknown): void {
    this.#heardAt = Date.now();
    const frame = this.#decode(data);
    if (!frame) this.end(1006, "the server sent what is no frame");
    else if (frame.op === "ok" || frame.op === "error") this.#answer(frame);
    else {
      if (frame.op === "bye") this.#bye = frame;
      this.#handlers.onFrame(frame);
      if (frame.op === "ready") this.#answer(frame);
    }
  }

  #decode(data: unknown): ServerFrame | null {
    try {
      const frame = this.#codec.decode(data) as ServerFrame | null;
      return typeof frame?.op === "string" ? frame : null;
    } catch {
      return null; // A server that sends this can't be trusted: the caller ends the connection.
    }
  }

  #answer(frame: OkFrame | ErrorFrame | ReadyFrame): void {
    const pending = this.#pending.get(Number(frame.ref));
    if (!pending) return;
    this.#pending.delete(Number(frame.ref));
    if (frame.op === "error") pending.reject(new Refused(frame.code, frame.message, frame));
    else pending.resolve(frame);
  }

  /** Every ping is answered, so a silence longer than the interval of pings means that the server is gone. */
  #checkAndPing(everyMs: number): void {
    const now = Date.now();
    const [oldest] = this.#pending.values();
    const silent = now - this.#heardAt > Math.max(MAX_SILENCE_MS, everyMs * 1.5);
    if (silent || (oldest && now - oldest.askedAt > MAX_ANSWER_MS)) {
      this.end(1006, "the server fell silent");
      return;
    }
    this.ask<"ping">({ op: "ping" }).catch(() => {
      // A refused ping was still answered; a lost connection reports its own end.
    });
  }
}

function byteLength(data: string | Uint8Array): number {
  if (typeof data !== "string") return data.byteLength;
  // UTF-8 has at most three bytes for each unit of UTF-16, so most texts need no exact count.
  if (data.length * 3 <= FRAME_BYTES) return data.length;
  // Hermes may have no TextEncoder. JSON has no lone surrogates, which this would refuse.
  return encodeURIComponent(data).replace(/%../g, " ").length;
}
