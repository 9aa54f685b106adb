/**
 * Signaling messages between the sessions of a room. They wait in hot state until their session fetches them, from any
 * process; the bus only wakes waiting sessions. When messages are lost, clients set up the call again.
 */

import { ONLY_CLIENT } from "../auth/sessions.ts";
import { refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { Actor } from "../model.ts";
import { isBlocked } from "../permissions.ts";
import { channels, type Subscriptions } from "../ports/bus.ts";
import type { Signaling } from "../use-cases/live.ts";
import type { ClientName, Finding } from "../use-cases/rooms.ts";
import { unlessAway } from "./presence.ts";
import type { Visits } from "./visits.ts";

const MAX_AT_ONCE = 100;
/** Maximum age of the cached access. The room itself is always read. */
const ACCESS_MS = 5_000;
const KEPT = { most: 500, ttlMs: 60_000 };

export interface SignalingParts {
  bus: Subscriptions;
  finding: Pick<Finding, "view">;
  visits: Visits;
}

export function createSignaling(context: Context, { bus, finding, visits }: SignalingParts): Signaling {
  const { hot, accesses, broadcasts } = context;

  /** The room, and the client's sessions in it. */
  async function joined(actor: Actor, token: string, client: ClientName) {
    const { roomId: id } = await accesses.require(actor, token, "leave", ACCESS_MS);
    const names = new Set(await visits.refresh(actor, { id, token }, client));
    const view = await finding.view(actor, { token });
    const own = view.me.sessions.filter(({ name }) => names.has(name));
    if (own.length === 0) throw new DomainError("not_found", "Join the room first");
    return { view, own };
  }

  return {
    async send(actor, token, messages, client = ONLY_CLIENT) {
      const { view, own } = await joined(actor, token, client);
      if (isBlocked(view.room, "call")) throw refusal("forbidden", "call", view.room);
      if (messages.length > MAX_AT_ONCE) throw badField("messages", "must be at most 100 at once");
      if (view.waiting) return;
      const mine = new Set(own.map(({ sessionId }) => sessionId));
      const all = view.people.flatMap(({ sessions }) => sessions);
      const names = new Map(all.map(({ sessionId, name }) => [sessionId, name]));
      const { id } = view.room;
      const sent = messages.flatMap(({ from, to, data }) => {
        const name = mine.has(from) ? names.get(to) : undefined;
        return name === undefined ? [] : [hot.signalingQueues.put(address(id, name), [data], KEPT)];
      });
      await Promise.all(sent);
      if (sent.length > 0) broadcasts.signaling(id);
    },
    async take(actor, token, client = ONLY_CLIENT) {
      const { view, own } = await joined(actor, token, client);
      const sessionIds = own.map(({ sessionId }) => sessionId);
      if (view.waiting) {
        const me = { ...view.me, sessions: own };
        return { messages: [], room: { ...view, people: [me] }, sessionIds };
      }
      const { id } = view.room;
      const taken = await Promise.all(
        own.map(({ name }) => unlessAway([], () => hot.signalingQueues.take(address(id, name)))),
      );
      return { messages: taken.flat(), room: view, sessionIds };
    },
    async follow(roomId, wake) {
      const channel = channels.signaling(roomId);
      const handler = () => wake();
      await bus.subscribe(channel, handler);
      return { stop: () => void bus.unsubscribe(channel, handler).catch(() => undefined) };
    },
  };
}

function address(roomId: number, session: string): string {
  return `${roomId}:${session}`;
}
