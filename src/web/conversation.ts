/** What a room's screen holds: its messages as they stand now, what happened between them, and what is on its way. */
import type { EventFrame, WireActor } from "../protocol/frames.ts";
import { nameOf } from "./elements/names.ts";

export interface Message {
  kind: "message";
  /** 0: not in the log yet. */
  seq: number;
  /** The sender's own id of it, or "". */
  id: string;
  actor: WireActor;
  at: number;
  text: string;
  replyTo: number | null;
  mentions: readonly string[];
  edited: boolean;
  deleted: boolean;
  /** Why it will not be sent, or null. */
  problem: string | null;
  /** The server has it. */
  sent: boolean;
}
/** Something that happened, told in a line. */
export interface Note {
  kind: "note";
  seq: number;
  at: number;
  text: string;
}
export type Item = Message | Note;

/** Items kept of a room that nobody looks at; older ones are loaded again. */
const KEPT_UNSEEN = 200;

export class Conversation {
  readonly #items = new Map<number, Item>();
  /** In order of sending; acknowledged ones stay until their event came. */
  readonly #outgoing = new Map<string, Message>();
  /** Messages that the user hid for themselves, with any client: the event of one may still come. */
  readonly #hidden = new Set<number>();
  #order: Item[] | null = null;
  /** The lowest seq that is loaded, or null. */
  first: number | null = null;
  /** The highest seq that is loaded. */
  last = 0;
  /** Everything before `first` is loaded: there is nothing. */
  complete = false;

  /** In the order of the log; what is on its way comes last. */
  get items(): readonly Item[] {
    this.#order ??= [...this.#items.values()].sort((a, b) => a.seq - b.seq);
    return [...this.#order, ...this.#outgoing.values()];
  }
  get outgoing(): readonly Message[] {
    return [...this.#outgoing.values()];
  }
  at(seq: number): Item | undefined {
    return this.#items.get(seq);
  }

  /** The next event of the log. */
  apply(event: EventFrame): void {
    if (event.id !== undefined) this.#outgoing.delete(event.id);
    this.#change(event);
    this.#add(event);
  }

  /** A page before what is loaded. Its messages come as they stand now, so its edits are in them already. */
  addOlder(events: readonly EventFrame[], more: boolean): void {
    for (const event of events) this.#add(event);
    this.complete = !more;
  }

  addOutgoing(message: Message): void {
    this.#outgoing.set(message.id, message);
  }
  changeOutgoing(id: string, change: Partial<Pick<Message, "sent" | "problem">>): void {
    const message = this.#outgoing.get(id);
    if (message) this.#outgoing.set(id, { ...message, ...change });
  }
  dropOutgoing(id: string): void {
    this.#outgoing.delete(id);
  }

  hide(seqs: readonly number[]): void {
    for (const seq of seqs) {
      this.#hidden.add(seq);
      this.#items.delete(seq);
    }
    this.#order = null;
  }

  /** Nothing that is loaded can be continued: everything but what is on its way is loaded again. */
  reset(): void {
    this.#items.clear();
    this.#order = null;
    this.first = null;
    this.last = 0;
    this.complete = false;
  }

  /** Nobody looks at it: forgets what can be loaded again. */
  trim(): void {
    const old = [...this.#items.keys()].sort((a, b) => a - b).slice(0, -KEPT_UNSEEN);
    if (old.length === 0) return;
    for (const seq of old) this.#items.delete(seq);
    this.#order = null;
    this.first = Math.min(...this.#items.keys());
    this.complete = false;
  }

  #add(event: EventFrame): void {
    this.first = Math.min(this.first ?? event.seq, event.seq);
    this.last = Math.max(this.last, event.seq);
    const item = itemOf(event);
    if (!item || this.#items.has(event.seq) || this.#hidden.has(event.seq)) return;
    this.#items.set(event.seq, item);
    this.#order = null;
  }

  #change({ type, data }: EventFrame): void {
    const seq = Number(data.seq);
    const message = this.#items.get(seq);
    if (message?.kind !== "message") return;
    if (type === "message.edited" && !data.hidden) this.#replace(edited(message, data));
    if (type === "message.deleted") this.#replace({ ...message, text: "", deleted: true });
  }

  #replace(message: Message): void {
    this.#items.set(message.seq, message);
    this.#order = null;
  }
}

function edited(message: Message, { text, mentions }: EventFrame["data"]): Message {
  const mentioned = Array.isArray(mentions) ? { mentions: mentions as string[] } : {};
  return { ...message, text: String(text), edited: true, ...mentioned };
}

/** The message that is answered; one that only goes to a thread answers the thread's first. */
function answeredBy({ replyTo, thread }: { replyTo?: unknown; thread?: unknown }): number | null {
  return [replyTo, thread].find((seq) => typeof seq === "number") ?? null;
}

function itemOf(event: EventFrame): Item | null {
  const { seq, at, actor, data } = event;
  if (event.type !== "message") {
    const text = noteOf(event);
    return text === null ? null : { kind: "note", seq, at, text };
  }
  return {
    kind: "message",
    seq,
    id: event.id ?? "",
    actor,
    at,
    text: String(data.text ?? ""),
    replyTo: answeredBy(data),
    mentions: (data.mentions ?? []) as string[],
    edited: data.edited !== undefined,
    deleted: data.deleted === true,
    problem: null,
    sent: true,
  };
}

function noteOf({ type, actor, data }: EventFrame): string | null {
  const who = nameOf(actor);
  const member = data.member as WireActor | undefined;
  const whom = member && nameOf(member);
  const self = member !== undefined && member.kind === actor.kind && member.id === actor.id;
  switch (type) {
    case "member.joined":
      return self ? `${who} joined` : `${who} added ${whom}`;
    case "member.left":
      return self ? `${who} left` : `${who} removed ${whom}`;
    case "member.changed":
      return `${who} made ${whom} ${String(data.role).replaceAll("_", " ")}`;
    case "room.created":
      return `${who} created the room`;
    case "room.changed":
      return typeof data.name === "string" ? `${who} named the room ${data.name}` : `${who} changed the room`;
    case "message.pinned":
      return data.hidden ? null : `${who} pinned a message`;
    case "call.started":
      return `${who} started a call`;
    case "call.joined":
      return `${who} joined the call`;
    case "call.left":
      return `${who} left the call`;
    case "call.ended":
      return "The call ended";
    default:
      return null; // Edits, deletions and reactions show at their message, or not at all.
  }
}
