/**
 * From the feed to the clients on `/await`. The feed says only that something happened. The events are read from the
 * journal, up to a horizon before which nothing is committed later. So notifications come in the order of their ids without
 * gaps, and `/notifications` can continue after any of them.
 *
 * One queue for all clients is emptied once per turn of the event loop: events are read and translated together, and a
 * notification for several clients is encoded once.
 */
import { isUnavailable } from "../../../domain/errors.ts";
import { isUser, JOURNALED, type JournalPlace, type LoggedEvent, type User } from "../../../domain/model.ts";
import type { TypingNews, UserReader } from "../../../domain/ports/feed.ts";
import type { Logger } from "../../../logger.ts";
import type { WireParts } from "../common/parts.ts";
import { type NotificationEvent, wireEvent } from "../shapes/events.ts";
import { notificationId, transientId } from "../shapes/notification-ids.ts";
import { createQueue, shared } from "./queues.ts";
import { createTranslation, type Notification } from "./translation.ts";

export interface Recipient {
  readonly user: User;
  send(frame: Uint8Array): void;
  end(why: "revoked" | "behind"): void;
}

export interface Delivery {
  /** The place from which a new reader gets everything. Ask for it before following. */
  beginning(): Promise<number>;
  /** The reader that follows the recipient's rooms in the feed. */
  readerFor(recipient: Recipient, beginning: number): UserReader;
}

/** How far a recipient has read the journal. */
interface Reading {
  readonly to: Recipient;
  after: JournalPlace;
  /** Everything before this time was sent, ms. */
  settled: number;
  /** The time of the latest event that is known to wait, ms. */
  latest: number;
}

/** Events of one user in one query. */
const PAGE = 500;
/** The pause before another try to read events that were after the horizon. */
const AGAIN_MS = 20;

export function createDelivery(
  parts: WireParts<"clock" | "connections" | "finding" | "journal" | "profiles">,
  logger: Pick<Logger, "error">,
): Delivery {
  const { journal } = parts.useCases;
  const translate = createTranslation(parts);
  const horizon = shared(() => journal.horizon());
  const count = createCounter();

  const news = createQueue<Reading>(deliverNews, (error, readings) => {
    if (!isUnavailable(error))
      logger.error(
        { event: "await.delivery_failed", err: error, clients: readings.length },
        "could not deliver to clients of /await; their sockets close, and they read /notifications",
      );
    for (const { to } of readings) to.end("behind");
  });
  const lost = (error: unknown) => {
    if (!isUnavailable(error))
      logger.error(
        { event: "await.transient_lost", err: error },
        "could not deliver a transient notification to clients of /await; it is lost",
      );
  };
  const typing = createQueue(deliverTyping, lost);

  async function deliverNews(readings: readonly Reading[]): Promise<void> {
    const until = await horizon();
    const frames = new Map<Notification, Uint8Array>();
    const late: Reading[] = [];
    for (const { notifications, end, readings: mine } of await notificationsFor(readings, until)) {
      for (const reading of mine) {
        send(reading, notifications, frames);
        if (end) {
          reading.after = later(reading.after, end);
          news(reading);
          continue;
        }
        reading.settled = Math.max(reading.settled, until);
        reading.after = { at: reading.settled, roomId: 0, seq: 0 };
        if (reading.latest >= until) late.push(reading);
      }
    }
    if (late.length > 0) setTimeout(() => late.forEach(news), AGAIN_MS);
  }

  /** Notifications of each user, from the client on that has read least; `end` is set when there are more. */
  async function notificationsFor(readings: readonly Reading[], until: number) {
    const users = byUser(readings);
    const readers = users.map(({ user, mine }) => ({ userId: user.id, after: leastOf(mine) }));
    const pages = await journal.pages(readers, { horizon: until, limit: PAGE });
    const notifications = await translate(users.map(({ user }, i) => ({ user, events: pages[i] ?? [] })));
    return users.map(({ mine }, i) => {
      const events = pages[i] ?? [];
      return {
        readings: mine,
        notifications: notifications[i] ?? [],
        end: events.length < PAGE ? null : events.at(-1),
      };
    });
  }

  function send(
    { to, after }: Reading,
    notifications: readonly Notification[],
    frames: Map<Notification, Uint8Array>,
  ): void {
    const before = notificationId(after);
    for (const notification of notifications) {
      if (notification.id <= before) continue;
      const frame = frames.get(notification) ?? frameOf(notification.id, notification.payload, false);
      frames.set(notification, frame);
      to.send(frame);
    }
  }

  async function deliverTyping(all: readonly { reading: Reading; news: TypingNews }[]): Promise<void> {
    const known = await parts.names({
      users: all.map(({ news }) => news.actor),
      rooms: all.map(({ news }) => news.roomId),
    });
    const frames = new Map<string, Uint8Array>();
    for (const { reading, news } of all) {
      const { roomId, actor, on } = news;
      const room = known.room(roomId);
      if (room === null) continue;
      const key = `${reading.settled} ${roomId} ${actor.kind} ${actor.id} ${on}`;
      const where = {
        room,
        from: known.person(actor),
        at: parts.useCases.clock.now(),
        domain: parts.domain(),
      };
      const status = on ? ("started" as const) : ("stopped" as const);
      const frame =
        frames.get(key) ??
        transientFrame(reading.settled, [wireEvent("conversation.typing", where, { status })]);
      frames.set(key, frame);
      reading.to.send(frame);
    }
  }

  function transientFrame(settled: number, payload: readonly NotificationEvent[]): Uint8Array {
    return frameOf(transientId(settled, count()), payload, true);
  }

  return {
    beginning: horizon,
    readerFor(to, beginning) {
      const after = { at: beginning, roomId: 0, seq: 0 };
      const reading: Reading = { to, after, settled: beginning, latest: 0 };
      const wakenBy = (at: number) => {
        reading.latest = Math.max(reading.latest, at);
        news(reading);
      };
      return {
        event: ({ type, at }) => {
          if (WAKING_TYPES.has(type)) wakenBy(at);
        },
        connections: ({ at }) => wakenBy(at),
        typing(one) {
          if (!isUser(one.actor, to.user.id)) typing({ reading, news: one });
        },
        settings: ({ at }) => wakenBy(at),
        lost: () => to.end("behind"),
        gone: () => to.end("revoked"),
      };
    },
  };
}

/** Types of events that make notifications. Messages, the most frequent ones, make none. */
const WAKING_TYPES: ReadonlySet<LoggedEvent["type"]> = new Set(JOURNALED);

function byUser(readings: readonly Reading[]): { user: User; mine: Reading[] }[] {
  const users = new Map<number, { user: User; mine: Reading[] }>();
  for (const reading of readings) {
    const { user } = reading.to;
    const known = users.get(user.id);
    if (known) known.mine.push(reading);
    else users.set(user.id, { user, mine: [reading] });
  }
  return [...users.values()];
}

function leastOf(readings: readonly Reading[]): JournalPlace {
  return readings.map(({ after }) => after).reduce((a, b) => (later(a, b) === a ? b : a));
}

function later(a: JournalPlace, b: JournalPlace): JournalPlace {
  return notificationId(a) > notificationId(b) ? a : b;
}

function frameOf(id: string, payload: readonly NotificationEvent[], transient: boolean): Uint8Array {
  return Buffer.from(JSON.stringify({ id, transient, payload }));
}

const MAX_TRANSIENT = 2 ** 32;

function createCounter(): () => number {
  let count = 0;
  return () => {
    count = (count + 1) % MAX_TRANSIENT;
    return count;
  };
}
