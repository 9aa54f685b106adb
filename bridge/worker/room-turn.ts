/** A room's turn: claimed for this worker, what came from Matrix applied, then the log carried over. */
import { backoffMs } from "../../src/domain/backoff.ts";
import { DomainError, isUnavailable } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Inbound } from "../inbound/inbound.ts";
import { readEvent } from "../mapping/matrix-events.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore, ClaimedRoom } from "../store/bridge-store.ts";
import type { InboxEntry } from "../store/queues.ts";
import type { NextTurn } from "./room-queue.ts";

export interface RoomTurnOptions {
  /** Names this worker to the others. */
  node: string;
  store: Pick<
    BridgeStore,
    "claim" | "release" | "defer" | "inbox" | "applied" | "failed" | "forgetRoom" | "forgetMatrixRoom"
  >;
  rooms: MatrixRooms;
  inbound: Inbound;
  outbound: Outbound;
  /** Whether the homeserver can be written to. */
  connected: () => boolean;
  counts: BridgeCounts;
  /** Kept here: rooms of this worker whose last turn failed. */
  waiting: WaitingRooms;
  logger: Pick<Logger, "warn" | "error">;
}

/** By their ids: why the room waits, and whether for a homeserver that does not answer as one. */
export type WaitingRooms = Map<number, { reason: string; outage: boolean }>;

const INBOX_BATCH = 50;
/** An event from Matrix whose applying fails so often, with the homeserver and the store at work, is left out. */
const MAX_APPLY_TRIES = 5;
const TAKEN_RETRY_MS = 500;
const RETRIES = { firstMs: 500, maxMs: 60_000, jitter: 0.25 };

/** @returns a turn that never rejects */
export function createRoomTurn(options: RoomTurnOptions): (id: number) => Promise<NextTurn> {
  const { node, store, rooms, inbound, outbound, counts, waiting, logger } = options;

  async function turn(id: number): Promise<NextTurn> {
    const room = await store.claim(id, node);
    // Another worker's turn, or nobody's, is no longer ours to tell of.
    if (room === null || room === "taken") waiting.delete(id);
    if (room === null) return "later";
    if (room === "taken") return TAKEN_RETRY_MS;
    const progress = { memberSyncsDone: 0, completed: false };
    try {
      const next = room.conversation === null ? await clearRoom(room) : await work(room, progress);
      await store.release(id, node, { mirrored: room.mirrored, readOnly: room.readOnly, ...progress });
      if (progress.completed || room.conversation === null) waiting.delete(id);
      return next;
    } catch (error) {
      if (await isLost(room, error)) return await remakeRoom(room, progress.memberSyncsDone);
      const retryInMs = retryDelay(error, room.failures);
      waiting.set(id, {
        reason: error instanceof Error ? error.message : String(error),
        outage: error instanceof HomeserverError && error.outage,
      });
      if (error instanceof HomeserverError && !error.away) {
        counts.retries++;
        logger.warn(
          { event: "bridge.room_refused", err: error, room: room.token, retryInMs },
          "the homeserver refused work for a room; trying again",
        );
      } else if (!(error instanceof HomeserverError) && !isRetryable(error)) {
        logger.error(
          { event: "bridge.room_failed", err: error, room: room.token, retryInMs },
          "could not carry a room to or from Matrix; trying again",
        );
      }
      const { mirrored, readOnly } = room;
      await store.defer(id, node, { mirrored, readOnly, ...progress, retryInMs });
      return retryInMs;
    }
  }

  /** A homeserver that can't be asked has lost nothing yet. */
  async function isLost({ id, matrixRoomId, conversation }: ClaimedRoom, error: unknown): Promise<boolean> {
    if (!(error instanceof HomeserverError) || error.temporary) return false;
    if (matrixRoomId === null || conversation === null) return false;
    return await rooms.isLost({ id, matrixRoomId }).catch(() => false);
  }

  async function remakeRoom(room: ClaimedRoom, memberSyncsDone: number): Promise<NextTurn> {
    counts.roomsLost++;
    logger.warn(
      { event: "bridge.room_lost", room: room.token, matrixRoom: room.matrixRoomId },
      "the homeserver no longer knows a room; the bridge makes it again, with its members and its whole log",
    );
    await store.forgetMatrixRoom(room.id, node);
    await store.release(room.id, node, { mirrored: 0, readOnly: false, memberSyncsDone, completed: true });
    return "now";
  }

  async function work(
    claimed: ClaimedRoom,
    progress: { memberSyncsDone: number; completed: boolean },
  ): Promise<NextTurn> {
    let room = asOpenRoom(claimed);
    const more = room ? await applyInbox(room) : false;
    // All of it before anything is sent: an event that waits may be one that we have sent already.
    if (more) return "now";
    if (!options.connected()) return "later";
    if (claimed.waitMs > 0) return claimed.waitMs;
    room ??= await makeRoom(claimed);
    if (claimed.memberSyncsRequested > 0) {
      await outbound.syncMembers(room);
      if (!room.conversation.blocked) progress.memberSyncsDone = claimed.memberSyncsRequested;
    }
    const behind = await outbound.mirror(room);
    // After what was said before the blocking.
    if (claimed.memberSyncsRequested > 0 && room.conversation.blocked && !behind) {
      await rooms.syncPower(room);
      progress.memberSyncsDone = claimed.memberSyncsRequested;
    }
    progress.completed = true;
    return behind ? "now" : "later";
  }

  async function makeRoom(claimed: ClaimedRoom): Promise<OpenRoom> {
    const { conversation } = claimed;
    if (conversation === null) throw new Error("a deleted room is not made");
    // The claim itself is what is opened: the turn's end stores how far it came.
    return Object.assign(claimed, await rooms.make({ ...claimed, conversation }));
  }

  async function clearRoom(room: ClaimedRoom): Promise<NextTurn> {
    const { matrixRoomId } = room;
    if (matrixRoomId !== null) {
      if (!options.connected()) return "later";
      await rooms.clear({ id: room.id, token: room.token, matrixRoomId });
    }
    await store.forgetRoom(room.id);
    return "later";
  }

  /** @returns whether there may be more */
  async function applyInbox(room: OpenRoom): Promise<boolean> {
    const entries = await store.inbox(room.id, INBOX_BATCH);
    for (const entry of entries) await apply(room, entry);
    return entries.length === INBOX_BATCH;
  }

  async function apply(room: OpenRoom, entry: InboxEntry): Promise<void> {
    const event = readEvent(JSON.parse(entry.event));
    if (!event) return await store.applied(entry.eventId);
    try {
      await inbound.apply(room, event);
    } catch (error) {
      if (isRetryable(error) || (error instanceof HomeserverError && error.temporary)) throw error;
      if ((await store.failed(entry.eventId)) < MAX_APPLY_TRIES) throw error;
      logger.error(
        { event: "bridge.inbound_given_up", err: error, room: room.token, matrixEvent: entry.eventId },
        "could not apply an event from Matrix; after several tries it is left out of the chat",
      );
      await store.applied(entry.eventId);
    }
  }

  return async (id) => {
    try {
      return await turn(id);
    } catch (error) {
      // The store is away: what the room was at is found again by the scan, or in a moment.
      if (!isUnavailable(error))
        logger.warn(
          { event: "bridge.room_not_stored", err: error, roomId: id },
          "could not store how far the bridge came in a room; the room is worked on again",
        );
      return RETRIES.firstMs;
    }
  };
}

function asOpenRoom(room: ClaimedRoom): OpenRoom | null {
  const { conversation, matrixRoomId, roomVersion } = room;
  if (conversation === null || matrixRoomId === null || roomVersion === null) return null;
  return Object.assign(room, { conversation, matrixRoomId, roomVersion });
}

/** The chat is too busy for the moment, or its store is away. */
function isRetryable(error: unknown): boolean {
  return error instanceof DomainError && error.retry;
}

/** The wait that the homeserver asks for, else a growing pause. */
function retryDelay(error: unknown, failures: number): number {
  const asked = error instanceof HomeserverError || error instanceof DomainError ? error.retryAfterMs : null;
  if (typeof asked === "number") return Math.max(asked, 1);
  return backoffMs(RETRIES, failures);
}
