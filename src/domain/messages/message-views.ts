/** Views of messages for a reader: with the answered message, reactions, files and the author. */
import type { Context } from "../context/context.ts";
import { hiddenIn, type IsHidden } from "../context/hidden.ts";
import { dataOf } from "../event-data.ts";
import type { MessagePlace } from "../ids.ts";
import {
  type Actor,
  type Attachment,
  type LoggedEvent,
  type Membership,
  memberKey,
  type User,
} from "../model.ts";
import type { MessageDetails, StoredReaction, Visible } from "../ports/store/messages.ts";
import { reactionName } from "../text-rules.ts";
import type { MessageView, ParentMessage, Reaction, TimelineEntry } from "../use-cases/messages.ts";
import { asSeen } from "../visibility.ts";

export interface MessageViews {
  /**
   * Entries for events, in their order, without deleted messages and those that the reader hid.
   * @param sight by room: what the reader sees of it
   */
  entries(events: readonly LoggedEvent[], sight: (roomId: number) => Sight): Promise<TimelineEntry[]>;
}

/** What a reader sees of a room. */
export type Sight = Omit<Visible, "roomId">;
export function sightOf(
  actor: Actor,
  { historyFrom, hiddenNo }: Pick<Membership, "historyFrom" | "hiddenNo">,
): Sight {
  return { historyFrom, ...(hiddenNo > 0 && { hiddenBy: memberKey(actor) }) };
}
/** Everything. */
export const ALL: Sight = { historyFrom: 0 };

export function createMessageViews({ store }: Context): MessageViews {
  /** The answered messages, by the key of the answer. */
  async function parentsOf(
    messages: readonly LoggedEvent[],
    sight: (id: number) => Sight,
    isHidden: IsHidden,
  ) {
    const places = messages.flatMap((message) => {
      const replyTo = answeredBy(message);
      const { roomId } = message;
      const isSeen =
        replyTo !== undefined && replyTo > sight(roomId).historyFrom && !isHidden(roomId, replyTo);
      return isSeen ? [{ roomId, seq: replyTo }] : [];
    });
    const found = places.length === 0 ? [] : await store.messages.at(places);
    return new Map(found.filter(isLive).map((event) => [keyOf(event), event]));
  }

  async function authorsOf(events: readonly LoggedEvent[]): Promise<Map<string, User>> {
    const ids = events.flatMap(({ actor }) => (actor.kind === "user" ? [Number(actor.id)] : []));
    const users = ids.length === 0 ? [] : await store.users.byIds([...new Set(ids)]);
    return new Map(users.map((user) => [String(user.id), user]));
  }

  return {
    async entries(events, sight) {
      const isHidden = await hiddenIn(store, (roomId) => sight(roomId).hiddenBy, events);
      const live = events.filter(
        (event) => event.type !== "message" || (isLive(event) && !isHidden(event.roomId, event.seq)),
      );
      const messages = live.filter(({ type }) => type === "message");
      const parents = await parentsOf(messages, sight, isHidden);
      const all = [...messages, ...parents.values()];
      const [details, users] = await Promise.all([store.messages.details(all), authorsOf(all)]);
      const views = new Map(all.map((event, i) => [keyOf(event), { event, details: details[i] }]));
      const view = (key: string) => {
        const found = views.get(key);
        return found?.details ? viewOf(found.event, found.details, users) : null;
      };
      return live.map((event) => {
        const shown = event.type === "message" ? view(keyOf(event)) : null;
        const { roomId } = event;
        const seen = asSeen(event, sight(roomId).historyFrom, (seq) => isHidden(roomId, seq));
        return { event: seen, message: shown && { ...shown, parent: parentOf(event, view) } };
      });
    },
  };
}

/** The message that this one answers; one that only goes to a thread answers the thread's first. */
function answeredBy(message: LoggedEvent): number | undefined {
  const { replyTo, thread } = dataOf<"message">(message);
  return replyTo ?? thread;
}

function parentOf(
  event: LoggedEvent,
  view: (key: string) => Omit<MessageView, "parent"> | null,
): ParentMessage | null {
  const replyTo = answeredBy(event);
  if (replyTo === undefined) return null;
  const place = { roomId: event.roomId, seq: replyTo };
  const parent = view(keyOf(place));
  return parent ? { ...parent, deleted: false } : { ...place, deleted: true };
}

function viewOf(
  event: LoggedEvent,
  { roomPublicId, reactions, attachments, readAt }: MessageDetails,
  users: ReadonlyMap<string, User>,
): Omit<MessageView, "parent"> {
  const { roomId, seq, room, id, actor, at } = event;
  const { text, mentions = [], edited, attachments: sent = [] } = dataOf<"message">(event);
  const order = new Map(sent.map((file, i) => [file.id, i]));
  return {
    ...{ roomId, seq, room, roomPublicId, id, at, text, mentions, readAt },
    attachments: inOrder(attachments, order),
    author: actor,
    user: actor.kind === "user" ? (users.get(actor.id) ?? null) : null,
    reactions: groupReactions(reactions),
    updatedAt: edited ?? null,
  };
}

/** Files in the order of the message's list. */
function inOrder(files: readonly Attachment[], order: ReadonlyMap<string, number>): Attachment[] {
  return [...files].sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

/** Groups reactions by name, in the order of the first of each. */
export function groupReactions(reactions: readonly StoredReaction[]): Reaction[] {
  const byName = new Map<string, Reaction>();
  for (const { name, actor, handle } of reactions) {
    const key = reactionName(name);
    const reaction = byName.get(key) ?? { name: key, by: [] };
    reaction.by.push({ actor, handle });
    byName.set(key, reaction);
  }
  return [...byName.values()];
}

function isLive(event: LoggedEvent): boolean {
  return event.type === "message" && dataOf<"message">(event).deleted !== true;
}

function keyOf({ roomId, seq }: MessagePlace): string {
  return `${roomId} ${seq}`;
}
