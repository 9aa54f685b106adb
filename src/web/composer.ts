/** Where messages are written: Enter sends, Shift+Enter starts a line, Escape drops a reply. */
import type { Message } from "./conversation.ts";
import { find } from "./elements/element.ts";
import { nameOf } from "./elements/names.ts";

export interface ComposerHandlers {
  onSend(text: string, replyTo: number | null): void;
  onTyping(on: boolean): void;
}
export interface Composer {
  /** Shows it for a room, with what was being written there. Null: hides it. */
  show(room: string | null): void;
  replyTo(message: Message): void;
  focus(): void;
}

/** While somebody writes it is said so often; it decays by itself. */
const TYPING_EVERY_MS = 3_000;

export function createComposer(form: HTMLFormElement, handlers: ComposerHandlers): Composer {
  const field = find("textarea", HTMLTextAreaElement, form);
  const replyLine = find("#reply", HTMLElement, form);
  const replyWords = find("span", HTMLElement, replyLine);
  const drafts = new Map<string, string>();
  let current: string | null = null;
  let reply: Message | null = null;
  let saidTypingAt = 0;

  const setReply = (message: Message | null) => {
    reply = message;
    replyLine.hidden = message === null;
    replyWords.textContent = message ? `${nameOf(message.actor)}: ${message.text}` : "";
  };
  const say = (on: boolean) => {
    if (on && Date.now() - saidTypingAt < TYPING_EVERY_MS) return;
    if (!on && saidTypingAt === 0) return;
    saidTypingAt = on ? Date.now() : 0;
    handlers.onTyping(on);
  };
  const send = () => {
    const text = field.value.trim();
    if (text === "" || current === null) return;
    field.value = "";
    say(false);
    const replyTo = reply?.seq ?? null;
    setReply(null);
    handlers.onSend(text, replyTo);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") setReply(null);
    // An input method uses Enter to accept what it proposes.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  field.addEventListener("input", () => say(field.value.trim() !== ""));
  field.addEventListener("blur", () => say(false));
  find("button", HTMLButtonElement, replyLine).addEventListener("click", () => {
    setReply(null);
    field.focus();
  });

  return {
    show(room) {
      say(false);
      if (current !== null) drafts.set(current, field.value);
      current = room;
      form.hidden = room === null;
      field.value = (room && drafts.get(room)) ?? "";
      setReply(null);
    },
    replyTo(message) {
      setReply(message);
      field.focus();
    },
    focus: () => field.focus(),
  };
}
