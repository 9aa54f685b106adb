/**
 * The second way in: what the homeserver did not deliver. Synapse keeps its deliveries in memory and loses them when it
 * restarts; here the bot's own /sync, from where the last audit ended, shows everything that happened in our rooms.
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
  /** Notes where the homeserver stands now, unless an earlier audit left its mark. @throws HomeserverError */
  ensureCursor(): Promise<void>;
  /**
   * Stores every event since the last audit that did not come by itself.
   * @param graceMs how long events may still be on their ordinary way
   * @throws HomeserverError
   */
  reconcile(graceMs: number): Promise<void>;
}

export interface ReconcilerOptions {
  accounts: GhostAccounts;
  ghosts: Ghosts;
  store: Pick<BridgeStore, "state" | "putState">;
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
/** Events of one room between two audits, in pages; what is older than this is given up, with a warning. */
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

  /** Where the homeserver stands, without anything of what is there. */
  async function resetCursor(): Promise<void> {
    const { next_batch } = await sync({ filter: JSON.stringify({ room: { rooms: [] } }) });
    await store.putState(CURSOR_KEY, next_batch);
  }

  /** What a limited timeline left out, oldest first. */
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
    const since = (await store.state(CURSOR_KEY)) ?? "";
    if (since === "") return await resetCursor();
    const answer = await sync({ filter, since }).catch((error: unknown) => {
      if (error instanceof HomeserverError && error.status === 400 && !error.outage) return null;
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
 * Whether `since` lies beyond what the homeserver has. Its cursors are its own affair; in Synapse's the place in the
 * order of all events comes first (`s123_…`, `m123~…`), and the answer to a cursor of the future is that of the present.
 */
function isAhead(since: string, next: string): boolean {
  const [before, now] = [since, next].map((cursor) => /^[sm](\d{1,15})[_~]/.exec(cursor)?.[1]);
  return before !== undefined && now !== undefined && Number(before) > Number(now);
}
