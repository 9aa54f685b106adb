/**
 * Read markers of the chat, as receipts in Matrix. A marker is noted when it moves, and read from the store when it is sent: what is
 * noted twice is sent once. Nothing here is kept: what is lost in an outage is made up for when the homeserver is back.
 */
import { LRUCache } from "lru-cache";
import { isUnavailable } from "../../src/domain/errors.ts";
import { actorOf, type MemberKey } from "../../src/domain/model.ts";
import { RECEIPT_MEMBERS } from "../../src/domain/ports/store/receipts.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeReceipts, MarkerPlace, MarkerToSend } from "../store/receipts.ts";
import type { LastReceipts } from "./last-receipts.ts";
import { createTicks } from "./ticks.ts";

export interface ReceiptsToMatrix {
  /** The member's marker moved. */
  note(roomId: number, member: MemberKey): void;
  /** Notes the markers that Matrix lacks, of people who may be signed in there: in one room, or in all. It never rejects. */
  catchUp(roomId: number | null): Promise<void>;
  stop(): Promise<void>;
}

export interface ReceiptsToMatrixOptions {
  store: Pick<BridgeReceipts, "watchedRooms" | "takeMarkers" | "putBackMarker" | "markersBehind">;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  last: LastReceipts;
  connected: () => boolean;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

interface Noted extends MarkerPlace {
  /** Not sent before this, ms. */
  from: number;
  /** Dropped after this, ms: Matrix does not get as far as the marker. */
  until: number;
}

const TICK_MS = 100;
/** At most one receipt per person and room in this time. */
const GAP_MS = 1_000;
/** How long a marker waits for the messages before it to come to Matrix, and how often it is looked at meanwhile. */
const WAIT_MS = 15_000;
const AGAIN_MS = 300;
const MAX_NOTED = 5_000;
const BATCH = 50;
/** Requests at a time: messages go first. */
const PARALLEL = 4;
/** How long is remembered whether anybody looks at a room in Matrix. */
const WATCHED_MS = 2_000;
const MAX_WATCHED = 10_000;

export function createReceiptsToMatrix(options: ReceiptsToMatrixOptions): ReceiptsToMatrix {
  const { store, accounts, ghosts, last, connected, counts, logger } = options;
  const noted = new Map<string, Noted>();
  /** When the last receipt of a person in a room was sent, ms. */
  const sent = new LRUCache<string, number>({ max: MAX_NOTED, ttl: GAP_MS });
  /** Members of a room in the chat; 0: nobody looks at it in Matrix. */
  const watched = new LRUCache<number, number>({ max: MAX_WATCHED, ttl: WATCHED_MS });
  const ticks = createTicks(TICK_MS, tick);
  const keyOf = ({ roomId, member }: MarkerPlace) => `${roomId} ${member}`;

  function note(roomId: number, member: MemberKey): void {
    const now = performance.now();
    add({
      roomId,
      member,
      from: (sent.get(keyOf({ roomId, member })) ?? -GAP_MS) + GAP_MS,
      until: now + WAIT_MS,
    });
  }

  function add(place: Noted): void {
    const key = keyOf(place);
    if (noted.has(key) || !connected()) return;
    if (noted.size >= MAX_NOTED) return void counts.liveDropped++;
    noted.set(key, place);
    ticks.start();
  }

  function tellFailure(error: unknown): void {
    if (isUnavailable(error)) return;
    logger.warn({ event: "bridge.receipts_failed", err: error }, "could not carry read markers to Matrix");
  }

  /** Sends what is due. @returns whether something waits still */
  async function tick(): Promise<boolean> {
    const now = performance.now();
    const due = [...noted.values()].filter(({ from }) => from <= now).slice(0, BATCH);
    for (const place of due) noted.delete(keyOf(place));
    try {
      if (due.length > 0 && connected()) await send(due);
    } catch (error) {
      tellFailure(error);
    }
    return noted.size > 0;
  }

  async function send(due: readonly Noted[]): Promise<void> {
    const members = await membersOf(due.map(({ roomId }) => roomId));
    const places = due.flatMap((place) => {
      const count = members.get(place.roomId) ?? 0;
      return count === 0 ? [] : [{ ...place, open: count <= RECEIPT_MEMBERS }];
    });
    if (places.length === 0) return;
    const { taken, later } = await store.takeMarkers(places);
    const tooEarly = new Set(later.map(keyOf));
    const from = performance.now() + AGAIN_MS;
    for (const place of due) if (tooEarly.has(keyOf(place)) && place.until > from) add({ ...place, from });
    const waiting = [...taken];
    const sendWaiting = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const place = due.find((one) => keyOf(one) === keyOf(next));
        // The homeserver is there, and could not take it now.
        if ((await sendOne(next)) === "again" && place && place.until > from)
          add({ ...place, from: performance.now() + GAP_MS });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, sendWaiting));
  }

  /** Members of the rooms that somebody may look at in Matrix. */
  async function membersOf(roomIds: readonly number[]): Promise<Map<number, number>> {
    const unknown = [...new Set(roomIds)].filter((id) => !watched.has(id));
    if (unknown.length > 0) {
      const found = await store.watchedRooms(unknown);
      for (const id of unknown) watched.set(id, found.get(id) ?? 0);
    }
    return new Map(roomIds.map((id) => [id, watched.get(id) ?? 0]));
  }

  /** @returns `again`: it was not taken, but may be in a moment */
  async function sendOne(marker: MarkerToSend): Promise<"again" | "done"> {
    const { matrixRoomId, eventId, member } = marker;
    if (eventId === null) return "done";
    const matrixId = ghosts.ofActor(actorOf(member, ""));
    sent.set(keyOf(marker), performance.now());
    last.put(matrixRoomId, matrixId, eventId);
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/read_markers`;
    // Of how far somebody scrolled only their own clients hear.
    const fullyRead = marker.active ? { "m.fully_read": eventId } : {};
    try {
      await accounts.request(matrixId, "POST", path, { body: { ...fullyRead, [kindOf(marker)]: eventId } });
      counts.receiptsSent++;
      return "done";
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      // What is refused is not tried again. In an outage nothing was said, and the next connection says it.
      if (!error.temporary) return "done";
      await store.putBackMarker(marker);
      return "again";
    }
  }

  return {
    note,
    async catchUp(roomId) {
      try {
        for (const place of await store.markersBehind(roomId, MAX_NOTED)) {
          watched.delete(place.roomId);
          note(place.roomId, place.member);
        }
      } catch (error) {
        tellFailure(error);
      }
    },
    stop: () => ticks.stop(),
  };
}

/** Matrix knows no contacts as an audience: who tells not everybody tells nobody, and has their own counts right. */
function kindOf({ audience }: MarkerToSend): "m.read" | "m.read.private" {
  return audience === "everybody" ? "m.read" : "m.read.private";
}
