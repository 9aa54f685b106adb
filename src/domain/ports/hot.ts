/**
 * Hot state may be lost at any moment. No message, membership or acknowledged read marker depends on it. Every entry is
 * rebuilt from the store or decays by itself. Two implementations, memory and Redis, pass one contract suite.
 *
 * Errors: while Redis is away, calls reject soon with `DomainError("unavailable")`. Callers decide whether they can continue
 * without.
 */
import type { Actor, MemberKey } from "../model.ts";

export interface HotState {
  readonly tokens: AccessTokens;
  readonly presence: Presence;
  readonly unread: UnreadCounters;
  readonly calls: Calls;
  readonly limits: RateLimits;
  readonly typing: Typing;
  readonly sessions: SessionRegistry;
  readonly signalingQueues: SignalingQueues;
  /** Throws `unavailable` when the server does not answer within 1 s. */
  ping(): Promise<void>;
  /** The server's own clock, ms since 1970 UTC; null where hot state lives in this process. */
  time(): Promise<number | null>;
  /**
   * Since when hot state is complete, ms: earlier entries may be lost. The time moves on when the server is empty, and after
   * a lost connection, because a restarted server may have lost entries.
   */
  bornAt(): Promise<number>;
  /**
   * Removes decayed entries whose end is not announced. It runs by itself every few seconds, and is public for tests.
   * Presence, calls and typing have their own sweeps, whose callers announce the results.
   */
  sweep(now: number): Promise<SweepResult>;
  close(): Promise<void>;
}

/** How much decayed. */
export interface SweepResult {
  /** Entries of the session registry. */
  sessions: number;
}

/** Access tokens (15 minutes). Only the SHA-256 of a token is kept, in hex. */
export interface AccessTokens {
  put(hash: string, entry: AccessToken): Promise<void>;
  get(hash: string): Promise<AccessToken | null>;
  /** Ends all access tokens of a login (logout). */
  dropLogin(loginId: number): Promise<void>;
  /** Ends all access tokens of a user (deletion). */
  dropUser(userId: number): Promise<void>;
}

export interface AccessToken {
  userId: number;
  loginId: number;
  /** SHA-256 of the login's secret, in hex. The ids alone may be another's after a restore of the database. */
  loginHash: string;
  expiresAt: number;
}

/** One live session of a gateway. */
export interface SessionEntry {
  id: string;
  userId: number;
  node: string;
  device: string | null;
  startedAt: number;
}

/** Live sessions over all gateways. An entry decays `ttlMs` after its last refresh. */
export interface SessionRegistry {
  /** Adds or refreshes many at once (one round trip). */
  put(entries: SessionEntry[], ttlMs: number): Promise<void>;
  remove(ids: string[]): Promise<void>;
  ofUser(userId: number): Promise<SessionEntry[]>;
  count(): Promise<number>;
}

/** A session that looks at a room. Its name has neither spaces nor `@`. */
export interface ActiveSession {
  session: string;
  lastPing: number;
}

export interface ActiveParticipant {
  member: MemberKey;
  name: string;
  /** The latest of all sessions. */
  lastPing: number;
  guest: boolean;
  /** In the order in which they came; at least one. */
  sessions: ActiveSession[];
}

export type FormerParticipant = Pick<ActiveParticipant, "member" | "name" | "lastPing"> & {
  roomId: number;
};

/**
 * Who looks at which room, session by session: a member is active while one of their sessions is. Activity decays:
 * count() takes a window.
 */
export interface Presence {
  /**
   * A session of the member looks at the rooms now; one round trip. Of a member's sessions in a room the 100 that came
   * last are kept. Resolves with the rooms where no session of the member was active before.
   */
  ping(member: MemberKey, session: string, name: string, roomIds: number[], now: number): Promise<number[]>;
  /**
   * A sign of life of those active sessions of the member in the room whose names contain `part`.
   * Resolves with their names, in the order in which they came.
   */
  refresh(member: MemberKey, part: string, roomId: number, now: number): Promise<string[]>;
  /**
   * The session closed the rooms; `lastPing` itself is kept. Resolves with those rooms where it was the member's last
   * active one.
   */
  leave(member: MemberKey, session: string, roomIds: number[], now: number): Promise<number[]>;
  /** The member is in the room no more, with any session. True when one was active. */
  forget(member: MemberKey, roomId: number, now: number): Promise<boolean>;
  /** The member's last ping in each room (0: never), one round trip. */
  lastPings(member: MemberKey, roomIds: number[]): Promise<number[]>;
  /** In which of the rooms the member was active within the last `windowMs`; one round trip. */
  isActive(member: MemberKey, roomIds: number[], now: number, windowMs: number): Promise<boolean[]>;
  /** Of each of the members in one room, when they last pinged it (0: never), and whether within `windowMs`; one round trip. */
  seen(
    roomId: number,
    members: readonly MemberKey[],
    now: number,
    windowMs: number,
  ): Promise<{ lastPing: number; active: boolean }[]>;
  /** Active within the last `windowMs`; of each the sessions that were. */
  active(roomId: number, now: number, windowMs: number): Promise<ActiveParticipant[]>;
  /** Removes whose last session decayed, and resolves with them: each is given to one caller. */
  sweep(now: number): Promise<FormerParticipant[]>;
}

/**
 * Unread counters: a cache beside the store's `unread = messages − readMessages`.
 * A miss is null and is filled by the caller from the store.
 */
export interface UnreadCounters {
  get(member: MemberKey, roomIds: number[]): Promise<(UnreadEntry | null)[]>;
  /** Sets where they stand; a lower `read` than the one kept is ignored. */
  set(member: MemberKey, entries: { roomId: number; entry: UnreadEntry }[]): Promise<void>;
  /** A message with number `messages` was appended that mentions these members; others are untouched. */
  mentioned(roomId: number, members: MemberKey[]): Promise<void>;
  drop(member: MemberKey, roomIds: number[]): Promise<void>;
}
export interface UnreadEntry {
  read: number;
  readMessages: number;
  mentions: number;
}

/** One session in a call. */
export interface CallParticipant {
  session: string;
  actor: Actor;
  /** Bits: 1 in call, 2 audio, 4 video; 1–7. */
  flags: number;
}
export interface CallState {
  /** The OR of all participants' flags; 0 when nobody is in the call. */
  flags: number;
  participants: CallParticipant[];
}

/** Call flags per session. A participant decays `ttlMs` after its last refresh. */
export interface Calls {
  /** Adds a session, `added`, or updates its flags. Atomic. */
  put(
    roomId: number,
    participant: CallParticipant,
    now: number,
    ttlMs: number,
  ): Promise<{ added: boolean; call: CallState }>;
  /** Removes a session; `last` when it was in and nobody is left. Atomic. */
  remove(roomId: number, session: string): Promise<{ removed: boolean; last: boolean; call: CallState }>;
  get(roomId: number): Promise<CallState>;
  /** OR of the flags of each room, one round trip. */
  flags(roomIds: number[]): Promise<number[]>;
  /** Refreshes the sessions' entries (heartbeats); those that were lost are put back by the caller. */
  refresh(
    entries: { roomId: number; session: string }[],
    now: number,
    ttlMs: number,
  ): Promise<{ roomId: number; session: string }[]>;
  /** Removes sessions that decayed; resolves with the rooms whose call changed by that: each is given to one caller. */
  sweep(now: number): Promise<number[]>;
}

/** Rate limits. While the server is away each process counts by itself; no call rejects because of that. */
export interface RateLimits {
  /**
   * Takes `cost` from the token bucket `key` (`burst` tokens, refilled by `perSecond`).
   * @returns 0 when taken, else the milliseconds to wait until it could be.
   */
  take(key: string, cost: number, bucket: { burst: number; perSecond: number }, now: number): Promise<number>;
  /** Gives back (a login that succeeded). */
  reset(key: string): Promise<void>;
}

/** A session in which a member types. Its name has no spaces. */
export interface Typist {
  member: MemberKey;
  session: string;
  name: string;
}

/** Who types, session by session: a member types while one of their sessions does. */
export interface Typing {
  /**
   * Sets or clears; a set entry decays after `ttlMs`. True when that changes whether the member types, so that repeats
   * are not told. An entry that decayed counts until `sweep` took it: nobody was told its end.
   */
  set(roomId: number, typist: Typist, on: boolean, now: number, ttlMs: number): Promise<boolean>;
  /** The member is in the room no more. True when they typed there. */
  forget(roomId: number, member: MemberKey): Promise<boolean>;
  get(roomId: number, now: number): Promise<Omit<Typist, "session">[]>;
  /** Removes what decayed; resolves with those who type no more by that: each is given to one caller. */
  sweep(now: number): Promise<(Omit<Typist, "session"> & { roomId: number })[]>;
}

/** Queues of short texts that any process can fetch. Texts that nobody fetches decay. */
export interface SignalingQueues {
  /** The oldest give way when there are more than `most`. */
  put(address: string, messages: readonly string[], limits: { most: number; ttlMs: number }): Promise<void>;
  /** Empties it; each message is given to one taker only. */
  take(address: string): Promise<string[]>;
}
