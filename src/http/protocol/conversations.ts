/** `/v1/conversations`: all rooms of the caller, one-to-one and group. */
import { createRoute, z } from "@hono/zod-openapi";
import { badField, DomainError } from "../../domain/errors.ts";
import { protocolMessagePlace } from "../../domain/ids.ts";
import { type Actor, NOBODY, type Room } from "../../domain/model.ts";
import { type HttpApp, json } from "../face/face.ts";
import { given } from "../requests/fields.ts";
import { callerOf } from "./authentication.ts";
import { formOrJson } from "./bodies.ts";
import { BODY_REFUSALS, REFUSALS } from "./failures.ts";
import { flag, listOf, name, nameOrNothing, one, onlyWhenTrue, pageQuery, timestamp } from "./kinds.ts";
import { asItIs, conversationBodies, type ProtocolParts, pageOf, roomOf } from "./parts.ts";
import { type ConversationBody, conversationSchema } from "./shapes.ts";

export function registerConversations(
  app: HttpApp,
  parts: ProtocolParts<"roomLifecycle" | "finding" | "lookup" | "memberSettings" | "oneToOne" | "pins">,
): void {
  const { finding } = parts.useCases;
  app.openapi(ROUTES.list, async (c) => {
    const { muted, archived, pinned, group_id, ...page } = c.req.valid("query");
    const { rooms, more } = await finding.recent(callerOf(c).actor, {
      ...pageOf(page, asItIs),
      ...(muted && { muted }),
      ...(archived && { archived }),
      ...(pinned && { pinned }),
      ...(group_id !== undefined && { publicId: group_id, types: ["group", "public"] }),
    });
    return c.json({ has_more: more, data: await conversationBodies(parts, rooms) }, 200);
  });
  app.openapi(ROUTES.create, async (c) => {
    const { actor } = callerOf(c);
    const { room: conversation, created } = await open(parts, actor, c.req.valid("json"));
    const headers = { Location: `/v1/conversations/${conversation.publicId}` };
    return c.json(await shown(parts, actor, conversation.publicId), created ? 201 : 200, headers);
  });
  app.openapi(ROUTES.get, async (c) =>
    c.json(await shown(parts, callerOf(c).actor, c.req.valid("param").id), 200),
  );
  app.openapi(ROUTES.update, async (c) => {
    const { actor } = callerOf(c);
    const { id } = c.req.valid("param");
    await update(parts, actor, await roomOf(parts, actor, id, "id"), c.req.valid("json"));
    return c.json(await shown(parts, actor, id), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const { actor } = callerOf(c);
    const { oneToOne, roomLifecycle } = parts.useCases;
    const { type, token } = await roomOf(parts, actor, c.req.valid("param").id, "id");
    await (type === "one_to_one" ? oneToOne : roomLifecycle).delete(actor, token);
    return c.body(null, 204);
  });
}

async function shown(
  parts: ProtocolParts<"finding" | "pins">,
  actor: Actor,
  publicId: string,
): Promise<ConversationBody> {
  const view = await parts.useCases.finding.view(actor, { publicId });
  return (await conversationBodies(parts, [view]))[0] as ConversationBody;
}

/** Opens a conversation: with a contact it is made if needed; a group's exists already. */
async function open(
  parts: ProtocolParts<"finding" | "lookup" | "oneToOne">,
  actor: Actor,
  { contact_id, group_id }: { contact_id?: string | null | undefined; group_id?: string | null | undefined },
): Promise<{ room: Room; created: boolean }> {
  if (contact_id && group_id) throw badField("contact_id", "and group_id must not be given together");
  if (contact_id) return await openWith(parts, actor, contact_id);
  if (!group_id) throw badField("contact_id", "or group_id is required");
  const room = await roomOf(parts, actor, group_id, "group_id");
  if (room.type === "one_to_one") {
    throw new DomainError("not_found", "group_id names no group that you are in", { field: "group_id" });
  }
  return { room, created: false };
}

async function openWith(parts: ProtocolParts<"lookup" | "oneToOne">, actor: Actor, contactId: string) {
  const [contact = NOBODY] = await parts.useCases.lookup.actors([contactId]);
  try {
    return await parts.useCases.oneToOne.open(actor, contact);
  } catch (error) {
    throw isNotFound(error, "members") ? unknownContact() : error;
  }
}

async function update(
  parts: ProtocolParts<"memberSettings" | "pins">,
  actor: Actor,
  room: Room,
  fields: z.output<typeof conversationUpdate>,
): Promise<void> {
  const { pinned_message_id, is_pinned, is_muted, archived_at } = fields;
  if (pinned_message_id !== undefined) await pin(parts, actor, room, pinned_message_id);
  const own = given({ pinned: is_pinned, muted: is_muted, archivedAt: archived_at });
  if (Object.keys(own).length > 0) await parts.useCases.memberSettings.change(actor, room.token, own);
}

async function pin(
  { useCases }: ProtocolParts<"pins">,
  actor: Actor,
  room: Room,
  messageId: string | null,
): Promise<void> {
  if (messageId === null) {
    await useCases.pins.unpin(actor, room.token);
    return;
  }
  const place = protocolMessagePlace(messageId);
  if (place?.roomId !== room.id) throw notOfThisConversation();
  try {
    await useCases.pins.pin(actor, room.token, place.seq);
  } catch (error) {
    throw isNotFound(error, "seq") ? notOfThisConversation() : error;
  }
}

function unknownContact(): DomainError {
  return new DomainError("not_found", "contact_id names a user who does not exist", { field: "contact_id" });
}

function notOfThisConversation(): DomainError {
  return badField("pinned_message_id", "must be the id of a message of this conversation");
}

function isNotFound(error: unknown, field: string): boolean {
  return error instanceof DomainError && error.code === "not_found" && error.field === field;
}

const conversationUpdate = z.object({
  pinned_message_id: nameOrNothing().optional(),
  is_pinned: flag().optional(),
  is_muted: flag().optional(),
  archived_at: timestamp().optional(),
});

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/v1/conversations",
    summary: "List all conversations, newest activity first",
    request: {
      query: z.object({
        ...pageQuery,
        muted: onlyWhenTrue(),
        archived: onlyWhenTrue(),
        pinned: onlyWhenTrue(),
        group_id: name().optional(),
      }),
    },
    responses: { 200: json(listOf(conversationSchema), "A page"), ...REFUSALS },
  }),
  create: createRoute({
    method: "post",
    path: "/v1/conversations",
    summary: "Create a conversation with a contact, or take that of a group",
    request: formOrJson("NewConversation", {
      contact_id: nameOrNothing().optional().openapi({ description: "This, or group_id" }),
      group_id: nameOrNothing().optional(),
    }),
    responses: {
      200: json(conversationSchema, "The conversation was there already"),
      201: json(conversationSchema, "The conversation"),
      ...BODY_REFUSALS,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/v1/conversations/{id}",
    summary: "Retrieve a conversation",
    request: one,
    responses: { 200: json(conversationSchema, "The conversation"), ...REFUSALS },
  }),
  update: createRoute({
    method: "put",
    path: "/v1/conversations/{id}",
    summary: "Pin a message; pin, mute or archive the conversation",
    request: {
      ...one,
      ...formOrJson("ConversationUpdate", conversationUpdate.shape),
    },
    responses: { 200: json(conversationSchema, "The conversation"), ...BODY_REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/v1/conversations/{id}",
    summary:
      "Delete a conversation with all its messages, for everybody in it; while a contact blocks the caller, or is blocked, for the caller alone",
    request: one,
    responses: { 204: { description: "It is gone" }, ...REFUSALS },
  }),
};
