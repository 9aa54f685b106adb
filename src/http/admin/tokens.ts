/** Personal access tokens of users and API tokens of organizations. The secret is in the answer to its creation only. */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiToken } from "../../domain/model.ts";
import type { TokenDirectory } from "../../domain/use-cases/directory.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { given, id, idText, instant, strictBody, text, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { pageOf, pageQuery, readPage } from "./pages.ts";
import { MAX_TEXT_LENGTH } from "./users.ts";

export function registerTokens(app: HttpApp, directory: TokenDirectory): void {
  app.openapi(ROUTES.create, async (c) => {
    const made = await directory.createToken(given(c.req.valid("json")));
    const location = `/admin/v1/tokens/${made.id}`;
    return c.json({ ...made, expiresAt: time(made.expiresAt) }, 201, { Location: location });
  });
  app.openapi(ROUTES.list, async (c) =>
    c.json(await readPage(c.req.valid("query"), directory.tokens, tokenBody), 200),
  );
  app.openapi(ROUTES.get, async (c) => {
    return c.json(tokenBody(await directory.token(c.req.valid("param").id)), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await directory.deleteToken(c.req.valid("param").id);
    return c.body(null, 204);
  });
}

function tokenBody({ id, userId, organizationId, name, createdAt, expiresAt }: ApiToken) {
  return { id, userId, organizationId, name, createdAt: time(createdAt), expiresAt: time(expiresAt) };
}

const token = z
  .object({
    id: z.int(),
    userId: z.int().nullable(),
    organizationId: z.int().nullable(),
    name: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
  })
  .openapi("Token");
const newToken = z
  .object({ id: z.int(), token: z.string(), expiresAt: z.iso.datetime().nullable() })
  .openapi("CreatedToken");
const one = { params: z.object({ id: idText() }) };

const ROUTES = {
  create: createRoute({
    method: "post",
    path: "/admin/v1/tokens",
    summary: "Create a user's personal access token, or an organization's API token",
    request: jsonBody(
      strictBody({
        userId: id().optional(),
        organizationId: id().optional(),
        name: text(MAX_TEXT_LENGTH),
        expiresAt: instant().nullable().optional(),
      }).openapi("NewToken"),
    ),
    responses: { 201: json(newToken, "The token, shown this once"), ...REFUSALS },
  }),
  list: createRoute({
    method: "get",
    path: "/admin/v1/tokens",
    summary: "All tokens, without their secrets",
    request: { query: pageQuery },
    responses: { 200: json(pageOf(token), "A page"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/admin/v1/tokens/{id}",
    summary: "One token, without its secret",
    request: one,
    responses: { 200: json(token, "The token"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/tokens/{id}",
    summary: "Revoke a token; its live sessions end within 10 s",
    request: one,
    responses: { 204: { description: "The token is revoked" }, ...REFUSALS },
  }),
};
