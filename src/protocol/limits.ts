/**
 * The bounds of the protocol, as PROTOCOL.md tells them. Plain data: browsers load this file as it is.
 * What is said about texts, ids and mentions is judged by the domain; it stands here for authors of clients.
 */

// By themselves, so that the bundles of clients have these without the others.
export const FRAME_BYTES = 64 * 1024;
export const FRAME_BURST = 400;
export const FRAMES_PER_SECOND = 100;
export const HISTORY_MOST = 200;
export const ROOMS_MOST = 500;

export const LIMITS = {
  /** [GW-1.4] A longer frame is `too_large` and is not read. */
  FRAME_BYTES,
  /** [GW-1.4] A frame beyond this cuts the connection. */
  CUT_FRAME_BYTES: 256 * 1024,
  /** [GW-1.6] How deep arrays and maps of a frame may nest. */
  FRAME_DEPTH: 16,
  /** [GW-2.2] */
  HELLO_WITHIN_MS: 10_000,
  /** [GW-2.5] Frames that may come while `hello` is being answered. */
  FRAMES_BEFORE_READY: 64,
  /** [GW-3.1] A `ref` that is a string. */
  REF_CHARACTERS: 64,
  /** [GW-3.5] Commands of one session that may be under way; more are `busy`. */
  COMMANDS_IN_FLIGHT: 1_024,
  /** [GW-3.6] Frames of one connection: this many at once, and this many each second on average. */
  FRAME_BURST,
  FRAMES_PER_SECOND,
  /** [GW-3.6] After so many frames that were refused for their rate the connection is closed. */
  FRAMES_REFUSED: 1_000,
  /** [GW-2.1] */
  TOKEN_CHARACTERS: 8_192,
  DEVICE_CHARACTERS: 128,
  /** [GW-2.3] The text of a room's `last` message in `ready`. */
  PREVIEW_CHARACTERS: 500,
  /** [GW-5.4] */
  TEXT_CODE_POINTS: 16_000,
  MESSAGE_ID_CHARACTERS: 64,
  MENTIONS: 100,
  /** [GW-6.2] */
  HISTORY_DEFAULT: 50,
  HISTORY_MOST,
  /** [GW-6.5] Text in one page of history, about. */
  HISTORY_BYTES: 512 * 1024,
  /** [GW-6.9] Rooms that one `delivered` may name. */
  DELIVERED_ROOMS: 1_000,
  /** [GW-6.10] More members than these are counted and not listed. */
  RECEIPT_MEMBERS: 100,
  /** [GW-15.7] Entries of one page. */
  ROOMS_DEFAULT: 100,
  ROOMS_MOST,
  /** [GW-14.2] */
  SEARCH_TEXT_CODE_POINTS: 200,
  /** [GW-14.5] */
  SEARCH_DEFAULT: 20,
  SEARCH_MOST: 100,
  /** [GW-14.7] Searches of one user on one gateway. */
  SEARCHES_UNDER_WAY: 8,
  /** [GW-16.2] People whom one command names. */
  PEOPLE_AT_ONCE: 100,
  MEMBER_ID_CHARACTERS: 255,
  LINK_CHARACTERS: 2_048,
  /** [GW-16.4] */
  MEMBERS_DEFAULT: 50,
  MEMBERS_MOST: 200,
  MEMBERS_QUERY_CODE_POINTS: 200,
  /** [GW-17.13] */
  LINK_CODE_CHARACTERS: 100,
  VERIFIER_CHARACTERS: 128,
  /** [GW-17.9] A Matrix device's id. */
  MATRIX_DEVICE_CHARACTERS: 255,
  /** [GW-17.2] Users in one answer, and ids in one question. */
  USERS_MOST: 100,
  /** [GW-8.2] Typing that is not said again ends after this time. */
  TYPING_MS: 8_000,
  /** [GW-8.3] Rooms that one `ping` may name. */
  PING_ROOMS: 1_000,
  /** [GW-9.4] The id of a session in a call, and what is said to it, as JSON. */
  CALL_SESSION_CHARACTERS: 64,
  SIGNAL_BYTES: 16 * 1024,
  SIGNAL_DEPTH: 16,
  /** [GW-9.2] A session that was lost leaves its calls within this time. */
  CALL_LEAVE_MS: 60_000,
} as const;
