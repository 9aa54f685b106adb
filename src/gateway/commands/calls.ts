/** Commands of calls [GW-9]. A session joins a call with its flags, changes them and leaves. */
import { setTimeout as delay } from "node:timers/promises";
import { shownCall } from "../../domain/context/broadcasts.ts";
import { callServers, type IceServers } from "../../domain/context/ice-servers.ts";
import { DomainError, isUnavailable } from "../../domain/errors.ts";
import { CALL_TTL_MS } from "../../domain/live/calls.ts";
import type { CallState, HotState } from "../../domain/ports/hot.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import type { CallFrame } from "../../protocol/frames.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Hub } from "../delivery/hub.ts";
import { requireNotWaiting } from "../delivery/lobby.ts";
import type { Identity, Session, Speaker } from "../sessions/session.ts";
import type { Handlers } from "./handlers.ts";
import { roomOf } from "./presence.ts";

export interface CallCommands {
  handlers: Handlers<"call.join" | "call.flags" | "call.leave" | "call.signal" | "call.servers">;
  /** Keeps these sessions in their calls. */
  refresh(sessions: Iterable<Session>, now: number): Promise<void>;
  /** The session ended. It leaves its calls: at once after a goodbye, else after a moment, because it may come back [GW-9.2]. */
  gone(session: Session, clean: boolean): Promise<void>;
  /** Sends the session the state of a running call, of which it heard nothing while it was paused. Never rejects. */
  tell(session: Session, room: FollowedRoom): Promise<void>;
  /** The session left the room. */
  left(session: Session, room: FollowedRoom): Promise<void>;
}

/** A session whose connection was lost stays in the call for this long. */
const LOST_GRACE_MS = 15_000;

export interface CallCommandOptions {
  useCases: Pick<UseCases, "calls" | "signaling" | "clock">;
  iceServers: IceServers;
  hot: Pick<HotState, "calls">;
  hub: Hub;
  logger: Pick<Logger, "warn">;
}

export function createCallCommands({
  useCases,
  iceServers,
  hot,
  hub,
  logger,
}: CallCommandOptions): CallCommands {
  const { calls, signaling, clock } = useCases;
  async function enter(
    { session, identity }: Speaker,
    room: FollowedRoom,
    flags: number,
  ): Promise<Omit<CallFrame, "op">> {
    const state = await calls.join(identity.actor, room.token, session.id, flags);
    session.calls ??= new Map();
    session.calls.set(room, flags);
    // The session ended while it joined, so `gone` did not take it out of this call.
    if (session.isGone) await end(session, identity, [room]);
    return shape(room, state);
  }

  async function end(session: Session, { actor }: Identity, rooms: readonly FollowedRoom[]): Promise<void> {
    try {
      await calls.sessionGone(actor, session.id, rooms);
    } catch (error) {
      if (isUnavailable(error)) return;
      logger.warn(
        { event: "call.leave_failed", err: error },
        "could not take a session out of its call; it decays there",
      );
    }
  }

  /** Hot state was lost, the session was not: it is put back, unless it may not be in the call any more. */
  async function putBack(
    session: Session,
    identity: Identity,
    room: FollowedRoom,
    flags: number,
  ): Promise<void> {
    try {
      await enter({ session, identity }, room, flags);
    } catch (error) {
      if (!(error instanceof DomainError) || error.retry) throw error;
      session.calls?.delete(room);
    }
  }

  const handlers: CallCommands["handlers"] = {
    "call.join": (speaker, { room, flags }) => enter(speaker, roomOf(hub, speaker.session, room), flags),

    async "call.flags"(speaker, { room: token, flags }) {
      const room = roomOf(hub, speaker.session, token);
      if (!speaker.session.calls?.has(room))
        throw new DomainError("conflict", "Join the call first (call.join)");
      return enter(speaker, room, flags);
    },

    async "call.leave"({ session, identity }, { room: token }) {
      const room = roomOf(hub, session, token);
      requireNotWaiting(session, room);
      session.calls?.delete(room);
      return shape(room, await calls.leave(identity.actor, token, session.id));
    },

    // [GW-9.4]
    async "call.signal"({ session, identity }, { room: token, to, data }) {
      requireNotWaiting(session, roomOf(hub, session, token));
      await signaling.signal(identity.actor, token, { from: session.id, to, data });
      return {};
    },

    // [GW-9.6] The credentials' name tells a TURN server's log who uses it.
    "call.servers": async ({ identity }) => callServers(iceServers, identity.actor.id, clock.now()),
  };

  return {
    handlers,

    async refresh(sessions, now) {
      const inCalls = new Map<string, Session>();
      const entries: { roomId: number; session: string }[] = [];
      for (const session of sessions) {
        for (const room of session.calls?.keys() ?? []) {
          inCalls.set(session.id, session);
          entries.push({ roomId: room.id, session: session.id });
        }
      }
      if (entries.length === 0) return;
      for (const lost of await hot.calls.refresh(entries, now, CALL_TTL_MS)) {
        const session = inCalls.get(lost.session);
        const room = hub.get(lost.roomId);
        const flags = room && session?.calls?.get(room);
        if (session?.identity && room && flags) await putBack(session, session.identity, room, flags);
      }
    },

    async gone(session, clean) {
      const { calls: joined, identity } = session;
      if (!joined || joined.size === 0 || !identity) return;
      const rooms = [...joined.keys()];
      if (!clean) await delay(LOST_GRACE_MS, undefined, { ref: false });
      await end(session, identity, rooms);
    },

    async tell(session, room) {
      try {
        const state = await hot.calls.get(room.id);
        if (state.flags > 0) session.send({ op: "call", ...shape(room, state) });
      } catch (error) {
        if (isUnavailable(error)) return;
        logger.warn(
          { event: "call.read_failed", err: error },
          "could not tell a session of a running call; it hears of the call's next change",
        );
      }
    },

    async left(session, room) {
      if (session.calls?.delete(room) && session.identity) await end(session, session.identity, [room]);
    },
  };
}

function shape({ token }: FollowedRoom, state: CallState): Omit<CallFrame, "op"> {
  return { room: token, ...shownCall(state) };
}
