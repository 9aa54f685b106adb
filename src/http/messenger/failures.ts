/** Messenger's errors: `{success: false, message, error}`. The message names the field and the rule. */
import { z } from "@hono/zod-openapi";
import { type Failure, type FailureCode, STATUS, spelled } from "../answers/failures.ts";
import { DOOR_REFUSALS, json, type Refusal } from "../face/face.ts";

export const messengerError = z
  .object({ success: z.literal(false), message: z.string(), error: z.string() })
  .openapi("Error");

/** By the domain's name of a field: this API's name. */
const FIELDS: Record<string, string> = {
  organizationId: "organizationID",
  eventId: "eventID",
  room: "roomID",
};

/** The short text in the field `error`. */
const ERROR: Record<FailureCode, string> = {
  bad_request: "bad request",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  not_found: "not found",
  method_not_allowed: "method not allowed",
  conflict: "conflict",
  too_large: "too large",
  unsupported_media_type: "unsupported media type",
  key_reused: "key reused",
  rate_limited: "too many requests",
  read_only: "read-only",
  lobby: "lobby closed",
  busy: "busy",
  unavailable: "unavailable",
  internal: "internal error",
};

export function refuse(failure: Failure): Refusal {
  const { code } = failure;
  return {
    status: STATUS[code],
    body: { success: false, message: spelled(failure, FIELDS), error: ERROR[code] },
  };
}

/** The refusals that every operation can answer with, for a route's `responses`. */
export const REFUSALS = {
  ...DOOR_REFUSALS,
  400: json(messengerError, "The request breaks a rule; the message names the field"),
  401: json(messengerError, "No valid API-TOKEN or Personal-Access-Token"),
  403: json(messengerError, "The caller may not do this"),
  404: json(messengerError, "There is no such thing, or the caller can't see it"),
  413: json(messengerError, "The body is too large"),
  415: json(messengerError, "The body is no application/json"),
  429: json(messengerError, "Too many requests; Retry-After says when to come back"),
  500: json(messengerError, "A defect of the server"),
  503: json(messengerError, "A part of the server can't be reached; try again"),
};

/** A refusal of POSTs. */
export const KEY_REUSED = { 422: json(messengerError, "The Idempotency-Key was that of another request") };
