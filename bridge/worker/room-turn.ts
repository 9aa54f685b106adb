/**
 * One room turn: the worker claims the room, applies the events that came from Matrix, sends new events of the log to
 * Matrix, and releases the room.
 */
import { backoffMs } from "../../src/domain/backoff.ts";
import { DomainError, isUnavailable } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { whyOf } from "../homeserver/refusals.ts";
import type { Entering } from "../inbound/invitations/entering.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore, ClaimedRoom } from "../store/bridge-store.ts";
import type { NextTurn } from "./room-queue.ts";

export interface RoomTurnOptions {
  /** This worker's name. */
  node: string;
  store: Pick<
    BridgeStore,
    "claim" | "release" | "defer" | "forgetRoom" | "forgetMatrixRoom" | "settleDoubts"
  >;
  rooms: MatrixRooms;
  /** Enters the Matrix room of an accepted invitation. */
  entering: Entering;
  /** Applies events from Matrix. @returns whether there may be more */
  applyInbox: (room: OpenRoom) => Promise<boolean>;
  outbound: Outbound;
  /** Whether the homeserver can be written to. */
  connected: () => boolean;
  counts: BridgeCounts;
  /** Rooms of this worker whose last turn failed; the turn keeps it up to date. */
  waiting: WaitingRooms;
  logger: Pick<Logger, "warn" | "error">;
}

/** By room id: why the last turn failed, and whether because no homeserver answered the request. */
export type WaitingRooms = Map<number, { reason: string; away: boolean }>;

interface TurnProgress {
  memberSyncsDone: number;
  completed: boolean;
}

const TAKEN_RETRY_MS = 500;
const RETRIES = { firstMs: 500, maxMs: 60_000, jitter: 0.25 };

/** @returns the turn for a room's id; it never rejects */
export function createRoomTurn(options: RoomTurnOptions): (id: number) => Promise<NextTurn> {
  const { node, store, rooms, outbound, counts, waiting, logger } = options;

  async function turn(id: number): Promise<NextTurn> {
    const room = await store.claim(id, node);
    // Another worker has the room, or it is gone: this worker no longer reports its failure.
    if (room === null || room === "taken") waiting.delete(id);
    if (room === null) return "later";
    if (room === "taken") return TAKEN_RETRY_MS;
    const progress = { memberSyncsDone: 0, completed: false };
    try {
      if (room.doubts > 0 && (await isDoubtTrue(room))) return await remakeRoom(room, 0);
      const next = room.chatroom === null ? await clearRoom(room) : await work(room, progress);
      await store.release(id, node, { ...placeOf(room), ...progress });
      if (progress.completed || room.chatroom === null) waiting.delete(id);
      return next;
    } catch (error) {
      if (await isLost(room, error)) return await remakeRoom(room, progress.memberSyncsDone);
      const retryInMs = retryDelay(error, room.failures);
      const { reason } = whyOf(error);
      waiting.set(id, { reason, away: isAway(error) });
      if (error instanceof HomeserverError && !error.away) {
        counts.retries++;
        logger.warn(
          { event: "bridge.room_refused", err: error, room: room.token, retry_ms: retryInMs },
          "the homeserver refused work for a room; trying again",
        );
      } else if (!(error instanceof HomeserverError) && !isRetryable(error)) {
        logger.error(
          { event: "bridge.room_failed", err: error, room: room.token, retry_ms: retryInMs },
          "could not carry a room to or from Matrix; trying again",
        );
      }
      await store.defer(id, node, { ...placeOf(room), ...progress, retryInMs, reason });
      return retryInMs;
    }
  }

  /** Whether the homeserver has lost the Matrix room. While it can't be asked, the answer is no. */
  async function isLost({ id, matrixRoomId, chatroom }: ClaimedRoom, error: unknown): Promise<boolean> {
    if (!(error instanceof HomeserverError) || error.temporary) return false;
    if (matrixRoomId === null || chatroom === null) return false;
    return await rooms.isLost({ id, matrixRoomId }).catch(() => false);
  }

  /** Whether the homeserver has lost a room about which there is a doubt. While it can't be asked, the doubt stays. */
  async function isDoubtTrue({ id, matrixRoomId, chatroom }: ClaimedRoom): Promise<boolean> {
    if (matrixRoomId === null || chatroom === null || !options.connected()) return false;
    return await rooms.isLost({ id, matrixRoomId });
  }

  async function remakeRoom(room: ClaimedRoom, memberSyncsDone: number): Promise<NextTurn> {
    counts.roomsLost++;
    logger.warn(
      { event: "bridge.room_lost", room: room.token, matrixRoom: room.matrixRoomId },
      "the homeserver no longer knows a room; the bridge makes it again, with its members and its newest messages",
    );
    await rooms.freeAlias(room);
    await store.forgetMatrixRoom(room.id, node);
    const atStart = { mirrored: 0, readOnly: false, posting: "all" as const };
    await store.release(room.id, node, { ...atStart, memberSyncsDone, completed: true });
    return "now";
  }

  async function work(claimed: ClaimedRoom, progress: TurnProgress): Promise<NextTurn> {
    let room = asOpenRoom(claimed);
    const more = room ? await options.applyInbox(room) : false;
    // The whole inbox comes before the outbox: an event in it may be the echo of one that was sent.
    if (more) return "now";
    if (claimed.chatroom?.request) return skipRequest(claimed, progress);
    if (!options.connected()) return "later";
    if (claimed.waitMs > 0) return claimed.waitMs;
    if (claimed.invited) {
      room = await enterRoom(claimed);
      // The room that it had before was left.
      if (room === null && claimed.matrixRoomId !== null) return await remakeRoom(claimed, 0);
    }
    room ??= await makeRoom(claimed);
    if (claimed.doubts > 0) {
      await outbound.restore(room);
      await store.settleDoubts(room.id, claimed.doubts);
    }
    if (claimed.memberSyncsRequested > 0) {
      await outbound.syncMembers(room);
      if (!room.chatroom.blocked) progress.memberSyncsDone = claimed.memberSyncsRequested;
    }
    const behind = await outbound.mirror(room);
    if (claimed.retries && !behind) await outbound.retry(room);
    // Writing is blocked only after the events from before the block were sent.
    if (claimed.memberSyncsRequested > 0 && room.chatroom.blocked && !behind) {
      await rooms.syncPower(room);
      progress.memberSyncsDone = claimed.memberSyncsRequested;
    }
    progress.completed = true;
    return behind ? "now" : "later";
  }

  /** What happens in a request is about nothing but the request: Matrix hears of it when the user has answered. */
  function skipRequest(claimed: ClaimedRoom, progress: TurnProgress): NextTurn {
    claimed.mirrored = claimed.head;
    progress.memberSyncsDone = claimed.memberSyncsRequested;
    progress.completed = true;
    return "later";
  }

  /** @returns null where the chatroom needs a Matrix room of its own */
  async function enterRoom(claimed: ClaimedRoom): Promise<OpenRoom | null> {
    const entered = await options.entering.enter(claimed);
    return entered && asOpenRoom(Object.assign(claimed, entered));
  }

  async function makeRoom(claimed: ClaimedRoom): Promise<OpenRoom> {
    const { chatroom } = claimed;
    if (chatroom === null) throw new Error("a deleted room is not made");
    // The claim's own object is extended, because `turn` stores the progress from it.
    return Object.assign(claimed, await rooms.make({ ...claimed, chatroom }));
  }

  async function clearRoom(room: ClaimedRoom): Promise<NextTurn> {
    const { matrixRoomId } = room;
    if (matrixRoomId !== null) {
      if (!options.connected()) return "later";
      const { id, token, foreign } = room;
      await rooms.clear({ id, token, foreign, matrixRoomId });
    }
    await store.forgetRoom(room.id);
    return "later";
  }

  return async (id) => {
    try {
      return await turn(id);
    } catch (error) {
      // The store failed. The scan finds the room again; until then the turn is repeated after a short pause.
      if (!isUnavailable(error))
        logger.warn(
          { event: "bridge.room_not_stored", err: error, roomId: id },
          "could not store how far the bridge came in a room; the room is worked on again",
        );
      return RETRIES.firstMs;
    }
  };
}

function asOpenRoom(claimed: ClaimedRoom): OpenRoom | null {
  const { chatroom, matrixRoomId, roomVersion } = claimed;
  if (chatroom === null || matrixRoomId === null || roomVersion === null) return null;
  return Object.assign(claimed, { chatroom, matrixRoomId, roomVersion });
}

/** Whether something else than the homeserver answered, or it knows no such write: then operators have to look. */
function isAway(error: unknown): boolean {
  return error instanceof HomeserverError && (error.outage || error.meaning === "unsupported");
}

/** Whether the domain refused only because of load or an outage. */
function isRetryable(error: unknown): boolean {
  return error instanceof DomainError && error.retry;
}

/** The pause in ms that the homeserver or the domain asks for, or else one that grows with the failures. */
function retryDelay(error: unknown, failures: number): number {
  const asked = error instanceof HomeserverError || error instanceof DomainError ? error.retryAfterMs : null;
  if (typeof asked === "number") return Math.max(asked, 1);
  return backoffMs(RETRIES, failures);
}

/** What a turn stores of how far it came. */
function placeOf({ mirrored, readOnly, posting }: ClaimedRoom) {
  return { mirrored, readOnly, posting };
}
