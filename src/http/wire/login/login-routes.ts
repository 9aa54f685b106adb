/** Requests and answers of signing in (`/login`, `/access`). */
import { createRoute, z } from "@hono/zod-openapi";
import { json, jsonBody } from "../../face/face.ts";
import { body, flagText, text } from "../../requests/fields.ts";
import { BODY_REFUSALS, forbidden, REFUSALS } from "../shapes/failures.ts";
import { grant } from "./grant.ts";

const MAX_NAME_LENGTH = 320;
const MAX_PASSWORD_LENGTH = 1_024;
const MAX_TOKEN_LENGTH = 128;

const FORBIDDEN = forbidden("invalid-credentials: the message says what is missing");

const optionalToken = {
  body: {
    required: false,
    content: {
      "application/json": {
        schema: body({ refresh_token: text(MAX_TOKEN_LENGTH).optional() }).openapi("Renewal"),
      },
    },
  },
};

export const LOGIN_ROUTES = {
  login: createRoute({
    method: "post",
    path: "/login",
    summary: "Sign in with handle or e-mail, and password",
    security: [],
    request: {
      query: z.object({ persist: flagText().openapi({ description: "Keep the login for 56 days" }) }),
      ...jsonBody(
        body({
          email: text(MAX_NAME_LENGTH).optional(),
          handle: text(MAX_NAME_LENGTH).optional(),
          phone: text(MAX_NAME_LENGTH).optional(),
          password: text(MAX_PASSWORD_LENGTH),
          refresh: z
            .boolean()
            .optional()
            .openapi({ description: "Answer a refresh token too, for clients that keep no cookies" }),
        }).openapi("Login"),
      ),
    },
    responses: {
      200: json(grant, "An access token; the cookie zuid renews it"),
      ...REFUSALS,
      ...FORBIDDEN,
      ...BODY_REFUSALS,
    },
  }),
  access: createRoute({
    method: "post",
    path: "/access",
    summary: "Renew the access token with a refresh token, or with the cookie zuid",
    description:
      "A refresh token is used once. A client that got no answer may use it again for 10 s; after that, a second use ends the login.",
    security: [],
    request: optionalToken,
    responses: { 200: json(grant, "A new access token"), ...REFUSALS, ...FORBIDDEN, ...BODY_REFUSALS },
  }),
  logout: createRoute({
    method: "post",
    path: "/access/logout",
    summary:
      "End the login of a refresh token or of the cookie zuid, with its access tokens; an access token may come along, and need not be valid any more",
    security: [],
    request: optionalToken,
    responses: { 200: { description: "The login is over" }, ...REFUSALS, ...FORBIDDEN, ...BODY_REFUSALS },
  }),
};
