/**
 * From the feed to those who wait on `/await`: one queue for all of them, emptied once per turn of the event loop. What
 * came in one turn is translated together: names are looked up once, and what several are told is encoded once.
 */

import type { LoggedEvent, User } from "../../domain/model.ts";
import { type Actor, userActor } from "../../domain/model.ts";
import type { TypingNews, UserReader } from "../../domain/ports/feed.ts";
import type { Logger } from "../../logger.ts";
import { target, type WireEvent, wireEvent } from "./events.ts";
import { notificationId } from "./notification-ids.ts";
import type { WireParts } from "./parts.ts";
import { settingsBody } from "./shapes.ts";
import { createTranslation } from "./translation.ts";

export interface Recipient {
  readonly user: User;
  send(frame: Uint8Array): void;
  end(why: "revoked" | "behind"): void;
}

export interface Delivery {
  /** What the feed is to be told of the recipient's rooms. */
  readerFor(recipient: Recipient): UserReader;
}

interface Batch {
  events: Map<Recipient, LoggedEvent[]>;
  typing: { to: Recipient; news: TypingNews }[];
  settings: { to: Recipient; conversationId: number }[];
}

export function createDelivery(parts: WireParts, logger: Pick<Logger, "error">): Delivery {
  const translate = createTranslation(parts);
  const transientId = createTransientIds();
  let batch = emptyBatch();
  let isScheduled = false;

  function wake(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => void run());
  }

  async function run(): Promise<void> {
    const taken = batch;
    batch = emptyBatch();
    try {
      await deliverEvents(taken);
      await Promise.all([deliverTyping(taken), deliverSettings(taken)]);
    } catch (error) {
      logger.error({ err: error }, "Clients of /await could not be told; they have to read /notifications");
      for (const recipient of taken.events.keys()) recipient.end("behind");
    }
    isScheduled = false;
    if (!isEmpty(batch)) wake();
  }

  async function deliverEvents({ events }: Batch): Promise<void> {
    if (events.size === 0) return;
    const readings = [...events].map(([{ user }, list]) => ({ user, events: list }));
    const told = await translate(readings);
    const frames = new Map<object, Uint8Array>();
    [...events.keys()].forEach((recipient, i) => {
      for (const notification of told[i] ?? []) {
        const frame = frames.get(notification) ?? frameOf(notification.id, notification.payload, false);
        frames.set(notification, frame);
        recipient.send(frame);
      }
    });
  }

  async function deliverTyping({ typing }: Batch): Promise<void> {
    if (typing.length === 0) return;
    const known = await parts.names({
      users: typing.map(({ news }) => news.actor),
      rooms: typing.map(({ news }) => news.conversationId),
    });
    const frames = new Map<string, Uint8Array>();
    for (const { to, news } of typing) {
      const { conversationId, actor, on } = news;
      const room = known.room(conversationId);
      if (room === null) continue;
      const key = `${conversationId} ${actor.kind} ${actor.id} ${on}`;
      const where = { room, from: known.person(actor), at: Date.now(), domain: parts.domain() };
      const status = on ? ("started" as const) : ("stopped" as const);
      const frame =
        frames.get(key) ??
        frameOf(transientId(), [wireEvent("conversation.typing", where, { status })], true);
      frames.set(key, frame);
      to.send(frame);
    }
  }

  /** What a user set for themselves in one client, for their others. */
  async function deliverSettings({ settings }: Batch): Promise<void> {
    const tell = async ({ to, conversationId: id }: Batch["settings"][number]) => {
      const found = await parts.useCases.finding.locate(userActor(to.user), { id });
      if (!found?.membership) return;
      const { uuid } = to.user;
      const domain = parts.domain();
      const where = { room: found.conversation.uuid, from: uuid, at: Date.now(), domain };
      const data = { ...target(uuid, domain), ...settingsBody(found.membership) };
      to.send(frameOf(transientId(), [wireEvent("conversation.member-update", where, data)], true));
    };
    await Promise.all(settings.map(tell));
  }

  return {
    readerFor: (recipient) => ({
      event(event) {
        if (!TOLD.has(event.type)) return;
        const waiting = batch.events.get(recipient);
        if (waiting) waiting.push(event);
        else batch.events.set(recipient, [event]);
        wake();
      },
      typing(news) {
        if (isSelf(news.actor, recipient.user)) return;
        batch.typing.push({ to: recipient, news });
        wake();
      },
      settings({ conversationId }) {
        batch.settings.push({ to: recipient, conversationId });
        wake();
      },
      gone: () => recipient.end("revoked"),
    }),
  };
}

/** Messages are most of a log, and Wire's clients are not told of them here. */
const TOLD: ReadonlySet<LoggedEvent["type"]> = new Set([
  "member.joined",
  "member.left",
  "member.changed",
  "room.changed",
  "room.deleted",
]);

function emptyBatch(): Batch {
  return { events: new Map(), typing: [], settings: [] };
}

function isEmpty({ events, typing, settings }: Batch): boolean {
  return events.size === 0 && typing.length === 0 && settings.length === 0;
}

/** Their own other clients know as well that they type. */
function isSelf({ kind, id }: Actor, user: User): boolean {
  return kind === "user" && id === String(user.id);
}

function frameOf(id: string, payload: readonly WireEvent[], transient: boolean): Uint8Array {
  return Buffer.from(JSON.stringify({ id, transient, payload }));
}

const MOST_TRANSIENT = 2 ** 32;

/** Ids of what is not kept: a place in time before everything of the same moment, so that they too can be gone on from. */
function createTransientIds(): () => string {
  let count = 0;
  return () => {
    count = (count + 1) % MOST_TRANSIENT;
    return notificationId({ at: Date.now(), conversationId: 0, seq: count });
  };
}
