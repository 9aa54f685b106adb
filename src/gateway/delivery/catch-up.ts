/**
 * Sends sessions what they missed: page by page from the log, many rooms in one query, no faster than the client reads
 * and with a bounded number of pages in memory.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Actor, LoggedEvent } from "../../domain/model.ts";
import type { RoomLog } from "../../domain/ports/store/log.ts";
import { createSemaphore } from "../../domain/semaphore.ts";
import type { Logger } from "../../logger.ts";
import { EncodedEvent } from "../frames/encoded-event.ts";
import type { Entry } from "./catch-up-subscription.ts";
import type { Subscriber } from "./followed-room.ts";

/** Resolves when the session is live in all rooms, or gone. Never rejects. */
export type CatchUp = (session: Subscriber, entries: readonly Entry[]) => Promise<void>;

/** Pages read at once, over all sessions. */
const READERS = 8;
/** Events of one page, over all of its rooms. */
const PAGE_EVENTS = 2_000;
const MAX_PER_ROOM = 200;
const MIN_PER_ROOM = 4;
const TRIES = 10;
const RETRY_MS = 500;

export function createCatchUp(log: Pick<RoomLog, "rangeMany">, logger: Pick<Logger, "warn">): CatchUp {
  const gate = createSemaphore(READERS);

  async function page(entries: readonly Entry[]): Promise<LoggedEvent[]> {
    const wanted = entries.map(({ room, at, target }) => ({
      conversationId: room.id,
      after: at,
      upTo: target,
    }));
    const share = Math.floor(PAGE_EVENTS / wanted.length);
    return log.rangeMany(wanted, Math.min(MAX_PER_ROOM, Math.max(MIN_PER_ROOM, share)));
  }

  /** One page: read, sent, and what is complete goes live in the same turn. False when nothing could be read. */
  async function advance(session: Subscriber, entries: readonly Entry[]): Promise<boolean> {
    return gate(async () => {
      if (session.isGone) return true;
      try {
        const events = await page(entries);
        if (!session.isGone) session.connection.together(() => give(session, entries, events));
        return true;
      } catch (error) {
        logger.warn({ err: error }, "What a session missed can't be read now; it is read again");
        return false;
      }
    });
  }

  return async (session, entries) => {
    let failures = 0;
    let behind = entries.filter((entry) => entry.isReading);
    while (behind.length > 0 && !session.isGone) {
      if (!(await advance(session, behind))) {
        if (++failures >= TRIES) {
          session.end("unavailable");
          return;
        }
        await delay(RETRY_MS);
      }
      await session.drained();
      behind = behind.filter((entry) => entry.isReading && entry.isUnderWay);
    }
  };
}

function give(session: Subscriber, entries: readonly Entry[], events: readonly LoggedEvent[]): void {
  const byRoom = new Map(entries.map((entry) => [entry.room.id, entry]));
  const got = new Set<Entry>();
  let isWhole = true;
  for (const event of events) {
    if (session.isFull) {
      // The rest of the page is read again when the client has read some.
      isWhole = false;
      break;
    }
    const entry = byRoom.get(event.conversationId);
    if (!entry?.isUnderWay || event.seq !== entry.at + 1) continue;
    got.add(entry);
    entry.send(EncodedEvent.of(event));
    if (endsStay(session, entry, event)) entry.endWith(event.seq);
  }
  for (const entry of entries) {
    if (!entry.isUnderWay) continue;
    if (!entry.isReading) entry.finish();
    // The log of a deleted room is removed after a while; there is nothing left to be sent.
    else if (isWhole && !got.has(entry)) session.leave(entry.room);
  }
}

function endsStay(session: Subscriber, entry: Entry, event: LoggedEvent): boolean {
  if (event.type === "room.deleted") return true;
  if (event.type !== "member.left" || event.seq <= (session.rooms.get(entry.room) ?? 0)) return false;
  const { member } = JSON.parse(event.dataJson) as { member: Actor };
  return member.kind === "user" && member.id === session.identity?.actor.id;
}
