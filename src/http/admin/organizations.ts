/** Organizations and the users in them. */
import { createRoute, z } from "@hono/zod-openapi";
import { DELETED_MESSAGES, type Organization, type OrganizationUser } from "../../domain/model.ts";
import type { OrganizationDirectory } from "../../domain/use-cases/directory.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { flag, idText, oneOf, strictBody, text, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { pageOf, pageQuery, readPage } from "./pages.ts";
import { MAX_TEXT_LENGTH, ROLES } from "./users.ts";

export function registerOrganizations(app: HttpApp, directory: OrganizationDirectory): void {
  app.openapi(ROUTES.create, async (c) => {
    const { name, defaultRoom } = c.req.valid("json");
    const made = await directory.createOrganization({
      name,
      ...(defaultRoom !== undefined && { defaultRoom }),
    });
    return c.json(organizationBody(made), 201, { Location: `/admin/v1/organizations/${made.id}` });
  });
  app.openapi(ROUTES.list, async (c) =>
    c.json(await readPage(c.req.valid("query"), directory.organizations, organizationBody), 200),
  );
  app.openapi(ROUTES.get, async (c) =>
    c.json(organizationBody(await directory.organization(c.req.valid("param").id)), 200),
  );
  app.openapi(ROUTES.update, async (c) => {
    const updated = await directory.updateOrganization(c.req.valid("param").id, c.req.valid("json"));
    return c.json(organizationBody(updated), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await directory.deleteOrganization(c.req.valid("param").id);
    return c.body(null, 204);
  });
  registerMembers(app, directory);
}

function registerMembers(app: HttpApp, directory: OrganizationDirectory): void {
  app.openapi(ROUTES.listUsers, async (c) => {
    const members = (await directory.organizationUsers(c.req.valid("param").id)).map(memberBody);
    const read = async ({ limit, after }: { limit: number; after: number }) =>
      members.filter((member) => member.id > after).slice(0, limit);
    return c.json(await readPage(c.req.valid("query"), read, (member) => member), 200);
  });
  app.openapi(ROUTES.getUser, async (c) => {
    const { id, userId } = c.req.valid("param");
    return c.json(memberBody(await directory.organizationUser(id, userId)), 200);
  });
  app.openapi(ROUTES.putUser, async (c) => {
    const { id, userId } = c.req.valid("param");
    const { role } = c.req.valid("json");
    await directory.putOrganizationUser(id, userId, role);
    return c.json(memberBody(await directory.organizationUser(id, userId)), 200);
  });
  app.openapi(ROUTES.removeUser, async (c) => {
    const { id, userId } = c.req.valid("param");
    await directory.removeOrganizationUser(id, userId);
    return c.body(null, 204);
  });
}

function organizationBody({ id, uuid, name, createdAt, deletedMessages }: Organization) {
  return { id, uuid, name, createdAt: time(createdAt), deletedMessages };
}

function memberBody({ user, role }: OrganizationUser) {
  return { id: user.id, handle: user.handle, displayName: user.displayName, role };
}

const organization = z
  .object({
    id: z.int(),
    uuid: z.uuid(),
    name: z.string(),
    createdAt: z.iso.datetime(),
    deletedMessages: z
      .enum(DELETED_MESSAGES)
      .openapi({ description: "What becomes of the messages of users who delete their account" }),
  })
  .openapi("Organization");
const member = z
  .object({ id: z.int(), handle: z.string(), displayName: z.string(), role: z.enum(ROLES) })
  .openapi("OrganizationUser");
const one = { params: z.object({ id: idText() }) };
const oneUser = { params: z.object({ id: idText(), userId: idText() }) };
const gone = { 204: { description: "It is gone" }, ...REFUSALS };

const ROUTES = {
  create: createRoute({
    method: "post",
    path: "/admin/v1/organizations",
    summary: "Create an organization",
    request: jsonBody(
      strictBody({
        name: text(MAX_TEXT_LENGTH),
        defaultRoom: flag()
          .optional()
          .openapi({ description: "With a default chatroom that follows its users" }),
      }),
    ),
    responses: { 201: json(organization, "The organization"), ...REFUSALS },
  }),
  list: createRoute({
    method: "get",
    path: "/admin/v1/organizations",
    summary: "All organizations",
    request: { query: pageQuery },
    responses: { 200: json(pageOf(organization), "A page"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/admin/v1/organizations/{id}",
    summary: "One organization",
    request: one,
    responses: { 200: json(organization, "The organization"), ...REFUSALS },
  }),
  update: createRoute({
    method: "patch",
    path: "/admin/v1/organizations/{id}",
    summary: "Say what becomes of the messages of users who delete their account",
    request: { ...one, ...jsonBody(strictBody({ deletedMessages: oneOf(DELETED_MESSAGES) })) },
    responses: { 200: json(organization, "The organization"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/organizations/{id}",
    summary: "Delete an organization with its chatrooms",
    request: one,
    responses: gone,
  }),
  listUsers: createRoute({
    method: "get",
    path: "/admin/v1/organizations/{id}/users",
    summary: "The users of an organization",
    request: { ...one, query: pageQuery },
    responses: { 200: json(pageOf(member), "A page"), ...REFUSALS },
  }),
  getUser: createRoute({
    method: "get",
    path: "/admin/v1/organizations/{id}/users/{userId}",
    summary: "What a user is in an organization",
    request: oneUser,
    responses: { 200: json(member, "The user with their role"), ...REFUSALS },
  }),
  putUser: createRoute({
    method: "put",
    path: "/admin/v1/organizations/{id}/users/{userId}",
    summary: "Put a user into an organization, or change their role",
    request: { ...oneUser, ...jsonBody(strictBody({ role: oneOf(ROLES) })) },
    responses: { 200: json(member, "The user with their role"), ...REFUSALS },
  }),
  removeUser: createRoute({
    method: "delete",
    path: "/admin/v1/organizations/{id}/users/{userId}",
    summary: "Take a user out of an organization",
    request: oneUser,
    responses: gone,
  }),
};
