/** A chatroom's history, members and entry as a view. Pure. */
import type { MessageEvent } from "../../../../src/protocol/frames.ts";
import { tokenIn } from "../book.ts";
import { count, put, type RoomView, reactionOf, words } from "../view.ts";

export interface ChatFacts {
  /** The room's messages as `history` shows them, in order. */
  messages: readonly MessageEvent[];
  members: readonly { user: { kind: string; id: string }; role: string }[];
  name: string;
  description: string;
}

export function chatView({ messages, members, name, description }: ChatFacts): RoomView {
  const view: RoomView = {
    ...{ messages: new Map(), files: new Map(), lines: new Map(), members: new Map() },
    ...{ name, topic: description },
  };
  const tokens = new Map(messages.map(({ seq, data }) => [seq, tokenIn(data.text)]));
  for (const { actor, data } of messages) {
    if (data.deleted) continue;
    const token = tokenIn(data.text);
    if (token === null) {
      count(view.lines, [...data.text][0] ?? "");
      continue;
    }
    const tokenAt = (seq: unknown) => (typeof seq === "number" ? (tokens.get(seq) ?? null) : null);
    const reactions = (data.reactions ?? []).flatMap(({ name: key, actors }) =>
      actors.map((one) => reactionOf(keyOf(one), key)),
    );
    put(view.messages, token, {
      by: keyOf(actor),
      text: words(data.text),
      isFormatted: data.format === "markdown",
      replyTo: tokenAt(data.replyTo),
      thread: tokenAt(data.thread),
      reactions: reactions.sort(),
    });
    for (const { filename, size } of data.attachments ?? []) put(view.files, token, `${filename} ${size}`);
  }
  for (const files of view.files.values()) files.sort();
  for (const { user, role } of members) {
    if (user.kind === "user" || user.kind === "matrix") {
      view.members.set(keyOf(user), role === "owner" || role === "moderator" ? role : "user");
    }
  }
  return view;
}

export function keyOf({ kind, id }: { kind: string; id: string }): string {
  return kind === "user" ? `u${id}` : id;
}
