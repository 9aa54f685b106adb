/** The commands of a session: one switch, one case per op. What each does is in messages.ts, presence.ts, calls.ts. */
import { DomainError } from "../../domain/errors.ts";
import type { ClientFrame, OkFields } from "../../protocol/frames.ts";
import type { Speaker } from "../sessions/session.ts";
import type { Calling } from "./calls.ts";
import type { Talking } from "./messages.ts";
import type { Watching } from "./presence.ts";

export interface CommandHandlers {
  talking: Talking;
  watching: Watching;
  calling: Calling;
}

type Answer = OkFields[keyof OkFields];

/** Resolves with what `ok` holds. @throws DomainError */
export function execute(handlers: CommandHandlers, speaker: Speaker, frame: ClientFrame): Promise<Answer> {
  const { talking, watching, calling } = handlers;
  switch (frame.op) {
    // [GW-2.6]
    case "hello":
      throw new DomainError("conflict", "This session has said hello already");
    case "send":
      return talking.send(speaker, frame);
    case "history":
      return talking.history(speaker, frame);
    case "read":
      return talking.read(speaker, frame);
    case "open":
      return watching.open(speaker, frame);
    case "close":
      return watching.close(speaker, frame);
    case "typing":
      return watching.typing(speaker, frame);
    case "ping":
      return watching.ping(speaker, frame);
    case "call.join":
      return calling.join(speaker, frame);
    case "call.flags":
      return calling.change(speaker, frame);
    case "call.leave":
      return calling.leave(speaker, frame);
  }
}
