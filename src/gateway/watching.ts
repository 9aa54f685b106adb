/** Open rooms, typing, and the sign of life: what sessions show to those who look at the same room. Hot state only. */
import { noSuchRoom, refusal } from "../domain/access.ts";
import { DomainError } from "../domain/errors.ts";
import type { Actor } from "../domain/model.ts";
import { TYPING_TTL_MS } from "../domain/presence.ts";
import type { PresenceUseCases, UseCases } from "../domain/use-cases.ts";
import type { ClientFrames, OkFields } from "../protocol/frames.ts";
import type { Speaker } from "./commands.ts";
import type { Hub } from "./hub.ts";
import { requireLetIn } from "./lobby.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";

type Handler<Op extends "open" | "close" | "typing" | "ping"> = (
  speaker: Speaker,
  frame: ClientFrames[Op],
) => Promise<OkFields[Op]>;

export interface Watching {
  open: Handler<"open">;
  close: Handler<"close">;
  typing: Handler<"typing">;
  ping: Handler<"ping">;
  /** [GW-8.2] Ends typing that was not said again in time; `now` is `performance.now()`. */
  expire(session: Session, now: number): void;
  /** The session is gone. */
  gone(session: Session): void;
}

export function createWatching(
  {
    clock,
    presence,
    memberSettings,
    lobby,
  }: Pick<UseCases, "clock" | "presence" | "memberSettings" | "lobby">,
  hub: Hub,
): Watching {
  /** [GW-12.2] @throws DomainError `lobby` */
  async function requireReading(userId: number, room: Room): Promise<void> {
    const { waiting } = await lobby.standings(room.id, [userId]);
    if (waiting.has(userId)) throw refusal("lobby", "read");
  }

  /** [GW-8.4] Those who were not active before are shown to everybody who looks. */
  async function refresh(actor: Actor, rooms: readonly Room[]): Promise<void> {
    if (rooms.length === 0) return;
    const lastPing = clock.now();
    const came = new Set(
      await presence.ping(
        actor,
        rooms.map(({ id }) => id),
      ),
    );
    for (const room of rooms) {
      if (came.has(room.id)) hub.announce(room, { op: "presence", room: room.token, actor, lastPing });
    }
  }

  function show(actor: Actor, room: Room, on: boolean): void {
    hub.announce(room, { op: "typing", room: room.token, actor, on });
  }

  async function stopTyping(session: Session, rooms: readonly Room[]): Promise<void> {
    const actor = session.identity?.actor;
    for (const room of rooms) {
      session.typing?.delete(room);
      // Hot state lets it decay by itself; those who look are told in any case.
      if (actor) show(actor, room, false);
    }
  }

  return {
    async open({ session, identity }, { room: token }) {
      const room = roomOf(hub, session, token);
      // Where it can't be shut this goes on in the same turn: a ping may come right behind.
      if (room.mayShutOut) await requireReading(identity.user.id, room);
      if (!session.rooms.has(room)) throw noSuchRoom();
      session.open ??= new Set();
      session.open.add(room);
      // Who is held hears of it when they are let in.
      if (!room.held?.has(session)) session.connection.subscribe(room.openTopics[session.codec]);
      void memberSettings.opened(identity.actor, [room.id]);
      await refresh(identity.actor, [room]);
      return {};
    },

    async close({ session, identity }, { room: token }) {
      const room = roomOf(hub, session, token);
      session.connection.unsubscribe(room.openTopics[session.codec]);
      if (session.open?.delete(room)) await leaveUnlooked(presence, { session, identity }, [room]);
      return {};
    },

    async typing({ session, identity }, { room: token, on }) {
      const room = hub.byToken(token);
      requireLetIn(session, room);
      const changed = await presence.typing(identity.actor, token, on);
      if (!room || !session.rooms.has(room)) return {};
      if (on) {
        session.typing ??= new Map();
        session.typing.set(room, performance.now() + TYPING_TTL_MS);
      } else session.typing?.delete(room);
      if (changed) show(identity.actor, room, on);
      return {};
    },

    async ping({ session, identity }, { rooms: tokens }) {
      const rooms = tokens
        ? tokens.map((token) => roomOf(hub, session, token, "rooms"))
        : [...(session.open ?? [])];
      await refresh(identity.actor, rooms);
      return { at: clock.now() };
    },

    expire(session, now) {
      if (!session.typing) return;
      void stopTyping(
        session,
        [...session.typing].flatMap(([room, until]) => (until <= now ? [room] : [])),
      );
    },

    gone(session) {
      const { identity, open, typing } = session;
      if (!identity) return;
      if (typing) void stopTyping(session, [...typing.keys()]);
      if (open) void leaveUnlooked(presence, { session, identity }, [...open]);
    },
  };
}

/** Leaves those rooms that no other session of the user here has open. */
async function leaveUnlooked(
  presence: PresenceUseCases,
  { session, identity }: Speaker,
  rooms: readonly Room[],
): Promise<void> {
  const others = [...identity.user.sessions].filter((other) => other !== session);
  const left = rooms.filter((room) => !others.some((other) => other.open?.has(room)));
  if (left.length === 0) return;
  await presence.close(
    identity.actor,
    left.map(({ id }) => id),
  );
}

/** @throws DomainError `not_found` for a room that is unknown or foreign: the two look the same */
export function roomOf(hub: Hub, session: Session, token: string, field = "room"): Room {
  const room = hub.byToken(token);
  if (room && session.rooms.has(room)) return room;
  throw new DomainError("not_found", "There is no such room, or you are not in it", { field });
}
