/** The commands of a session: one switch, one case per op. What each does is in messages.ts, presence.ts, calls.ts. */
import { DomainError } from "../../domain/errors.ts";
import type { ClientFrame, OkFields } from "../../protocol/frames.ts";
import type { Speaker } from "../sessions/session.ts";
import type { CallCommands } from "./calls.ts";
import type { MessageCommands } from "./messages.ts";
import type { PresenceCommands } from "./presence.ts";

export interface CommandHandlers {
  messages: MessageCommands;
  presence: PresenceCommands;
  calls: CallCommands;
}

type Answer = OkFields[keyof OkFields];

/** Resolves with what `ok` holds. @throws DomainError */
export function execute(handlers: CommandHandlers, speaker: Speaker, frame: ClientFrame): Promise<Answer> {
  const { messages, presence, calls } = handlers;
  switch (frame.op) {
    // [GW-2.6]
    case "hello":
      throw new DomainError("conflict", "This session has said hello already");
    case "send":
      return messages.send(speaker, frame);
    case "history":
      return messages.history(speaker, frame);
    case "read":
      return messages.read(speaker, frame);
    case "open":
      return presence.open(speaker, frame);
    case "close":
      return presence.close(speaker, frame);
    case "typing":
      return presence.typing(speaker, frame);
    case "ping":
      return presence.ping(speaker, frame);
    case "call.join":
      return calls.join(speaker, frame);
    case "call.flags":
      return calls.change(speaker, frame);
    case "call.leave":
      return calls.leave(speaker, frame);
  }
}
