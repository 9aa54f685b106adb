/**
 * Fetches events that the homeserver did not deliver. Synapse keeps its deliveries in memory and loses them when it
 * restarts. The bot's own /sync, from a cursor that the database keeps, shows every event of the bridged rooms.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Inbox } from "../inbound/inbox.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { BRIDGED_TYPES } from "../mapping/matrix-events.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface Reconciler {
  /** Stores the homeserver's present cursor unless one is stored. @throws HomeserverError */
  ensureCursor(): Promise<void>;
  /**
   * Puts every event since the stored cursor into the inbox, and moves the cursor. Then it looks for Matrix rooms that the
   * homeserver has lost; room turns make them again.
   * @param graceMs how long to wait first, so that the homeserver can deliver recent events by itself
   * @throws HomeserverError
   */
  reconcile(graceMs: number): Promise<void>;
}

export interface ReconcilerOptions {
  accounts: GhostAccounts;
  ghosts: Ghosts;
  store: Pick<
    BridgeStore,
    "state" | "putState" | "auditBegins" | "auditEnded" | "doubtAllBut" | "forgetSpacesBut"
  >;
  inbox: Inbox;
  counts: BridgeCounts;
  logger: Pick<Logger, "info" | "warn">;
  signal: AbortSignal;
}

type Event = Record<string, unknown>;
interface SyncAnswer {
  next_batch: string;
  rooms?: {
    join?: Record<string, { timeline?: { events: Event[]; limited?: boolean; prev_batch?: string } }>;
  };
}
interface MessagesAnswer {
  chunk: Event[];
  end?: string;
}

const CURSOR_KEY = "matrix_since";
const PAGE = 100;
/** Pages that are read of one room at a time. Older events are given up, with a warning. */
const MAX_PAGES = 100;
const SYNC_TIMEOUT_MS = 120_000;

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { accounts, ghosts, store, inbox, counts, logger, signal } = options;
  const timeline = { types: BRIDGED_TYPES, not_senders: [ghosts.bot], limit: PAGE };
  const nothing = { types: [] };
  const filter = JSON.stringify({
    presence: nothing,
    account_data: nothing,
    room: { timeline, state: nothing, ephemeral: nothing, account_data: nothing },
  });

  function sync(query: Record<string, string>): Promise<SyncAnswer> {
    return accounts.request<SyncAnswer>(ghosts.bot, "GET", "/_matrix/client/v3/sync", {
      query: { timeout: 0, set_presence: "offline", ...query },
      timeoutMs: SYNC_TIMEOUT_MS,
    });
  }

  /** Stores the homeserver's present cursor: a sync that returns no events. */
  async function resetCursor(): Promise<void> {
    const { next_batch } = await sync({ filter: JSON.stringify({ room: { rooms: [] } }) });
    await store.putState(CURSOR_KEY, next_batch);
  }

  /** The events that a limited timeline left out, oldest first. */
  async function readEarlier(matrixRoomId: string, from: string, since: string): Promise<Event[]> {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/messages`;
    const pages: Event[][] = [];
    let next: string | undefined = from;
    while (next !== undefined && pages.length < MAX_PAGES) {
      const query = { dir: "b", from: next, to: since, limit: PAGE, filter: JSON.stringify(timeline) };
      const page: MessagesAnswer = await accounts.request(ghosts.bot, "GET", path, { query });
      pages.push(page.chunk);
      next = page.end === next ? undefined : page.end;
    }
    if (next !== undefined)
      logger.warn(
        { event: "bridge.audit_truncated", matrixRoom: matrixRoomId },
        "a room has more undelivered events than an audit reads; the oldest of them do not reach the chat",
      );
    return pages.flat().reverse();
  }

  async function reconcile(graceMs: number): Promise<void> {
    const beganAt = await store.auditBegins();
    await fetchUndelivered(graceMs);
    await findLostRooms();
    await store.auditEnded(beganAt);
  }

  /** A room that was deleted at the homeserver, or that is not in its backup, is in no /sync: the bot is not in it. */
  async function findLostRooms(): Promise<void> {
    const path = "/_matrix/client/v3/joined_rooms";
    const { joined_rooms } = await accounts.request<{ joined_rooms?: string[] }>(ghosts.bot, "GET", path);
    if (!Array.isArray(joined_rooms)) return;
    await store.doubtAllBut(joined_rooms);
    await store.forgetSpacesBut(joined_rooms);
  }

  async function fetchUndelivered(graceMs: number): Promise<void> {
    const since = (await store.state(CURSOR_KEY)) ?? "";
    if (since === "") return await resetCursor();
    const answer = await sync({ filter, since }).catch((error: unknown) => {
      if (error instanceof HomeserverError && error.meaning === "event") return null;
      throw error;
    });
    if (!answer) {
      logger.warn(
        { event: "bridge.audit_restarted", since },
        "the homeserver does not know where the last audit ended; audits start again from now",
      );
      return await resetCursor();
    }
    const next = fieldOf(answer, "next_batch");
    if (isAhead(since, next)) {
      logger.warn(
        { event: "bridge.audit_restarted", since, next },
        "the homeserver was restored to a time before the last audit; audits start again from now",
      );
      return await store.putState(CURSOR_KEY, next);
    }
    const rooms = Object.entries(answer.rooms?.join ?? {});
    if (rooms.length > 0 && graceMs > 0) await delay(graceMs, undefined, { signal });
    let recovered = 0;
    for (const [matrixRoomId, room] of rooms) {
      const { events: latest = [], limited, prev_batch } = room.timeline ?? {};
      const before = limited && prev_batch ? await readEarlier(matrixRoomId, prev_batch, since) : [];
      recovered += await inbox.receive(
        [...before, ...latest].map((event) => ({ ...event, room_id: matrixRoomId })),
      );
    }
    if (recovered > 0)
      logger.info(
        { event: "bridge.events_recovered", recovered },
        "fetched events that the homeserver had not delivered",
      );
    counts.recovered += recovered;
    await store.putState(CURSOR_KEY, next);
  }

  return {
    async ensureCursor() {
      if ((await store.state(CURSOR_KEY)) === null) await resetCursor();
    },
    reconcile,
  };
}

/**
 * Whether the homeserver was restored to a time before the cursor `since`. Cursors are opaque in general; Synapse's begin
 * with a number that grows with each event (`s123_…`, `m123~…`), and it answers a cursor of the future with the present one.
 */
function isAhead(since: string, next: string): boolean {
  const [before, now] = [since, next].map((cursor) => /^[sm](\d{1,15})[_~]/.exec(cursor)?.[1]);
  return before !== undefined && now !== undefined && Number(before) > Number(now);
}
