/**
 * Signaling messages between the sessions of a room. They wait in hot state until their session fetches them, from any
 * process; the bus only wakes waiting sessions. What is for a WebSocket session goes over the bus at once. When messages are lost,
 * clients set up the call again.
 */

import { LRUCache } from "lru-cache";
import { createSessions, ONLY_CLIENT } from "../auth/sessions.ts";
import { refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { callSessionId, isJoinedSession } from "../context/session-names.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, type MemberKey, memberKey } from "../model.ts";
import { isBlocked } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import { channels, type Subscriptions } from "../ports/bus.ts";
import type { CallParticipant } from "../ports/hot.ts";
import type { Signaling, SignalingMessage } from "../use-cases/live.ts";
import type { ClientName, Finding, RoomView } from "../use-cases/rooms.ts";
import { unlessAway } from "./presence.ts";
import { checkSignal, fromTalk, toTalk } from "./signals.ts";
import type { Visits } from "./visits.ts";

const MAX_AT_ONCE = 100;
/** Maximum age of the cached access. The room itself is always read. */
const ACCESS_MS = 5_000;
/** Guests whose session ids are remembered. */
const MAX_GUEST_IDS = 10_000;
const KEPT = { most: 500, ttlMs: 60_000 };

export interface SignalingParts {
  bus: Subscriptions;
  finding: Pick<Finding, "view">;
  visits: Visits;
}

export function createSignaling(context: Context, { bus, finding, visits }: SignalingParts): Signaling {
  const { store, hot, accesses, broadcasts } = context;
  const sessions = createSessions(store.secret);

  /** The room, and the client's sessions in it. */
  async function joined(actor: Actor, token: string, client: ClientName) {
    const { roomId: id } = await accesses.require(actor, token, "leave", ACCESS_MS);
    const names = new Set(await visits.refresh(actor, { id, token }, client));
    const view = await finding.view(actor, { token });
    const own = view.me.sessions.filter(({ name }) => names.has(name));
    if (own.length === 0) throw new DomainError("not_found", "Join the room first");
    return { view, own };
  }

  /** Tells a WebSocket session in the call what a client of Talk in it sends. Both are named as in hot state. */
  function toSocket({ room, call }: RoomView, actor: Actor, { from, to, data }: SignalingMessage): void {
    const isCalling = call.participants.some(({ session }) => session === from);
    const other = call.participants.find(({ session }) => session === to);
    const said = fromTalk(data);
    if (isCalling && other && said) {
      broadcasts.signal(room, other, { from: callSessionId(from), actor, data: said });
    }
  }

  /** Of a guest in a room: their membership has what the id is made of, and it stays the same. */
  const guestIds = new LRUCache<string, Promise<string>>({ max: MAX_GUEST_IDS });

  async function guestId(member: MemberKey, token: string, session: string): Promise<string> {
    const found = await store.rooms.access(token, member);
    if (!found) throw new DomainError("not_found", "There is no such session in the call", { field: "to" });
    return sessions.of(found.membership, token, session);
  }

  /** A participant's session as Talk's clients know it. Calls for the same guest share a read, so that messages keep their order. */
  function talkId({ token }: NamedRoom, { actor, session }: CallParticipant): Promise<string> {
    const member = memberKey(actor);
    if (actor.kind !== "guest") {
      return Promise.resolve(sessions.of({ member, guestSeed: null }, token, session));
    }
    const key = `${token} ${member}`;
    const known = guestIds.get(key) ?? guestId(member, token, session);
    guestIds.set(key, known);
    known.catch(() => guestIds.delete(key));
    return known;
  }

  /** Puts what a WebSocket session says into the queue of a client that joined the room as in Talk. */
  async function toJoined(
    room: NamedRoom,
    own: CallParticipant,
    other: CallParticipant,
    data: Record<string, unknown>,
  ): Promise<void> {
    const [from, to] = await Promise.all([talkId(room, own), talkId(room, other)]);
    await hot.signalingQueues.put(address(room.id, other.session), [toTalk(data, from, to)], KEPT);
    broadcasts.signaling(room.id);
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
      const sent = messages.flatMap((message) => {
        const name = mine.has(message.from) ? names.get(message.to) : undefined;
        if (name === undefined) return [];
        if (!isJoinedSession(name)) {
          toSocket(view, actor, { ...message, from: names.get(message.from) ?? "", to: name });
          return [];
        }
        return [hot.signalingQueues.put(address(id, name), [message.data], KEPT)];
      });
      await Promise.all(sent);
      if (sent.length > 0) broadcasts.signaling(id);
    },
    async signal(actor, token, { from, to, data }) {
      const { roomId: id } = await accesses.require(actor, token, "call", ACCESS_MS);
      checkSignal(data);
      const { participants } = await hot.calls.get(id);
      const own = participants.find(({ session }) => session === from);
      if (!own) throw new DomainError("conflict", "Join the call first (call.join)");
      const other = participants.find(({ session }) => callSessionId(session) === to);
      if (!other) throw new DomainError("not_found", "There is no such session in the call", { field: "to" });
      const room = { id, token };
      if (isJoinedSession(other.session)) await toJoined(room, own, other, data);
      else broadcasts.signal(room, other, { from, actor, data });
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
