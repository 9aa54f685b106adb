/**
 * The bridge worker. Reading order: this file; room-turn.ts (what happens to a room), outbound.ts, writes.ts and
 * delivery.ts (the log to Matrix), inbox.ts and inbound*.ts (Matrix to the log), homeserver-connection.ts and reconciler.ts (what makes up
 * for a homeserver that was away), rooms.ts and members.ts (rooms there), src/store/bridge*.ts (all that is remembered).
 *
 * Any number of workers share the rooms; each turn of a room belongs to one of them. Everything that matters is in the
 * database: a worker that dies is followed by another that goes on from there.
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
import { createMedia } from "./homeserver/media.ts";
import { createAppservice } from "./inbound/appservice.ts";
import { createInboundFiles } from "./inbound/files.ts";
import { createInbound } from "./inbound/inbound.ts";
import { createInbox } from "./inbound/inbox.ts";
import { createInboundMembers } from "./inbound/members.ts";
import { createInboundReactions } from "./inbound/reactions.ts";
import { createGhosts, type Ghosts } from "./mapping/ghosts.ts";
import { createMarks } from "./mapping/marks.ts";
import { type BridgeCounts, newCounts, registerMetrics } from "./metrics.ts";
import { createDelivery } from "./outbound/delivery.ts";
import { createOutbound } from "./outbound/outbound.ts";
import { createOwnEvents } from "./outbound/own-events.ts";
import { createSupersededEdits } from "./outbound/superseded-edits.ts";
import { createWrites } from "./outbound/writes.ts";
import { createMatrixLookup } from "./rooms/matrix-lookup.ts";
import { createMembers } from "./rooms/members.ts";
import { createMatrixRooms } from "./rooms/rooms.ts";
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
  useCases: Pick<UseCases, "messages" | "reactions" | "attachments" | "conversations">;
  /** Where the bytes of attachments are. */
  files: AttachmentFiles;
  homeserver: Homeserver;
  /** How passwords of accounts are set; as GetCredentials does unless told. */
  credentials?: CredentialProviderName;
  logger: Logger;
  registry: Registry;
  /** Names this worker to the others; unique among those that are alive. */
  node: string;
  /** How often to look for rooms of which no hint came, ms. */
  scanMs?: number;
  /** How often to look for events that the homeserver did not deliver, ms. */
  reconcileMs?: number;
}

export interface Bridge {
  /** Answers the homeserver's requests, `/_matrix/app/v1/…`. */
  handle(request: Request): Promise<Response>;
  /** `ok` when the homeserver answers and delivers, and no proxy answers in its stead. */
  health(): Promise<{ ok: boolean; detail?: string }>;
  stats(): BridgeStats;
  /** The homeserver has restarted: what it had in memory is looked for. */
  homeserverRestarted(): void;
  /** Ends what is under way, within 3 s. What is not done is done by the next worker. */
  stop(): Promise<void>;
}

interface BridgeStats extends BridgeCounts, Backlog {
  connected: boolean;
}

/** Rooms side by side: a homeserver takes 30 to 50 events a second in all, and each room's one after the other. */
const PARALLEL_ROOMS = 12;
const SCAN_MS = 5_000;
const RECONCILE_MS = 30_000;
const STOP_GRACE_MS = 1_500;

/** Starts the worker; the homeserver may be away, and is waited for in the background. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { bus, node } = options;
  const store = createBridgeStore(options.store.sql);
  const stopping = new AbortController();
  const counts = newCounts();
  // Before its first claim: a worker that shows no sign of life loses its rooms to others.
  await store.heartbeat(node, ALIVE_MS);
  const { ghosts, inbox, queue, connection, jobs, waiting } = startWorker(
    options,
    store,
    counts,
    stopping.signal,
  );
  const offChange = options.store.history.onChange(() =>
    connection.lost("The database has another history: a backup, or a replica that lacked the end"),
  );
  const onHint = (message: Uint8Array) => {
    // Without the homeserver there is nothing to do; the scan finds these rooms when it is back.
    if (connection.connected) for (const id of roomIdsIn(message)) queue.wake(id);
  };
  await bus.subscribe(channels.bridge, onHint);
  bus.onGap(jobs.scanSoon);
  const connected = () => connection.connected;
  registerMetrics(options.registry, counts, {
    connected,
    backlog: jobs.backlog,
    waiting: () => waiting.size,
  });
  const { hsToken } = options.homeserver.registration;

  return {
    handle: createAppservice({ hsToken, ghosts, inbox, counts, logger: options.logger }),
    async health() {
      const health = connection.health();
      const outage = [...waiting.values()].find(({ outage }) => outage);
      return health.ok && outage ? { ok: false, detail: outage.reason } : health;
    },
    stats: () => ({ ...counts, ...jobs.backlog(), connected: connection.connected }),
    homeserverRestarted: () => connection.lost("The homeserver has restarted"),
    async stop() {
      offChange();
      await bus.unsubscribe(channels.bridge, onHint);
      const grace = setTimeout(() => stopping.abort(), STOP_GRACE_MS);
      await Promise.all([queue.stop(), jobs.stop()]);
      clearTimeout(grace);
      stopping.abort();
      await connection.done();
      await store.retire(node);
    },
  };
}

/** The turns of rooms, and what runs beside them. */
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
  const handlers = createRoomHandlers({
    options,
    store,
    counts,
    homeserver,
    ghosts,
    accounts,
    wake,
    roomVersion,
  });
  const waiting: WaitingRooms = new Map();
  const roomTurn = createRoomTurn({ node, store, connected, counts, waiting, logger, ...handlers });
  const queue = createRoomQueue(PARALLEL_ROOMS, roomTurn);
  const inbox = createInbox({ store, ghosts, counts, wake });
  const reconciler = createReconciler({ accounts, ghosts, store, inbox, counts, logger, signal });
  const { reconcileMs = RECONCILE_MS, scanMs = SCAN_MS } = options;
  const onConnected = () => jobs.reconnected();
  const connection = createHomeserverConnection({
    homeserver,
    ghosts,
    reconciler,
    onConnected,
    logger,
    signal,
    reconcileMs,
  });
  const rename = (id: number, displayName: string) => accounts.rename(userActor({ id, displayName }));
  const provider = createCredentialProvider(options.credentials ?? "synapse-admin", homeserver);
  const runAccountTasks = createAccountTasks({ homeserver, ghosts, store, provider, logger }).run;
  const jobs = startPeriodicJobs({ node, store, queue, connected, rename, runAccountTasks, scanMs, logger });
  return { ghosts, inbox, queue, connection, jobs, waiting };
}

interface RoomHandlersOptions {
  options: BridgeOptions;
  store: BridgeStore;
  counts: BridgeCounts;
  homeserver: Homeserver;
  ghosts: Ghosts;
  accounts: GhostAccounts;
  wake: (conversationId: number) => void;
  roomVersion: () => string;
}

/** What a turn does: to the Matrix room, to Matrix, and from there. */
function createRoomHandlers({
  options,
  store,
  counts,
  homeserver,
  ghosts,
  accounts,
  wake,
  roomVersion,
}: RoomHandlersOptions) {
  const { useCases, logger } = options;
  const { log, rooms: conversations, memberships, avatars, users } = options.store;
  const members = createMembers(accounts, ghosts, store);
  const lookup = createMatrixLookup(accounts, ghosts, users);
  const matrix = { homeserver, accounts, ghosts, store };
  const rooms = createMatrixRooms({ ...matrix, memberships, avatars, roomVersion });
  const media = createMedia(homeserver, ghosts, options.files);
  const marks = createMarks(options.store.secret);
  const writes = createWrites({ ghosts, accounts, media, marks, store, attachments: options.store.messages });
  const superseded = createSupersededEdits({ store, accounts, ghosts, marks, logger });
  const delivery = createDelivery({
    ...{ accounts, ghosts, members, writes, superseded, log, marks, store, counts, logger },
    clock: options.store.clock,
  });
  const outbound = createOutbound({
    log,
    conversations,
    store,
    ghosts,
    members,
    rooms,
    delivery,
    counts,
    logger,
  });
  const inboundMembers = createInboundMembers({
    ...{ store, ghosts, members, lookup, wake },
    conversations: useCases.conversations,
  });
  const inbound = createInbound({
    ...{ store, log, useCases, ghosts, accounts, lookup, rooms, counts, logger },
    ...{ members: inboundMembers, marks, superseded },
    own: createOwnEvents({ store, log, ghosts, marks, counts }),
    reactions: createInboundReactions(store, useCases.reactions),
    files: createInboundFiles(media, useCases.attachments, logger),
  });
  return { rooms, inbound, outbound };
}

/** Hints are lists of room ids in any form of text; what is lost or garbled is found by the scan. */
function roomIdsIn(message: Uint8Array): number[] {
  return (
    Buffer.from(message)
      .toString()
      .match(/\d{1,15}/g) ?? []
  ).map(Number);
}
