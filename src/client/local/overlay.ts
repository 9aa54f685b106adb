/** What the app shows: what is stored, and over it what the user did and the server has not acknowledged. Plain functions. */
import type { MessageData, WireActor } from "../../protocol/frames.ts";
import type { Fields } from "../commands/command.ts";
import type { Room } from "../rooms.ts";
import type { PendingWrite } from "./pending-write.ts";
import {
  deleted,
  edited,
  type Failure,
  keyOf,
  react,
  replyOf,
  type StoredItem,
  type TimelineItem,
  type TimelineMessage,
  unreact,
} from "./timeline/timeline.ts";

/** @param me the user, as the author of messages */
export function withPending(
  items: readonly StoredItem[],
  writes: readonly PendingWrite[],
  me: WireActor,
): readonly TimelineItem[] {
  // A new list: what was given before stays as it was.
  const shown: TimelineItem[] = [...items];
  if (writes.length === 0) return shown;
  const places = new Map<string, number>();
  for (const [index, item] of items.entries()) places.set(item.key, index).set(placeOf(item.seq), index);
  for (const write of writes) {
    if (write.op !== "send") continue;
    const message = pendingMessage(write, me, items[places.get(placeOf(write.fields.replyTo)) ?? -1]);
    // Its event came before its acknowledgement.
    if (places.has(message.key)) continue;
    places.set(message.key, shown.length);
    if (message.seq !== undefined) places.set(placeOf(message.seq), shown.length);
    shown.push(message);
  }
  const hidden = new Set<TimelineItem>();
  for (const write of writes) {
    const { target } = write;
    if (!target) continue;
    const place = "seq" in target ? placeOf(target.seq) : keyOf({ id: target.id, actor: me });
    const index = places.get(place);
    const item = index === undefined ? undefined : shown[index];
    if (index === undefined || item?.type !== "message") continue;
    shown[index] = changed(item, write, me);
    if (isHide(write)) hidden.add(shown[index]);
  }
  return hidden.size === 0 ? shown : shown.filter((item) => !hidden.has(item));
}

/** The user hid the message for themselves. */
function isHide({ op, fields, failed }: PendingWrite): boolean {
  return op === "delete" && fields.forMe === true && !failed;
}

function placeOf(seq: unknown): string {
  return `#${seq}`;
}

/** What `send` has, and a message does not. */
type SentFields = Pick<Fields<"send">, "type" | "forward">;

function pendingMessage(
  write: PendingWrite,
  me: WireActor,
  answered: TimelineItem | undefined,
): TimelineMessage {
  const { room, id, fields, at, ack, said } = write;
  const { type: kind, attachments: _, forward: __, ...data } = fields as Partial<MessageData> & SentFields;
  const reply = replyOf(answered);
  return {
    room,
    type: "message",
    id,
    actor: me,
    key: keyOf({ id, actor: me }),
    at: ack?.at ?? at,
    data: { text: "", ...data, ...said, ...(kind && kind !== "text" && { kind }), ...(reply && { reply }) },
    ...(ack && { seq: ack.seq }),
    ...stateOf(write),
  };
}

/** A change that was refused is not shown as done. */
function changed(item: TimelineMessage, write: PendingWrite, me: WireActor): TimelineMessage {
  const data = write.failed ? item.data : changedData(item.data, write, me);
  return { ...item, data, ...stateOf(write) };
}

function changedData(data: MessageData, { op, fields, at }: PendingWrite, me: WireActor): MessageData {
  if (data.deleted) return data;
  const { name, format, mentions, ...edit } = fields as { name: string } & Partial<MessageData>;
  switch (op) {
    case "edit": {
      // Both stay where the edit does not name them [GW-13.2].
      const kept = {
        mentions: mentions ?? data.mentions,
        format: format === undefined ? data.format : format,
      };
      const whole = { attachments: data.attachments, text: edit.text, ...kept } as Partial<MessageData>;
      return edited(data, whole, Math.max(at, data.edited ?? 0));
    }
    case "delete":
      return deleted(data);
    case "react":
      return react(data, name, me, true);
    case "unreact":
      return unreact(data, name, me, true);
    default:
      return data;
  }
}

function stateOf({ id, ack, failed }: PendingWrite): { pending?: true; failed?: Failure } {
  if (failed) return { failed: { id, ...failed } };
  return ack ? {} : { pending: true };
}

/**
 * A room's entry with the read marker that the server does not know yet, and what is unread as it is counted here.
 * @param countAfter messages of others after a seq, where all of them are in memory
 */
export function withMarker(
  entry: Room,
  marker: number | undefined,
  countAfter: (seq: number) => number | undefined,
): Room {
  if (entry.waiting) return entry;
  const read = Math.max(entry.read, marker ?? 0);
  const known = read === entry.read ? entry.unread : Math.min(entry.unread, Math.max(0, entry.head - read));
  const unread = countAfter(read) ?? known;
  if (read === entry.read && unread === entry.unread) return entry;
  return { ...entry, read, unread, mention: Math.min(entry.mention, unread) };
}
