/** Users. */
import { createRoute, z } from "@hono/zod-openapi";
import type { User } from "../../domain/model.ts";
import type { UserDirectory } from "../../domain/use-cases/directory.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { flag, given, id, idText, oneOf, strictBody, text, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { pageOf, pageQuery, readPage } from "./pages.ts";

export const ROLES = ["member", "chat", "admin"] as const;
/** Far above what the domain allows for names, handles and addresses; its own rules say how much. */
export const MAX_TEXT_LENGTH = 1_000;
const MAX_ORGANIZATIONS = 1_000;

export function registerUsers(app: HttpApp, directory: UserDirectory): void {
  app.openapi(ROUTES.create, async (c) => {
    const user = await directory.createUser(given(c.req.valid("json")));
    return c.json(userBody(user), 201, { Location: `/admin/v1/users/${user.id}` });
  });
  app.openapi(ROUTES.list, async (c) =>
    c.json(await readPage(c.req.valid("query"), directory.users, userBody), 200),
  );
  app.openapi(ROUTES.get, async (c) => {
    return c.json(userBody(await directory.user(c.req.valid("param").id)), 200);
  });
  app.openapi(ROUTES.update, async (c) => {
    const user = await directory.updateUser(c.req.valid("param").id, given(c.req.valid("json")));
    return c.json(userBody(user), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await directory.deleteUser(c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(ROUTES.endLogins, async (c) => {
    await directory.endLogins(c.req.valid("param").id);
    return c.body(null, 204);
  });
}

function userBody({ createdAt, ...user }: User) {
  const { id, uuid, publicId, handle, displayName, email, administrator } = user;
  return { id, uuid, publicId, handle, displayName, email, administrator, createdAt: time(createdAt) };
}

const user = z
  .object({
    id: z.int(),
    uuid: z.uuid(),
    publicId: z.string(),
    handle: z.string(),
    displayName: z.string(),
    email: z.string().nullable(),
    administrator: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .openapi("User");
const one = { params: z.object({ id: idText() }) };
const fields = {
  password: text(MAX_TEXT_LENGTH).optional(),
  displayName: text(MAX_TEXT_LENGTH).optional(),
  administrator: flag().optional(),
};
const ORGANIZATIONS_RULE = `must be a list of at most ${MAX_ORGANIZATIONS} {id, role}`;

const ROUTES = {
  create: createRoute({
    method: "post",
    path: "/admin/v1/users",
    summary: "Create a user",
    request: jsonBody(
      strictBody({
        handle: text(MAX_TEXT_LENGTH),
        email: text(MAX_TEXT_LENGTH).optional(),
        ...fields,
        organizations: z
          .array(strictBody({ id: id(), role: oneOf(ROLES) }), ORGANIZATIONS_RULE)
          .max(MAX_ORGANIZATIONS, ORGANIZATIONS_RULE)
          .optional(),
      }).openapi("NewUser"),
    ),
    responses: { 201: json(user, "The user"), ...REFUSALS },
  }),
  list: createRoute({
    method: "get",
    path: "/admin/v1/users",
    summary: "All users",
    request: { query: pageQuery },
    responses: { 200: json(pageOf(user), "A page"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/admin/v1/users/{id}",
    summary: "One user",
    request: one,
    responses: { 200: json(user, "The user"), ...REFUSALS },
  }),
  update: createRoute({
    method: "patch",
    path: "/admin/v1/users/{id}",
    summary: "Change a user; what is left out stays",
    request: {
      ...one,
      ...jsonBody(
        strictBody({
          handle: text(MAX_TEXT_LENGTH).optional(),
          email: text(MAX_TEXT_LENGTH).nullable().optional(),
          ...fields,
        }).openapi("UserChange"),
      ),
    },
    responses: { 200: json(user, "The user"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/users/{id}",
    summary: "Delete a user: they leave every room, and their sessions and tokens end",
    request: one,
    responses: { 204: { description: "The user is gone" }, ...REFUSALS },
  }),
  endLogins: createRoute({
    method: "delete",
    path: "/admin/v1/users/{id}/logins",
    summary:
      "End all logins of a user: cookies, access tokens, sessions, JWTs that were issued before, devices and password in Matrix. Personal access tokens stay. A new password does the same",
    request: one,
    responses: { 204: { description: "The logins are over" }, ...REFUSALS },
  }),
};
