/** A room as one side shows it, in words that both sides share. */

export interface Message {
  /** Key of the author: `u12` or a Matrix user id; null where the bot stands in for them. */
  by: string | null;
  /** Without marks of formatting. */
  text: string;
  isFormatted: boolean;
  /** Tokens. */
  replyTo: string | null;
  thread: string | null;
  /** `person key`, in order. */
  reactions: string[];
}

export interface RoomView {
  /** By token, in the order of the side. More than one with a token are doubles. */
  messages: Map<string, Message[]>;
  /** Names and sizes of the files of messages that were not deleted, by token, in order. */
  files: Map<string, string[]>;
  /** Messages without a token, by their first character. */
  lines: Map<string, number>;
  name: string;
  topic: string;
  /** Role of each member, by key. */
  members: Map<string, "owner" | "moderator" | "user">;
}

/** Both sides' marks of bold, italics and code are left out, so that words are compared with words. */
export function words(text: string): string {
  return text
    .replaceAll("\uFE0F", "")
    .replaceAll(/[*_`~]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

export function reactionOf(person: string, key: string): string {
  return `${person} ${key.replaceAll("\uFE0F", "")}`;
}

export function put<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

export function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
