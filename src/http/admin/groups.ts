/** Groups of users. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import type { Directory } from "../../domain/use-cases/accounts.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { strictBody, text } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { MAX_TEXT_LENGTH } from "./users.ts";

const MAX_MEMBERS = 10_000;

export function registerGroups(
  app: HttpApp,
  directory: Directory,
  store: Pick<Store, "users" | "groups">,
): void {
  app.openapi(ROUTES.get, async (c) => c.json(await groupBody(store, c.req.valid("param").groupId), 200));
  app.openapi(ROUTES.put, async (c) => {
    const { groupId } = c.req.valid("param");
    await directory.putGroup(groupId, c.req.valid("json"));
    return c.json(await groupBody(store, groupId), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await directory.deleteGroup(c.req.valid("param").groupId);
    return c.body(null, 204);
  });
}

async function groupBody(store: Pick<Store, "users" | "groups">, groupId: string) {
  const found = await store.groups.byId(groupId);
  if (!found) throw new DomainError("not_found", "There is no such group", { field: "groupId" });
  const users = await store.users.byIds(found.members);
  return { id: found.id, name: found.name, members: users.map((user) => user.handle) };
}

const group = z
  .object({
    id: z.string(),
    name: z.string(),
    members: z.array(z.string()).openapi({ description: "Handles" }),
  })
  .openapi("Group");
const one = { params: z.object({ groupId: text(MAX_TEXT_LENGTH) }) };
const MEMBERS_RULE = `must be a list of at most ${MAX_MEMBERS} handles`;

const ROUTES = {
  get: createRoute({
    method: "get",
    path: "/admin/v1/groups/{groupId}",
    summary: "One group",
    request: one,
    responses: { 200: json(group, "The group"), ...REFUSALS },
  }),
  put: createRoute({
    method: "put",
    path: "/admin/v1/groups/{groupId}",
    summary: "Create a group, or replace it",
    request: {
      ...one,
      ...jsonBody(
        strictBody({
          name: text(MAX_TEXT_LENGTH),
          members: z.array(text(MAX_TEXT_LENGTH), MEMBERS_RULE).max(MAX_MEMBERS, MEMBERS_RULE),
        }),
      ),
    },
    responses: { 200: json(group, "The group"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/groups/{groupId}",
    summary: "Delete a group",
    request: one,
    responses: { 204: { description: "The group is gone" }, ...REFUSALS },
  }),
};
