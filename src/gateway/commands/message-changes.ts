/** Editing and deleting messages, reactions and pins [GW-13]. */
import type { MadeEvent } from "../../domain/model.ts";
import type { EditInput } from "../../domain/use-cases/sending.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { ChangeAnswer } from "../../protocol/frames.ts";
import type { Hub } from "../delivery/hub.ts";
import { requireNotWaiting } from "../delivery/lobby.ts";
import type { Speaker } from "../sessions/session.ts";
import type { Handlers } from "./handlers.ts";

export type MessageChanges = Handlers<"edit" | "delete" | "react" | "unreact" | "pin" | "unpin">;

export interface MessageChangesOptions {
  useCases: Pick<UseCases, "messages" | "reactions" | "pins">;
  hub: Pick<Hub, "byToken">;
}

export function createMessageChanges({
  useCases: { messages, reactions, pins },
  hub,
}: MessageChangesOptions): MessageChanges {
  /** [GW-12.2] The domain lets people who wait delete their own messages, because they do so in Matrix; a session does not. */
  function actorIn(room: string, { session, identity }: Speaker) {
    requireNotWaiting(session, hub.byToken(room));
    return identity.actor;
  }

  return {
    async edit(speaker, frame) {
      const { room, seq } = frame;
      return answer(room, await messages.edit(actorIn(room, speaker), room, seq, frame as EditInput));
    },
    async delete(speaker, { room, seq, forMe }) {
      if (forMe) {
        // [GW-13.7]
        const isNew = await messages.hide(actorIn(room, speaker), room, seq);
        return isNew ? { room } : { room, duplicate: true };
      }
      return answer(room, await messages.remove(actorIn(room, speaker), room, seq));
    },
    async react(speaker, { room, seq, name }) {
      return answer(room, await reactions.add(actorIn(room, speaker), room, seq, name));
    },
    async unreact(speaker, { room, seq, name }) {
      return answer(room, await reactions.remove(actorIn(room, speaker), room, seq, name));
    },
    async pin(speaker, { room, seq }) {
      return answer(room, await pins.pin(actorIn(room, speaker), room, seq));
    },
    async unpin(speaker, { room, seq }) {
      return answer(room, await pins.unpin(actorIn(room, speaker), room, seq));
    },
  };
}

/** [GW-13.1] */
function answer(room: string, made: MadeEvent): ChangeAnswer {
  return made ? { room, seq: made.seq, at: made.at } : { room, duplicate: true };
}
