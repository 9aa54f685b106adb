/**
 * One WebSocket from its opening to its end: matches answers to what was asked, says `ping` as often as the server
 * wants to hear from us, and ends when the other side falls silent. What comes after its end is not its business.
 */
import type {
  ClientFrameInput,
  ErrorFrame,
  OkFields,
  OkFrame,
  ReadyFrame,
  ServerFrame,
} from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Codec } from "./codec.ts";
import { ConnectionLost, Refused } from "./failures.ts";
import type { Socket, SocketConstructor } from "./socket.ts";

/** How long the server may take to accept the connection, to answer one question, and to say nothing at all. */
const OPEN_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;
const SILENT_MS = 10_000;
/** We speak twice in the time in which the server wants to hear us once; it may dictate no less than this. */
const MIN_BEAT_MS = 100;

/** A frame to be said; the connection numbers it. */
export type Question<Op extends ClientFrameInput["op"] = ClientFrameInput["op"]> = Op extends unknown
  ? Omit<Extract<ClientFrameInput, { op: Op }>, "ref">
  : never;
/** What the server says without being asked, and `ready`. */
export type Announcement = Exclude<ServerFrame, OkFrame | ErrorFrame>;

/** Why a connection ended. `reconnectMs`: how long the server told us to wait before coming back. */
export interface ConnectionEnd {
  code: number;
  reason: string;
  reconnectMs?: number;
}

export interface ConnectionHandlers {
  onOpen(): void;
  /** Called in the order of arrival, before any later frame is looked at. */
  onFrame(frame: Announcement): void;
  /** Called once, also when the connection never opened; nothing is called after it. */
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
  #greeting: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;

  constructor(url: string, WebSocket: SocketConstructor, codec: Codec, handlers: ConnectionHandlers) {
    this.#codec = codec;
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, codec.subprotocol);
    this.#socket.binaryType = "arraybuffer";
    this.#greeting = setTimeout(() => this.end(1006, "the server did not accept in time"), OPEN_WITHIN_MS);
    this.#listen();
  }

  /**
   * Says a frame and resolves with its answer.
   * Rejects with {@link Refused}, or with {@link ConnectionLost} when the connection ends before the answer.
   */
  ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>> {
    return this.#say(question) as Promise<OkFrame<Op>>;
  }

  /** Says hello. Resolves after `onFrame` was given the `ready` that answers it. */
  async hello(question: Question<"hello">): Promise<void> {
    await this.#say(question);
  }

  /** The session is ready: starts the heartbeat. `heartbeatMs` is how often the server wants to hear from us. */
  keepAlive(heartbeatMs: number): void {
    clearTimeout(this.#greeting);
    const everyMs = Math.max(MIN_BEAT_MS, heartbeatMs / 2);
    this.#beat = setInterval(() => this.#checkAndPing(everyMs), everyMs);
  }

  /** Ends the connection now. A dead link would never complete the closing handshake, so nothing waits for it. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#greeting);
    clearInterval(this.#beat);
    this.#socket.close();
    for (const { reject } of this.#pending.values())
      reject(new ConnectionLost(`The connection ended: ${code}`));
    this.#pending.clear();
    const bye = this.#bye;
    this.#handlers.onEnd(bye ? { code: bye.code, reason, reconnectMs: bye.reconnectMs } : { code, reason });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.addEventListener("open", () => {
      clearTimeout(this.#greeting);
      if (this.#ended) return;
      this.#greeting = setTimeout(() => this.end(1006, "the server did not greet in time"), ANSWER_WITHIN_MS);
      this.#handlers.onOpen();
    });
    socket.addEventListener("message", ({ data }) => {
      if (!this.#ended) this.#take(data);
    });
    socket.addEventListener("error", () => {
      // The close event follows and says the same.
    });
    socket.addEventListener("close", ({ code, reason }) => this.end(code, reason));
  }

  #say(question: Question): Promise<unknown> {
    if (this.#ended) return Promise.reject(new ConnectionLost());
    const ref = this.#nextRef++;
    const data = this.#codec.encode({ ...question, ref });
    if (byteLength(data) > LIMITS.FRAME_BYTES) {
      return Promise.reject(new Refused("too_large", `a frame may have at most ${LIMITS.FRAME_BYTES} bytes`));
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
      return null; // Whatever it is, it can't be relied upon: the caller ends the connection.
    }
  }

  #answer(frame: OkFrame | ErrorFrame | ReadyFrame): void {
    const pending = this.#pending.get(Number(frame.ref));
    if (!pending) return;
    this.#pending.delete(Number(frame.ref));
    if (frame.op === "error") pending.reject(new Refused(frame.code, frame.message, frame));
    else pending.resolve(frame);
  }

  /** Every ping is answered, so a silence longer than from one to the next means that the other side is gone. */
  #checkAndPing(everyMs: number): void {
    const now = Date.now();
    const [oldest] = this.#pending.values();
    const silent = now - this.#heardAt > Math.max(SILENT_MS, everyMs * 1.5);
    if (silent || (oldest && now - oldest.askedAt > ANSWER_WITHIN_MS)) {
      this.end(1006, "the server fell silent");
      return;
    }
    this.ask<"ping">({ op: "ping" }).catch(() => {
      // A refused ping was heard all the same; a lost connection reports its own end.
    });
  }
}

function byteLength(data: string | Uint8Array): number {
  if (typeof data !== "string") return data.byteLength;
  // At most three bytes of UTF-8 for each unit of UTF-16: most texts need no exact count.
  return data.length * 3 <= LIMITS.FRAME_BYTES ? data.length : new TextEncoder().encode(data).byteLength;
}
