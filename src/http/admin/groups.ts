/** Groups of users. */
import { createRoute, z } from "@hono/zod-openapi";
import type { GroupDirectory } from "../../domain/use-cases/directory.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { strictBody, text } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { MAX_TEXT_LENGTH } from "./users.ts";

const MAX_MEMBERS = 10_000;

export function registerGroups(app: HttpApp, directory: GroupDirectory): void {
  app.openapi(ROUTES.get, async (c) => c.json(await directory.group(c.req.valid("param").groupId), 200));
  app.openapi(ROUTES.put, async (c) => {
    const { groupId } = c.req.valid("param");
    await directory.putGroup(groupId, c.req.valid("json"));
    return c.json(await directory.group(groupId), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await directory.deleteGroup(c.req.valid("param").groupId);
    return c.body(null, 204);
  });
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
