/** Guest links: a conversation's code, and joining by it. */
import { createRoute, z } from "@hono/zod-openapi";
import { dataOf } from "../../../domain/event-data.ts";
import { linkOf } from "../../../domain/rooms/guest-links.ts";
import type { Change, GuestLink, GuestLinks } from "../../../domain/use-cases/room-settings.ts";
import { type HttpApp, json, jsonBody } from "../../face/face.ts";
import { body } from "../../requests/fields.ts";
import { type Caller, callerOf, doing, placeOf, type WireParts } from "../common/parts.ts";
import { eventSchema, joined, type WireEvent, wireEvent } from "../shapes/events.ts";
import {
  BODY_REFUSALS,
  forbidden,
  notFound,
  PROTECTED,
  PROTECTED_BODY,
  REFUSALS,
} from "../shapes/failures.ts";
import { codeBody, codeSchema, linkFields } from "../shapes/guest-link-shapes.ts";
import { conversationParams, MAX_MEMBERS, NO_CONVERSATION } from "./conversation-routes.ts";

const NO_ACCESS = "access-denied: the conversation's access does not have code";
const codeRefusals = { ...forbidden(`${NO_ACCESS}; invalid-op in one-to-one conversations`), ...PROTECTED };
const NO_CODE = notFound("no-conversation-code: there is no such link");
const joinRefusals = forbidden(
  "access-denied: it can't be joined so; no-team-member: only the team may join; too-many-members",
);
const joinAnswers = {
  200: json(eventSchema, "conversation.member-join"),
  204: { description: "The caller was in it already" },
  ...joinRefusals,
};

const ROUTES = {
  check: createRoute({
    method: "post",
    path: "/conversations/code-check",
    summary: "Whether a guest link is one; open to strangers",
    security: [],
    request: jsonBody(body(linkFields)),
    responses: { 200: { description: "It is" }, ...NO_CODE, ...REFUSALS, ...BODY_REFUSALS },
  }),
  preview: createRoute({
    method: "get",
    path: "/conversations/join",
    summary: "The conversation of a guest link, before joining it",
    request: { query: z.object(linkFields) },
    responses: {
      200: json(
        z.object({ id: z.uuid(), name: z.string().nullable() }).openapi("ConversationCover"),
        "The conversation",
      ),
      ...joinRefusals,
      ...NO_CODE,
      ...PROTECTED,
    },
  }),
  join: createRoute({
    method: "post",
    path: "/conversations/join",
    summary: "Join by a guest link",
    request: jsonBody(body(linkFields)),
    responses: { ...joinAnswers, ...notFound("no-conversation-code, no-conversation"), ...PROTECTED_BODY },
  }),
  joinById: createRoute({
    method: "post",
    path: "/conversations/{cnv}/join",
    summary: "Join a conversation whose access has link",
    request: { params: conversationParams },
    responses: { ...joinAnswers, ...notFound("no-conversation: there is none"), ...PROTECTED },
  }),
  create: createRoute({
    method: "post",
    path: "/conversations/{cnv}/code",
    summary: "Make the conversation's guest link",
    request: { params: conversationParams },
    responses: {
      200: json(codeSchema, "There was one already"),
      201: json(eventSchema, "conversation.code-update"),
      ...codeRefusals,
      ...NO_CONVERSATION,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/conversations/{cnv}/code",
    summary: "The conversation's guest link",
    request: { params: conversationParams },
    responses: {
      200: json(codeSchema, "The link"),
      ...codeRefusals,
      ...notFound("no-conversation; no-conversation-code: there is no link"),
    },
  }),
  remove: createRoute({
    method: "delete",
    path: "/conversations/{cnv}/code",
    summary: "Take the conversation's guest link away",
    request: { params: conversationParams },
    responses: {
      200: json(eventSchema, "conversation.code-delete, also when there was none"),
      ...codeRefusals,
      ...NO_CONVERSATION,
    },
  }),
};

/** The route that needs no authentication. */
export function registerCodeCheck(app: HttpApp, guestLinks: Pick<GuestLinks, "check">): void {
  app.openapi(ROUTES.check, async (c) => {
    await guestLinks.check(c.req.valid("json"));
    return c.body(null, 200);
  });
}

/** Register it before the routes that take any word as a conversation's id. */
export function registerGuestLinks(app: HttpApp, parts: WireParts<"clock" | "finding" | "guestLinks">): void {
  registerJoining(app, parts);
  registerCodes(app, parts);
}

function registerJoining(app: HttpApp, parts: WireParts<"guestLinks">): void {
  const { guestLinks } = parts.useCases;
  const limits = { most: MAX_MEMBERS };

  app.openapi(ROUTES.preview, async (c) => {
    const { room } = await guestLinks.preview(callerOf(c).actor, c.req.valid("query"));
    const { uuid: id, name } = room;
    return c.json({ id, name: name === "" ? null : name }, 200);
  });
  app.openapi(ROUTES.join, async (c) => {
    const caller = callerOf(c);
    const joined = joinEvent(parts, caller, await guestLinks.join(caller.actor, c.req.valid("json"), limits));
    return joined ? c.json(joined, 200) : c.body(null, 204);
  });
  app.openapi(ROUTES.joinById, async (c) => {
    const caller = callerOf(c);
    const { cnv } = c.req.valid("param");
    const joined = joinEvent(parts, caller, await guestLinks.joinById(caller.actor, cnv, limits));
    return joined ? c.json(joined, 200) : c.body(null, 204);
  });
}

function registerCodes(app: HttpApp, parts: WireParts<"clock" | "finding" | "guestLinks">): void {
  const { guestLinks } = parts.useCases;
  const shown = (link: GuestLink) => codeBody(link, parts.publicUrl());

  app.openapi(ROUTES.create, async (c) => {
    const caller = callerOf(c);
    const place = await placeOf(parts, caller, c.req.valid("param").cnv);
    const { room: conversation, event } = await guestLinks.create(caller.actor, place.conversation.token);
    const code = shown(linkOf(conversation) as GuestLink);
    if (!event) return c.json(code, 200);
    const where = doing(parts, caller, conversation, event);
    return c.json(wireEvent("conversation.code-update", where, code), 201);
  });
  app.openapi(ROUTES.get, async (c) => {
    const caller = callerOf(c);
    const { conversation } = await placeOf(parts, caller, c.req.valid("param").cnv);
    return c.json(shown(await guestLinks.get(caller.actor, conversation.token)), 200);
  });
  app.openapi(ROUTES.remove, async (c) => {
    const caller = callerOf(c);
    const place = await placeOf(parts, caller, c.req.valid("param").cnv);
    const { room: conversation, event } = await guestLinks.remove(caller.actor, place.conversation.token);
    const where = doing(parts, caller, conversation, event ?? { at: parts.useCases.clock.now() });
    return c.json(wireEvent("conversation.code-delete", where, null), 200);
  });
}

function joinEvent(
  parts: WireParts,
  caller: Caller,
  { room: conversation, event }: Change,
): WireEvent | null {
  if (!event) return null;
  const { role } = dataOf<"member.joined">(event);
  const where = doing(parts, caller, conversation, event);
  const people = [{ id: caller.user.uuid, role }];
  return wireEvent("conversation.member-join", where, joined(people, parts.domain()));
}
