/** Requests and answers of the ten operations on chatrooms, in the order of the document. */
import { createRoute, z } from "@hono/zod-openapi";
import { json, jsonBody } from "../face/face.ts";
import { body, bytes, flag, flagText, id, idText, instant, MAX_ID, text } from "../requests/fields.ts";
import { KEY_REUSED, messengerError, REFUSALS } from "./failures.ts";
import { peopleFields, roomSchema } from "./shapes.ts";

/** A rough bound: the domain trims the name and allows 200 code points. */
const MAX_NAME_LENGTH = 1_000;

const CONFLICT = { 409: json(messengerError, "It exists already, or is in another state"), ...KEY_REUSED };
const success = z.object({ message: z.string() });
const roomParams = z.object({
  roomID: z.string().openapi({ description: "The integer id or the Matrix room id", example: "42" }),
});
const organizationQuery = { organization_id: idText() };

export const ROUTES = {
  byEvent: createRoute({
    method: "get",
    path: "/chatroom",
    summary: "The chatroom of an event",
    request: { query: z.object({ ...organizationQuery, event_id: idText() }) },
    responses: { 200: json(roomSchema, "The room"), ...REFUSALS },
  }),
  list: createRoute({
    method: "get",
    path: "/chatrooms",
    summary: "An organization's chatrooms, page by page",
    request: {
      query: z.object({
        ...organizationQuery,
        all: flagText().openapi({ description: "Everything, ignoring limit and offset" }),
        limit: z.any().optional().openapi({ type: "integer", minimum: 1, maximum: 50, default: 10 }),
        offset: z.any().optional().openapi({ type: "integer", minimum: 0, maximum: MAX_ID, default: 0 }),
      }),
    },
    responses: {
      200: json(z.object({ entries: z.array(roomSchema), total: z.int() }), "A page, and the count of all"),
      ...REFUSALS,
    },
  }),
  create: createRoute({
    method: "post",
    path: "/chatrooms",
    summary: "Create a custom chatroom",
    request: jsonBody(
      body({
        organizationID: id(),
        name: text(MAX_NAME_LENGTH).openapi({ description: "1–200 characters, unique in the organization" }),
        ...peopleFields,
        automationEnabled: flag().nullish(),
        avatar: bytes()
          .nullish()
          .openapi({ description: "A PNG, JPEG, GIF, WebP or AVIF image of at most 1 MiB" }),
        scheduledDeletion: instant().nullish(),
      }).openapi("NewChatroom"),
    ),
    responses: { 201: json(roomSchema, "The room, its address in Location"), ...REFUSALS, ...CONFLICT },
  }),
  createDefault: createRoute({
    method: "post",
    path: "/chatrooms/default",
    summary: "Create an organization's default chatroom",
    request: jsonBody(body({ organizationID: id(), automationEnabled: flag().nullish() })),
    responses: { 201: json(roomSchema, "The room, its address in Location"), ...REFUSALS, ...CONFLICT },
  }),
  removeDefault: createRoute({
    method: "delete",
    path: "/chatrooms/default/{organizationID}",
    summary: "Remove an organization's default chatroom",
    request: { params: z.object({ organizationID: idText() }) },
    responses: { 200: json(success, "It is gone"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/chatrooms/{roomID}",
    summary: "One chatroom",
    request: { params: roomParams },
    responses: { 200: json(roomSchema, "The room"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/chatrooms/{roomID}",
    summary: "Delete a custom chatroom",
    request: { params: roomParams },
    responses: { 200: json(success, "It is gone"), ...REFUSALS },
  }),
  update: createRoute({ method: "patch", summary: "Update a chatroom", ...updating() }),
  replace: createRoute({ method: "put", summary: "Update a chatroom (same as PATCH)", ...updating() }),
  claim: createRoute({
    method: "post",
    path: "/chatrooms/{roomID}/claim",
    summary:
      "Become an admin of a chatroom of your organization: a default or event one, or one that has no admin (else 403)",
    request: { params: roomParams },
    responses: { 200: json(roomSchema, "The room"), ...REFUSALS, ...KEY_REUSED },
  }),
  addUsers: createRoute({
    method: "post",
    path: "/chatrooms/{roomID}/users",
    summary: "Add people to a chatroom, or change what they are in it",
    request: { params: roomParams, ...jsonBody(body(peopleFields).openapi("People")) },
    responses: { 200: json(roomSchema, "The room"), ...REFUSALS, ...CONFLICT },
  }),
};

function updating() {
  return {
    path: "/chatrooms/{roomID}" as const,
    request: { params: roomParams, ...jsonBody(body({ automationEnabled: flag() })) },
    responses: { 200: json(roomSchema, "The room"), ...REFUSALS, ...CONFLICT },
  };
}
