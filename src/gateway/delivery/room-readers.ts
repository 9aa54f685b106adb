/** Readers of a room that are no sessions, each one entry of it; and frames that go to some sessions alone. */
import type { RoomReader } from "../../domain/ports/feed.ts";
import type {
  CallFrame,
  PresenceFrame,
  ReceiptFrame,
  TypingFrame,
  UserFrame,
} from "../../protocol/frames.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom, TopicSubscriber } from "./followed-room.ts";

/** What goes to a room without being in its log. */
export type RoomFrame = TypingFrame | PresenceFrame | SomeReceipt | UserFrame | CallFrame;
/** `to`: only these users (ids) are told. */
type SomeReceipt = ReceiptFrame & { to?: readonly number[] };

/** Null for what is not ours: another version of the program may speak on the channel. */
export function readFrame(line: Uint8Array): RoomFrame | null {
  try {
    return JSON.parse(new TextDecoder().decode(line)) as RoomFrame;
  } catch {
    return null;
  }
}

/** The reader hears what is delivered from now on. @returns how to end that */
export function addReader(room: FollowedRoom, reader: RoomReader): () => void {
  // One object for each following: the same reader may follow twice.
  const entry: RoomReader = {
    event: (event) => reader.event(event),
    lost: () => reader.lost?.(),
    typing: (typing) => reader.typing?.(typing),
    call: (call) => reader.call?.(call),
    presence: (presence) => reader.presence?.(presence),
  };
  room.readers ??= new Set();
  const { readers } = room;
  readers.add(entry);
  return () => {
    readers.delete(entry);
    if (readers.size === 0 && room.readers === readers) room.readers = null;
  };
}

/** Calls every reader with the event. The set is copied: a reader may stop in its call. */
export function tellReaders(room: FollowedRoom, event: EncodedEvent): void {
  const logged = event.logged(room.id);
  for (const reader of [...(room.readers ?? [])]) reader.event(logged);
}

/** As {@link tellReaders}, for a frame that is in no log. */
export function tellReadersOf(room: FollowedRoom, frame: RoomFrame): void {
  const roomId = room.id;
  for (const reader of [...(room.readers ?? [])]) {
    if (frame.op === "typing") reader.typing?.({ roomId, actor: frame.actor, on: frame.on });
    else if (frame.op === "presence") {
      reader.presence?.({ roomId, actor: frame.actor, lastPing: frame.lastPing });
    } else if (frame.op === "call") {
      reader.call?.({ roomId, flags: frame.flags, participants: frame.participants });
    }
  }
}

/** [GW-17.3] A receipt that only some may see goes to their sessions one by one, and to the actor's own. */
export function tellSome(
  room: FollowedRoom,
  sessions: Iterable<TopicSubscriber>,
  { to, ...shown }: SomeReceipt,
): void {
  const users = new Set([...(to ?? []), shown.actor.kind === "user" ? Number(shown.actor.id) : 0]);
  for (const session of sessions) if (users.has(session.userId)) session.tellOpen(room, shown);
}
