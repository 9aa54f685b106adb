/** Other people's profiles: what clients show beside conversations and connections. */
import { createRoute, z } from "@hono/zod-openapi";
import { badField } from "../../../domain/errors.ts";
import type { Profile } from "../../../domain/use-cases/people.ts";
import { type HttpApp, json } from "../../face/face.ts";
import { rule } from "../../requests/fields.ts";
import { callerOf, type WireParts } from "../common/parts.ts";
import { notFound, PROTECTED, WireRefusal } from "../shapes/failures.ts";
import { qualified, uuid, uuidList } from "../shapes/kinds.ts";
import { shownUser } from "../shapes/user-shapes.ts";

const MAX_NAMED = 500;
const MAX_HANDLES_LENGTH = 16_384;

const profile = z
  .object({
    id: z.uuid(),
    qualified_id: qualified(),
    name: z.string(),
    picture: z.array(z.string()).max(0),
    assets: z.array(z.string()).max(0),
    accent_id: z.int(),
    handle: z.string(),
    team: z.uuid().optional().openapi({ description: "Of people who share a team with the caller" }),
  })
  .openapi("UserProfile");

const handles = rule(`must be 1 to ${MAX_NAMED} handles with commas between them`);

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/users",
    summary: "Profiles of people by their ids, or by their handles",
    request: {
      query: z.object({
        ids: uuidList({ min: 1, max: MAX_NAMED })
          .optional()
          .openapi({ description: `1–${MAX_NAMED} ids with commas between them; wins over handles` }),
        handles: z
          .string(handles)
          .max(MAX_HANDLES_LENGTH, handles)
          .transform((text) => text.split(","))
          .refine((list) => list.length <= MAX_NAMED && list.every((one) => one !== ""), handles)
          .optional()
          .openapi({
            type: "string",
            description: `1–${MAX_NAMED} handles of teammates, connections and, without a team, others without one`,
          }),
      }),
    },
    responses: { 200: json(z.array(profile), "Those who exist"), ...PROTECTED },
  }),
  get: createRoute({
    method: "get",
    path: "/users/{uid}",
    summary: "Somebody's profile",
    request: { params: z.object({ uid: uuid() }) },
    responses: {
      200: json(profile, "The profile"),
      ...notFound("not-found: there is no such user"),
      ...PROTECTED,
    },
  }),
};

export function registerUsers(app: HttpApp, parts: WireParts<"profiles">): void {
  const { profiles } = parts.useCases;

  app.openapi(ROUTES.list, async (c) => {
    const { ids, handles } = c.req.valid("query");
    if (!ids && !handles) throw badField("ids", "or handles is required");
    const names = ids ? { uuids: ids } : { handles: handles ?? [] };
    const found = await profiles.named(callerOf(c).actor, names);
    return c.json(
      found.map((one) => profileBody(one, parts.domain())),
      200,
    );
  });
  app.openapi(ROUTES.get, async (c) => {
    const [found] = await profiles.named(callerOf(c).actor, { uuids: [c.req.valid("param").uid] });
    if (!found) throw new WireRefusal(404, "not-found", "User not found");
    return c.json(profileBody(found, parts.domain()), 200);
  });
}

function profileBody({ user, organization }: Profile, domain: string): z.infer<typeof profile> {
  return { ...shownUser(user, domain), ...(organization !== null && { team: organization }) };
}
