/** `/v1/groups`: rooms of several people. A group and its conversation are one room and have one id. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import type { Actor, Room } from "../../domain/model.ts";
import type { RoomView } from "../../domain/use-cases/rooms.ts";
import { givenPicture } from "../answers/room-pictures.ts";
import { type HttpApp, json } from "../face/face.ts";
import { repeatedRoom } from "../face/repeatable.ts";
import { given, text } from "../requests/fields.ts";
import { type Caller, callerOf } from "./authentication.ts";
import { formOrJson } from "./bodies.ts";
import { BODY_REFUSALS, REFUSALS } from "./failures.ts";
import { listOf, names, one, onlyWhenTrue, pageQuery, timestamp } from "./kinds.ts";
import { asItIs, groupBodies, type ProtocolParts, pageOf } from "./parts.ts";
import { type GroupBody, groupSchema } from "./shapes.ts";

const MAX_TEXT_LENGTH = 8_000;

export function registerGroups(
  app: HttpApp,
  parts: ProtocolParts<
    "contacts" | "roomLifecycle" | "finding" | "lookup" | "memberSettings" | "roomSettings"
  >,
): void {
  const { finding, roomLifecycle } = parts.useCases;
  app.openapi(ROUTES.list, async (c) => {
    const { user, actor } = callerOf(c);
    const { archived, ...page } = c.req.valid("query");
    const { rooms, more } = await finding.recent(actor, {
      ...pageOf(page, asItIs),
      types: ["group", "public"],
      ...(archived && { archived }),
    });
    return c.json({ has_more: more, data: await groupBodies(parts, user, rooms) }, 200);
  });
  app.openapi(ROUTES.create, async (c) => {
    const caller = callerOf(c);
    const publicId = await create(parts, caller.actor, c.req.valid("json"), repeatedRoom(c));
    return c.json(await shown(parts, caller, publicId), 201, { Location: `/v1/groups/${publicId}` });
  });
  app.openapi(ROUTES.get, async (c) => c.json(await shown(parts, callerOf(c), c.req.valid("param").id), 200));
  app.openapi(ROUTES.update, async (c) => {
    const caller = callerOf(c);
    const { id } = c.req.valid("param");
    const { room: conversation } = await groupOf(parts, caller.actor, id);
    await update(parts, caller.actor, conversation, c.req.valid("json"));
    return c.json(await shown(parts, caller, id), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const { actor } = callerOf(c);
    const { room: conversation } = await groupOf(parts, actor, c.req.valid("param").id);
    await roomLifecycle.delete(actor, conversation.token);
    return c.body(null, 204);
  });
}

async function groupOf(
  { useCases }: ProtocolParts<"finding">,
  actor: Actor,
  publicId: string,
): Promise<RoomView> {
  const view = await useCases.finding.view(actor, { publicId });
  if (view.room.type !== "one_to_one") return view;
  throw new DomainError("not_found", "There is no such group, or you are not in it");
}

async function shown(
  parts: ProtocolParts<"contacts" | "finding">,
  { user, actor }: Caller,
  publicId: string,
): Promise<GroupBody> {
  return (await groupBodies(parts, user, [await groupOf(parts, actor, publicId)]))[0] as GroupBody;
}

/** @returns the group's public id */
async function create(
  { useCases, publicUrl }: ProtocolParts<"roomLifecycle" | "lookup">,
  actor: Actor,
  fields: z.output<typeof newGroup>,
  repeated: { publicId?: string },
): Promise<string> {
  const { name, description = null, avatar_url = null, contacts = [] } = fields;
  const members = await useCases.lookup.actors(contacts);
  const { publicId } = await useCases.roomLifecycle.create(actor, {
    type: "group",
    ...{ name, description, ...given({ avatarUrl: givenPicture(avatar_url, null, publicUrl()) }) },
    members: members.map((member) => ({ member, role: "user" })),
    ...repeated,
  });
  return publicId;
}

/** Changes the shared fields first, because only these can be refused. */
async function update(
  parts: ProtocolParts<"lookup" | "memberSettings" | "roomSettings">,
  actor: Actor,
  room: Room,
  fields: z.output<typeof groupUpdate>,
): Promise<void> {
  const { roomSettings, memberSettings } = parts.useCases;
  const { name, description, avatar_url, contacts, archived_at } = fields;
  const members = contacts && (await parts.useCases.lookup.actors(contacts));
  const avatarUrl = givenPicture(avatar_url, room, parts.publicUrl());
  const patch = given({ name, description, avatarUrl, members });
  if (Object.keys(patch).length > 0) await roomSettings.update(actor, room.token, patch);
  if (archived_at !== undefined) await memberSettings.change(actor, room.token, { archivedAt: archived_at });
}

const shared = {
  description: text(MAX_TEXT_LENGTH).nullish(),
  avatar_url: text(MAX_TEXT_LENGTH).nullish(),
};
const newGroup = z.object({
  name: text(MAX_TEXT_LENGTH),
  ...shared,
  contacts: names().optional().openapi({ description: "The other members: ids, handles, or contacts" }),
});
const groupUpdate = z.object({
  name: text(MAX_TEXT_LENGTH).optional(),
  ...shared,
  contacts: names().optional().openapi({ description: "Replaces the other members" }),
  archived_at: timestamp().optional(),
});

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/v1/groups",
    summary: "List all groups, newest activity first",
    request: { query: z.object({ ...pageQuery, archived: onlyWhenTrue() }) },
    responses: { 200: json(listOf(groupSchema), "A page"), ...REFUSALS },
  }),
  create: createRoute({
    method: "post",
    path: "/v1/groups",
    summary: "Create a group with its conversation",
    request: formOrJson("NewGroup", newGroup.shape),
    responses: { 201: json(groupSchema, "The group"), ...BODY_REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/v1/groups/{id}",
    summary: "Retrieve a group",
    request: one,
    responses: { 200: json(groupSchema, "The group"), ...REFUSALS },
  }),
  update: createRoute({
    method: "put",
    path: "/v1/groups/{id}",
    summary: "Change a group (moderators), or archive it for oneself",
    request: { ...one, ...formOrJson("GroupUpdate", groupUpdate.shape) },
    responses: { 200: json(groupSchema, "The group"), ...BODY_REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/v1/groups/{id}",
    summary: "Delete a group with all its messages",
    request: one,
    responses: { 204: { description: "It is gone" }, ...REFUSALS },
  }),
};
