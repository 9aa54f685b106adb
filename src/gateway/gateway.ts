/**
 * The gateway: WebSocket sessions of PROTOCOL.md, and HTTP on the same port. Reading order: this file; sessions/session.ts
 * and commands/inbox.ts (a connection and its frames); sessions/handshake.ts, delivery/catch-up-subscription.ts and
 * delivery/catch-up.ts (hello and resume); delivery/followed-room.ts and delivery/hub.ts; delivery/head-probe.ts;
 * sessions/membership.ts, delivery/lobby.ts and sessions/account-watch.ts; commands/; transport/.
 */
import type { Registry } from "prom-client";
import type { Subscriptions } from "../domain/ports/bus.ts";
import type { Feed } from "../domain/ports/feed.ts";
import type { HotState } from "../domain/ports/hot.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import type { Logger } from "../logger.ts";
import { LIMITS } from "../protocol/limits.ts";
import { createCalling } from "./commands/calls.ts";
import { Inbox } from "./commands/inbox.ts";
import { createTalking } from "./commands/messages.ts";
import { createWatching, type Watching } from "./commands/presence.ts";
import { AccessEvents } from "./delivery/access-events.ts";
import { CatchUp } from "./delivery/catch-up.ts";
import type { FollowedRoom } from "./delivery/followed-room.ts";
import { type Probe, startProbe } from "./delivery/head-probe.ts";
import { Hub } from "./delivery/hub.ts";
import { Lobbies } from "./delivery/lobby.ts";
import { Subscribers } from "./delivery/subscribers.ts";
import { createFeed, type RunningFeed } from "./feed/feed.ts";
import type { CommitPublisher } from "./frames/commit-publisher.ts";
import { type ClientAddress, HttpDoor } from "./http/door.ts";
import type { HttpHandler } from "./http/exchange.ts";
import { type GatewayFigures, GatewayMetrics } from "./metrics.ts";
import { type AccountWatch, watchAccounts } from "./sessions/account-watch.ts";
import { startDecay } from "./sessions/decay.ts";
import { drainSessions, reconnectSpreadMs } from "./sessions/drain.ts";
import { createGreeting } from "./sessions/handshake.ts";
import { Memberships } from "./sessions/membership.ts";
import { Session, type SessionEvents } from "./sessions/session.ts";
import { createUpkeep, type Upkeep } from "./sessions/session-maintenance.ts";
import { SlowConsumers } from "./sessions/slow-consumers.ts";
import { startWheel, type Wheel } from "./sessions/timing-wheel.ts";
import { SilentSockets } from "./sessions/unauthenticated-sockets.ts";
import { Users } from "./sessions/users.ts";
import type { Connection, ConnectionHandlers } from "./transport/connection.ts";
import type { Endpoints } from "./transport/endpoint.ts";
import type { Transport } from "./transport/transport.ts";
import { openTransport } from "./transport/transport-choice.ts";

export interface GatewayOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Unset: uws where its addon loads, else ws. */
  transport?: Transport["name"] | undefined;
  store: Store;
  hot: HotState;
  bus: Subscriptions;
  commits: CommitPublisher;
  useCases: UseCases;
  /** Answers everything that is not a WebSocket on /ws or on an endpoint's path. */
  http: HttpHandler;
  clientAddress?: ClientAddress;
  /** WebSockets of other APIs; none unless told. */
  endpoints?: Endpoints;
  /** Names this process to the others. */
  node: string;
  /** How often a client must say something, ms. */
  heartbeatMs: number;
  /** How long `drain` may take, ms: it paces its goodbyes, and waits for the answers to requests under way. */
  drainMs: number;
  /** How often heads of rooms, accounts and the rooms of readers are compared with the store, ms; unset: every few seconds. */
  compareMs?: number | undefined;
  rateLimits: boolean;
  registry: Registry;
  logger: Logger;
}

export interface Gateway {
  readonly port: number;
  readonly transport: Transport["name"];
  /** Live news for readers that are no WebSocket sessions. */
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

/** Connections that have not said hello; more are turned away. */
const MAX_STRANGERS = 20_000;
/** One look at every connection takes this long. */
const TURN_MS = 1_000;
/** Bytes that may wait for a client before it is cut without a word; the slow are told earlier (session-maintenance.ts). */
const CUT_BUFFERED_BYTES = 16 * 1024 * 1024;
const IDLE_GRACE_MS = 20_000;
/** Sessions are sent away over this time when the database is gone. */
const AWAY_BATCHES_MS = 1_000;

/** Resolves when sockets and HTTP are served. The process has one `commits`, with or without a gateway. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(options);
  await gateway.start();
  return gateway;
}

class RunningGateway implements Gateway, SessionEvents {
  readonly #options: GatewayOptions;
  readonly #door: HttpDoor;
  readonly #hub: Hub;
  readonly #feed: RunningFeed;
  readonly #users: Users;
  readonly #memberships: Memberships;
  readonly #catchUp: CatchUp;
  readonly #inbox: Inbox;
  readonly #watching: Watching;
  readonly #calling: ReturnType<typeof createCalling>;
  readonly #upkeep: Upkeep;
  readonly #sessions = new Set<Session>();
  readonly #silent = new SilentSockets();
  /** Connections that were not told `ready`. */
  #strangers = 0;
  #wheel: Wheel<Session> | null = null;
  #probe: Probe | null = null;
  #stopDecay: (() => Promise<void>) | null = null;
  #accounts: AccountWatch | null = null;
  #transport: Transport | null = null;
  #history: (() => void)[] = [];
  #draining: Promise<void> | null = null;
  #unwatchStore: (() => void) | null = null;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#door = new HttpDoor(options.http, options.clientAddress);
    const { store, hot, bus, useCases, logger, registry, heartbeatMs, rateLimits: limited, node } = options;
    const metrics = new GatewayMetrics(registry, () => this.stats());
    const slow = new SlowConsumers(this.#sessions, metrics);
    const catchUp = new CatchUp(store.log, logger);
    this.#catchUp = catchUp;
    const hub: Hub = new Hub({
      ...{ log: store.log, bus, metrics, logger },
      publish: (topic, frame, isBinary) => {
        this.#transport?.publish(topic, frame, isBinary);
        slow.published(frame.length);
      },
      sessionsIn: (room) => [...this.#sessions].filter((session) => session.rooms.has(room)),
      onAccessEvent: (room, event) => accessEvents.apply(room, event),
      onUser: ({ user }) => void this.#users.rename(Number(user.id), user.name),
      onFollowing: (room) => this.#probe?.soon(room),
    });
    const users: Users = new Users(bus, {
      joined: (user, hint) => this.#memberships.joined(user, hint),
      changed: (user) => void this.#accounts?.look([user]),
    });
    this.#hub = hub;
    const lobbies = new Lobbies({ lobby: useCases.lobby, hub, catchUp, logger });
    const subscribers = new Subscribers();
    const accessEvents = new AccessEvents(lobbies, subscribers);
    this.#feed = createFeed({
      ...{ hub, bus, lobbies, catchUp, log: store.log, accounts: store.users, logger },
      rooms: { byId: store.rooms.byId, sessionRooms: store.roomLists.sessionRooms },
      everyMs: options.compareMs,
    });
    this.#users = users;
    subscribers.add(users);
    subscribers.add(this.#feed.users);
    this.#memberships = new Memberships({ hub, lobbies, rooms: store.roomLists, catchUp, logger });
    this.#watching = createWatching(useCases, hub, logger);
    this.#calling = createCalling({ calls: useCases.calls, hot, hub, logger });
    const { messages, accounts } = useCases;
    const talking = createTalking({ messages, hub, metrics });
    const told = { heartbeatMs, limited };
    const greet = createGreeting({
      ...{ store, hot, accounts, hub, users, lobbies, catchUp, metrics },
      ...told,
    });
    const handlers = { talking, watching: this.#watching, calling: this.#calling };
    const heard: typeof greet = (session, hello) => {
      this.#silent.delete(session);
      return greet(session, hello);
    };
    this.#inbox = new Inbox({
      ...{ greet: heard, handlers, metrics, logger, limited },
      storeHealth: store.health,
    });
    this.#upkeep = createUpkeep({
      ...{
        clock: store.clock,
        node,
        hot,
        slow,
        logger,
        heartbeatMs,
        calls: this.#calling,
      },
    });
  }

  async start(): Promise<void> {
    const {
      host,
      port,
      transport,
      endpoints = {},
      logger,
      heartbeatMs,
      store,
      bus,
      useCases,
    } = this.#options;
    this.#transport = await openTransport(
      transport,
      {
        ...{ host, port, endpoints, http: this.#door },
        maxFrameBytes: LIMITS.CUT_FRAME_BYTES,
        maxBufferedBytes: CUT_BUFFERED_BYTES,
        idleMs: 2 * heartbeatMs + IDLE_GRACE_MS,
        accept: (connection) => this.#accept(connection),
      },
      logger,
    );
    this.#wheel = startWheel<Session>(TURN_MS, (sessions, now) => this.#upkeep.visit(sessions, now));
    this.#stopDecay = startDecay(useCases.decay, logger);
    this.#probe = startProbe({
      ...{ hub: this.#hub, log: store.log, history: store.history, bus, logger },
      everyMs: this.#options.compareMs,
    });
    this.#history = [
      store.history.hold(() => [...this.#hub.rooms()].map(({ place }) => place)),
      store.history.onChange(() => this.#beginAnew()),
    ];
    bus.onGap(() => this.#probe?.all());
    this.#options.commits.deliverWith((commit) => this.#hub.committed(commit));
    const users = this.#users;
    this.#unwatchStore = store.health.onAway(() => void this.#leaveStore());
    this.#accounts = watchAccounts({
      ...{ store, users, memberships: this.#memberships, logger },
      everyMs: this.#options.compareMs,
    });
  }

  get port(): number {
    return this.#transport?.port ?? 0;
  }
  get feed(): Feed {
    return this.#feed;
  }
  get transport(): Transport["name"] {
    return this.#transport?.name ?? "ws";
  }

  stats(): GatewayFigures {
    return {
      connections: this.#sessions.size,
      sessions: this.#sessions.size - this.#strangers,
      rooms: this.#hub.size,
      queued: this.#inbox.underWay,
      catchingUp: this.#catchUp.underWay,
      followers: this.#feed.followers,
    };
  }

  leave(): void {
    this.#door.leave();
  }

  drain(): Promise<void> {
    const { drainMs, endpoints = {} } = this.#options;
    this.#transport?.stopListening();
    for (const endpoint of Object.values(endpoints)) endpoint.drain();
    const parts = () => [drainSessions([...this.#sessions], drainMs), this.#door.drain(drainMs)];
    this.#draining ??= Promise.all(parts()).then(() => {});
    return this.#draining;
  }

  async close(): Promise<void> {
    this.#transport?.stopListening();
    for (const session of [...this.#sessions]) session.close("draining");
    this.#unwatchStore?.();
    for (const stop of this.#history) stop();
    this.#accounts?.stop();
    this.#probe?.stop();
    this.#wheel?.stop();
    this.#feed.stop();
    this.#hub.stop();
    await Promise.all([this.#stopDecay?.(), this.#transport?.close()]);
  }

  /** [GW-10.6] Without its database this gateway can deliver nothing; another one may. Who comes back is refused in hello. */
  async #leaveStore(): Promise<void> {
    const ready = [...this.#sessions].filter(({ state }) => state === "ready");
    if (ready.length > 0)
      this.#options.logger.warn(
        { event: "gateway.sessions_sent_away", sessions: ready.length },
        "the database is away; sessions are told to reconnect",
      );
    await drainSessions(ready, AWAY_BATCHES_MS, "unavailable");
  }

  /** [GW-7.7] What was delivered is of another history: whoever has some of it comes back and is told. */
  #beginAnew(): void {
    const sessions = [...this.#sessions].filter(({ state }) => state === "ready");
    const spreadMs = reconnectSpreadMs(sessions.length);
    for (const session of sessions) session.close("unavailable", Math.ceil(Math.random() * spreadMs));
    this.#feed.lost();
    this.#hub.reset();
  }

  // ── Connections ────────────────────────────────────────────────────────────────────────────────────

  #accept(connection: Connection): ConnectionHandlers {
    const session = new Session(connection, this, LIMITS.FRAME_BURST);
    this.#sessions.add(session);
    session.slot = this.#wheel?.add(session) ?? 0;
    const mayStay = this.#silent.add(session) || !this.#options.rateLimits;
    if (++this.#strangers > MAX_STRANGERS || !mayStay)
      queueMicrotask(() => session.close("too_many", 10_000));
    return session;
  }

  began(): void {
    this.#strangers--;
  }

  received(session: Session, bytes: Uint8Array, isBinary: boolean): void {
    this.#inbox.received(session, bytes, isBinary);
  }

  closed(session: Session, clean: boolean): void {
    this.#sessions.delete(session);
    this.#silent.delete(session);
    if (session.id === "") this.#strangers--;
    this.#wheel?.remove(session, session.slot);
    void this.#watching.gone(session);
    void this.#calling.gone(session, clean);
    this.#upkeep.ended(session);
    session.forgetRooms();
    if (session.identity) this.#users.detach(session.identity.user, session);
  }

  left(session: Session, room: FollowedRoom): void {
    void this.#calling.left(session, room);
  }

  shutOut(session: Session, room: FollowedRoom): void {
    void this.#calling.left(session, room);
  }

  /** What was said of the call while the session was paused went to others only. */
  resumed(session: Session, room: FollowedRoom): void {
    void this.#calling.tell(session, room);
  }

  outdated(session: Session): void {
    if (session.identity) void this.#memberships.refresh(session.identity.user);
  }
}
