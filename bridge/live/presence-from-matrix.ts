/**
 * People of Matrix who are online there, as members who look at their rooms in the chat. Users of the chat are shown by their own apps: what
 * Matrix says of their accounts may be the bridge's own word.
 */
import { actorOf, type MemberKey, memberKey } from "../../src/domain/model.ts";
import type { PresenceUseCases } from "../../src/domain/use-cases/live.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeLive, MemberRoom } from "../store/live.ts";
import { createTicks, unlessFailed } from "./ticks.ts";

export interface PresenceFromMatrix {
  /** Takes an event `m.presence`. Anything else that was said as one is passed over. */
  receive(event: { sender: unknown; content: Record<string, unknown> }): void;
  stop(): Promise<void>;
}

export interface PresenceFromMatrixOptions {
  store: Pick<BridgeLive, "roomsOfMember">;
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Ghosts;
  presence: Pick<PresenceUseCases, "ping" | "close">;
  counts: Pick<BridgeCounts, "liveDropped">;
  logger: Pick<Logger, "warn">;
}

interface Online {
  rooms: MemberRoom[];
  /** When the homeserver said so last, ms. */
  heard: number;
}

const TICK_MS = 200;
/** The chat forgets who gives no sign of life for 100 s. */
const REFRESH_MS = 30_000;
/** Where no end is told, the homeserver is asked whether somebody is online still. */
const ASK_MS = 10 * 60_000;
const BATCH = 20;
const MAX_PEOPLE = 2_000;
const MAX_ROOMS = 100;
const MATRIX_ID = /^@[^\0]{1,254}$/;
/** Stands for all Matrix clients of a person. */
const SESSION = "matrix";

export function createPresenceFromMatrix(options: PresenceFromMatrixOptions): PresenceFromMatrix {
  const { store, accounts, ghosts, presence, counts, logger } = options;
  /** What was told last and not looked at yet. */
  const told = new Map<string, boolean>();
  const online = new Map<string, Online>();
  const ticks = createTicks(
    TICK_MS,
    unlessFailed(applyTold, tellFailure, () => told.size > 0),
  );
  const refreshes = createTicks(
    REFRESH_MS,
    unlessFailed(refresh, tellFailure, () => online.size > 0),
  );

  function tellFailure(error: unknown): void {
    logger.warn({ event: "bridge.presence_failed", err: error }, "could not show who is online in Matrix");
  }

  const keyOf = (matrixId: string): MemberKey => memberKey({ kind: "matrix", id: matrixId });

  async function applyTold(): Promise<void> {
    const due = [...told].slice(0, BATCH);
    for (const [matrixId] of due) told.delete(matrixId);
    for (const [matrixId, on] of due) await (on ? come(matrixId) : leave(matrixId));
  }

  async function come(matrixId: string): Promise<void> {
    if (online.size >= MAX_PEOPLE && !online.has(matrixId)) return void counts.liveDropped++;
    const rooms = await store.roomsOfMember(keyOf(matrixId), MAX_ROOMS);
    const [first] = rooms;
    if (!first) return;
    online.set(matrixId, { rooms, heard: performance.now() });
    await presence.ping(actorOf(keyOf(matrixId), first.name), rooms, SESSION);
    refreshes.start();
  }

  async function leave(matrixId: string): Promise<void> {
    const known = online.get(matrixId);
    online.delete(matrixId);
    // A worker that began since does not know of them.
    const rooms = known?.rooms ?? (await store.roomsOfMember(keyOf(matrixId), MAX_ROOMS));
    const [first] = rooms;
    if (first) await presence.close(actorOf(keyOf(matrixId), first.name), rooms, SESSION);
  }

  async function refresh(): Promise<void> {
    const now = performance.now();
    for (const [matrixId, { heard, rooms }] of [...online]) {
      const isOver = now - heard > ASK_MS && !(await isOnline(matrixId));
      if (isOver) await leave(matrixId);
      else if (now - heard > ASK_MS) await come(matrixId);
      else await presence.ping(actorOf(keyOf(matrixId), rooms[0]?.name ?? ""), rooms, SESSION);
    }
  }

  async function isOnline(matrixId: string): Promise<boolean> {
    const path = `/_matrix/client/v3/presence/${encodeURIComponent(matrixId)}/status`;
    try {
      return (await accounts.request<{ presence?: string }>(ghosts.bot, "GET", path)).presence === "online";
    } catch (error) {
      if (error instanceof HomeserverError) return false;
      throw error;
    }
  }

  return {
    receive({ sender, content: { presence: status } }) {
      if (typeof sender !== "string" || !MATRIX_ID.test(sender) || ghosts.read(sender) !== null) return;
      if (told.size >= MAX_PEOPLE && !told.has(sender)) return void counts.liveDropped++;
      told.set(sender, status === "online");
      ticks.start();
    },
    async stop() {
      await Promise.all([ticks.stop(), refreshes.stop()]);
    },
  };
}
