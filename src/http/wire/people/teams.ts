/** Teams: organizations by their UUID, with their people and conversations. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Organization, Room } from "../../../domain/model.ts";
import { type HttpApp, json } from "../../face/face.ts";
import { roomToken } from "../../face/socket-names.ts";
import { intText, oneOf } from "../../requests/fields.ts";
import {
  type Caller,
  callerOf,
  placeOf,
  ROLE_ACTIONS,
  requireAction,
  type WireParts,
} from "../common/parts.ts";
import { teamOf } from "../conversations/conversations.ts";
import { forbidden, notFound, PROTECTED, wireRefusal } from "../shapes/failures.ts";
import { NIL_UUID, uuid } from "../shapes/kinds.ts";
import { ROLES } from "../shapes/shapes.ts";

const MAX_LISTED = 2_000;

const team = z
  .object({
    id: z.uuid(),
    name: z.string(),
    creator: z.uuid().openapi({ description: "The nil UUID: no user made it" }),
    icon: z.literal("default"),
    binding: z.literal(true),
  })
  .openapi("Team");
const teamConversation = z
  .object({ conversation: z.uuid(), room: roomToken(), managed: z.literal(false) })
  .openapi("TeamConversation");

const teamParams = z.object({ tid: uuid() });
const inTeam = teamParams.extend({ cnv: uuid() });
const NO_TEAM_MEMBER = "no-team-member: there is no such team, or the caller is not in it";

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/teams",
    summary: "The caller's teams",
    responses: {
      200: json(z.object({ teams: z.array(team), has_more: z.literal(false) }), "All"),
      ...PROTECTED,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/teams/{tid}",
    summary: "One of the caller's teams",
    request: { params: teamParams },
    responses: { 200: json(team, "The team"), ...notFound("no-team"), ...PROTECTED },
  }),
  members: createRoute({
    method: "get",
    path: "/teams/{tid}/members",
    summary: "The people of a team",
    request: {
      params: teamParams,
      query: z.object({ maxResults: intText({ min: 1, max: MAX_LISTED, fallback: MAX_LISTED }) }),
    },
    responses: {
      200: json(
        z.object({ members: z.array(z.object({ user: z.uuid() })), hasMore: z.boolean() }),
        "Those who came first",
      ),
      ...forbidden(NO_TEAM_MEMBER),
      ...PROTECTED,
    },
  }),
  roles: createRoute({
    method: "get",
    path: "/teams/{tid}/conversations/roles",
    summary: "The roles that members of the team's conversations can have",
    request: { params: teamParams },
    responses: {
      200: json(
        z.object({
          conversation_roles: z.array(
            z.object({ conversation_role: oneOf(ROLES), actions: z.array(z.string()) }),
          ),
        }),
        "The roles",
      ),
      ...forbidden(NO_TEAM_MEMBER),
      ...PROTECTED,
    },
  }),
  conversations: createRoute({
    method: "get",
    path: "/teams/{tid}/conversations",
    summary: "The team's conversations that the caller is in",
    request: { params: teamParams },
    responses: {
      200: json(z.object({ conversations: z.array(teamConversation) }), "By id, ascending"),
      ...forbidden(NO_TEAM_MEMBER),
      ...PROTECTED,
    },
  }),
  conversation: createRoute({
    method: "get",
    path: "/teams/{tid}/conversations/{cnv}",
    summary: "One of the team's conversations",
    request: { params: inTeam },
    responses: {
      200: json(teamConversation, "The conversation"),
      ...forbidden(NO_TEAM_MEMBER),
      ...notFound("no-conversation"),
      ...PROTECTED,
    },
  }),
  delete: createRoute({
    method: "delete",
    path: "/teams/{tid}/conversations/{cnv}",
    summary: "Delete one of the team's conversations, for everybody",
    request: { params: inTeam },
    responses: {
      200: { description: "It is gone" },
      ...forbidden(`action-denied; ${NO_TEAM_MEMBER}`),
      ...notFound("no-conversation"),
      ...PROTECTED,
    },
  }),
};

export function registerTeams(
  app: HttpApp,
  parts: WireParts<"clock" | "roomLifecycle" | "finding" | "lookup">,
): void {
  const { lookup } = parts.useCases;

  app.openapi(ROUTES.list, async (c) => {
    const mine = await lookup.organizationsOf(callerOf(c).user);
    return c.json({ teams: mine.map(teamBody), has_more: false as const }, 200);
  });
  app.openapi(ROUTES.get, async (c) => {
    const { tid } = c.req.valid("param");
    const mine = await lookup.organizationsOf(callerOf(c).user);
    const found = mine.find(({ uuid }) => uuid === tid);
    if (!found) throw wireRefusal("noTeam");
    return c.json(teamBody(found), 200);
  });
  app.openapi(ROUTES.members, async (c) => {
    const id = await teamOf(parts, callerOf(c), c.req.valid("param").tid);
    const { maxResults } = c.req.valid("query");
    const people = await lookup.organizationUsers(id);
    const members = people.slice(0, maxResults).map(({ uuid }) => ({ user: uuid }));
    return c.json({ members, hasMore: people.length > maxResults }, 200);
  });
  app.openapi(ROUTES.roles, async (c) => {
    await teamOf(parts, callerOf(c), c.req.valid("param").tid);
    const roles = ROLES.map((role) => ({ conversation_role: role, actions: ROLE_ACTIONS[role] }));
    return c.json({ conversation_roles: roles }, 200);
  });
  registerTeamConversations(app, parts);
}

function registerTeamConversations(
  app: HttpApp,
  parts: WireParts<"clock" | "roomLifecycle" | "finding" | "lookup">,
): void {
  const { roomLifecycle } = parts.useCases;

  app.openapi(ROUTES.conversations, async (c) => {
    const caller = callerOf(c);
    const id = await teamOf(parts, caller, c.req.valid("param").tid);
    const listings = await roomLifecycle.list(caller.actor);
    const ofTeam = listings.map(({ room }) => room).filter(({ organizationId }) => organizationId === id);
    const conversations = ofTeam.map(managedNot).sort((a, b) => (a.conversation < b.conversation ? -1 : 1));
    return c.json({ conversations }, 200);
  });
  app.openapi(ROUTES.conversation, async (c) => {
    const { tid, cnv } = c.req.valid("param");
    const { conversation } = await placeInTeam(parts, callerOf(c), tid, cnv);
    return c.json(managedNot(conversation), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const caller = callerOf(c);
    const { tid, cnv } = c.req.valid("param");
    const place = await placeInTeam(parts, caller, tid, cnv);
    requireAction(parts, place, "delete_room");
    await roomLifecycle.delete(caller.actor, place.conversation.token);
    return c.body(null, 200);
  });
}

/** Only members of a conversation can find it, also in their own team. */
async function placeInTeam(parts: WireParts<"finding" | "lookup">, caller: Caller, tid: string, cnv: string) {
  const place = await placeOf(parts, caller, cnv);
  const id = await teamOf(parts, caller, tid);
  if (place.conversation.organizationId !== id) throw wireRefusal("noConversation");
  return place;
}

function teamBody({ uuid: id, name }: Organization): z.infer<typeof team> {
  return { id, name, creator: NIL_UUID, icon: "default", binding: true };
}

function managedNot({ uuid: conversation, token: room }: Room) {
  return { conversation, room, managed: false as const };
}
