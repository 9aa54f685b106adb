/** The news for webhooks in an event of a room's log: the objects that it made, changed or ended. */

import { dataOf } from "../domain/event-data.ts";
import type { LoggedEvent, User, WebhookType } from "../domain/model.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { RoomSnapshot } from "../domain/ports/store/webhooks.ts";
import type { WebhookNews } from "../domain/ports/webhooks.ts";

/** News with a key that differs from the keys of other news of the same event. */
export interface KeyedNews {
  news: WebhookNews;
  key: string;
}

type RoomType = Extract<WebhookType, `conversation.${string}` | `group.${string}`>;
type MessageType = Extract<WebhookType, `message.${string}`>;

/** The news of one event, in the order of their deliveries. Calls and changes of roles give none: no object shows them. */
export async function newsOfEvent(
  store: Pick<Store, "messages">,
  snapshot: RoomSnapshot,
  event: LoggedEvent,
  viewer: User | null,
): Promise<KeyedNews[]> {
  const isGroup = snapshot.room.type !== "one_to_one";
  const rooms = (...types: RoomType[]): KeyedNews[] =>
    types
      .filter((type) => isGroup || !type.startsWith("group."))
      .map((type) => ({ key: type, news: { type, viewer, ...snapshot } }));
  const message = (type: MessageType, seq: number) => messageNews(store, snapshot, type, seq, viewer);
  switch (event.type) {
    case "room.created":
      return rooms("group.created", "conversation.created");
    case "room.changed":
      return rooms("group.updated", "conversation.updated");
    case "room.deleted":
      return rooms("conversation.deleted", "group.deleted");
    case "member.joined":
    case "member.left":
      return rooms("group.updated");
    case "message.pinned":
    case "message.unpinned":
      return rooms("conversation.updated");
    case "message":
      return [...(await message("message.created", event.seq)), ...(await sentFiles(store, event, viewer))];
    case "message.edited":
    case "reaction.added":
    case "reaction.removed":
      return await message("message.updated", targetOf(event));
    case "message.deleted":
      return await message("message.deleted", targetOf(event));
    case "member.changed":
    case "call.started":
    case "call.joined":
    case "call.left":
    case "call.ended":
      return [];
  }
}

function targetOf(event: LoggedEvent): number {
  return dataOf<"message.edited" | "message.deleted">(event).seq;
}

async function messageNews(
  { messages }: Pick<Store, "messages">,
  { room }: RoomSnapshot,
  type: MessageType,
  seq: number,
  viewer: User | null,
): Promise<KeyedNews[]> {
  const place = { roomId: room.id, seq };
  const [event] = await messages.at([place]);
  return event ? [{ key: type, news: { type, viewer, room, place, event } }] : [];
}

/** A file gets its place when its message is sent, so each file of a new message is news. */
async function sentFiles(
  { messages }: Pick<Store, "messages">,
  event: LoggedEvent,
  viewer: User | null,
): Promise<KeyedNews[]> {
  const { attachments = [] } = dataOf<"message">(event);
  if (attachments.length === 0) return [];
  const place = { roomId: event.roomId, seq: event.seq };
  const kept = await messages.attachments(attachments.map(({ id }) => id));
  return kept.map(({ id, filename, type, size, createdAt, room }) => ({
    key: `attachment ${id}`,
    news: {
      type: "attachment.updated",
      viewer,
      place,
      attachment: { id, filename, type, size, createdAt, room },
    },
  }));
}

/**
 * Leaves out all but the last of consecutive joins and leaves, so that they change the group once; and all joins that
 * belong to the making of the room.
 */
export function withoutRuns(events: readonly LoggedEvent[]): LoggedEvent[] {
  const isMove = ({ type }: LoggedEvent) => type === "member.joined" || type === "member.left";
  let isMade = false;
  return events.filter((event, i) => {
    if (!isMove(event)) {
      isMade = event.type === "room.created";
      return true;
    }
    const next = events[i + 1];
    return !isMade && !(next && isMove(next));
  });
}
