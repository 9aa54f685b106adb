/**
 * Who looks at rooms in the chat, as online in Matrix. Only users who look at a room in which somebody from Matrix is, and who tell
 * everybody when they were last seen, are shown. Homeservers forget who is not said to be online again (Synapse: after 30 s), so whatever
 * is lost here, a worker's end among it, ends by itself.
 */
import { isUnavailable } from "../../src/domain/errors.ts";
import { actorOf, type MemberKey, memberKey } from "../../src/domain/model.ts";
import type { NamedRoom } from "../../src/domain/ports/broadcasts.ts";
import type { PresenceUseCases } from "../../src/domain/use-cases/live.ts";
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { BridgeLive } from "../store/live.ts";
import { createTicks } from "./ticks.ts";

export interface PresenceToMatrix {
  /** A member began to look at a room, or looks at it no more. */
  note(roomId: number, member: MemberKey, on: boolean): void;
  /** The homeserver is there (again): finds out whether it has presence, and who looks. It never rejects. */
  connected(): Promise<void>;
  stop(): Promise<void>;
}

export interface PresenceToMatrixOptions {
  store: Pick<BridgeLive, "seenRooms" | "presentable">;
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Ghosts;
  presence: Pick<PresenceUseCases, "looking">;
  connected: () => boolean;
  counts: Pick<BridgeCounts, "liveDropped">;
  logger: Pick<Logger, "info" | "warn">;
}

type Noted = [roomId: number, member: MemberKey, on: boolean];

const TICK_MS = 1_000;
/** Requests a tick: presence must not keep messages from the homeserver. */
const RATE = 10;
/** Whoever is online is said to be so again after this. */
const REFRESH_MS = 20_000;
/** As many as can be said to be online again in time; more are not shown. */
const MAX_SHOWN = (RATE * REFRESH_MS) / TICK_MS;
const MAX_LOOKING = 5_000;
/** Who is asked about at a time. */
const MAX_ASKED = 500;
/** How often is asked who looks: ends that were not told are found so. */
const ASK_MS = 120_000;
const MAX_ROOMS = 500;
const LIMIT_MS = 2_000;

export function createPresenceToMatrix(options: PresenceToMatrixOptions): PresenceToMatrix {
  const { store, accounts, ghosts, presence, counts, logger } = options;
  /** Rooms that a member looks at. */
  const looking = new Map<MemberKey, Set<number>>();
  /** Who is online in Matrix, and since when that was said, ms. */
  const shown = new Map<MemberKey, number>();
  /** Who is not to be asked about again before this, ms: they do not tell, or nobody in Matrix sees their rooms. */
  const untold = new Map<MemberKey, number>();
  const ticks = createTicks(TICK_MS, tick);
  /** What was noted since it was begun to ask who looks; null: that is not under way. */
  let noted: Noted[] | null = null;
  let supported = false;
  let asked = Number.NEGATIVE_INFINITY;

  function put(roomId: number, member: MemberKey, on: boolean): void {
    const rooms = looking.get(member) ?? new Set();
    if (on && !looking.has(member) && looking.size >= MAX_LOOKING) return void counts.liveDropped++;
    if (on) looking.set(member, rooms.add(roomId));
    else if (rooms.delete(roomId) && rooms.size === 0) looking.delete(member);
    // In another room somebody may see them.
    if (on) untold.delete(member);
  }

  function tellFailure(error: unknown): void {
    if (isUnavailable(error)) return;
    logger.warn({ event: "bridge.presence_failed", err: error }, "could not show in Matrix who is online");
  }

  async function tick(): Promise<boolean> {
    try {
      if (supported && options.connected()) await work();
    } catch (error) {
      tellFailure(error);
    }
    return supported;
  }

  async function work(): Promise<void> {
    const now = performance.now();
    if (now - asked > ASK_MS) {
      asked = now;
      await askWhoLooks();
    }
    const gone = [...shown.keys()].filter((member) => !looking.has(member)).slice(0, RATE);
    const due = (await presentable(dueAt(now), now)).slice(0, RATE - gone.length);
    await Promise.all([
      ...gone.map((member) => say(member, false)),
      ...due.map((member) => say(member, true)),
    ]);
  }

  /** Whoever has to be said to be online again, the longest ago first, and then who came. */
  function dueAt(now: number): MemberKey[] {
    const again = [...shown].filter(([member, at]) => now - at >= REFRESH_MS && looking.has(member));
    const fresh = [...looking.keys()].filter(
      (member) => !shown.has(member) && (untold.get(member) ?? 0) <= now,
    );
    const room = MAX_SHOWN - shown.size;
    return [
      ...again.sort(([, a], [, b]) => a - b).map(([member]) => member),
      ...(room > 0 ? fresh.slice(0, MAX_ASKED) : []),
    ];
  }

  /** Those who may be shown. The others are asked about again later, and are online no more. */
  async function presentable(members: readonly MemberKey[], now: number): Promise<MemberKey[]> {
    if (members.length === 0) return [];
    const places = members.flatMap((member) =>
      [...(looking.get(member) ?? [])].map((roomId) => ({ roomId, member })),
    );
    const told = new Set(await store.presentable(places));
    for (const member of members.filter((one) => !told.has(one))) {
      untold.set(member, now + ASK_MS);
      if (shown.has(member)) await say(member, false);
    }
    return members.filter((member) => told.has(member));
  }

  async function say(member: MemberKey, on: boolean): Promise<void> {
    on ? shown.set(member, performance.now()) : shown.delete(member);
    await putStatus(ghosts.ofActor(actorOf(member, "")), on ? "online" : "offline").catch(
      (error: unknown) => {
        // It is said again, or ends by itself.
        if (!(error instanceof HomeserverError)) throw error;
      },
    );
  }

  const pathOf = (matrixId: string) => `/_matrix/client/v3/presence/${encodeURIComponent(matrixId)}/status`;

  async function putStatus(matrixId: string, status: "online" | "offline"): Promise<void> {
    const body = { presence: status };
    await accounts.request(matrixId, "PUT", pathOf(matrixId), { body, timeoutMs: LIMIT_MS });
  }

  /** Synapse answers 200 also where presence is off, and keeps nothing: what was set is read again. */
  async function isSupported(): Promise<boolean> {
    await putStatus(ghosts.bot, "online");
    const now = await accounts.request<{ presence?: string }>(ghosts.bot, "GET", pathOf(ghosts.bot));
    if (now.presence !== "online") return false;
    await putStatus(ghosts.bot, "offline");
    return true;
  }

  async function askWhoLooks(): Promise<void> {
    noted = [];
    const found: Noted[] = [];
    for (const room of await store.seenRooms(MAX_ROOMS))
      for (const member of await lookingAt(room)) found.push([room.id, member, true]);
    looking.clear();
    untold.clear();
    for (const one of [...found, ...noted]) put(...one);
    noted = null;
  }

  async function lookingAt(room: NamedRoom): Promise<MemberKey[]> {
    return (await presence.looking(room)).filter(({ kind }) => kind === "user").map(memberKey);
  }

  return {
    note(roomId, member, on) {
      if (!supported) return;
      put(roomId, member, on);
      noted?.push([roomId, member, on]);
    },
    async connected() {
      try {
        const before = supported;
        supported = await isSupported();
        asked = Number.NEGATIVE_INFINITY;
        if (!supported)
          logger.info(
            { event: "bridge.presence_off" },
            "the homeserver has presence switched off; nobody is shown as online on the other side",
          );
        if (supported && !before) ticks.start();
      } catch (error) {
        supported = false; // It is away, and asked again when it is back; or it knows no presence.
        if (!(error instanceof HomeserverError)) tellFailure(error);
      }
    },
    stop: () => ticks.stop(),
  };
}
