/**
 * How a server ends a connection [GW-10.1]: 4000–4499 mean reconnect, 4500–4999 mean do not.
 * Plain data: browsers load this file as it is.
 */

/** By itself, so that the bundles of clients have it without the table. */
export const UNAUTHORIZED = 4501;

export const CLOSE_CODES = {
  draining: { code: 4000, reconnect: true, text: "The gateway is stopping; reconnect to any other" },
  silent: { code: 4001, reconnect: true, text: "Nothing was heard from the client for too long" },
  too_slow: { code: 4002, reconnect: true, text: "The client reads too slowly; resume to miss nothing" },
  no_hello: { code: 4003, reconnect: true, text: "No hello came within 10 s" },
  too_fast: { code: 4004, reconnect: true, text: "The client sent far more frames than it may" },
  unavailable: { code: 4005, reconnect: true, text: "The session can't be kept whole now; resume" },
  too_many: { code: 4006, reconnect: true, text: "Too many connections" },
  unauthorized: {
    code: UNAUTHORIZED,
    reconnect: false,
    text: "The credentials are missing, wrong, or no longer valid",
  },
} as const satisfies Record<string, { code: number; reconnect: boolean; text: string }>;

export type CloseReason = keyof typeof CLOSE_CODES;

/** Whether a client should connect again after a close with this code. Codes of RFC 6455 (1001, 1006, …) mean yes. */
export function shouldReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
