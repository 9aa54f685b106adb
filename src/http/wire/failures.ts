/** Wire's errors: `{code, label, message}`, `code` being the HTTP status. */
import { z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import { json, type Refusal } from "../face.ts";
import { type Failure, type FailureCode, type FailureStatus, STATUS } from "../failures.ts";

const wireError = z.object({ code: z.int(), label: z.string(), message: z.string() }).openapi("Error");

const LABEL: Record<FailureCode, string> = {
  bad_request: "bad-request",
  unauthorized: "invalid-credentials",
  forbidden: "access-denied",
  not_found: "not-found",
  method_not_allowed: "method-not-allowed",
  conflict: "conflict",
  too_large: "too-large",
  unsupported_media_type: "unsupported-media-type",
  rate_limited: "client-error",
  read_only: "access-denied",
  lobby: "access-denied",
  busy: "service-unavailable",
  unavailable: "service-unavailable",
  internal: "server-error",
};

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

export function refuse({ code, message, cause }: Failure): Refusal {
  if (cause instanceof WireRefusal) return shape(cause.status, cause.label, message);
  const refusal = shape(STATUS[code], LABEL[code], message);
  return code === "unauthorized" ? { ...refusal, headers: { "WWW-Authenticate": "Bearer" } } : refusal;
}

function shape(status: FailureStatus, label: string, message: string): Refusal {
  return { status, body: { code: status, label, message } };
}

/** The refusals that every operation can answer, for a route's `responses`. */
export const REFUSALS = {
  400: json(wireError, "bad-request: the message names the field and the rule"),
  429: json(wireError, "client-error: too often; Retry-After says when to come back"),
  500: json(wireError, "server-error: a defect of the server"),
  503: json(wireError, "service-unavailable: a part of the server can't be reached; try again"),
};
export const UNAUTHORIZED = { 401: json(wireError, "invalid-credentials: no valid access token") };
export const FORBIDDEN = { 403: json(wireError, "invalid-credentials: the message says what is missing") };
export const BODY_REFUSALS = {
  413: json(wireError, "too-large: the body is too large"),
  415: json(wireError, "unsupported-media-type: the body is no application/json"),
};
