/**
 * Keeps a connection alive for as long as the server lets us: connects, says hello, and comes back after every loss.
 * It knows nothing of rooms and messages.
 */
import { UNAUTHORIZED } from "../protocol/close-codes.ts";
import type { Question, ReadyFrame } from "../protocol/frames.ts";
import { type Backoff, delayAfter, fullJitter } from "./backoff.ts";
import type { Codec } from "./codec.ts";
import { type Announcement, Connection, type ConnectionEnd } from "./connection.ts";
import { ClientEnded, Refused, SignedOut } from "./failures.ts";
import type { SocketConstructor } from "./socket.ts";

/** A code of the client itself: connecting fails in a way that a repetition would not change. */
const GIVEN_UP = 4500;
/** "Try again later" (RFC 6455's registry). */
const LATER = 1013;
/** After a session that lived so long the backoff starts again from its first wait. */
const STABLE_MS = 5_000;

/** A session moves to the next token so long before its own ends, ms; of a short life it is the last fifth. */
const RENEW_BEFORE_MS = 60_000;
/** The least wait before the next token, ms. */
const MIN_RENEW_MS = 1_000;
/** The wait after there was no other token, ms. */
const RENEW_AGAIN_MS = 10_000;
/** Timers take no longer wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `expiresAt`: when the token ends, ms. */
export type Token = string | { token: string; expiresAt?: number };

export type ConnectionState =
  | { name: "idle" }
  | { name: "connecting" }
  | { name: "online" }
  /** The connection was lost. The next attempt begins after `retryInMs`. */
  | { name: "waiting"; retryInMs: number; code: number; reason: string }
  /** The client has ended for good. */
  | { name: "ended"; code: number; reason: string };

export interface ReconnectingConnectionOptions {
  url: string;
  codec: Codec;
  WebSocket: SocketConstructor;
  backoff: Backoff;
  /** Returns the token for the next hello; after a refusal another one. Throws {@link SignedOut} to end for good. */
  token: (refused: boolean) => Token | Promise<Token>;
  /** Whether `token` may return another token after a refusal. */
  renewable: boolean;
  /** The fields of hello beside the token; called when it is sent. */
  hello: () => Omit<Question<"hello">, "op" | "token">;
}

export interface ReconnectingConnectionHandlers {
  onReady(ready: ReadyFrame, connection: Connection): void;
  /** Called with every frame that is no answer, between `onReady` and `onLost`. */
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
  #renewal: ReturnType<typeof setTimeout> | undefined;
  /** Attempts and short-lived sessions since the last session that was stable. */
  #failures = 0;
  /** When the session became ready; null before. */
  #readyAt: number | null = null;
  /** The last token was refused. A second refusal in a row ends the client. */
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

  /** Connects at once, also while it waits for the next attempt. */
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
    let token: Token;
    try {
      token = await this.#options.token(this.#refused);
    } catch (error) {
      if (error instanceof SignedOut) throw error;
      this.#lost({ code: 1006, reason: `no token: ${messageOf(error)}` });
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

  #sayHello(connection: Connection, token: Token): void {
    connection.say({ op: "hello", token: textOf(token), ...this.#options.hello() }).then(
      () => this.#renewLater(connection, token),
      (error: unknown) => {
        if (!(error instanceof Refused)) return; // The connection ended, and `onEnd` reports it.
        connection.end(...this.#closeCodeOf(error));
      },
    );
  }

  #renewLater(connection: Connection, token: Token, leastMs = MIN_RENEW_MS): void {
    if (this.#connection !== connection || typeof token === "string" || token.expiresAt === undefined) return;
    const left = token.expiresAt - Date.now();
    const waitMs = left - Math.min(RENEW_BEFORE_MS, left / 5);
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(
      () => void this.#renew(connection, token),
      Math.min(MAX_TIMER_MS, Math.max(leastMs, waitMs)),
    );
  }

  /** Gives the session the next token, so that nothing reconnects when its own ends. Never rejects. */
  async #renew(connection: Connection, before: Token): Promise<void> {
    let token = before;
    try {
      token = await this.#options.token(false);
      if (this.#connection === connection && textOf(token) !== textOf(before))
        await connection.ask<"token">({ op: "token", token: textOf(token) });
    } catch (error) {
      // The server closes a session whose token has ended. An older server knows no `token` and closes none.
      if (error instanceof SignedOut || (error instanceof Refused && !error.retry)) return;
      token = before;
    }
    this.#renewLater(connection, token, textOf(token) === textOf(before) ? RENEW_AGAIN_MS : MIN_RENEW_MS);
  }

  /** The close code for a refused hello. */
  #closeCodeOf({ code, message, retry, retryAfterMs }: Refused): [number, string] {
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
      // The handler may have ended the session.
      if (this.#connection === connection) this.#enter({ name: "online" });
    } else if (this.#readyAt !== null) this.#handlers.onFrame(frame);
  }

  #lost(end: ConnectionEnd): void {
    this.#connection = null;
    clearTimeout(this.#renewal);
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
    // A token may expire while it is in use, so another token gets one attempt.
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

  /** Ends for good: the user signed out, or the URL is wrong. A repetition would not help. */
  #giveUp(error: unknown): void {
    const code = error instanceof SignedOut ? UNAUTHORIZED : GIVEN_UP;
    this.end(code, messageOf(error));
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#handlers.onState(state);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function textOf(token: Token): string {
  return typeof token === "string" ? token : token.token;
}

/** What is told to those who wait when a client has ended. */
export function endedError(state: ConnectionState): ClientEnded {
  const why = state.name === "ended" ? `${state.code} ${state.reason}` : "";
  return new ClientEnded(`The client has ended: ${why}`);
}
