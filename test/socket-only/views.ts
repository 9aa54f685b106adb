/** What each watcher shows, in words that can be compared. */
import type { Client } from "../../src/client/client.ts";
import type { LocalClient } from "../../src/client/local/local-client.ts";
import type { TimelineItem } from "../../src/client/local/timeline/timeline.ts";
import type { Room } from "../../src/client/rooms.ts";
import type { MessageData, MessageEvent, RoomEvent } from "../../src/protocol/frames.ts";

/** A message, as everybody who may see it sees it. */
export interface ShownMessage {
  seq: number;
  /** The id of its author. */
  by: string;
  text: string;
  /** What else it holds, as texts in a fixed order. */
  with: string[];
}

/** The whole of a room's log that the server gives to this client. */
export async function wholeLog(client: Client, room: string): Promise<RoomEvent[]> {
  const events: RoomEvent[] = [];
  for (let more = true; more; ) {
    const before = events[0]?.seq;
    const page = await client.history({ room, limit: 100, ...(before !== undefined && { before }) });
    events.unshift(...page.events);
    more = page.more;
  }
  return events;
}

/** The whole of a room that a client with a store shows. */
export async function wholeTimeline(client: LocalClient, room: string): Promise<readonly TimelineItem[]> {
  const { messages } = client.room(room);
  await messages.load();
  while (await messages.loadOlder());
  return messages.getSnapshot();
}

export function messagesOf(items: readonly (RoomEvent | TimelineItem)[]): ShownMessage[] {
  return items.flatMap((item) => (item.type === "message" ? [shownMessage(item)] : []));
}

function shownMessage({ seq, actor, data }: Pick<MessageEvent, "actor" | "data"> & { seq?: number }) {
  return { seq: seq ?? 0, by: actor.id, text: data.text, with: [...partsOf(data)] };
}

function* partsOf(data: MessageData): Generator<string> {
  const { thread, reply } = data;
  if (data.deleted) yield "deleted";
  if (data.edited !== undefined) yield "edited";
  if (data.format) yield data.format;
  if (data.silent) yield "silent";
  if (data.forwarded) yield `first said by ${data.forwarded.actor.id}`;
  if (data.kind) yield `${data.kind} ${JSON.stringify(data.data ?? null)}`;
  if (data.replyTo !== undefined) yield `answers ${data.replyTo}`;
  if (reply) yield `quotes ${reply.seq} of ${reply.actor.id}: ${reply.text}`;
  if (typeof thread === "number") yield `in thread ${thread}`;
  if (typeof thread === "object") yield `has ${thread.count} answers, the last ${thread.lastSeq}`;
  for (const who of [...(data.mentions ?? [])].sort()) yield `mentions ${who}`;
  for (const { filename, type, size } of data.attachments ?? []) yield `${filename}, ${type}, ${size} bytes`;
  for (const { name, count, actors } of data.reactions ?? []) {
    yield `${name} ${count} of ${actors.map(({ id }) => id).join(", ")}`;
  }
}

/**
 * A room's entry as two devices of one person have it. How the message `last` is held, what each device looks at by itself, the
 * order of an entry's changes, and whether the device came before the room was in Matrix [GW-15.2] are the device's own.
 */
export function entryOf(room: Room): object {
  const { rev: _rev, lastPing: _ping, delivered: _delivered, ids, last, ...entry } = room;
  const { matrix: _matrix, ...names } = ids ?? {};
  return { ...entry, ids: names, last: last && { seq: last.seq, text: last.data.text } };
}

export function entriesOf(client: Client): Record<string, object> {
  return Object.fromEntries(client.rooms.getSnapshot().map((room) => [room.room, entryOf(room)]));
}

/** What the entries of all members of a room have alike. */
export function sharedEntryOf(room: Room | undefined): object {
  const { name, type, description, avatar, members, head, readOnly, posting, pinned, messageTimer } =
    room ?? ({} as Partial<Room>);
  const alike = { type, description, avatar, members, head, readOnly, posting, pinned, messageTimer };
  return type === "one_to_one" ? alike : { ...alike, name };
}
