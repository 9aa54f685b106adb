/**
 * Keeps a connection alive for as long as the server lets us: connects, says hello, and comes back after every loss.
 * It knows nothing of rooms and messages.
 */
import { CLOSE_CODES } from "../protocol/close-codes.ts";
import type { ReadyFrame } from "../protocol/frames.ts";
import { type Backoff, delayAfter, fullJitter } from "./backoff.ts";
import type { Codec } from "./codec.ts";
import { type Announcement, Connection, type ConnectionEnd, type Question } from "./connection.ts";
import { Refused, SignedOut } from "./failures.ts";
import type { SocketConstructor } from "./socket.ts";

const UNAUTHORIZED = CLOSE_CODES.unauthorized.code;
/** Our own: the server can't be talked to, and trying again would not change it. */
const GIVEN_UP = 4500;
/** Try again later (RFC 6455's registry). */
const LATER = 1013;
/** A session that lived so long was a success: the next loss starts the backoff anew. */
const STABLE_MS = 5_000;

export type ConnectionState =
  | { name: "idle" }
  | { name: "connecting" }
  | { name: "online" }
  /** Lost; the next attempt is `retryInMs` after this was told. */
  | { name: "waiting"; retryInMs: number; code: number; reason: string }
  /** For good. */
  | { name: "ended"; code: number; reason: string };

export interface ReconnectingConnectionOptions {
  url: string;
  codec: Codec;
  WebSocket: SocketConstructor;
  backoff: Backoff;
  /** Gives the token for the next hello, another one after a refusal. Throws {@link SignedOut} to end for good. */
  token: (refused: boolean) => string | Promise<string>;
  /** Whether another token may come out of `token` after one was refused. */
  renewable: boolean;
  /** What the hello says beside the token, as of the moment in which it is said. */
  hello: () => Omit<Question<"hello">, "op" | "token">;
}

export interface ReconnectingConnectionHandlers {
  onReady(ready: ReadyFrame, connection: Connection): void;
  /** Every other frame that is not an answer, between `onReady` and `onLost`. */
  onFrame(frame: Announcement): void;
  /** The connection that was given to `onReady` is gone. */
  onLost(): void;
  onState(state: ConnectionState): void;
}

export class ReconnectingConnection {
  readonly #options: ReconnectingConnectionOptions;
  readonly #handlers: ReconnectingConnectionHandlers;
  #state: ConnectionState = { name: "idle" };
  #connection: Connection | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Attempts and short-lived sessions since the last session that was stable. */
  #failures = 0;
  /** When the present session became ready; null: not yet. */
  #readyAt: number | null = null;
  /** The last token was refused: a second refusal in a row ends the client. */
  #refused = false;
  /** The least wait that a refused hello asked for, ms. */
  #notBefore = 0;

  constructor(options: ReconnectingConnectionOptions, handlers: ReconnectingConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects, or does so at once when it waits to try again. */
  wake(): void {
    if (this.#state.name !== "idle" && this.#state.name !== "waiting") return;
    clearTimeout(this.#retry);
    this.#enter({ name: "connecting" });
    this.#attempt().catch((error: unknown) => this.#giveUp(error));
  }

  /** Ends for good. */
  end(code: number, reason: string): void {
    if (this.#state.name === "ended") return;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    this.#enter({ name: "ended", code, reason });
    connection?.end(code, reason);
  }

  async #attempt(): Promise<void> {
    let token: string;
    try {
      token = await this.#options.token(this.#refused);
    } catch (error) {
      if (error instanceof SignedOut) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      this.#lost({ code: 1006, reason: `no token: ${reason}` });
      return;
    }
    if (this.#state.name !== "connecting") return;
    const { url, WebSocket, codec } = this.#options;
    const connection: Connection = new Connection(url, WebSocket, codec, {
      onOpen: () => this.#sayHello(connection, token),
      onFrame: (frame) => this.#take(connection, frame),
      onEnd: (end) => this.#lost(end),
    });
    this.#connection = connection;
  }

  #sayHello(connection: Connection, token: string): void {
    connection.hello({ op: "hello", token, ...this.#options.hello() }).catch((error: unknown) => {
      if (!(error instanceof Refused)) return; // The connection ended and says so itself.
      connection.end(...this.#judge(error));
    });
  }

  /** The close code that a refused hello amounts to. */
  #judge({ code, message, retry, retryAfterMs }: Refused): [number, string] {
    if (code === "unauthorized") return [UNAUTHORIZED, message];
    if (!retry) return [GIVEN_UP, `${code}: ${message}`];
    this.#notBefore = retryAfterMs ?? 0;
    return [LATER, message];
  }

  #take(connection: Connection, frame: Announcement): void {
    if (frame.op === "ready") {
      this.#readyAt = Date.now();
      this.#refused = false;
      connection.keepAlive(frame.heartbeatMs);
      this.#handlers.onReady(frame, connection);
      // Whoever heard of the session may have ended it.
      if (this.#connection === connection) this.#enter({ name: "online" });
    } else if (this.#readyAt !== null) this.#handlers.onFrame(frame);
  }

  #lost(end: ConnectionEnd): void {
    this.#connection = null;
    const readyAt = this.#readyAt;
    this.#readyAt = null;
    if (readyAt !== null) this.#handlers.onLost();
    if (this.#state.name === "ended") return;
    if (readyAt !== null && Date.now() - readyAt > STABLE_MS) this.#failures = 0;
    this.#comeBack(end);
  }

  #comeBack(end: ConnectionEnd): void {
    const { backoff, renewable } = this.#options;
    const failures = this.#failures++;
    // A token that ends while it is in use is normal: its successor gets one chance.
    const renew = end.code === UNAUTHORIZED && renewable && !this.#refused;
    if (end.code === UNAUTHORIZED) this.#refused = true;
    const delayMs = renew ? fullJitter(backoff, 0) : delayAfter(end, backoff, failures);
    if (delayMs === null) {
      this.#enter({ name: "ended", code: end.code, reason: end.reason });
      return;
    }
    const retryInMs = Math.max(delayMs, this.#notBefore);
    this.#notBefore = 0;
    this.#enter({ name: "waiting", retryInMs, code: end.code, reason: end.reason });
    this.#retry = setTimeout(() => this.wake(), retryInMs);
  }

  /** Nothing that comes back would help: signed out, or a URL that is none. */
  #giveUp(error: unknown): void {
    const code = error instanceof SignedOut ? UNAUTHORIZED : GIVEN_UP;
    this.end(code, error instanceof Error ? error.message : String(error));
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#handlers.onState(state);
  }
}
