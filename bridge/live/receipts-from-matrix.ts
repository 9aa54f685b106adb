/**
 * Receipts of Matrix, as read markers of the chat. Markers of the chat only move forward, so a receipt that is older than the
 * marker, an echo among them, changes nothing.
 */
import { DomainError } from "../../src/domain/errors.ts";
import { actorOf, type MemberKey, memberKey } from "../../src/domain/model.ts";
import type { Messages } from "../../src/domain/use-cases/sending.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeReceipts, ReceivedMarker } from "../store/receipts.ts";
import type { LastReceipts } from "./last-receipts.ts";
import { createTicks, unlessFailed } from "./ticks.ts";

export interface ReceiptsFromMatrix {
  /** Takes an event `m.receipt` of a room. Anything else that was said as one is passed over. */
  receive(event: { room_id: string; content: Record<string, unknown> }): void;
  stop(): Promise<void>;
}

export interface ReceiptsFromMatrixOptions {
  store: Pick<BridgeReceipts, "receivedMarkers" | "lastSeqOf" | "putMarker">;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  last: LastReceipts;
  messages: Pick<Messages, "markRead">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

interface Receipt {
  matrixRoomId: string;
  eventId: string;
  member: MemberKey;
  tries: number;
  /** Not looked up before this, ms. */
  from: number;
}

const TICK_MS = 50;
const BATCH = 100;
const MAX_WAITING = 5_000;
/** A message and its receipt come at the same time; the message may still be on its way into the log. */
const TRIES = 6;
const RETRY_MS = 300;
/** Events before one that the chat does not have, a change of the room's state for instance. */
const CONTEXT_EVENTS = 40;
const EVENT_ID = /^\$[\x21-\x7e]{1,254}$/;
const KINDS = ["m.read", "m.read.private"];
/** Receipts of a thread say nothing of the room. */
const MAIN_THREADS: unknown[] = [undefined, null, "main"];

export function createReceiptsFromMatrix(options: ReceiptsFromMatrixOptions): ReceiptsFromMatrix {
  const { store, accounts, ghosts, last, messages, counts, logger } = options;
  const waiting = new Map<string, Receipt>();
  const ticks = createTicks(
    TICK_MS,
    unlessFailed(tick, tellFailure, () => waiting.size > 0),
  );

  function memberOf(matrixId: string): MemberKey | null {
    const ghost = ghosts.read(matrixId);
    if (ghost === null) return memberKey({ kind: "matrix", id: matrixId });
    return ghost.kind === "user" ? memberKey({ kind: "user", id: String(ghost.userId) }) : null;
  }

  function add(receipt: Receipt): void {
    const key = `${receipt.matrixRoomId} ${receipt.member}`;
    if (waiting.size >= MAX_WAITING && !waiting.has(key)) return void counts.liveDropped++;
    waiting.set(key, receipt);
    ticks.start();
  }

  function tellFailure(error: unknown): void {
    logger.warn({ event: "bridge.receipts_failed", err: error }, "could not take over receipts from Matrix");
  }

  async function tick(): Promise<void> {
    const now = performance.now();
    const due = [...waiting].filter(([, { from }]) => from <= now).slice(0, BATCH);
    for (const [key] of due) waiting.delete(key);
    if (due.length > 0) await apply(due.map(([, receipt]) => receipt));
  }

  async function apply(receipts: readonly Receipt[]): Promise<void> {
    const markers = await store.receivedMarkers(receipts);
    await Promise.all(
      markers.map(async (marker) => {
        const receipt = receipts[marker.place] as Receipt;
        const seq = marker.seq ?? (receipt.tries < TRIES ? null : await seqBefore(marker.roomId, receipt));
        if (seq !== null) return await move(marker, seq);
        if (receipt.tries < TRIES)
          add({ ...receipt, tries: receipt.tries + 1, from: performance.now() + RETRY_MS });
      }),
    );
  }

  /** The seq of the last event before the receipt's that the chat has. */
  async function seqBefore(roomId: number, { matrixRoomId, eventId }: Receipt): Promise<number | null> {
    const [room, event] = [matrixRoomId, eventId].map(encodeURIComponent);
    const path = `/_matrix/client/v3/rooms/${room}/context/${event}`;
    try {
      const { events_before: before = [] } = await accounts.request<{
        events_before?: { event_id: string }[];
      }>(ghosts.bot, "GET", path, { query: { limit: CONTEXT_EVENTS } });
      return await store.lastSeqOf(
        roomId,
        before.map(({ event_id: id }) => id),
      );
    } catch (error) {
      if (error instanceof HomeserverError) return null;
      throw error;
    }
  }

  async function move(marker: ReceivedMarker, seq: number): Promise<void> {
    if (seq <= marker.read) return;
    // Before the marker moves: what the move itself notes is known to Matrix then.
    await store.putMarker(marker, seq);
    try {
      await messages.markRead(actorOf(marker.member, marker.name), marker.token, seq);
      counts.receiptsApplied++;
    } catch (error) {
      // The member left, or waits in the lobby.
      if (!(error instanceof DomainError)) throw error;
    }
  }

  return {
    receive({ room_id: matrixRoomId, content }) {
      for (const [eventId, kinds] of Object.entries(content)) {
        if (!EVENT_ID.test(eventId)) continue;
        for (const matrixId of readersIn(kinds)) {
          const member = memberOf(matrixId);
          if (member === null || last.isEcho(matrixRoomId, matrixId, eventId)) continue;
          add({ matrixRoomId, eventId, member, tries: 0, from: 0 });
        }
      }
    },
    stop: () => ticks.stop(),
  };
}

/** Who read up to an event: `{"m.read": {"@user:server": {"ts": …, "thread_id": …}}}`. */
function readersIn(kinds: unknown): string[] {
  return KINDS.flatMap((kind) => {
    const readers = fieldsOf(fieldsOf(kinds)[kind]);
    return Object.keys(readers).filter((id) => MAIN_THREADS.includes(fieldsOf(readers[id]).thread_id));
  });
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
