/** Requests and answers of the operations on conversations (reference §A.4). */
import { createRoute, z } from "@hono/zod-openapi";
import { json, jsonBody } from "../../face/face.ts";
import { roomToken } from "../../face/socket-names.ts";
import { body, flag, intText, oneOf, text } from "../../requests/fields.ts";
import { eventSchema } from "../shapes/events.ts";
import { CONFLICT, forbidden, notFound, PROTECTED, PROTECTED_BODY } from "../shapes/failures.ts";
import { int32, milliseconds, qualifiedIds, uuid, uuidList, uuids } from "../shapes/kinds.ts";
import { ACCESS, ACCESS_ROLES, conversationSchema, memberSchema, ROLES } from "../shapes/shapes.ts";

/** Members of a conversation, its maker included. */
export const MAX_MEMBERS = 500;
/** The rule of 256 characters is the domain's, which counts code points. */
const MAX_NAME_LENGTH = 1_024;
const MAX_REF_LENGTH = 256;

const nameText = () => text(MAX_NAME_LENGTH).min(1, "must be 1 to 256 characters long");
const peopleFields = {
  users: uuids({ max: MAX_MEMBERS - 1 }).nullish(),
  qualified_users: qualifiedIds(MAX_MEMBERS - 1).nullish(),
};

const newConversation = body({
  ...peopleFields,
  name: nameText().nullish().openapi({ description: "1–256 characters" }),
  access: z.array(oneOf(ACCESS)).max(ACCESS.length).nullish(),
  access_role: oneOf(ACCESS_ROLES).nullish(),
  team: body({ teamid: uuid(), managed: flag().nullish().openapi({ description: "Only false" }) }).nullish(),
  message_timer: milliseconds().nullish().openapi({ description: "Milliseconds; negative ones count as 0" }),
  receipt_mode: int32().nullish(),
  conversation_role: oneOf(ROLES).nullish().openapi({ description: "Of the users; wire_admin unless told" }),
}).openapi("NewConversation");

export const conversationParams = z.object({ cnv: uuid() });
export const NO_CONVERSATION = notFound("no-conversation: there is none, or the caller is not in it");

const created = {
  201: json(conversationSchema, "The new conversation, its id in Location"),
  ...forbidden(
    "not-connected: with one of the users; no-team-member: the caller, or a user where only the team may be; access-denied",
  ),
  ...PROTECTED_BODY,
};
const openedOr201 = { 200: json(conversationSchema, "It was there already"), ...created };

const page = (most: number, usual: number) => ({
  size: intText({ min: 1, max: most, fallback: usual }),
  start: uuid().optional().openapi({ description: "The last id of the page before" }),
});

export const ROUTES = {
  create: createRoute({
    method: "post",
    path: "/conversations",
    summary: "Create a conversation",
    request: jsonBody(newConversation),
    responses: created,
  }),
  openSelf: createRoute({
    method: "post",
    path: "/conversations/self",
    summary: "The caller's conversation with nobody else",
    responses: {
      200: json(conversationSchema, "It was there already"),
      201: json(conversationSchema, "It is new; its id in Location"),
      ...PROTECTED,
    },
  }),
  openOneToOne: createRoute({
    method: "post",
    path: "/conversations/one2one",
    summary: "The one-to-one conversation with a user",
    request: jsonBody(newConversation),
    responses: openedOr201,
  }),
  listIds: createRoute({
    method: "get",
    path: "/conversations/ids",
    summary: "The ids of the caller's conversations, ascending, page by page",
    request: { query: z.object(page(1_000, 1_000)) },
    responses: {
      200: json(
        z.object({
          conversations: z.array(z.uuid()),
          rooms: z.array(roomToken()).openapi({ description: "The `room` of each, in the same order" }),
          has_more: z.boolean(),
        }),
        "A page of ids",
      ),
      ...PROTECTED,
    },
  }),
  list: createRoute({
    method: "get",
    path: "/conversations",
    summary: "The caller's conversations by id, page by page, or those of `ids`",
    request: {
      query: z.object({
        ...page(500, 32),
        ids: uuidList({ min: 1, max: 32 })
          .optional()
          .openapi({ description: "1–32 ids with commas between them; wins over start" }),
      }),
    },
    responses: {
      200: json(
        z.object({ conversations: z.array(conversationSchema), has_more: z.boolean() }),
        "A page; ids of others' conversations are left out",
      ),
      ...PROTECTED,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/conversations/{cnv}",
    summary: "One conversation",
    request: { params: conversationParams },
    responses: {
      200: json(conversationSchema, "The conversation"),
      ...forbidden("access-denied: the caller is not in it"),
      ...notFound("no-conversation: there is none"),
      ...PROTECTED,
    },
  }),
  roles: createRoute({
    method: "get",
    path: "/conversations/{cnv}/roles",
    summary: "The roles that members can have, and what each may do",
    request: { params: conversationParams },
    responses: {
      200: json(
        z.object({
          conversation_roles: z.array(
            z.object({ conversation_role: oneOf(ROLES), actions: z.array(z.string()) }),
          ),
        }),
        "The roles",
      ),
      ...NO_CONVERSATION,
      ...PROTECTED,
    },
  }),
  self: createRoute({
    method: "get",
    path: "/conversations/{cnv}/self",
    summary: "The caller as a member",
    request: { params: conversationParams },
    responses: { 200: json(memberSchema, "The caller's membership"), ...NO_CONVERSATION, ...PROTECTED },
  }),
  updateSelf: createRoute({
    method: "put",
    path: "/conversations/{cnv}/self",
    summary: "What the caller sets for themselves; at least one of them",
    request: {
      params: conversationParams,
      ...jsonBody(
        body({
          otr_muted_status: int32().nullish(),
          otr_muted_ref: text(MAX_REF_LENGTH).nullish(),
          otr_archived: flag().nullish(),
          otr_archived_ref: text(MAX_REF_LENGTH).nullish(),
          hidden: flag().nullish(),
          hidden_ref: text(MAX_REF_LENGTH).nullish(),
        }).openapi("MemberUpdate"),
      ),
    },
    responses: { 200: { description: "It is so now" }, ...NO_CONVERSATION, ...PROTECTED_BODY },
  }),
  typing: createRoute({
    method: "post",
    path: "/conversations/{cnv}/typing",
    summary: "Say that the caller types, or stopped",
    request: {
      params: conversationParams,
      ...jsonBody(body({ status: oneOf(["started", "stopped"]) })),
    },
    responses: {
      200: { description: "The others were told" },
      ...forbidden("access-denied: the room is locked, or its lobby closed"),
      ...NO_CONVERSATION,
      ...PROTECTED_BODY,
    },
  }),
};

/** The name of a conversation has two paths: the documented one is the older. */
export const RENAMES = (["/conversations/{cnv}", "/conversations/{cnv}/name"] as const).map((path) =>
  createRoute({
    method: "put",
    path,
    summary: "Rename a conversation",
    request: { params: conversationParams, ...jsonBody(body({ name: nameText() })) },
    responses: {
      200: json(eventSchema, "conversation.rename"),
      ...forbidden("action-denied"),
      ...NO_CONVERSATION,
      ...CONFLICT,
      ...PROTECTED_BODY,
    },
  }),
);

/** The route of a setting. It answers with the event, or with nothing when nothing changed. */
function setting<T extends z.ZodRawShape>(
  path: `/conversations/{cnv}/${string}`,
  summary: string,
  fields: T,
) {
  return createRoute({
    method: "put",
    path,
    summary,
    request: { params: conversationParams, ...jsonBody(body(fields)) },
    responses: {
      200: json(eventSchema, "What changed"),
      204: { description: "It was so already" },
      ...forbidden("action-denied; invalid-op in one-to-one conversations, where it does not exist"),
      ...NO_CONVERSATION,
      ...PROTECTED_BODY,
    },
  });
}

export const SETTINGS = {
  receiptMode: setting("/conversations/{cnv}/receipt-mode", "Set the receipt mode", {
    receipt_mode: int32(),
  }),
  messageTimer: setting("/conversations/{cnv}/message-timer", "Set after how long messages go", {
    message_timer: milliseconds().nullish().openapi({ description: "Milliseconds; null: never" }),
  }),
  access: setting("/conversations/{cnv}/access", "Set who may come in", {
    access: z.array(oneOf(ACCESS)).max(ACCESS.length),
    access_role: oneOf(ACCESS_ROLES),
  }),
};
