/**
 * The bridge worker: carries the log of each chatroom to its Matrix room (the portal), and what people do there back.
 *
 * Reading order: this file; worker/room-turn.ts (the work on one room); outbound/outbound.ts, writes.ts and delivery.ts
 * (the log to Matrix); inbound/inbox.ts, apply-inbox.ts and inbound.ts (Matrix to the log); worker/homeserver-connection.ts and
 * reconciler.ts (after an outage of the homeserver); rooms/ (Matrix rooms and their members); store/ (the bridge's tables).
 *
 * Any number of workers share the rooms. A worker claims a room in the database, works on it for one room turn, and
 * releases it. All progress is in the database: when a worker dies, another claims its rooms and continues.
 */
import type { Registry } from "prom-client";
import { userActor } from "../src/domain/model.ts";
import type { AttachmentFiles } from "../src/domain/ports/attachments.ts";
import { channels, type Subscriptions } from "../src/domain/ports/bus.ts";
import type { UseCases } from "../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../src/logger.ts";
import type { PostgresStore } from "../src/store/postgres.ts";
import { createAccountTasks } from "./homeserver/account-tasks.ts";
import { type CredentialProviderName, createCredentialProvider } from "./homeserver/credentials.ts";
import { createGhostAccounts, type GhostAccounts } from "./homeserver/ghost-accounts.ts";
import { type Homeserver, observeFailures } from "./homeserver/homeserver.ts";
import { createMedia, type Media } from "./homeserver/media.ts";
import { refuseOpenRegistration } from "./homeserver/open-registration.ts";
import { createApplyInbox } from "./inbound/apply-inbox.ts";
import { createAppservice } from "./inbound/appservice.ts";
import { createInboundEdits } from "./inbound/edits.ts";
import { createInboundFiles } from "./inbound/files.ts";
import { createInbound } from "./inbound/inbound.ts";
import { createInbox, type Inbox } from "./inbound/inbox.ts";
import { createInboundMembers } from "./inbound/members.ts";
import { createInboundPolls } from "./inbound/polls.ts";
import { createPutAside } from "./inbound/put-aside.ts";
import { createInboundReactions } from "./inbound/reactions.ts";
import { createTargets } from "./inbound/targets.ts";
import { createLive, type Live } from "./live/live.ts";
import { createGhosts, type Ghosts } from "./mapping/ghosts.ts";
import { createMarks, type Marks } from "./mapping/marks.ts";
import { type BridgeCounts, newCounts, registerMetrics } from "./metrics.ts";
import { createCurrentText } from "./outbound/current-text.ts";
import { createDelivery } from "./outbound/delivery.ts";
import { createOutbound, type Outbound } from "./outbound/outbound.ts";
import { createOwnEvents } from "./outbound/own-events.ts";
import { createSupersededEdits, type SupersededEdits } from "./outbound/superseded-edits.ts";
import { createWrites } from "./outbound/writes.ts";
import { createMatrixLookup } from "./rooms/matrix-lookup.ts";
import { createMembers, type Members } from "./rooms/members.ts";
import { createMatrixRooms, type MatrixRooms, type OpenRoom } from "./rooms/rooms.ts";
import { type BridgeStore, createBridgeStore } from "./store/bridge-store.ts";
import type { Backlog } from "./store/changes.ts";
import { createHomeserverConnection } from "./worker/homeserver-connection.ts";
import { ALIVE_MS, startPeriodicJobs } from "./worker/periodic-jobs.ts";
import { createReconciler } from "./worker/reconciler.ts";
import { createRoomQueue } from "./worker/room-queue.ts";
import { createRoomTurn, type WaitingRooms } from "./worker/room-turn.ts";

export interface BridgeOptions {
  store: PostgresStore;
  bus: Subscriptions;
  useCases: Pick<UseCases, "messages" | "reactions" | "attachments" | "roomLifecycle" | "presence">;
  /** Whether read markers go to Matrix and come from there. Default: yes. */
  receipts?: boolean;
  /** Where the bytes of attachments are. */
  files: AttachmentFiles;
  homeserver: Homeserver;
  /** The way to set passwords of Matrix accounts. Default: `synapse-admin`. */
  credentials?: CredentialProviderName;
  logger: Logger;
  registry: Registry;
  /** This worker's name, unique among the live workers. */
  node: string;
  /** Interval of the scan for rooms whose hint was lost, ms. */
  scanMs?: number;
  /** Interval of the search for events that the homeserver did not deliver, ms. */
  reconcileMs?: number;
}

export interface Bridge {
  /** Answers the homeserver's requests, `/_matrix/app/v1/…`. */
  handle(request: Request): Promise<Response>;
  /** `ok` when the homeserver answers us, delivers to us, and no proxy answers instead of it. */
  health(): Promise<{ ok: boolean; detail?: string }>;
  stats(): BridgeStats;
  /** Call this when the homeserver has restarted: the bridge fetches the events that it had only in memory. */
  homeserverRestarted(): void;
  /** Stops within 3 s. Another worker, or the next start, continues unfinished work. */
  stop(): Promise<void>;
}

interface BridgeStats extends BridgeCounts, Backlog {
  connected: boolean;
}

/** Rooms that one worker works on at once. A homeserver takes 30 to 50 events/s in all, and each room's one by one. */
const PARALLEL_ROOMS = 12;
const SCAN_MS = 5_000;
const RECONCILE_MS = 30_000;
const STOP_GRACE_MS = 1_500;

/** Starts the worker. The homeserver need not be up: the worker waits for it in the background. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { bus, node } = options;
  const store = createBridgeStore(options.store.sql);
  const stopping = new AbortController();
  const counts = newCounts();
  // Before the first claim: other workers take the rooms of a worker without a heartbeat.
  await store.heartbeat(node, ALIVE_MS);
  const { ghosts, inbox, queue, connection, jobs, waiting, live } = startWorker(
    options,
    store,
    counts,
    stopping.signal,
  );
  const offChange = options.store.history.onChange(() =>
    connection.lost("The database has another history: a backup, or a replica that lacked the end"),
  );
  const onHint = (message: Uint8Array) => {
    // While the homeserver is away hints are dropped; the scan finds their rooms when it is back.
    if (connection.connected) for (const id of roomIdsIn(message)) queue.wake(id);
  };
  await bus.subscribe(channels.bridge, onHint);
  await bus.subscribe(channels.bridgeLive, live.onNews);
  bus.onGap(jobs.scanSoon);
  const connected = () => connection.connected;
  const outage = () => [...waiting.values()].find(({ away }) => away);
  registerMetrics(options.registry, counts, {
    connected,
    away: () => !connected() || outage() !== undefined,
    backlog: jobs.backlog,
    waiting: () => waiting.size,
  });
  const { hsToken } = options.homeserver.registration;

  return {
    handle: createAppservice({ hsToken, ghosts, inbox, live, counts, logger: options.logger }),
    async health() {
      const health = connection.health();
      const reason = outage()?.reason;
      return health.ok && reason !== undefined ? { ok: false, detail: reason } : health;
    },
    stats: () => ({ ...counts, ...jobs.backlog(), connected: connection.connected }),
    homeserverRestarted: () => connection.lost("The homeserver has restarted"),
    async stop() {
      offChange();
      await bus.unsubscribe(channels.bridge, onHint);
      await bus.unsubscribe(channels.bridgeLive, live.onNews);
      const grace = setTimeout(() => stopping.abort(), STOP_GRACE_MS);
      await Promise.all([queue.stop(), jobs.stop(), live.stop()]);
      clearTimeout(grace);
      stopping.abort();
      await connection.done();
      await store.retire(node);
    },
  };
}

/** Puts together the room queue, the connection to the homeserver and the periodic jobs. */
function startWorker(options: BridgeOptions, store: BridgeStore, counts: BridgeCounts, signal: AbortSignal) {
  const { node, logger } = options;
  const homeserver = observeFailures(options.homeserver, {
    signal,
    onFailure: (error) => {
      if (error.status === 429) counts.rateLimited++;
      if (error.away) connection.lost(error.message);
    },
  });
  const ghosts = createGhosts({ ...homeserver.registration, serverName: homeserver.serverName });
  const accounts = createGhostAccounts(homeserver, ghosts, store);
  const wake = (id: number) => queue.wake(id, true);
  const connected = () => connection.connected;
  const roomVersion = () => connection.roomVersion;
  const inbox = createInbox({ store, ghosts, counts, wake });
  const matrix = { options, store, counts, homeserver, ghosts, accounts };
  const live = createLive({
    ...{ store, accounts, ghosts, connected, counts, logger },
    ...{ messages: options.useCases.messages, presence: options.useCases.presence },
    receipts: options.receipts ?? true,
  });
  const handlers = createRoomHandlers({ ...matrix, inbox, wake, connected, roomVersion, live });
  const waiting: WaitingRooms = new Map();
  const roomTurn = createRoomTurn({ node, store, connected, counts, waiting, logger, ...handlers });
  const queue = createRoomQueue(PARALLEL_ROOMS, roomTurn);
  const reconciler = createReconciler({ accounts, ghosts, store, inbox, counts, logger, signal });
  const { reconcileMs = RECONCILE_MS, scanMs = SCAN_MS } = options;
  const onConnected = () => {
    jobs.reconnected();
    void live.catchUp(null);
  };
  const connection = createHomeserverConnection({
    homeserver,
    ghosts,
    reconciler,
    check: () => refuseOpenRegistration(homeserver, signal),
    onConnected,
    logger,
    signal,
    reconcileMs,
  });
  const rename = (id: number, displayName: string) => accounts.rename(userActor({ id, displayName }));
  const provider = createCredentialProvider(options.credentials ?? "synapse-admin", homeserver);
  const runAccountTasks = createAccountTasks({ homeserver, ghosts, store, provider, logger }).run;
  const jobs = startPeriodicJobs({ node, store, queue, connected, rename, runAccountTasks, scanMs, logger });
  return { ghosts, inbox, queue, connection, jobs, waiting, live };
}

interface RoomHandlersOptions {
  options: BridgeOptions;
  store: BridgeStore;
  counts: BridgeCounts;
  homeserver: Homeserver;
  ghosts: Ghosts;
  accounts: GhostAccounts;
  inbox: Inbox;
  wake: (roomId: number) => void;
  connected: () => boolean;
  roomVersion: () => string;
  live: Live;
}

/** The three parts of a room turn: the Matrix room itself, events to Matrix, and events from Matrix. */
function createRoomHandlers(surroundings: RoomHandlersOptions) {
  const { options, store, counts, homeserver, ghosts, accounts, roomVersion } = surroundings;
  const { logger } = options;
  const { memberships, avatars } = options.store;
  const matrix = { homeserver, accounts, ghosts, store };
  const rooms = createMatrixRooms({ ...matrix, memberships, avatars, roomVersion });
  const marks = createMarks(options.store.secret);
  const superseded = createSupersededEdits({ store, accounts, ghosts, marks, counts, logger });
  const parts: HandlerParts = {
    ...{ ...surroundings, rooms, marks, superseded },
    members: createMembers(accounts, ghosts, store),
    media: createMedia(homeserver, ghosts, options.files),
  };
  return { rooms, applyInbox: createInboundHandler(parts), outbound: createOutboundHandler(parts) };
}

/** What both directions work with. */
interface HandlerParts extends RoomHandlersOptions {
  rooms: MatrixRooms;
  members: Members;
  media: Media;
  marks: Marks;
  superseded: SupersededEdits;
}

function createOutboundHandler(parts: HandlerParts): Outbound {
  const { options, store, counts, ghosts, accounts, rooms, members, media, marks, superseded, live } = parts;
  const { logger } = options;
  const { log, rooms: chatrooms, messages, users, clock } = options.store;
  const writes = createWrites({ ghosts, accounts, media, marks, store, attachments: messages });
  const delivery = createDelivery({
    ...{ accounts, ghosts, members, writes, superseded },
    ...{ marks, store, counts, logger, clock },
    currentText: createCurrentText({ log, users, ghosts }),
  });
  return createOutbound({
    ...{ log, chatrooms, store, ghosts, members, rooms },
    ...{ delivery, superseded, live, counts, logger },
  });
}

function createInboundHandler(parts: HandlerParts): (room: OpenRoom) => Promise<boolean> {
  const { options, store, counts, ghosts, accounts, inbox, wake, rooms, members, media, marks } = parts;
  const { superseded, connected } = parts;
  const { useCases, logger } = options;
  const { log, users } = options.store;
  const lookup = createMatrixLookup(accounts, ghosts, users);
  const { messages, roomLifecycle } = useCases;
  const inbound = createInbound({
    ...{ store, log, useCases, ghosts, accounts, lookup, rooms, counts, logger, marks },
    edits: createInboundEdits({ store, log, messages, superseded, ghosts }),
    members: createInboundMembers({ store, ghosts, members, lookup, wake, roomLifecycle }),
    own: createOwnEvents({ store, log, ghosts, marks, counts }),
    reactions: createInboundReactions(store, useCases.reactions),
    polls: createInboundPolls(accounts, ghosts),
    files: createInboundFiles(media, useCases.attachments, store, logger),
  });
  const targets = createTargets({ store, inbox, accounts, ghosts, connected, counts, logger });
  const aside = createPutAside({ store, messages, lookup, counts, logger });
  return createApplyInbox({ store, inbound, targets, aside, rooms });
}

/** The room ids in a hint, which is text with numbers in it. The scan makes up for lost and garbled hints. */
function roomIdsIn(message: Uint8Array): number[] {
  return (
    Buffer.from(message)
      .toString()
      .match(/\d{1,15}/g) ?? []
  ).map(Number);
}
