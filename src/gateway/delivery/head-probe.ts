/**
 * The head probe. A bus can lose a message silently, so every few seconds the heads of the rooms that this gateway
 * follows are compared with the store, and what is missing is read from the log. The same query asks for an event that
 * was delivered before the last probe: where the log has another one there, or ends before what was delivered, its
 * history was replaced while this process lived. The event of the last probe, not the newest: since then the log may
 * have been cut and grown on past what was delivered.
 */
import { isUnavailable } from "../../domain/errors.ts";
import type { Subscriptions } from "../../domain/ports/bus.ts";
import type { LogPlace, PlaceInLog, RoomLog } from "../../domain/ports/store/log.ts";
import type { History } from "../../domain/ports/store/store.ts";
import type { Logger } from "../../logger.ts";
import type { FollowedRoom } from "./followed-room.ts";
import type { Hub } from "./hub.ts";

const EVERY_MS = 2_000;
/** While the bus is away the probe is what carries messages between gateways. */
const EVERY_MS_WITHOUT_BUS = 500;
/** Rooms that were just followed are looked at together, after this time. */
const SOON_MS = 50;
/** Rooms of one query; where more are followed, probes take turns. */
const MAX_ROOMS = 5_000;
/** Rooms are followed on for a while when their last session is gone: it may only have lost its connection. */
const LINGER_MS = 30_000;

export interface HeadProbe {
  /** Compares every room now. */
  all(): void;
  stop(): void;
}

export interface HeadProbeOptions {
  hub: Hub;
  log: Pick<RoomLog, "places">;
  history: Pick<History, "epoch" | "lost">;
  bus: Pick<Subscriptions, "stats">;
  logger: Pick<Logger, "warn">;
  /** Unset: seconds, and less while the bus is away. */
  everyMs?: number | undefined;
}

export function startHeadProbe({ hub, log, history, bus, logger, everyMs }: HeadProbeOptions): HeadProbe {
  let stopped = false;
  let next: NodeJS.Timeout | undefined;
  let soonTimer: NodeJS.Timeout | undefined;
  let soon = new Set<FollowedRoom>();
  let turn = 0;

  async function compare(rooms: readonly FollowedRoom[]): Promise<void> {
    try {
      const { epoch } = history;
      const before = rooms.map((room) => ({ room, delivered: room.place, noted: room.noted }));
      const found = await log.places(before.map(({ noted }) => noted));
      const byId = new Map(found.map((place) => [place.roomId, place]));
      if (before.some((each) => hasGoneBack(each, byId.get(each.room.id)))) return await history.lost(epoch);
      const gone: FollowedRoom[] = [];
      for (const { room, delivered, noted } of before) {
        const place = byId.get(room.id);
        if (place === undefined) gone.push(room);
        else {
          room.note(withTime(delivered, noted, place));
          hub.noteHead(room, place.head);
        }
      }
      // A deleted room has no head; its log still tells of the deletion for a while.
      if (gone.length > 0) await hub.fill(gone);
    } catch (error) {
      if (isUnavailable(error)) return;
      logger.warn(
        { event: "heads.compare_failed", err: error },
        "could not compare the heads of rooms with the store; the next probe tries again",
      );
    }
  }

  /** The next rooms in turn. Those that are deserted for long are let go. */
  function slice(): FollowedRoom[] {
    const now = performance.now();
    for (const room of [...hub.rooms()]) {
      if (!room.isDeserted) room.desertedAt = 0;
      else if (room.desertedAt === 0) room.desertedAt = now;
      else if (now - room.desertedAt > LINGER_MS) hub.release(room);
    }
    if (turn >= hub.size) turn = 0;
    const rooms = [...hub.rooms()].slice(turn, turn + MAX_ROOMS);
    turn += rooms.length;
    return rooms;
  }

  function schedule(): void {
    if (stopped) return;
    next = setTimeout(tick, everyMs ?? (bus.stats().connected ? EVERY_MS : EVERY_MS_WITHOUT_BUS));
    next.unref();
  }
  function tick(): void {
    const rooms = slice();
    if (rooms.length === 0) schedule();
    else void compare(rooms).finally(schedule);
  }
  /** What was committed just before the bus carried the room may have been missed. */
  function followed(room: FollowedRoom): void {
    soon.add(room);
    soonTimer ??= setTimeout(() => {
      const rooms = [...soon];
      soon = new Set();
      soonTimer = undefined;
      if (!stopped) void compare(rooms);
    }, SOON_MS);
  }
  hub.listen({ followed });
  schedule();

  return {
    all() {
      const rooms = [...hub.rooms()];
      for (let start = 0; start < rooms.length; start += MAX_ROOMS) {
        void compare(rooms.slice(start, start + MAX_ROOMS));
      }
    },
    stop() {
      stopped = true;
      clearTimeout(next);
      clearTimeout(soonTimer);
    },
  };
}

interface Before {
  room: FollowedRoom;
  /** How far the room was delivered before the log was asked. */
  delivered: LogPlace;
  /** The place that the log was asked for: another look may note another place before the answer comes. */
  noted: LogPlace;
}

function hasGoneBack({ delivered, noted }: Before, found: PlaceInLog | undefined): boolean {
  if (found === undefined) return false;
  const { seq, at } = noted;
  return found.head < delivered.seq || (seq !== 0 && at !== 0 && found.at !== at);
}

/** The time of an event that was not delivered here is known from the log. */
function withTime(delivered: LogPlace, noted: LogPlace, found: PlaceInLog): LogPlace {
  const isKnown = delivered.at !== 0 || delivered.seq !== noted.seq;
  return isKnown ? delivered : { ...delivered, at: found.at ?? 0 };
}
