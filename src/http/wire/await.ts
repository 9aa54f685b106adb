/**
 * `/await`: what happens in the caller's conversations, live over a WebSocket, one binary frame a notification. Whoever
 * waits costs an entry in the feed and a socket; what comes for all of them goes through one queue (delivery.ts).
 */
import { DomainError } from "../../domain/errors.ts";
import type { Credential, User } from "../../domain/model.ts";
import type { Feed, Following } from "../../domain/ports/feed.ts";
import type { HotState } from "../../domain/ports/hot.ts";
import type { Store } from "../../domain/ports/store.ts";
import type { UseCases } from "../../domain/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { authenticateUser, bearerOf, type UserPrincipal } from "../credentials.ts";
import { failureHeaders, failureOf } from "../failures.ts";
import { createRequestLimits } from "../request-limits.ts";
import { watchCredentials } from "./credential-watch.ts";
import { createDelivery, type Recipient } from "./delivery.ts";
import { refuse, WireRefusal } from "./failures.ts";
import { wireParts } from "./parts.ts";

export interface AwaitOptions {
  useCases: UseCases;
  store: Pick<Store, "accounts" | "journal">;
  hot: Pick<HotState, "limits">;
  feed: () => Feed;
  /** Where clients reach this server. */
  publicUrl: () => string;
  rateLimits: boolean;
  logger: Pick<Logger, "warn" | "error">;
}

/** A client's socket, as the server that accepts it has it. */
interface Socket {
  /** Text goes out as a text frame, bytes as a binary one. */
  send(frame: string | Uint8Array): void;
  /** Bytes that wait for the client to read. */
  buffered(): number;
  end(code: number, reason: string): void;
  cut(): void;
}

interface Handshake {
  /** Path and query. */
  target: string;
  header(name: string): string | undefined;
  ip: string;
}

export interface AwaitFace {
  /** Judges a handshake: whoever has a valid access token may wait. What happens from its answer on is told. */
  admit(
    handshake: Handshake,
  ): Promise<
    | { accept(socket: Socket): SocketHandlers; abandon(): void }
    | { refused: { status: number; headers: Record<string, string>; body: string } }
  >;
  /** The process stops: every client is told to come back. */
  drain(): void;
  /** How many clients wait. */
  waiting(): number;
}

interface SocketHandlers {
  onFrame(bytes: Uint8Array, isBinary: boolean): void;
  onClosed(): void;
}

/** One process holds no more clients. */
const MOST_WAITING = 50_000;
/** Where limits are on. */
const MOST_OF_ONE_USER = 100;
/** A client that is further behind is cut, comes back, and reads what it missed from `/notifications`. */
const MOST_BUFFERED_BYTES = 1_048_576;
/** Notifications for a client whose handshake is not answered yet. */
const MOST_EARLY = 1_000;
/** Closing codes of WebSocket: go away for now, not allowed (any more), try again later. */
const GOING_AWAY = 1001;
const NOT_ALLOWED = 1008;
const TRY_AGAIN = 1013;

export function createAwait(options: AwaitOptions): AwaitFace {
  const { useCases, store, hot, feed, rateLimits, logger } = options;
  const limits = createRequestLimits(hot.limits, rateLimits);
  const delivery = createDelivery(wireParts(options), logger);
  const waiters = new Set<Waiter>();
  const perUser = new Map<number, number>();
  let draining = false;
  const watch = watchCredentials(store.accounts, waiters, logger);

  async function principalOf({ target, header, ip }: Handshake) {
    await limits.byAddress(ip);
    const query = new URL(target, "http://localhost").searchParams;
    const token = bearerOf(header("authorization")) ?? query.get("access_token");
    if (!token) throw new DomainError("unauthorized", "Send an access token");
    const principal = await authenticateUser(useCases.accounts, token);
    await limits.byCaller(principal);
    if (draining || waiters.size >= MOST_WAITING)
      throw new WireRefusal(503, "service-unavailable", "Try again in a moment");
    if (rateLimits && (perUser.get(principal.user.id) ?? 0) >= MOST_OF_ONE_USER)
      throw new WireRefusal(429, "client-error", "Too many clients of one user wait");
    return principal;
  }

  function count(userId: number, change: 1 | -1): void {
    const now = (perUser.get(userId) ?? 0) + change;
    if (now > 0) perUser.set(userId, now);
    else perUser.delete(userId);
    watch.changed();
  }

  async function waiterFor({ user, credential }: UserPrincipal): Promise<Waiter> {
    const waiter = new Waiter(user, credential, () => {
      if (waiters.delete(waiter)) count(user.id, -1);
    });
    waiters.add(waiter);
    count(user.id, 1);
    try {
      waiter.follows(await feed().followUser(user.id, delivery.readerFor(waiter)));
    } catch (error) {
      waiter.gone();
      throw error;
    }
    return waiter;
  }

  return {
    async admit(handshake) {
      try {
        const waiter = await waiterFor(await principalOf(handshake));
        return {
          accept: (socket) => waiter.attach(socket),
          abandon: () => waiter.gone(),
        };
      } catch (error) {
        return { refused: refusalOf(error, logger) };
      }
    },
    drain() {
      draining = true;
      for (const waiter of [...waiters]) waiter.end("draining");
    },
    waiting: () => waiters.size,
  };
}

function refusalOf(error: unknown, logger: Pick<Logger, "error">) {
  const failure = failureOf(error);
  if (failure.code === "internal") logger.error({ err: failure.cause }, "a client of /await was not let in");
  const { status, body, headers = {} } = refuse(failure);
  const shown = { "content-type": "application/json", ...failureHeaders(failure), ...headers };
  return { status, headers: shown, body: JSON.stringify(body) };
}

const ENDS = {
  draining: [GOING_AWAY, "the server stops; come back"],
  revoked: [NOT_ALLOWED, "the credentials are no longer valid"],
  behind: [TRY_AGAIN, "come back, and read /notifications"],
} as const;

/** One client that waits. */
class Waiter implements Recipient {
  readonly user: User;
  readonly credential: Credential;
  readonly #onGone: () => void;
  #socket: Socket | null = null;
  #following: Following | null = null;
  /** What comes before the handshake is answered; null afterwards. */
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
    // It was ended before its handshake was answered: the socket closes once its handlers are in place.
    if (this.#isGone) queueMicrotask(() => socket.end(...ENDS.behind));
    else for (const frame of early) socket.send(frame);
    return handlers;
  }

  send(frame: Uint8Array): void {
    if (this.#isGone) return;
    if (this.#early) {
      if (this.#early.push(frame) > MOST_EARLY) this.end("behind");
      return;
    }
    if ((this.#socket?.buffered() ?? 0) > MOST_BUFFERED_BYTES) this.#socket?.cut();
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

/** Wire's clients see by it whether the connection still works. */
function answerPing(socket: Socket): SocketHandlers["onFrame"] {
  return (bytes) => {
    if (bytes.byteLength === 4 && new TextDecoder().decode(bytes) === "ping") socket.send("pong");
  };
}
