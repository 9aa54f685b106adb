/**
 * Sends subscribers what they missed: page by page from the log, many rooms in one query, no faster than the client reads
 * and with a bounded number of pages in memory.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isAbout } from "../../domain/event-data.ts";
import type { LoggedEvent } from "../../domain/model.ts";
import type { RoomLog } from "../../domain/ports/store/log.ts";
import { createSemaphore } from "../../domain/semaphore.ts";
import type { Logger } from "../../logger.ts";
import { EncodedEvent } from "../frames/encoded-event.ts";
import type { FileUrls } from "../frames/file-urls.ts";
import type { CatchUpSubscription } from "./catch-up-subscription.ts";
import type { Subscriber } from "./followed-room.ts";

/** Pages read at once, over all subscribers. */
const MAX_READERS = 8;
/** Events of one page, over all of its rooms. */
const PAGE_EVENTS = 2_000;
const MAX_PER_ROOM = 200;
const MIN_PER_ROOM = 4;
const MAX_TRIES = 10;
const RETRY_MS = 500;

export class CatchUp {
  /** Calls of `read` that have not resolved. */
  underWay = 0;
  readonly #log: Pick<RoomLog, "rangeMany">;
  readonly #fileUrls: FileUrls;
  readonly #logger: Pick<Logger, "warn">;
  readonly #semaphore = createSemaphore(MAX_READERS);

  constructor(log: Pick<RoomLog, "rangeMany">, fileUrls: FileUrls, logger: Pick<Logger, "warn">) {
    this.#log = log;
    this.#fileUrls = fileUrls;
    this.#logger = logger;
  }

  /**
   * Reads what these subscriptions of one subscriber miss. Resolves when none has anything to read any more, or the
   * subscriber is gone. Never rejects.
   */
  async read(subscriber: Subscriber, subscriptions: readonly CatchUpSubscription[]): Promise<void> {
    this.underWay++;
    let failures = 0;
    let behind = subscriptions.filter(({ isReading }) => isReading);
    while (behind.length > 0 && !subscriber.isGone) {
      if (!(await this.#advance(subscriber, behind))) {
        if (++failures >= MAX_TRIES) {
          subscriber.fail();
          break;
        }
        await delay(RETRY_MS);
      }
      await subscriber.drained();
      behind = behind.filter(({ isReading }) => isReading);
    }
    this.underWay--;
  }

  /** Reads and sends one page; what is complete goes live in the same turn. False when nothing could be read. */
  async #advance(subscriber: Subscriber, subscriptions: readonly CatchUpSubscription[]): Promise<boolean> {
    return this.#semaphore(async () => {
      if (subscriber.isGone) return true;
      try {
        const events = await this.#page(subscriptions);
        const encode = (event: LoggedEvent) => EncodedEvent.of(event, this.#fileUrls);
        if (!subscriber.isGone) subscriber.batch(() => sendPage(subscriber, subscriptions, events, encode));
        return true;
      } catch (error) {
        const what = { event: "catchup.read_failed", user: subscriber.userId, rooms: subscriptions.length };
        const fields = { ...what, retry_ms: RETRY_MS, err: error };
        this.#logger.warn(fields, "could not read the events that a subscriber missed; retrying");
        return false;
      }
    });
  }

  #page(subscriptions: readonly CatchUpSubscription[]): Promise<LoggedEvent[]> {
    const wanted = subscriptions.map(({ room, position, catchUpTo }) => ({
      roomId: room.id,
      after: position,
      upTo: catchUpTo,
    }));
    const share = Math.floor(PAGE_EVENTS / wanted.length);
    return this.#log.rangeMany(wanted, Math.min(MAX_PER_ROOM, Math.max(MIN_PER_ROOM, share)));
  }
}

function sendPage(
  subscriber: Subscriber,
  subscriptions: readonly CatchUpSubscription[],
  events: readonly LoggedEvent[],
  encode: (event: LoggedEvent) => EncodedEvent,
): void {
  const byRoom = new Map(subscriptions.map((each) => [each.room.id, each]));
  const got = new Set<CatchUpSubscription>();
  let isWhole = true;
  for (const event of events) {
    if (subscriber.isFull) {
      // The rest of the page is read again when the client has read some.
      isWhole = false;
      break;
    }
    const subscription = byRoom.get(event.roomId);
    if (subscription?.state !== "catching-up" || event.seq !== subscription.position + 1) continue;
    got.add(subscription);
    subscription.send(encode(event));
    if (endsStay(subscriber, subscription, event)) subscription.endAt(event.seq);
  }
  for (const subscription of subscriptions) {
    if (subscription.state !== "catching-up") continue;
    if (!subscription.isReading) subscription.setCaughtUp();
    // The log of a deleted room is removed after a while; there is nothing left to be sent.
    else if (isWhole && !got.has(subscription)) subscriber.end(subscription.room);
  }
}

function endsStay(subscriber: Subscriber, { room }: CatchUpSubscription, event: LoggedEvent): boolean {
  if (event.type === "room.deleted") return true;
  if (event.type !== "member.left" || event.seq <= (subscriber.rooms.get(room) ?? 0)) return false;
  return isAbout(event, subscriber.userId);
}
