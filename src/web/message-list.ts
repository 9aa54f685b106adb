/** The messages of the room that is shown: keeps rows that did not change, and the reader's place among them. */
import type { Conversation, Item, Message } from "./conversation.ts";
import { element } from "./elements/element.ts";
import { sameDay } from "./elements/times.ts";
import { dayRow, type MessageActions, type MessageLook, messageRow, noteRow } from "./message-row.ts";

export interface MessageListHandlers extends MessageActions {
  /** The reader came near the top. */
  onOlder(): void;
  /** The reader sees the end of the list. */
  onEnd(): void;
}
interface Reader {
  /** A user's id in decimal. */
  id: string;
  /** The highest seq that somebody else has read. */
  seenByOthers: number;
}
export interface MessageList {
  show(conversation: Conversation, reader: Reader): void;
  /** Another room, or none: shows nothing, and starts at the end again. */
  clear(): void;
  toEnd(): void;
  isAtEnd(): boolean;
  jumpTo(seq: number): void;
}

interface Row {
  li: HTMLLIElement;
  /** Everything that the row shows. */
  stamp: string;
}

const GROUPED_MS = 5 * 60_000;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
/** So near to an edge counts as there, in pixels. */
const NEAR_TOP = 240;
const NEAR_END = 48;

export function createMessageList(list: HTMLOListElement, handlers: MessageListHandlers): MessageList {
  let rows = new Map<string, Row>();
  let atEnd = true;
  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
    if (atEnd) handlers.onEnd();
    if (list.scrollTop < NEAR_TOP) handlers.onOlder();
  });
  const toEnd = () => {
    atEnd = true;
    list.scrollTop = list.scrollHeight;
  };
  // The end stays in sight when the window, or the composer, takes some of the room.
  new ResizeObserver(() => atEnd && toEnd()).observe(list);
  return {
    toEnd,
    isAtEnd: () => atEnd,
    show(conversation, reader) {
      const next = rowsOf(conversation, reader, rows, handlers);
      const fromEnd = list.scrollHeight - list.scrollTop;
      const grewAbove = place(
        list,
        [...next.values()].map(({ li }) => li),
      );
      rows = next;
      if (atEnd) toEnd();
      else if (grewAbove) list.scrollTop = list.scrollHeight - fromEnd;
      if (list.scrollTop < NEAR_TOP) handlers.onOlder();
    },
    clear() {
      rows = new Map();
      list.replaceChildren();
      atEnd = true;
    },
    jumpTo(seq) {
      const row = rows.get(`seq:${seq}`)?.li ?? list.querySelector(`[data-seq="${seq}"]`);
      row?.scrollIntoView({ block: "center", behavior: STILL.matches ? "auto" : "smooth" });
      if (!STILL.matches) row?.animate([{ opacity: 0.3 }, { opacity: 1 }], { duration: 900 });
    },
  };
}

/** Puts the rows in order with as few moves as possible. Returns whether some came before the first one. */
function place(list: HTMLOListElement, wanted: readonly HTMLLIElement[]): boolean {
  const before = list.firstElementChild;
  const kept = new Set<Element>(wanted);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((li, index) => {
    const present = list.children[index];
    if (present !== li) list.insertBefore(li, present ?? null);
  });
  return before !== null && list.firstElementChild !== before;
}

function rowsOf(
  conversation: Conversation,
  reader: Reader,
  old: ReadonlyMap<string, Row>,
  actions: MessageActions,
): Map<string, Row> {
  const rows = new Map<string, Row>();
  let above: Item | null = null;
  for (const item of conversation.items) {
    if (!above || !sameDay(above.at, item.at)) {
      const day = new Date(item.at).toDateString();
      keep(rows, old, `day:${day}`, day, () => dayRow(item.at));
    }
    if (item.kind === "note") keep(rows, old, keyOf(item), item.text, () => noteRow(item));
    else {
      const look = lookOf(item, above, reader);
      const quoted = item.replyTo === null ? null : conversation.at(item.replyTo);
      const stamp = JSON.stringify([item, look, quoted?.kind === "message" && [quoted.text, quoted.deleted]]);
      keep(rows, old, keyOf(item), stamp, () => messageRow(item, look, conversation, actions));
    }
    above = item;
  }
  if (rows.size === 0)
    keep(rows, old, "empty", "", () => element("li", { className: "note" }, "No messages yet"));
  return rows;
}

function keep(
  rows: Map<string, Row>,
  old: ReadonlyMap<string, Row>,
  key: string,
  stamp: string,
  make: () => HTMLLIElement,
): void {
  const known = old.get(key);
  rows.set(key, known?.stamp === stamp ? known : { li: make(), stamp });
}

/** A message keeps its row when its event comes. */
function keyOf(item: Item): string {
  return item.kind === "message" && item.id !== "" ? `id:${item.actor.id}:${item.id}` : `seq:${item.seq}`;
}

function lookOf(message: Message, above: Item | null, reader: Reader): MessageLook {
  const { actor, at, seq, mentions } = message;
  const mine = actor.kind === "user" && actor.id === reader.id;
  const grouped =
    above?.kind === "message" &&
    above.actor.kind === actor.kind &&
    above.actor.id === actor.id &&
    at - above.at < GROUPED_MS &&
    sameDay(at, above.at);
  const mentioned = !mine && (mentions.includes(reader.id) || mentions.includes("all"));
  return { mine, grouped, mentioned, seen: mine && seq > 0 && seq <= reader.seenByOthers };
}
