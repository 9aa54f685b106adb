/** Calls, signaling, lobbies and presence. Part of {@link UseCases}; the same promises hold. */

import type { Actor } from "../model.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { Following } from "../ports/feed.ts";
import type { CallState } from "../ports/hot.ts";
import type { ClientName, RoomView } from "./rooms.ts";

/** Whoever is shown a call hears of each change. */
export interface CallUseCases {
  /**
   * Joins or changes flags (1–7). The first member to join appends `call.started`, others `call.joined` with their first
   * session, exactly once. A session that is not refreshed within `ttlMs` (30 s unless told) is gone.
   */
  join(actor: Actor, room: string, session: string, flags: number, ttlMs?: number): Promise<CallState>;
  /**
   * A member's last session appends `call.left`, and the last member's `call.ended` after it, exactly once. Leaving twice
   * is fine.
   */
  leave(actor: Actor, room: string, session: string): Promise<CallState>;
  /** A session is gone (or was lost for 60 s): leaves every call it was in. */
  sessionGone(actor: Actor, session: string, rooms: readonly NamedRoom[]): Promise<void>;
  /**
   * Lets those leave whom the log has in a call and hot state has not for long, nobody for 45 s after hot state was lost.
   * Run by a timer on every gateway.
   */
  sweep(): Promise<void>;
}

/**
 * Messages between the sessions of a room by which browsers call each other (Talk's internal signaling). Who waits in the
 * lobby sees nobody there but themselves: what they send is passed over, and what is for them waits. Between a WebSocket session
 * and another client they go while both are in the call.
 */
export interface Signaling {
  /**
   * What a WebSocket session says to another session in the same call, whoever's it is; nothing is kept where that is a WebSocket
   * session, too. It comes at most once, and in the order of the calls of one sender.
   * @throws DomainError `conflict` unless the session is in the call, `not_found` on `to` for one that is not,
   * `bad_request` on `data`
   */
  signal(actor: Actor, room: string, signal: Signal): Promise<void>;
  /**
   * Hands messages to sessions that joined the room, each marked with whom it is from; those for others, or not from the
   * client's own session, are passed over. @throws DomainError `not_found` unless the client has joined
   */
  send(
    actor: Actor,
    token: string,
    messages: readonly SignalingMessage[],
    client?: ClientName,
  ): Promise<void>;
  /**
   * What waits for the client's sessions, with the room and their ids.
   * @throws DomainError `not_found` unless the client has joined
   */
  take(
    actor: Actor,
    token: string,
    client?: ClientName,
  ): Promise<{ messages: string[]; room: RoomView; sessionIds: string[] }>;
  /** `wake` is called when there may be messages for somebody in the room, or when somebody came or went. */
  follow(roomId: number, wake: () => void): Promise<Following>;
}
export interface Signal {
  /** The WebSocket session that says it. */
  from: string;
  /** The id of a session as the call's participants show it. */
  to: string;
  data: Record<string, unknown>;
}
export interface SignalingMessage {
  /** The session that it is from, and for. */
  from: string;
  to: string;
  data: string;
}

/** For those who tell what happens as it happens: they ask whenever who may hear it may have changed. */
export interface Lobby {
  /** Who of these users may read in the room now, and who waits. Who is in neither is not in the room. */
  access(roomId: number, userIds: readonly number[]): Promise<LobbyAccess>;
}
export interface LobbyAccess {
  /** The lobby is shut: somebody may have to wait. */
  isShut: boolean;
  reading: ReadonlySet<number>;
  waiting: ReadonlySet<number>;
}

/**
 * Who looks at rooms and who types, session by session. Those who look hear when it changes for a person: `presence` and
 * `typing`. Hot state only: when it is away everything resolves all the same. `rooms` are some that the caller knows the
 * actor to be in.
 */
export interface PresenceUseCases {
  /** The session looks at these rooms: refreshes the member's `lastPing` there. */
  ping(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<void>;
  /** The session closed these rooms, or ended. @returns those in which it was the actor's last one */
  close(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<number[]>;
  /** Ends by itself after 8 s. */
  typing(actor: Actor, room: string, on: boolean, session: string): Promise<void>;
  /** The session ended while it typed there. */
  stopTyping(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<void>;
  /** Who looks at the room now, whoever asks. */
  looking(room: NamedRoom): Promise<Actor[]>;
  /** What is now in a room, for the viewer who opens it: who has read how far is told as each of them says. */
  look(room: NamedRoom, viewer: Actor): Promise<RoomNow>;
}
export interface RoomNow {
  /** Who looks at it; the 500 who came or gave a sign of life last. */
  present: Actor[];
  typing: Actor[];
  /** Null while nobody is in the call. */
  call: CallState | null;
  /** How far its members have read; the 500 who have read furthest. */
  reads: { actor: Actor; seq: number }[];
}

/** Tells what ended by itself in hot state. Run by timers on every gateway: each end is told by one of them. */
export interface Decay {
  typing(): Promise<void>;
  presence(): Promise<void>;
  calls(): Promise<void>;
}
