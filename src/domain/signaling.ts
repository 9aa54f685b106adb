/**
 * Signaling between the sessions of a room. Messages wait in hot state until their session fetches them, from whichever
 * process; the bus only wakes those who wait. Losing some is a call that has to be set up again.
 */
import { refusal } from "./access.ts";
import type { Context } from "./context.ts";
import { badField, DomainError } from "./errors.ts";
import type { Actor, MemberKey } from "./model.ts";
import { isBlocked } from "./permissions.ts";
import { type Bus, channels } from "./ports/bus.ts";
import { unlessAway } from "./presence.ts";
import type { Finding, RoomView } from "./room-use-cases.ts";
import type { Signaling } from "./use-cases.ts";

const MAX_AT_ONCE = 100;
const KEPT = { most: 500, ttlMs: 60_000 };
const NOTHING = Buffer.from("{}");

export function createSignaling({ hot }: Context, bus: Bus, finding: Pick<Finding, "view">): Signaling {
  async function joined(actor: Actor, token: string): Promise<RoomView> {
    const room = await finding.view(actor, { token });
    if (room.me.sessionId === null) throw new DomainError("not_found", "Join the room first");
    return room;
  }

  const changed = (conversationId: number) => bus.publish(channels.signaling(conversationId), NOTHING);

  return {
    async send(actor, token, messages) {
      const room = await joined(actor, token);
      if (isBlocked(room.conversation, "call")) throw refusal("forbidden", "call", room.conversation);
      if (messages.length > MAX_AT_ONCE) throw badField("messages", "must be at most 100 at once");
      if (room.waiting) return;
      const members = new Map(room.people.map(({ sessionId, membership }) => [sessionId, membership.member]));
      const mine = messages.filter(({ from, to }) => from === room.me.sessionId && members.has(to));
      const { id } = room.conversation;
      await Promise.all(
        mine.map(({ to, data }) =>
          hot.mailboxes.put(address(id, members.get(to) as MemberKey), [data], KEPT),
        ),
      );
      if (mine.length > 0) changed(id);
    },
    async take(actor, token) {
      const room = await joined(actor, token);
      if (room.waiting) return { messages: [], room };
      const { conversationId, member } = room.membership;
      const messages = await unlessAway([], () => hot.mailboxes.take(address(conversationId, member)));
      return { messages, room };
    },
    async follow(conversationId, wake) {
      const channel = channels.signaling(conversationId);
      const handler = () => wake();
      await bus.subscribe(channel, handler);
      return { stop: () => void bus.unsubscribe(channel, handler).catch(() => undefined) };
    },
    changed,
  };
}

function address(conversationId: number, member: MemberKey): string {
  return `${conversationId}:${member}`;
}
