/** Who types in the chat, shown in Matrix. Nothing is kept or repeated: what is lost ends by itself after a minute. */
import { LRUCache } from "lru-cache";
import { actorOf, type MemberKey } from "../../src/domain/model.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeLive, LivePlace } from "../store/live.ts";
import { createTicks, unlessFailed } from "./ticks.ts";

export interface TypingToMatrix {
  /** A member began to type, or stopped. */
  note(roomId: number, member: MemberKey, on: boolean): void;
  /** Whether the bridge shows this ghost as typing. */
  isShown(matrixRoomId: string, matrixId: string): boolean;
  stop(): Promise<void>;
}

export interface TypingToMatrixOptions {
  store: Pick<BridgeLive, "livePlaces">;
  accounts: GhostAccounts;
  ghosts: Ghosts;
  connected: () => boolean;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

const TICK_MS = 20;
/** In one turn, in all rooms: typing must not keep messages from the homeserver. */
const BATCH = 20;
const MAX_NOTED = 500;
/** Matrix shows typing for so long, unless its end comes before. The chat tells neither that it goes on. */
const SHOWN_MS = 60_000;
const LIMIT_MS = 2_000;

export function createTypingToMatrix(options: TypingToMatrixOptions): TypingToMatrix {
  const { store, accounts, ghosts, connected, counts, logger } = options;
  const noted = new Map<string, { roomId: number; member: MemberKey; on: boolean }>();
  const shown = new LRUCache<string, LivePlace>({ max: MAX_NOTED, ttl: SHOWN_MS });
  const ticks = createTicks(
    TICK_MS,
    unlessFailed(tick, tellFailure, () => noted.size > 0),
  );

  function tellFailure(error: unknown): void {
    logger.warn({ event: "bridge.typing_failed", err: error }, "could not show in Matrix who types");
  }

  async function tick(): Promise<void> {
    const due = [...noted].slice(0, BATCH);
    for (const [key] of due) noted.delete(key);
    const begun = due.flatMap(([, one]) => (one.on ? [one] : []));
    const ended = due.flatMap(([key, { on }]) => (on ? [] : (shown.get(key) ?? [])));
    const places = begun.length > 0 ? await store.livePlaces(begun) : [];
    await Promise.all([
      ...places.map((place) => show(place, true)),
      ...ended.map((place) => show(place, false)),
    ]);
  }

  async function show(place: LivePlace, on: boolean): Promise<void> {
    const { roomId, member, matrixRoomId } = place;
    const matrixId = ghosts.ofActor(actorOf(member, ""));
    const keys = [`${roomId} ${member}`, `${matrixRoomId} ${matrixId}`];
    // Before the request: its echo may be faster than its answer.
    for (const key of keys) on ? shown.set(key, place) : shown.delete(key);
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/typing/${encodeURIComponent(matrixId)}`;
    const body = on ? { typing: true, timeout: SHOWN_MS } : { typing: false };
    try {
      await accounts.request(matrixId, "PUT", path, { body, timeoutMs: LIMIT_MS });
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
    }
  }

  return {
    note(roomId, member, on) {
      const key = `${roomId} ${member}`;
      if (!connected() || (!on && !shown.has(key) && !noted.has(key))) return;
      if (noted.size >= MAX_NOTED && !noted.has(key)) return void counts.liveDropped++;
      noted.set(key, { roomId, member, on });
      ticks.start();
    },
    isShown: (matrixRoomId, matrixId) => shown.has(`${matrixRoomId} ${matrixId}`),
    stop: () => ticks.stop(),
  };
}
