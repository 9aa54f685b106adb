/**
 * Visits: clients that joined a room. Each has a session in hot state and a row in the store. After a loss of hot state the
 * client's next heartbeat restores the session from the row, with its place in the call.
 */

import { joinedSession } from "../auth/sessions.ts";
import type { Context } from "../context/context.ts";
import { isHotStateNew } from "../context/hot-age.ts";
import { DomainError } from "../errors.ts";
import { type Actor, memberKey } from "../model.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { Visit } from "../ports/store/visits.ts";
import { JOINED_MS } from "../rooms/views.ts";
import type { PresenceUseCases } from "../use-cases/live.ts";
import type { ClientName } from "../use-cases/rooms.ts";
import type { InternalCalls } from "./calls.ts";
import { unlessAway } from "./presence.ts";

/** How long a client without a heartbeat stays in the call: two long polls of 30 s. */
export const JOINED_CALL_TTL_MS = 60_000;

export interface Visits {
  /** The client joins the room. */
  begin(actor: Actor, room: NamedRoom, client: ClientName): Promise<void>;
  /** A heartbeat. @returns the client's sessions in the order of joining; none if it has not joined */
  refresh(actor: Actor, room: NamedRoom, client: ClientName): Promise<string[]>;
  /** The client leaves the room and its call. @returns whether no other session of the actor is there */
  end(actor: Actor, room: NamedRoom, client: ClientName): Promise<boolean>;
}

export function createVisits(
  context: Context,
  { calls, presence }: { calls: InternalCalls; presence: PresenceUseCases },
): Visits {
  const { store, hot, now } = context;

  /** Visits of the client that hot state has lost. */
  async function lostVisits(actor: Actor, room: NamedRoom, { id, part }: ClientName): Promise<Visit[]> {
    const member = memberKey(actor);
    const isGuest = actor.kind === "guest";
    const bornAt = await hot.bornAt();
    // After a longer silence a user has to join again. A guest would have been removed from the room.
    if (!isGuest && now() - bornAt >= JOINED_MS) return [];
    const visits = await store.visits.of(room.id, member, part);
    if (isGuest && visits.length === 0)
      return [{ session: joinedSession(actor, id), joinedAt: 0, callFlags: null }];
    // Of several visits that can't be distinguished, earlier ones may have ended long ago.
    return visits.slice(-1).filter(({ joinedAt }) => isGuest || joinedAt < bornAt);
  }

  async function putBack(actor: Actor, room: NamedRoom, client: ClientName): Promise<string[]> {
    const visits = await lostVisits(actor, room, client);
    for (const { session } of visits) await presence.ping(actor, [room], session);
    await callAgain(actor, room, visits);
    return visits.map(({ session }) => session);
  }

  async function callAgain(actor: Actor, room: NamedRoom, visits: readonly Visit[]): Promise<void> {
    for (const { session, callFlags } of visits) {
      if (callFlags === null) continue;
      try {
        await calls.join(actor, room.token, session, callFlags, JOINED_CALL_TTL_MS);
      } catch (error) {
        // The client may no longer be in the call: the room was locked, or its lobby closed.
        if (!(error instanceof DomainError)) throw error;
      }
    }
  }

  async function refreshCalls(
    actor: Actor,
    room: NamedRoom,
    client: ClientName,
    sessions: readonly string[],
  ) {
    const places = sessions.map((session) => ({ roomId: room.id, session }));
    const lost = await hot.calls.refresh(places, now(), JOINED_CALL_TTL_MS);
    if (lost.length === 0 || !(await isHotStateNew(context, JOINED_MS))) return;
    const names = new Set(lost.map(({ session }) => session));
    const visits = await store.visits.of(room.id, memberKey(actor), client.part);
    await callAgain(
      actor,
      room,
      visits.filter(({ session }) => names.has(session)),
    );
  }

  /** @returns whether it was the last one there */
  async function leave(actor: Actor, room: NamedRoom, session: string | undefined): Promise<boolean> {
    if (session !== undefined) {
      await calls.sessionGone(actor, session, [room]);
      if ((await presence.close(actor, [room], session)).length > 0) return true;
    }
    const [isThere] = await hot.presence.isActive(memberKey(actor), [room.id], now(), JOINED_MS);
    return !isThere;
  }

  return {
    async begin(actor, room, { id }) {
      const session = joinedSession(actor, id);
      await store.visits.begin(room.id, memberKey(actor), session, now());
      await presence.ping(actor, [room], session);
    },
    refresh: (actor, room, client) =>
      unlessAway<string[]>([], async () => {
        const sessions = await hot.presence.refresh(memberKey(actor), client.part, room.id, now());
        if (sessions.length === 0) return await putBack(actor, room, client);
        await refreshCalls(actor, room, client, sessions);
        return sessions;
      }),
    async end(actor, room, client) {
      const member = memberKey(actor);
      const ended = await store.visits.end(room.id, member, client.part);
      // While hot state is away, the rows of the store decide.
      const others = (ended?.left ?? 0) > 0;
      return await unlessAway(!others, async () => {
        const known = () => hot.presence.refresh(member, client.part, room.id, now());
        const isLast = await leave(actor, room, ended?.session ?? (await known()).at(-1));
        return isLast && !(others && (await isHotStateNew(context, JOINED_MS)));
      });
    },
  };
}
