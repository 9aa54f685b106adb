/**
 * The gateway: WebSocket sessions of PROTOCOL.md, and HTTP on the same port. Reading order: this file, parts.ts and
 * session-lifecycle.ts; sessions/session.ts and commands/inbox.ts (a connection and its frames); sessions/handshake.ts,
 * delivery/catch-up-subscription.ts and delivery/catch-up.ts (hello and resume); delivery/followed-room.ts and
 * delivery/hub.ts; delivery/head-probe.ts; sessions/membership.ts, delivery/access-events.ts, delivery/lobby.ts and
 * sessions/account-watch.ts; commands/; transport/.
 */
import type { Feed } from "../domain/ports/feed.ts";
import { LIMITS } from "../protocol/limits.ts";
import { startBackground } from "./background.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import type { GatewayFigures } from "./metrics.ts";
import { buildParts, type GatewayParts } from "./parts.ts";
import { drainSessions, reconnectSpreadMs } from "./sessions/drain.ts";
import type { Transport } from "./transport/transport.ts";
import { openTransport } from "./transport/transport-choice.ts";

export interface Gateway {
  readonly port: number;
  readonly transport: Transport["name"];
  /** What is committed and announced, for readers that are no WebSocket sessions. */
  readonly feed: Feed;
  stats(): GatewayFigures;
  /** From now on every answer of HTTP ends its connection; everything is served as before. */
  leave(): void;
  /**
   * Takes no new connections and no new requests, tells every session to reconnect and ends it, and answers the requests
   * under way. What was acknowledged was sent.
   */
  drain(): Promise<void>;
  /** Ends what is left, at once. */
  close(): Promise<void>;
}

/** A connection is cut without a word when more waits for its client; sessions/slow-consumers.ts tells slow ones earlier. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const IDLE_GRACE_MS = 20_000;
/** Sessions are sent away over this time when the database is gone. */
const AWAY_BATCHES_MS = 1_000;

/** Resolves when sockets and HTTP are served. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const parts = buildParts(options);
  const { endpoints = {}, heartbeatMs, logger } = options;
  const transport = await openTransport(
    options.transport,
    {
      ...{ host: options.host, port: options.port, endpoints, http: parts.http },
      maxFrameBytes: LIMITS.CUT_FRAME_BYTES,
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      idleMs: 2 * heartbeatMs + IDLE_GRACE_MS,
      accept: (connection) => parts.lifecycle.accept(connection),
    },
    logger,
  );
  parts.topics.open(transport);
  return new RunningGateway(options, parts, transport);
}

class RunningGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #parts: GatewayParts;
  readonly #transport: Transport;
  readonly #stopBackground: () => Promise<void>;
  #draining: Promise<unknown> | null = null;

  constructor(options: GatewayOptions, parts: GatewayParts, transport: Transport) {
    this.#options = options;
    this.#parts = parts;
    this.#transport = transport;
    this.#stopBackground = startBackground(options, parts, {
      away: () => void this.#sendAway(),
      historyChanged: () => this.#beginAnew(),
    });
  }

  get port(): number {
    return this.#transport.port;
  }
  get transport(): Transport["name"] {
    return this.#transport.name;
  }
  get feed(): Feed {
    return this.#parts.feed;
  }

  stats(): GatewayFigures {
    return this.#parts.figures();
  }

  leave(): void {
    this.#parts.http.leave();
  }

  async drain(): Promise<void> {
    const { drainMs, endpoints = {} } = this.#options;
    const { sessions, http } = this.#parts;
    this.#transport.stopListening();
    for (const endpoint of Object.values(endpoints)) endpoint.drain();
    this.#draining ??= Promise.all([drainSessions([...sessions.all], drainMs), http.drain(drainMs)]);
    await this.#draining;
  }

  async close(): Promise<void> {
    const { sessions, lifecycle, feed, hub } = this.#parts;
    this.#transport.stopListening();
    for (const session of [...sessions.all]) session.close("draining");
    const stopped = this.#stopBackground();
    lifecycle.stop();
    feed.stop();
    hub.stop();
    await Promise.all([stopped, this.#transport.close()]);
  }

  /** [GW-10.6] Without its database this gateway delivers nothing; another one may. hello is refused until it is back. */
  async #sendAway(): Promise<void> {
    const ready = this.#parts.sessions.ready();
    if (ready.length > 0)
      this.#options.logger.warn(
        { event: "gateway.sessions_sent_away", sessions: ready.length },
        "the database is away; sessions are told to reconnect",
      );
    await drainSessions(ready, AWAY_BATCHES_MS, "unavailable");
  }

  /** [GW-7.7] The delivered events are of another history: every session has to come back, and learns that when it resumes. */
  #beginAnew(): void {
    const ready = this.#parts.sessions.ready();
    const spreadMs = reconnectSpreadMs(ready.length);
    for (const session of ready) session.close("unavailable", Math.ceil(Math.random() * spreadMs));
    this.#parts.feed.lost();
    this.#parts.hub.reset();
  }
}
