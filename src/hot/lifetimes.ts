/** How long hot state lives without a refresh, in memory and in Redis. */

/**
 * A member counts as active in a room for at most this long after a ping. It is the longest window of any face (Talk counts
 * the guests of the last 100 s).
 */
export const ACTIVE_MS = 100_000;

/** A member's sessions in one room that are kept; the oldest are dropped. */
export const MAX_ACTIVE_SESSIONS = 100;

/** `lastPing` of a member lives for so long after their last ping anywhere. Then it is 0, "never". */
export const LAST_PING_MS = 7 * 24 * 3_600_000;

/** A member's unread counters live for so long after the last one was set. They are a cache of the store. */
export const UNREAD_MS = 3_600_000;

/** Indexes over many rooms or sessions live for so long after the last note, longer than all entries that they name. */
export const INDEX_MS = 24 * 3_600_000;

/** How often a process sweeps decayed entries. */
export const SWEEP_MS = 5_000;
