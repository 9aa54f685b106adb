/** `/v1/messages`: messages in the caller's conversations. */
import { randomUUID } from "node:crypto";
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import { protocolMessagePlace } from "../../domain/ids.ts";
import type { Actor } from "../../domain/model.ts";
import type { MessageView } from "../../domain/use-cases/messages.ts";
import { type HttpApp, json } from "../face/face.ts";
import { repeatId } from "../face/repeatable.ts";
import { given, text } from "../requests/fields.ts";
import { type Caller, callerOf } from "./authentication.ts";
import { formOrJson } from "./bodies.ts";
import { BODY_REFUSALS, REFUSALS } from "./failures.ts";
import { listOf, name, names, one, pageQuery, reactions } from "./kinds.ts";
import { messageBodies, type ProtocolParts, pageOf, roomOf } from "./parts.ts";
import { type MessageBody, messageSchema } from "./shapes.ts";

/** 16,000 code points, in UTF-16. */
const MAX_MESSAGE_LENGTH = 32_000;

export function registerMessages(
  app: HttpApp,
  parts: ProtocolParts<"contacts" | "finding" | "messages" | "reactions" | "timeline">,
): void {
  const { timeline, messages } = parts.useCases;
  app.openapi(ROUTES.list, async (c) => {
    const { actor } = callerOf(c);
    const { conversation_id, ...query } = c.req.valid("query");
    const room = conversation_id && (await roomOf(parts, actor, conversation_id, "conversation_id")).token;
    const page = await timeline.recent(actor, {
      ...pageOf(query, protocolMessagePlace),
      ...given({ room }),
    });
    return c.json({ has_more: page.more, data: await messageBodies(parts, actor, page.messages) }, 200);
  });
  app.openapi(ROUTES.create, async (c) => {
    const { actor } = callerOf(c);
    const sent = await send(parts, actor, repeatId(c) ?? randomUUID(), c.req.valid("json"));
    const shown = await shape(parts, actor, sent);
    return c.json(shown, 201, { Location: `/v1/messages/${shown.id}` });
  });
  app.openapi(ROUTES.get, async (c) => {
    const { actor } = callerOf(c);
    return c.json(await shape(parts, actor, await messageOf(parts, actor, c.req.valid("param").id)), 200);
  });
  app.openapi(ROUTES.update, async (c) => {
    const caller = callerOf(c);
    const { id } = c.req.valid("param");
    await update(parts, caller, await messageOf(parts, caller.actor, id), c.req.valid("json"));
    return c.json(await shape(parts, caller.actor, await messageOf(parts, caller.actor, id)), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const { actor } = callerOf(c);
    const { room, seq } = await messageOf(parts, actor, c.req.valid("param").id);
    await messages.remove(actor, room, seq);
    return c.body(null, 204);
  });
}

async function messageOf(
  { useCases }: ProtocolParts<"timeline">,
  actor: Actor,
  id: string,
): Promise<MessageView> {
  const place = protocolMessagePlace(id);
  if (place) return await useCases.timeline.message(actor, place);
  throw noSuchMessage();
}

function noSuchMessage(): DomainError {
  return new DomainError("not_found", "There is no such message");
}

async function shape(
  parts: ProtocolParts<"contacts">,
  actor: Actor,
  view: MessageView,
): Promise<MessageBody> {
  return (await messageBodies(parts, actor, [view]))[0] as MessageBody;
}

async function send(
  parts: ProtocolParts<"finding" | "messages" | "timeline">,
  actor: Actor,
  id: string,
  fields: z.output<typeof newMessage>,
): Promise<MessageView> {
  const { timeline, messages } = parts.useCases;
  const { conversation_id, message, attachments } = fields;
  const { token } = await roomOf(parts, actor, conversation_id, "conversation_id");
  const input = { id, text: message, ...given({ attachments }) };
  const sent = await timeline.sent(actor, token, await messages.send(actor, token, input));
  if (!sent?.message) throw noSuchMessage();
  return sent.message;
}

/** Updates a message. Clients send whole objects back, so an unchanged text makes no edit. */
async function update(
  { useCases }: ProtocolParts<"messages" | "reactions">,
  { user, actor }: Caller,
  { room, seq, text }: MessageView,
  fields: z.output<typeof messageUpdate>,
): Promise<void> {
  const { message = text, attachments } = fields;
  if (message !== text || attachments)
    await useCases.messages.edit(actor, room, seq, { text: message, ...given({ attachments }) });
  if (!fields.reactions) return;
  // Nobody can react for others, so only the caller's own username counts.
  const own = Object.entries(fields.reactions).filter(([, by]) => by.includes(user.handle));
  await useCases.reactions.set(
    actor,
    room,
    seq,
    own.map(([reaction]) => reaction),
  );
}

const newMessage = z.object({
  conversation_id: name(),
  message: text(MAX_MESSAGE_LENGTH).openapi({ description: "1 to 16,000 characters" }),
  attachments: names().optional().openapi({ description: "Files that were uploaded before" }),
});
const messageUpdate = z.object({
  message: text(MAX_MESSAGE_LENGTH).optional(),
  reactions: reactions().optional().openapi({ description: "Only the caller's own username counts" }),
  attachments: names().optional().openapi({ description: "Replaces them" }),
});

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/v1/messages",
    summary: "List messages of one or all conversations, newest first",
    description:
      "Poll with the first id of the last page as ending_before: every message is listed once, in whatever order sends are committed. A cursor stays usable when its message is deleted, and for 28 days after its conversation was left or deleted (then the last 1,000 messages of it). " +
      "A message's id names its place in the conversation's log and stays the same for good. After the operator restored an older backup of the database, the ids of lost messages name nothing at first (400), and later the messages that took their places: when you hear of a restore, drop what you kept and list the messages anew.",
    request: { query: z.object({ ...pageQuery, conversation_id: name().optional() }) },
    responses: { 200: json(listOf(messageSchema), "A page"), ...REFUSALS },
  }),
  create: createRoute({
    method: "post",
    path: "/v1/messages",
    summary: "Send a message",
    request: formOrJson("NewMessage", newMessage.shape),
    responses: { 201: json(messageSchema, "The message"), ...BODY_REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/v1/messages/{id}",
    summary: "Retrieve a message",
    request: one,
    responses: { 200: json(messageSchema, "The message"), ...REFUSALS },
  }),
  update: createRoute({
    method: "put",
    path: "/v1/messages/{id}",
    summary: "Edit a message (its author), or react to it",
    request: { ...one, ...formOrJson("MessageUpdate", messageUpdate.shape) },
    responses: { 200: json(messageSchema, "The message"), ...BODY_REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/v1/messages/{id}",
    summary: "Delete a message for everybody",
    request: one,
    responses: { 204: { description: "It is gone" }, ...REFUSALS },
  }),
};
