/** One client on `/await`: its socket, its place in the feed, and its end. */
import type { Credential, User } from "../../../domain/model.ts";
import type { Following } from "../../../domain/ports/feed.ts";
import type { Recipient } from "./delivery.ts";

/** A client's socket. */
export interface Socket {
  /** Sends text as a text frame, and bytes as a binary frame. */
  send(frame: string | Uint8Array): void;
  /** Bytes that wait for the client to read. */
  buffered(): number;
  end(code: number, reason: string): void;
  cut(): void;
}

export interface SocketHandlers {
  onFrame(bytes: Uint8Array, isBinary: boolean): void;
  onClosed(): void;
}

/** A client that is further behind is disconnected. It reconnects, and reads `/notifications`. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** The most notifications that wait for the end of a handshake. */
const MAX_EARLY = 1_000;
/** Closing codes of WebSocket: go away for now, not allowed (any more), try again later. */
const GOING_AWAY = 1001;
const NOT_ALLOWED = 1008;
const TRY_AGAIN = 1013;

const ENDS = {
  draining: [GOING_AWAY, "the server stops; come back"],
  revoked: [NOT_ALLOWED, "the credentials are no longer valid"],
  away: [TRY_AGAIN, "the server lost its database; come back"],
  behind: [TRY_AGAIN, "come back, and read /notifications"],
} as const;

export class Waiter implements Recipient {
  readonly user: User;
  readonly credential: Credential;
  readonly #onGone: () => void;
  #socket: Socket | null = null;
  #following: Following | null = null;
  /** Notifications from before the answer of the handshake; null afterwards. */
  #early: Uint8Array[] | null = [];
  #isGone = false;

  constructor(user: User, credential: Credential, onGone: () => void) {
    this.user = user;
    this.credential = credential;
    this.#onGone = onGone;
  }

  follows(following: Following): void {
    if (this.#isGone) following.stop();
    else this.#following = following;
  }

  attach(socket: Socket): SocketHandlers {
    this.#socket = socket;
    const early = this.#early ?? [];
    this.#early = null;
    const handlers = { onFrame: answerPing(socket), onClosed: () => this.gone() };
    // The client was ended during its handshake: close the socket after its handlers are set.
    if (this.#isGone) queueMicrotask(() => socket.end(...ENDS.behind));
    else for (const frame of early) socket.send(frame);
    return handlers;
  }

  send(frame: Uint8Array): void {
    if (this.#isGone) return;
    if (this.#early) {
      if (this.#early.push(frame) > MAX_EARLY) this.end("behind");
      return;
    }
    if ((this.#socket?.buffered() ?? 0) > MAX_BUFFERED_BYTES) this.#socket?.cut();
    else this.#socket?.send(frame);
  }

  end(why: keyof typeof ENDS): void {
    const socket = this.#socket;
    const [code, reason] = ENDS[why];
    this.gone();
    socket?.end(code, reason);
  }

  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#following?.stop();
    this.#onGone();
  }
}

/** Answers a client's own ping, by which Wire's clients check the connection. */
function answerPing(socket: Socket): SocketHandlers["onFrame"] {
  return (bytes) => {
    if (bytes.byteLength === 4 && new TextDecoder().decode(bytes) === "ping") socket.send("pong");
  };
}
