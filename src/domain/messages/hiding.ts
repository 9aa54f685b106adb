/** Hiding a message for oneself: on all of one's sessions and faces, and for nobody else. It makes no event. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, memberKey } from "../model.ts";
import { HIDDEN_IN_ALL, HIDDEN_IN_ROOM } from "../ports/store/messages.ts";
import type { UnreadCache } from "../reading/unread.ts";
import { checkId } from "../text-rules.ts";
import type { Messages } from "../use-cases/sending.ts";

export function createHiding(context: Context, unread: Pick<UnreadCache, "forget">): Pick<Messages, "hide"> {
  const { store, accesses, broadcasts, bestEffort } = context;

  /** The user's sessions: the message, what is unread now, and the entry, whose last message and pin may be others. */
  async function tell(
    actor: Actor,
    room: { id: number; token: string },
    { seq, no }: { seq: number; no: number },
  ): Promise<void> {
    const userId = Number(actor.id);
    broadcasts.hidden(room, userId, seq, no);
    await bestEffort("Telling what is unread", async () => {
      const [state] = await store.log.unread(room.id, [memberKey(actor)]);
      if (!state || state.read >= seq) return;
      const { head, read, unread: left, mentions: mention } = state;
      broadcasts.unread(room, userId, { read, unread: left, mention, head });
    });
    broadcasts.entry(userId, room.id);
  }

  return {
    async hide(actor, room, seq) {
      checkId("seq", seq);
      const { roomId, membership } = await accesses.require(actor, room, "read");
      const message = seq > membership.historyFrom ? await store.log.event(roomId, seq) : null;
      if (!message) throw new DomainError("not_found", "seq names no event of this room", { field: "seq" });
      if (message.type !== "message") throw badField("seq", "must name a message");
      const result = await store.messages.hide(memberKey(actor), { roomId, seq });
      if (result.status === "not_found") throw noSuchRoom();
      if (result.status === "too_many") throw tooMany();
      if (result.status === "already") return false;
      unread.forget(memberKey(actor), roomId);
      if (actor.kind === "user") await tell(actor, { id: roomId, token: room }, { seq, no: result.no });
      return true;
    },
  };
}

function tooMany(): DomainError {
  const bounds = `${HIDDEN_IN_ROOM} messages of a room, and ${HIDDEN_IN_ALL} of all rooms`;
  return new DomainError("too_large", `At most ${bounds} are hidden for oneself`, { field: "seq" });
}
