/** Open rooms, typing, and the sign of life: what sessions show to those who look at the same room. */
import { noSuchRoom, refusal } from "../../domain/context/access.ts";
import { shownCall } from "../../domain/context/broadcasts.ts";
import { DomainError } from "../../domain/errors.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Hub } from "../delivery/hub.ts";
import { requireNotWaiting } from "../delivery/lobby.ts";
import type { Session } from "../sessions/session.ts";
import type { Handlers } from "./handlers.ts";

export interface PresenceCommands {
  handlers: Handlers<"open" | "close" | "typing" | "ping">;
  /** The session is gone. Never rejects. */
  gone(session: Session): Promise<void>;
}

export function createPresenceCommands(
  {
    clock,
    presence,
    memberSettings,
    lobby,
  }: Pick<UseCases, "clock" | "presence" | "memberSettings" | "lobby">,
  hub: Hub,
  logger: Pick<Logger, "warn">,
): PresenceCommands {
  /** [GW-12.2] @throws DomainError `lobby` */
  async function requireReading(userId: number, room: FollowedRoom): Promise<void> {
    const { waiting } = await lobby.access(room.id, [userId]);
    if (waiting.has(userId)) throw refusal("lobby", "read");
  }

  const handlers: PresenceCommands["handlers"] = {
    async open({ session, identity }, { room: token }) {
      const room = roomOf(hub, session, token);
      // Where the lobby is open this goes on in the same turn: a ping may come right behind.
      if (room.lobbyMayBeShut) await requireReading(identity.user.id, room);
      if (!session.rooms.has(room)) throw noSuchRoom();
      session.open ??= new Set();
      session.open.add(room);
      // A paused session subscribes when it is resumed.
      if (!room.paused?.has(session)) session.connection.subscribe(room.openTopics[session.codec]);
      void memberSettings.opened(identity.actor, [room.id]);
      await presence.ping(identity.actor, [room], session.id);
      // Read after the session has subscribed, so that no change between the two is missed.
      const { present, typing, reads, call } = await presence.look(room, identity.actor);
      return { present, typing, reads, ...(call && { call: shownCall(call) }) };
    },

    async close({ session, identity }, { room: token }) {
      const room = roomOf(hub, session, token);
      session.connection.unsubscribe(room.openTopics[session.codec]);
      if (session.open?.delete(room)) await presence.close(identity.actor, [room], session.id);
      return {};
    },

    async typing({ session, identity }, { room: token, on }) {
      const room = hub.byToken(token);
      requireNotWaiting(session, room);
      if (room && on) {
        session.typing ??= new Set();
        session.typing.add(room);
      } else if (room) session.typing?.delete(room);
      await presence.typing(identity.actor, token, on, session.id);
      // The session ended during this command, so `gone` did not end its typing.
      if (room && on && session.isGone) await presence.stopTyping(identity.actor, [room], session.id);
      return {};
    },

    async ping({ session, identity }, { rooms: tokens }) {
      const rooms = tokens
        ? tokens.map((token) => roomOf(hub, session, token, "rooms"))
        : [...(session.open ?? [])];
      if (rooms.length > 0) await presence.ping(identity.actor, rooms, session.id);
      return { at: clock.now() };
    },
  };

  return {
    handlers,

    async gone({ id, identity, open, typing }) {
      if (!identity) return;
      try {
        if (typing) await presence.stopTyping(identity.actor, [...typing], id);
        if (open) await presence.close(identity.actor, [...open], id);
      } catch (error) {
        logger.warn(
          { event: "presence.leave_failed", err: error },
          "could not take a session out of its rooms; it decays there",
        );
      }
    },
  };
}

/** @throws DomainError `not_found` for a room that is unknown or foreign: the two look the same */
export function roomOf(hub: Hub, session: Session, token: string, field = "room"): FollowedRoom {
  const room = hub.byToken(token);
  if (room && session.rooms.has(room)) return room;
  throw new DomainError("not_found", "There is no such room, or you are not in it", { field });
}
