/** Protocol's errors: `{type, message, documentation_url}`. `type` is the kind of error. */
import { z } from "@hono/zod-openapi";
import { publicLink } from "../../public-links.ts";
import { type Failure, STATUS, spelled } from "../answers/failures.ts";
import { isFromBrowser } from "../face/browsers.ts";
import { DOOR_REFUSALS, type HttpContext, json, type Refusal } from "../face/face.ts";

/** The explanations behind `documentation_url`. */
export const ERROR_TYPES = {
  invalid_request:
    "The request can't be carried out as it is: its message names the field and the rule, or says who may do this. " +
    "Sending it again makes no difference, except after 429 (too many requests), once Retry-After is over.",
  api_error:
    "The server failed. The request was fine and may be sent again; when it was 503, a part of the server can't be " +
    "reached for now.",
} as const;
type ErrorType = keyof typeof ERROR_TYPES;

const protocolError = z
  .object({
    type: z.enum(Object.keys(ERROR_TYPES) as [ErrorType, ...ErrorType[]]),
    message: z.string().openapi({ description: "Names the field and the rule" }),
    documentation_url: z.url(),
  })
  .openapi("Error");

/** By the domain's name of a field: this API's name. */
const FIELDS: Record<string, string> = {
  startingAfter: "starting_after",
  endingBefore: "ending_before",
  avatarUrl: "avatar_url",
  phoneNumber: "phone_number",
  displayName: "display_name",
  archivedAt: "archived_at",
  members: "contacts",
  text: "message",
};

/** @param publicUrl where clients reach this server, and its documentation */
export function refusals(publicUrl: () => string): (failure: Failure) => Refusal {
  return (failure) => {
    const status = STATUS[failure.code];
    const type: ErrorType = status >= 500 ? "api_error" : "invalid_request";
    return {
      status,
      body: {
        type,
        message: spelled(failure, FIELDS),
        documentation_url: publicLink(publicUrl(), `/docs/errors/${type}`),
      },
    };
  };
}

/** Writes a refusal, without asking browsers for Basic: they would store the password and send it for other sites too. */
export function respondRefusal(c: HttpContext, { status, body, headers }: Refusal): Response {
  const challenge = isFromBrowser(c) ? "Bearer" : 'Bearer, Basic realm="Causeway"';
  return c.json(body, status, { ...headers, ...(status === 401 && { "WWW-Authenticate": challenge }) });
}

/** The refusals that every operation can answer with, for a route's `responses`. */
export const REFUSALS = {
  ...DOOR_REFUSALS,
  400: json(protocolError, "invalid_request: the request breaks a rule; the message names the field"),
  401: json(protocolError, "invalid_request: no valid token, or a wrong password"),
  403: json(protocolError, "invalid_request: the caller may not do this"),
  404: json(protocolError, "invalid_request: there is no such thing, or the caller can't see it"),
  429: json(protocolError, "invalid_request: too many requests; Retry-After says when to come back"),
  500: json(protocolError, "api_error: a defect of the server"),
  503: json(protocolError, "api_error: a part of the server can't be reached; try again"),
};
/** Refusals of operations with a body. */
export const BODY_REFUSALS = {
  ...REFUSALS,
  409: json(protocolError, "invalid_request: it exists already, is in another state, or is under way"),
  413: json(protocolError, "invalid_request: too large"),
  415: json(protocolError, "invalid_request: a body of another type"),
  422: json(protocolError, "invalid_request: the Idempotency-Key was that of another request"),
};
