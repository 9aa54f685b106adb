/** Requests and answers of one's own account (`/self`). */
import { createRoute, z } from "@hono/zod-openapi";
import { AUDIENCES } from "../../../domain/model.ts";
import { json, jsonBody } from "../../face/face.ts";
import { body, flag, idText, oneOf, text } from "../../requests/fields.ts";
import { forbidden, PROTECTED, PROTECTED_BODY, wireError } from "../shapes/failures.ts";

const MAX_TEXT_LENGTH = 1_024;
const MAX_CODE_LENGTH = 100;
const MAX_VERIFIER_LENGTH = 128;
const UNPROVEN = forbidden(
  "invalid-credentials: the password, or the code, is wrong; sign-in-again: you have none, and the sign-in is older than 10 minutes",
);
const NEEDED = "Whoever has a password has to give it";

const audience = oneOf(AUDIENCES);

const selfSchema = z
  .object({
    id: z.uuid(),
    qualified_id: z.object({ id: z.uuid(), domain: z.string() }),
    name: z.string(),
    picture: z.array(z.string()).max(0),
    assets: z.array(z.string()).max(0),
    email: z.string().optional(),
    accent_id: z.int(),
    locale: z.string(),
    managed_by: z.literal("wire"),
    handle: z.string(),
    team: z.uuid().optional(),
    avatar: z.string().optional().openapi({ description: "The URL of the picture" }),
    status: z.string().optional(),
    privacy: z.object({ receipts: z.enum(AUDIENCES), lastSeen: z.enum(AUDIENCES) }).openapi({
      description: "Who is told how far the caller has read, and when they were last seen",
    }),
  })
  .openapi("SelfProfile");

const session = z
  .object({
    id: z.string(),
    device: z.string().optional().openapi({ description: "What the client called itself" }),
    lastSeen: z.int().openapi({ description: "When it was last used, ms" }),
    address: z.string().optional(),
    current: z.boolean().openapi({ description: "Whether it is the login of this request" }),
  })
  .openapi("LoginSession");

const identity = z
  .object({
    id: z.string(),
    issuer: z.string().openapi({ description: "Of the identity provider" }),
    name: z.string().optional().openapi({ description: "What it calls the caller" }),
    linkedAt: z.int().openapi({ description: "ms" }),
  })
  .openapi("LinkedIdentity");

const ended = z.object({ ended: z.int().openapi({ description: "How many logins ended" }) });

export const SELF_ROUTES = {
  self: createRoute({
    method: "get",
    path: "/self",
    summary: "Who the access token belongs to",
    responses: { 200: json(selfSchema, "The caller's profile"), ...PROTECTED },
  }),
  change: createRoute({
    method: "put",
    path: "/self",
    summary: "Change name, picture, status, and what others are told",
    request: jsonBody(
      body({
        name: text(MAX_TEXT_LENGTH).optional(),
        status: text(MAX_TEXT_LENGTH).optional().openapi({ description: "At most 140 characters" }),
        avatar: text(MAX_TEXT_LENGTH)
          .nullish()
          .openapi({ description: "The id of an uploaded file that was not sent; null removes the picture" }),
        privacy: body({ receipts: audience.optional(), lastSeen: audience.optional() }).optional(),
      }).openapi("SelfUpdate"),
    ),
    responses: { 200: json(selfSchema, "The profile as it is now"), ...PROTECTED_BODY },
  }),
  password: createRoute({
    method: "put",
    path: "/self/password",
    summary: "Change the password, or set a first one, and end all other logins",
    request: jsonBody(
      body({
        old_password: text(MAX_TEXT_LENGTH).optional().openapi({ description: NEEDED }),
        new_password: text(MAX_TEXT_LENGTH),
      }).openapi("PasswordChange"),
    ),
    responses: { 200: { description: "It is the password now" }, ...UNPROVEN, ...PROTECTED_BODY },
  }),
  sessions: createRoute({
    method: "get",
    path: "/self/sessions",
    summary: "The caller's logins, the last used first",
    responses: { 200: json(z.object({ sessions: z.array(session) }), "At most 200"), ...PROTECTED },
  }),
  endOthers: createRoute({
    method: "delete",
    path: "/self/sessions",
    summary: "End all logins but that of this request",
    responses: { 200: json(ended, "They are over"), ...PROTECTED },
  }),
  endOne: createRoute({
    method: "delete",
    path: "/self/sessions/{id}",
    summary: "End one of the caller's logins",
    request: { params: z.object({ id: idText() }) },
    responses: { 200: json(ended, "It is over, if it was the caller's"), ...PROTECTED },
  }),
  identities: createRoute({
    method: "get",
    path: "/self/identities",
    summary: "Who the caller is at identity providers",
    responses: {
      200: json(z.object({ identities: z.array(identity) }), "The first link first"),
      ...PROTECTED,
    },
  }),
  link: createRoute({
    method: "post",
    path: "/self/identities",
    summary: "Link the account to a person of the identity provider",
    description: "The code comes from GET /login/oidc with `link=true`. It links once, within 5 minutes.",
    request: jsonBody(
      body({
        code: text(MAX_CODE_LENGTH),
        code_verifier: text(MAX_VERIFIER_LENGTH),
        password: text(MAX_TEXT_LENGTH).optional().openapi({ description: NEEDED }),
      }).openapi("IdentityLink"),
    ),
    responses: {
      200: json(identity, "They are linked"),
      ...UNPROVEN,
      409: json(wireError, "conflict: one of the two is linked already"),
      ...PROTECTED_BODY,
    },
  }),
  unlink: createRoute({
    method: "delete",
    path: "/self/identities/{id}",
    summary: "Take a link away, and end the logins that came from it, but that of this request",
    request: {
      params: z.object({ id: idText() }),
      ...jsonBody(
        body({ password: text(MAX_TEXT_LENGTH).optional().openapi({ description: NEEDED }) }).openapi(
          "IdentityUnlink",
        ),
      ),
    },
    responses: {
      200: { description: "It is gone, if it was the caller's" },
      ...UNPROVEN,
      409: json(wireError, "conflict: it is the only way to sign in"),
      ...PROTECTED_BODY,
    },
  }),
  delete: createRoute({
    method: "delete",
    path: "/self",
    summary: "Delete the caller's account",
    description:
      "It is gone at once. The caller leaves all rooms within seconds. Their messages stay under the name of a deleted user, or go: the settings of their organizations say so, or else `erase`.",
    request: jsonBody(
      body({
        password: text(MAX_TEXT_LENGTH).optional().openapi({ description: NEEDED }),
        erase: flag().optional(),
      }).openapi("AccountDeletion"),
    ),
    responses: {
      200: json(z.object({ erased: z.boolean() }), "Whether messages go, too"),
      ...UNPROVEN,
      ...PROTECTED_BODY,
    },
  }),
};
