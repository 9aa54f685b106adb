/** How one message, one note, or the turn of a day looks in the list. */

import type { Conversation, Message, Note } from "./conversation.ts";
import { avatar } from "./elements/avatar.ts";
import { element } from "./elements/element.ts";
import { nameTag } from "./elements/name-tag.ts";
import { clockTime, dayName, wholeTime } from "./elements/times.ts";

export interface MessageActions {
  onReply(message: Message): void;
  onRetry(message: Message): void;
  onDiscard(message: Message): void;
  onJump(seq: number): void;
}
/** What a message looks like beside its own words. */
export interface MessageLook {
  mine: boolean;
  /** The one above is by the same person, a moment ago. */
  grouped: boolean;
  /** It names the reader. */
  mentioned: boolean;
  /** Somebody else has read it. */
  seen: boolean;
}

const URLS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?')\]])/;

export function dayRow(at: number): HTMLLIElement {
  return element("li", { className: "day" }, element("span", {}, dayName(at)));
}

export function noteRow({ at, text }: Note): HTMLLIElement {
  return element("li", { className: "note", title: wholeTime(at) }, element("span", { dir: "auto" }, text));
}

export function messageRow(
  message: Message,
  look: MessageLook,
  conversation: Conversation,
  actions: MessageActions,
): HTMLLIElement {
  const names = Object.entries(look).flatMap(([name, on]) => (on ? [name] : []));
  const row = element("li", { className: ["message", ...names].join(" ") });
  if (message.seq > 0) row.dataset.seq = String(message.seq);
  if (!look.mine) row.append(avatar(`${message.actor.kind}:${message.actor.id}`, message.actor.name));
  const bubble = element("div", { className: "bubble" });
  if (!look.mine && !look.grouped) bubble.append(nameTag(message.actor));
  const quoted = quoteOf(message, conversation, actions);
  if (quoted) bubble.append(quoted);
  bubble.append(wordsOf(message), footerOf(message, look));
  row.append(bubble, ...buttonsOf(message, actions));
  return row;
}

function wordsOf({ text, deleted }: Message): HTMLElement {
  if (deleted) return element("p", { className: "deleted" }, "This message was deleted");
  const parts = text.split(URLS).map((part, index) => (index % 2 === 1 ? link(part) : part));
  return element("p", { dir: "auto" }, ...parts);
}

/** Only http and https get here: the expression above sees to it. */
function link(href: string): HTMLElement {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer" }, href);
}

function quoteOf(
  { replyTo }: Message,
  conversation: Conversation,
  actions: MessageActions,
): HTMLElement | null {
  if (replyTo === null) return null;
  const target = conversation.at(replyTo);
  const known = target?.kind === "message" && !target.deleted;
  const author = known ? nameTag(target.actor) : element("b", {}, "Reply");
  const words = known ? target.text : "to an earlier message";
  return element(
    "button",
    { type: "button", className: "quote", onclick: () => actions.onJump(replyTo) },
    author,
    element("span", { dir: "auto" }, words),
  );
}

function footerOf(message: Message, look: MessageLook): HTMLElement {
  const { at, edited, problem } = message;
  const time = element("time", { dateTime: new Date(at).toISOString(), title: wholeTime(at) }, clockTime(at));
  const footer = element("footer", {});
  if (edited) footer.append("edited ");
  footer.append(time);
  if (look.mine) footer.append(deliveryOf(message, look));
  if (problem !== null) footer.append(element("span", { className: "problem", role: "alert" }, problem));
  return footer;
}

function deliveryOf({ sent, problem }: Message, { seen }: MessageLook): HTMLElement {
  const [sign, label] =
    problem !== null ? ["!", "Not sent"] : seen ? ["✓✓", "Read"] : sent ? ["✓", "Sent"] : ["◷", "Sending"];
  return element("span", { className: "delivery", role: "img", ariaLabel: label, title: label }, sign);
}

function buttonsOf(message: Message, actions: MessageActions): HTMLElement[] {
  if (message.problem !== null) {
    return [
      action("Try again", () => actions.onRetry(message)),
      action("Discard", () => actions.onDiscard(message)),
    ];
  }
  if (message.seq === 0 || message.deleted) return [];
  return [action("Reply", () => actions.onReply(message))];
}

function action(label: string, onclick: () => void): HTMLElement {
  return element("button", { type: "button", className: "action", onclick }, label);
}
