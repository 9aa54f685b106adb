/** The admin API's errors: `{error: {code, message, field?}}`, `code` being the domain's. */
import { z } from "@hono/zod-openapi";
import { type Failure, STATUS } from "../answers/failures.ts";
import { DOOR_REFUSALS, json, type Refusal } from "../face/face.ts";

const adminError = z
  .object({ error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }) })
  .openapi("Error");

export function refuse({ code, message, field }: Failure): Refusal {
  const body = { error: { code, message, ...(field !== undefined && { field }) } };
  const headers = code === "unauthorized" ? { headers: { "WWW-Authenticate": "Bearer" } } : {};
  return { status: STATUS[code], body, ...headers };
}

/** The refusals that every operation can answer with, for a route's `responses`. */
export const REFUSALS = {
  ...DOOR_REFUSALS,
  400: json(adminError, "The request breaks a rule; field and message name it"),
  401: json(adminError, "No valid ADMIN_TOKEN"),
  403: json(adminError, "The admin API is off"),
  404: json(adminError, "There is no such thing"),
  409: json(adminError, "It exists already, or is in another state"),
  413: json(adminError, "The body is too large"),
  415: json(adminError, "The body is no application/json"),
  429: json(adminError, "Too many requests; Retry-After says when to come back"),
  500: json(adminError, "A defect of the server"),
  503: json(adminError, "A part of the server can't be reached; try again"),
};
