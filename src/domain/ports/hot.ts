/**
 * Hot state: what may be lost at any moment without losing a message, a membership or an acknowledged read marker.
 * Every entry either rebuilds from the store or decays by itself. Two twins, memory and Redis, pass one contract suite.
 *
 * Errors: a twin that can't reach its server rejects with `DomainError("unavailable")` quickly (it does not queue for
 * ever); callers decide whether they can go on without.
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
  readonly mailboxes: Mailboxes;
  /** Throws `unavailable` when the server does not answer within 1 s. */
  ping(): Promise<void>;
  /** The server's own clock, ms since 1970 UTC; null where hot state lives in this process. */
  time(): Promise<number | null>;
  /** Removes what decayed, without anybody reading it. Runs by itself every few seconds; exposed for tests. */
  sweep(now: number): Promise<SweepResult>;
  close(): Promise<void>;
}

/** How much decayed. */
export interface SweepResult {
  /** Entries of the session registry. */
  sessions: number;
  /** Active participants of rooms. */
  participants: number;
  /** Sessions that were in a call. */
  calls: number;
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

export interface ActiveParticipant {
  member: MemberKey;
  name: string;
  lastPing: number;
  guest: boolean;
}

/** Who looks at which room. Activity decays: count() takes a window. */
export interface Presence {
  /** Marks a member as active in rooms now; one round trip. Resolves with the rooms where they were not active before. */
  ping(member: MemberKey, name: string, conversationIds: number[], now: number): Promise<number[]>;
  /** The member's session closed the room; `lastPing` itself is kept. */
  leave(member: MemberKey, conversationIds: number[]): Promise<void>;
  /** The member's last ping in each room (0: never), one round trip. */
  lastPings(member: MemberKey, conversationIds: number[]): Promise<number[]>;
  /** In which of the rooms the member was active within the last `windowMs`; one round trip. */
  isActive(member: MemberKey, conversationIds: number[], now: number, windowMs: number): Promise<boolean[]>;
  /** Active within the last `windowMs`. */
  active(conversationId: number, now: number, windowMs: number): Promise<ActiveParticipant[]>;
}

/**
 * Unread counters: a cache beside the store's `unread = messages − readMessages`.
 * A miss is null and is filled by the caller from the store.
 */
export interface UnreadCounters {
  get(member: MemberKey, conversationIds: number[]): Promise<(UnreadEntry | null)[]>;
  /** Sets where they stand; a lower `read` than the one kept is ignored. */
  set(member: MemberKey, entries: { conversationId: number; entry: UnreadEntry }[]): Promise<void>;
  /** A message with number `messages` was appended that mentions these members; others are untouched. */
  mentioned(conversationId: number, members: MemberKey[]): Promise<void>;
  drop(member: MemberKey, conversationIds: number[]): Promise<void>;
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
    conversationId: number,
    participant: CallParticipant,
    now: number,
    ttlMs: number,
  ): Promise<{ added: boolean; call: CallState }>;
  /** Removes a session; `last` when it was in and nobody is left. Atomic. */
  remove(
    conversationId: number,
    session: string,
  ): Promise<{ removed: boolean; last: boolean; call: CallState }>;
  get(conversationId: number): Promise<CallState>;
  /** OR of the flags of each room, one round trip. */
  flags(conversationIds: number[]): Promise<number[]>;
  /** Refreshes the sessions' entries (heartbeats); those that were lost are put back by the caller. */
  refresh(
    entries: { conversationId: number; session: string }[],
    now: number,
    ttlMs: number,
  ): Promise<{ conversationId: number; session: string }[]>;
}

/** They never reject because a server is away: each process then counts by itself. */
export interface RateLimits {
  /**
   * Takes `cost` from the token bucket `key` (`burst` tokens, refilled by `perSecond`).
   * @returns 0 when taken, else the milliseconds to wait until it could be.
   */
  take(key: string, cost: number, bucket: { burst: number; perSecond: number }, now: number): Promise<number>;
  /** Gives back (a login that succeeded). */
  reset(key: string): Promise<void>;
}

export interface Typing {
  /** Sets or clears; a set entry decays after `ttlMs`. True when the state changed (so that repeats are not broadcast). */
  set(conversationId: number, member: MemberKey, on: boolean, now: number, ttlMs: number): Promise<boolean>;
  get(conversationId: number, now: number): Promise<MemberKey[]>;
}

/** Short texts that wait for somebody to fetch them, from whichever process. What is not fetched decays. */
export interface Mailboxes {
  /** The oldest give way when there are more than `most`. */
  put(address: string, messages: readonly string[], limits: { most: number; ttlMs: number }): Promise<void>;
  /** Empties it; each message is given to one taker only. */
  take(address: string): Promise<string[]>;
}
