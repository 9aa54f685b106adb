/** Wire's errors: `{code, label, message}`, `code` being the HTTP status. */
import { z } from "@hono/zod-openapi";
import { DomainError } from "../../../domain/errors.ts";
import { type Failure, type FailureCode, type FailureStatus, STATUS } from "../../answers/failures.ts";
import { DOOR_REFUSALS, json, type Refusal } from "../../face/face.ts";

export const wireError = z.object({ code: z.int(), label: z.string(), message: z.string() }).openapi("Error");

const LABEL: Record<FailureCode, string> = {
  bad_request: "bad-request",
  unauthorized: "invalid-credentials",
  forbidden: "action-denied",
  not_found: "not-found",
  method_not_allowed: "method-not-allowed",
  conflict: "conflict",
  too_large: "too-large",
  unsupported_media_type: "unsupported-media-type",
  key_reused: "key-reused",
  rate_limited: "client-error",
  read_only: "access-denied",
  lobby: "access-denied",
  busy: "service-unavailable",
  unavailable: "service-unavailable",
  internal: "server-error",
};

/** Refusals with a name and text of Wire's own. */
const WIRE = {
  noConversation: [404, "no-conversation", "Conversation not found"],
  noMember: [404, "no-conversation-member", "Conversation member not found"],
  accessDenied: [403, "access-denied", "Conversation access denied"],
  notConnected: [403, "not-connected", "Users are not connected"],
  noTeamMember: [403, "no-team-member", "Requesting user is not a team member"],
  noTeam: [404, "no-team", "Team not found"],
  noCode: [404, "no-conversation-code", "Conversation code not found"],
  tooManyMembers: [403, "too-many-members", "Maximum number of members per conversation reached"],
  invalidOperation: [403, "invalid-op", "invalid operation for 1:1 conversations"],
} as const satisfies Record<string, readonly [FailureStatus, string, string]>;

/** Wire's refusals by the domain's code and field. */
const ON_FIELD: Record<string, keyof typeof WIRE> = {
  "not_found room": "noConversation",
  "not_found member": "noMember",
  "not_found members": "notConnected",
  "not_found organizationId": "noTeamMember",
  "forbidden organizationId": "noTeamMember",
  "not_found code": "noCode",
  "forbidden access": "accessDenied",
  // Wire's clients can't give the password of a guest link.
  "forbidden password": "accessDenied",
  "too_large members": "tooManyMembers",
  "bad_request room": "invalidOperation",
};

/** Fields whose bounds Wire checks itself, where it says `client-error`. */
const BOUNDED: ReadonlySet<string> = new Set(["name", "users", "qualified_users"]);

/** A refusal whose status and label are Wire's own, and not those of the domain's code. */
export class WireRefusal extends DomainError {
  readonly status: FailureStatus;
  readonly label: string;

  constructor(status: FailureStatus, label: string, message: string) {
    super("forbidden", message);
    this.name = "WireRefusal";
    this.status = status;
    this.label = label;
  }
}

export function wireRefusal(name: keyof typeof WIRE): WireRefusal {
  const [status, label, message] = WIRE[name];
  return new WireRefusal(status, label, message);
}

export function refuse(failure: Failure): Refusal {
  const { code, message, field = "", cause } = failure;
  if (cause instanceof WireRefusal) return shape(cause.status, cause.label, message);
  const known = ON_FIELD[`${code} ${field}`];
  if (known) {
    const [status, label, text] = WIRE[known];
    // Not only one-to-one rooms refuse such changes; the domain's message says which.
    return shape(status, label, known === "invalidOperation" ? message : text);
  }
  const bounded = code === "bad_request" && BOUNDED.has(field.split(".")[0] ?? "");
  const refusal = shape(STATUS[code], bounded ? "client-error" : LABEL[code], message);
  return code === "unauthorized" ? { ...refusal, headers: { "WWW-Authenticate": "Bearer" } } : refusal;
}

function shape(status: FailureStatus, label: string, message: string): Refusal {
  return { status, body: { code: status, label, message } };
}

/** The refusals that every operation can answer, for a route's `responses`. */
export const REFUSALS = {
  ...DOOR_REFUSALS,
  400: json(wireError, "bad-request or client-error: the message names the field and the rule"),
  429: json(wireError, "client-error: too often; Retry-After says when to come back"),
  500: json(wireError, "server-error: a defect of the server"),
  503: json(wireError, "service-unavailable: a part of the server can't be reached; try again"),
};
export const UNAUTHORIZED = { 401: json(wireError, "invalid-credentials: no valid access token") };
export const BODY_REFUSALS = {
  413: json(wireError, "too-large: the body is too large"),
  415: json(wireError, "unsupported-media-type: the body is no application/json"),
};
/** Behind authentication. */
export const PROTECTED = { ...REFUSALS, ...UNAUTHORIZED };
export const PROTECTED_BODY = { ...PROTECTED, ...BODY_REFUSALS };

export function forbidden(labels: string) {
  return { 403: json(wireError, labels) };
}
export const CONFLICT = {
  409: json(wireError, "conflict: another chatroom of the organization has this name"),
};
export function notFound(labels: string) {
  return { 404: json(wireError, labels) };
}
