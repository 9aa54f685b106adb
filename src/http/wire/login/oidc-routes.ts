/** Requests and answers of signing in with an identity provider (`/login/oidc`). */
import { createRoute, z } from "@hono/zod-openapi";
import { json, jsonBody } from "../../face/face.ts";
import { body, flagText, text } from "../../requests/fields.ts";
import { BODY_REFUSALS, forbidden, notFound, REFUSALS } from "../shapes/failures.ts";
import { grant } from "./grant.ts";

const MAX_CODE_LENGTH = 100;
const MAX_VERIFIER_LENGTH = 128;
const MAX_CHALLENGE_LENGTH = 128;
const MAX_TOKEN_LENGTH = 8_192;
const MAX_URL_LENGTH = 2_000;

const UNSET = notFound("not-found: no identity provider is set");

const waysSchema = z
  .object({
    password: z.literal(true),
    oidc: z
      .object({
        name: z.string().openapi({ description: "What people call the identity provider" }),
        url: z.url().openapi({ description: "Where a browser begins to sign in with it" }),
      })
      .optional(),
  })
  .openapi("WaysToSignIn");

const redirect = (description: string) => ({ description, headers: z.object({ Location: z.string() }) });

export const OIDC_ROUTES = {
  ways: createRoute({
    method: "get",
    path: "/login",
    summary: "The ways to sign in",
    security: [],
    responses: {
      200: json(waysSchema, "Passwords, and the identity provider where one is set"),
      ...REFUSALS,
    },
  }),
  begin: createRoute({
    method: "get",
    path: "/login/oidc",
    summary: "Sign in with the identity provider, in a browser",
    description:
      "The browser comes back to `return`. A page of this server gets the cookie zuid, and `#sign-in=done`; an app gets `?code=…`, which " +
      "it exchanges at POST /login/oidc/token. Where it fails, the fragment is `sign-in` and the query `error` with the reason: denied, " +
      "failed, refused, unavailable.",
    security: [],
    request: {
      query: z.object({
        return: text(MAX_URL_LENGTH).optional().openapi({
          description: "A page of this server, or an app's URL that OIDC_APPS allows. Default: the page",
        }),
        code_challenge: text(MAX_CHALLENGE_LENGTH)
          .optional()
          .openapi({ description: "An app's PKCE challenge (S256), which it needs" }),
        link: flagText().openapi({
          description:
            "Sign nobody in: the code, which a page gets in its fragment, links the account that hands it in at POST /self/identities. " +
            "A challenge is needed",
        }),
        persist: flagText().openapi({ description: "Keep the login for 56 days" }),
      }),
    },
    responses: { 303: redirect("To the identity provider"), ...UNSET, ...REFUSALS },
  }),
  callback: createRoute({
    method: "get",
    path: "/login/oidc/callback",
    summary: "Where the identity provider sends the browser back to",
    security: [],
    responses: { 303: redirect("To where the sign-in began"), ...UNSET, ...REFUSALS },
  }),
  signOut: createRoute({
    method: "get",
    path: "/login/oidc/logout",
    summary: "Sign out at the identity provider, in a browser, after POST /access/logout",
    security: [],
    responses: { 303: redirect("To the identity provider, or to the page"), ...UNSET, ...REFUSALS },
  }),
  logout: createRoute({
    method: "post",
    path: "/login/oidc/backchannel-logout",
    summary: "The identity provider ends logins (OpenID Connect Back-Channel Logout 1.0)",
    security: [],
    request: {
      body: {
        required: true,
        content: {
          "application/x-www-form-urlencoded": {
            schema: z.object({ logout_token: text(MAX_TOKEN_LENGTH) }).openapi("LogoutToken"),
          },
        },
      },
    },
    responses: { 200: { description: "The logins are over" }, ...UNSET, ...REFUSALS, ...BODY_REFUSALS },
  }),
  exchange: createRoute({
    method: "post",
    path: "/login/oidc/token",
    summary: "Exchange an app's code for a login, once and within a minute",
    security: [],
    request: jsonBody(
      body({ code: text(MAX_CODE_LENGTH), code_verifier: text(MAX_VERIFIER_LENGTH) }).openapi("LoginCode"),
    ),
    responses: {
      200: json(grant, "An access token; its refresh token or the cookie zuid renews it"),
      ...REFUSALS,
      ...UNSET,
      ...forbidden("invalid-credentials: the code is used, over, or another app's"),
      ...BODY_REFUSALS,
    },
  }),
};
