/**
 * The codes of `error` frames [GW-3.3] with their advice: `retry` says that the same frame can succeed later without
 * being changed. Plain data: browsers load this file as it is.
 */
export const ERROR_CODES = {
  bad_request: { retry: false, text: "The frame breaks a rule; `field` names what does" },
  unauthorized: { retry: false, text: "Valid credentials are needed" },
  forbidden: {
    retry: false,
    text: "Your role in the room does not allow this, or one of you two blocked the other",
  },
  not_found: { retry: false, text: "There is no such room or message, or you can't see it" },
  conflict: { retry: false, text: "It was done already, or the state is another" },
  too_large: { retry: false, text: "The frame is too large" },
  rate_limited: { retry: true, text: "Too much at once; wait for `retryAfterMs`" },
  read_only: { retry: false, text: "The room is read-only" },
  lobby: { retry: true, text: "The room's lobby is closed" },
  busy: { retry: true, text: "The server has too much to do; repeat after `retryAfterMs`" },
  unavailable: { retry: true, text: "A part of the server can't be reached; repeat the same frame" },
} as const satisfies Record<string, { retry: boolean; text: string }>;

export type WireErrorCode = keyof typeof ERROR_CODES;
