/**
 * What Matrix's error codes mean for what was asked: the one table by which the bridge decides whether to repeat a request,
 * to go another way, or to end it (Matrix, Client-Server API, "Standard error response"). A status alone means nothing: a
 * proxy may have written it.
 */

/**
 * - `done`: what was asked for is so already.
 * - `event`: this very event can't be; repeating it is useless.
 * - `member`: this sender, or this member of a room, may not do this.
 * - `absent`: what the request names is not there.
 * - `unsupported`: the homeserver has no such endpoint. For a write that every homeserver knows, a proxy is at fault.
 * - `away`: it says nothing about the request, but about the bridge: its token, or its namespace.
 * - `waits`: everything else, such as too many requests.
 */
export type Meaning = "done" | "event" | "member" | "absent" | "unsupported" | "away" | "waits";

/** Only `event` and `member` ever end anything. What is not listed waits. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  M_DUPLICATE_ANNOTATION: "done",
  M_USER_IN_USE: "done",
  M_ROOM_IN_USE: "done",
  M_TOO_LARGE: "event",
  M_BAD_JSON: "event",
  M_INVALID_PARAM: "event",
  M_FORBIDDEN: "member",
  M_USER_DEACTIVATED: "member",
  M_UNABLE_TO_AUTHORISE_JOIN: "member",
  M_UNSUPPORTED_ROOM_VERSION: "member",
  M_INCOMPATIBLE_ROOM_VERSION: "member",
  M_NOT_FOUND: "absent",
  M_UNRECOGNIZED: "unsupported",
  M_UNKNOWN_TOKEN: "away",
  M_MISSING_TOKEN: "away",
  M_EXCLUSIVE: "away",
};

/** What Synapse and Dendrite say where an application service acts as a user that it may not act as, or has not made. */
const ABOUT_THE_SERVICE = /application service (cannot masquerade|has not registered)/i;
const UNREGISTERED = /has not registered this user/i;

interface Answer {
  /** Null: no answer came. */
  status: number | null;
  /** Null: the answer was not Matrix's. */
  errcode: string | null;
  /** The words of the answer. */
  message: string;
}

export function meaningOf({ status, errcode, message }: Answer): Meaning {
  if (errcode === null) return "away";
  if (errcode === "M_FORBIDDEN" && ABOUT_THE_SERVICE.test(message)) return "away";
  // Synapse answers so for what it has no code of its own for; with another status it is a failure of the homeserver.
  if (errcode === "M_UNKNOWN" && status === 400) return "event";
  return MEANINGS[errcode] ?? "waits";
}

/** Whether the homeserver has no account for the user that the bridge acts as: it has to be registered (again). */
export function isUnregistered({ errcode, message }: Pick<Answer, "errcode" | "message">): boolean {
  return errcode === "M_FORBIDDEN" && UNREGISTERED.test(message);
}
