/** Reads pages of history, and moves read markers. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField } from "../errors.ts";
import { type Actor, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import type { NamedRoom, UnreadCounts } from "../ports/broadcasts.ts";
import type { Messages } from "../use-cases/sending.ts";
import { asSeen } from "../visibility.ts";
import type { UnreadCache } from "./unread.ts";

const MAX_PAGE = 200;
/** Moving a marker checks the membership itself. The cached access is used only for the room's id and the lobby. */
const MARKER_ACCESS_MS = 5_000;

export function createReading(context: Context, unread: UnreadCache): Pick<Messages, "history" | "markRead"> {
  const { store, accesses, broadcasts, now } = context;

  function announce(actor: Actor, room: NamedRoom, counts: UnreadCounts, session?: string): void {
    broadcasts.receipt(room, actor, counts.read);
    if (actor.kind === "user") broadcasts.unread(room, Number(actor.id), counts, session);
  }

  return {
    async history(actor, room, page) {
      checkPage(page);
      const found = room.includes("\0") ? null : await store.log.history(room, memberKey(actor), page);
      if (!found) throw noSuchRoom();
      const verdict = can(found.membership, found.room, "read", now());
      if (verdict !== null) throw refusal(verdict, "read");
      const { historyFrom } = found.membership;
      return { events: found.events.map((event) => asSeen(event, historyFrom)), more: found.more };
    },
    async markRead(actor, room, seq, session) {
      if (!Number.isSafeInteger(seq) || seq < 0) throw badField("seq", "must be an integer of at least 0");
      const member = memberKey(actor);
      const { roomId } = await accesses.require(actor, room, "read", MARKER_ACCESS_MS);
      const state = await store.log.markRead(member, roomId, seq);
      if (state === null) {
        accesses.forget(member, room);
        throw noSuchRoom();
      }
      if (state === "past_head") throw badField("seq", "must not be past the room's last event");
      unread.marked(member, roomId, state);
      const { read, unread: left, mentions: mention, moved } = state;
      const counts = { read, unread: left, mention };
      if (moved) announce(actor, { id: roomId, token: room }, counts, session);
      return { ...counts, moved };
    },
  };
}

function checkPage({ before, after, limit }: { before?: number; after?: number; limit: number }): void {
  if (before !== undefined && after !== undefined) {
    throw badField("before", "and after must not be given together");
  }
  if (before !== undefined && (!Number.isSafeInteger(before) || before < 0)) {
    throw badField("before", "must be a seq (an integer of at least 0)");
  }
  if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) {
    throw badField("after", "must be a seq (an integer of at least 0)");
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw badField("limit", "must be an integer from 1 to 200");
  }
}
