/**
 * `/await`: live notifications of the caller's conversations over a WebSocket, one binary frame each. A client costs an
 * entry in the feed and a socket. All notifications of the process go through one queue (delivery.ts).
 */
import { DomainError } from "../../../domain/errors.ts";
import type { Feed } from "../../../domain/ports/feed.ts";
import type { HotState } from "../../../domain/ports/hot.ts";
import type { StoreHealth } from "../../../domain/ports/store-health.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../../logger.ts";
import { failureHeaders, failureOf } from "../../answers/failures.ts";
import { watchCredentials } from "../../requests/credential-watch.ts";
import { authenticateUser, bearerOf, type UserPrincipal } from "../../requests/credentials.ts";
import { createRequestLimits } from "../../requests/request-limits.ts";
import { wireParts } from "../common/parts.ts";
import { refuse, WireRefusal } from "../shapes/failures.ts";
import { createDelivery } from "./delivery.ts";
import { type Socket, type SocketHandlers, Waiter } from "./waiter.ts";

export interface AwaitOptions {
  useCases: Pick<
    UseCases,
    "accounts" | "clock" | "connections" | "finding" | "journal" | "lookup" | "profiles"
  >;
  storeHealth: Pick<StoreHealth, "isAway" | "onAway">;
  hot: Pick<HotState, "limits">;
  feed: () => Feed;
  /** Where clients reach this server. */
  publicUrl: () => string;
  rateLimits: boolean;
  logger: Pick<Logger, "warn" | "error">;
}

interface Handshake {
  /** Path and query. */
  target: string;
  header(name: string): string | undefined;
  ip: string;
}

export interface AwaitFace {
  /** Checks a handshake, which needs a valid access token. The client gets everything that happens after its answer. */
  admit(
    handshake: Handshake,
  ): Promise<
    | { accept(socket: Socket): SocketHandlers; abandon(): void }
    | { refused: { status: number; headers: Record<string, string>; body: string } }
  >;
  /** Ends all connections before the process stops; clients reconnect. */
  drain(): void;
  /** How many clients wait. */
  waiting(): number;
}

/** The most clients of one process. */
const MAX_WAITING = 50_000;
/** When clients may come back to a process whose database is away. */
const AWAY_RETRY_MS = 10_000;
/** The most connections of one user, if limits are on. */
const MAX_OF_ONE_USER = 100;

export function createAwait(options: AwaitOptions): AwaitFace {
  const { useCases, storeHealth, hot, feed, rateLimits, logger } = options;
  const limits = createRequestLimits(hot.limits, useCases.clock, rateLimits);
  const delivery = createDelivery(wireParts(options), logger);
  const crowd = createCrowd(options);
  // Without the database there are no notifications; another process may reach it.
  const unwatch = storeHealth.onAway(() => crowd.end("away"));

  async function principalOf({ target, header, ip }: Handshake): Promise<UserPrincipal> {
    await limits.byAddress(ip);
    if (storeHealth.isAway) throw new DomainError("unavailable", undefined, { retryAfterMs: AWAY_RETRY_MS });
    const query = new URL(target, "http://localhost").searchParams;
    const token = bearerOf(header("authorization")) ?? query.get("access_token");
    if (!token) throw new DomainError("unauthorized", "Send an access token");
    const principal = await authenticateUser(useCases.accounts, token);
    await limits.byCaller(principal);
    return principal;
  }

  async function waiterFor(principal: UserPrincipal): Promise<Waiter> {
    const waiter = crowd.add(principal);
    try {
      const reader = delivery.readerFor(waiter, await delivery.beginning());
      waiter.follows(await feed().followUser(waiter.user, reader));
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
        return { accept: (socket) => waiter.attach(socket), abandon: () => waiter.gone() };
      } catch (error) {
        return { refused: refusalOf(error, logger) };
      }
    },
    drain() {
      unwatch();
      crowd.close();
    },
    waiting: crowd.size,
  };
}

/** All connected clients. */
function createCrowd(options: Pick<AwaitOptions, "useCases" | "rateLimits" | "logger">) {
  const { rateLimits, logger, useCases } = options;
  const waiters = new Set<Waiter>();
  const perUser = new Map<number, number>();
  const watch = watchCredentials(useCases.accounts, useCases.clock, waiters, logger);
  let isClosed = false;

  function count(userId: number, change: 1 | -1): void {
    const now = (perUser.get(userId) ?? 0) + change;
    if (now > 0) perUser.set(userId, now);
    else perUser.delete(userId);
    watch.changed();
  }

  function end(why: "draining" | "away"): void {
    for (const waiter of [...waiters]) waiter.end(why);
  }

  return {
    add({ user, credential }: UserPrincipal): Waiter {
      if (isClosed || waiters.size >= MAX_WAITING)
        throw new WireRefusal(503, "service-unavailable", "Try again in a moment");
      if (rateLimits && (perUser.get(user.id) ?? 0) >= MAX_OF_ONE_USER)
        throw new WireRefusal(429, "client-error", "Too many clients of one user wait");
      const waiter = new Waiter(user, credential, () => {
        if (waiters.delete(waiter)) count(user.id, -1);
      });
      waiters.add(waiter);
      count(user.id, 1);
      return waiter;
    },
    end,
    close(): void {
      isClosed = true;
      end("draining");
    },
    size: () => waiters.size,
  };
}

function refusalOf(error: unknown, logger: Pick<Logger, "error">) {
  const failure = failureOf(error);
  if (failure.code === "internal")
    logger.error(
      { event: "await.refused", err: failure.cause },
      "could not open a socket at /await; the client was answered with an error",
    );
  const { status, body, headers = {} } = refuse(failure);
  const shown = { "content-type": "application/json", ...failureHeaders(failure), ...headers };
  return { status, headers: shown, body: JSON.stringify(body) };
}
