/** How long hot state lives when nobody refreshes it. Both twins keep to these. */

/**
 * A member counts as active in a room for at most this long after a ping: the longest window that any face asks for
 * (Talk counts the guests of the last 100 s).
 */
export const ACTIVE_MS = 100_000;

/** Of a member's sessions in one room no more are kept; the oldest give way. */
export const MAX_ACTIVE_SESSIONS = 100;

/** `lastPing` of a member, after their last ping anywhere. Later it is 0 again, "never". */
export const LAST_PING_MS = 7 * 24 * 3_600_000;

/** Unread counters of a member, after the last one was set. They are a cache: the store fills them again. */
export const UNREAD_MS = 3_600_000;

/** Indexes over many rooms or sessions, after something was last noted in them: longer than all that they point to. */
export const INDEX_MS = 24 * 3_600_000;

/** How often a process looks for what decayed. */
export const SWEEP_MS = 5_000;
