/** The events of a room's log as types that tell what is in them: PROTOCOL.md, section 4. */
import type { WireActor } from "./server.ts";

/** A file of a message. */
export interface Attachment {
  id: string;
  filename: string;
  type: string;
  size: number;
}

/** [GW-6.8] Who reacted with a name; `actors` are the first 10 of `count`. */
export interface Reaction {
  name: string;
  count: number;
  me: boolean;
  actors: WireActor[];
}

/** [GW-5.11] The first author of a forwarded message, its time, and whom it mentioned: they are told nothing. */
export interface Forwarded {
  actor: WireActor;
  at: number;
  mentions?: string[];
}

/** [GW-6.8] The message that was answered. */
export interface RepliedMessage {
  seq: number;
  actor: WireActor;
  text: string;
}

/** [GW-6.11] The thread that a message begins. */
export interface ThreadSummary {
  count: number;
  lastSeq: number;
  lastAt: number;
  unread: number;
}

// These are aliases and not interfaces, so that a RoomEvent is an EventFrame.
/** What a message says. Of a message that was deleted only `text: ""` and `deleted` are left, and its thread. */
export type MessageData = {
  text: string;
  replyTo?: number;
  /** Of an answer: the seq with which its thread begins. In history, of a message that begins one: the thread. */
  thread?: number | ThreadSummary;
  /** Ids of actors, or `all`. */
  mentions?: string[];
  attachments?: Attachment[];
  format?: "markdown";
  silent?: true;
  /** [GW-5.8] What the message is; missing for a text. */
  kind?: string;
  data?: Record<string, unknown>;
  /** [GW-5.11] Where the words of a forwarded message come from. */
  forwarded?: Forwarded;
  /** In history: when it was edited last, ms. */
  edited?: number;
  /** In history. */
  deleted?: true;
  reactions?: Reaction[];
  reply?: RepliedMessage;
};

/** [GW-4.4, GW-4.5] A change of the message at `seq` that is not to be shown. */
export type Hidden = { seq: number; hidden: true };
/** A change of the message at `seq`, or that it is hidden: `data.hidden` tells which. */
type Shown<Data> = (Data & { hidden?: never }) | Hidden;
type MessageEdit = Pick<MessageData, "text" | "mentions" | "attachments" | "format"> & { seq: number };

type Membership = { member: WireActor; role: string };

/** The changed ones of these; a room may have more that this version does not name [GW-1.7]. */
export type RoomChange = {
  name?: string;
  description?: string | null;
  avatar?: string | null;
  type?: string;
  readOnly?: boolean;
  posting?: "all" | "moderators";
  lobby?: boolean;
  lobbyUntil?: number | null;
  hasPassword?: boolean;
  [field: string]: unknown;
};

/** What is in `data`, by the type of the event. */
export type EventData = {
  message: MessageData;
  "message.edited": Shown<MessageEdit>;
  /** `thread` of an answer: the seq with which its thread begins. */
  "message.deleted": { seq: number; thread?: number };
  "message.pinned": Shown<{ seq: number }>;
  "message.unpinned": Shown<{ seq: number }>;
  "reaction.added": Shown<{ seq: number; name: string }>;
  "reaction.removed": Shown<{ seq: number; name: string }>;
  "member.joined": Membership & { history?: "shared" };
  "member.left": Membership;
  "member.changed": Membership;
  "room.created": { name: string; type: string };
  "room.changed": RoomChange;
  "room.deleted": Record<never, never>;
  "call.started": Record<never, never>;
  "call.joined": Record<never, never>;
  "call.left": Record<never, never>;
  "call.ended": Record<never, never>;
};
export type EventType = keyof EventData;

/** An event of one type. */
export type EventOf<Type extends EventType> = {
  op: "event";
  room: string;
  seq: number;
  type: Type;
  /** The client's own id of a message. */
  id?: string;
  actor: WireActor;
  at: number;
  data: EventData[Type];
};

/**
 * Any event: `event.type === "message"` tells what is in `event.data`. A newer server may send types that are not among these;
 * ignore them [GW-1.7].
 */
export type RoomEvent = { [Type in EventType]: EventOf<Type> }[EventType];
export type MessageEvent = EventOf<"message">;
