/** The ten operations on chatrooms, in the order of the document. */
import { z } from "@hono/zod-openapi";
import { badField } from "../../domain/errors.ts";
import type { Chatroom, Chatrooms } from "../../domain/use-cases/chatrooms.ts";
import type { HttpApp } from "../face/face.ts";
import { repeatedRoom } from "../face/repeatable.ts";
import { idText, intText, MAX_ID } from "../requests/fields.ts";
import { ROUTES } from "./routes.ts";
import { PREFIX, peopleOf, roomBody } from "./shapes.ts";

export interface RoomRoutes {
  chatrooms: Chatrooms;
  publicUrl: () => string;
}

export function registerRooms(app: HttpApp, { chatrooms, publicUrl }: RoomRoutes): void {
  const shape = (room: Chatroom) => roomBody(room, publicUrl());

  app.openapi(ROUTES.byEvent, async (c) => {
    const { organization_id, event_id } = c.req.valid("query");
    const room = await chatrooms.byEvent(c.get("principal"), organization_id, event_id);
    return c.json(shape(room), 200);
  });
  app.openapi(ROUTES.list, async (c) => {
    const query = c.req.valid("query");
    const page = { all: query.all, ...pageOf(query) };
    const { entries, total } = await chatrooms.list(c.get("principal"), query.organization_id, page);
    return c.json({ entries: entries.map(shape), total }, 200);
  });
  app.openapi(ROUTES.create, async (c) => {
    const { organizationID, name, automationEnabled, avatar, scheduledDeletion, ...people } =
      c.req.valid("json");
    const room = await chatrooms.create(c.get("principal"), {
      ...peopleOf(people),
      organizationId: organizationID,
      name,
      automationEnabled: automationEnabled ?? false,
      ...(avatar && { avatar: Uint8Array.from(avatar) }),
      scheduledDeletion: scheduledDeletion ?? null,
      ...repeatedRoom(c),
    });
    return c.json(shape(room), 201, { Location: location(room) });
  });
  registerDefaultRoom(app, { chatrooms, publicUrl });
  registerOneRoom(app, { chatrooms, publicUrl });
}

function registerDefaultRoom(app: HttpApp, { chatrooms, publicUrl }: RoomRoutes): void {
  app.openapi(ROUTES.createDefault, async (c) => {
    const { organizationID, automationEnabled } = c.req.valid("json");
    const input = { organizationId: organizationID, automationEnabled: automationEnabled ?? false };
    const room = await chatrooms.createDefault(c.get("principal"), { ...input, ...repeatedRoom(c) });
    return c.json(roomBody(room, publicUrl()), 201, { Location: location(room) });
  });
  app.openapi(ROUTES.removeDefault, async (c) => {
    await chatrooms.removeDefault(c.get("principal"), c.req.valid("param").organizationID);
    return c.json({ message: "success" }, 200);
  });
}

function registerOneRoom(app: HttpApp, { chatrooms, publicUrl }: RoomRoutes): void {
  const shape = (room: Chatroom) => roomBody(room, publicUrl());

  app.openapi(ROUTES.get, async (c) => {
    const room = await chatrooms.get(c.get("principal"), roomOf(c.req.valid("param").roomID));
    return c.json(shape(room), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await chatrooms.delete(c.get("principal"), roomOf(c.req.valid("param").roomID));
    return c.json({ message: "success" }, 200);
  });
  for (const route of [ROUTES.update, ROUTES.replace]) {
    app.openapi(route, async (c) => {
      const room = await chatrooms.update(
        c.get("principal"),
        roomOf(c.req.valid("param").roomID),
        c.req.valid("json"),
      );
      return c.json(shape(room), 200);
    });
  }
  app.openapi(ROUTES.claim, async (c) => {
    const room = await chatrooms.claim(c.get("principal"), roomOf(c.req.valid("param").roomID));
    return c.json(shape(room), 200);
  });
  app.openapi(ROUTES.addUsers, async (c) => {
    const people = peopleOf(c.req.valid("json"));
    const room = await chatrooms.addUsers(c.get("principal"), roomOf(c.req.valid("param").roomID), people);
    return c.json(shape(room), 200);
  });
}

function location({ room }: Chatroom): string {
  return `${PREFIX}/chatrooms/${room.id}`;
}

const pageSchema = z.object({
  limit: intText({ min: 1, max: 50, fallback: 10 }),
  offset: intText({ min: 0, max: MAX_ID, fallback: 0 }),
});

/** Limit and offset. With `all` they are ignored, even if they are wrong, so they are checked only here. */
function pageOf(query: { all: boolean; limit?: unknown; offset?: unknown }): z.output<typeof pageSchema> {
  if (query.all) return { limit: 50, offset: 0 };
  const parsed = pageSchema.safeParse({ limit: query.limit, offset: query.offset });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badField(String(issue?.path[0]), issue?.message ?? "is invalid");
}

/** `!opaque:server`, or without `:server` since room version 12. */
const MATRIX_ROOM_ID = /^!\S{1,254}$/u;

function roomOf(roomID: string): number | string {
  if (MATRIX_ROOM_ID.test(roomID)) return roomID;
  const parsed = idText().safeParse(roomID);
  if (parsed.success) return parsed.data;
  throw badField("roomID", "must be the room's integer id or its Matrix room id (!… , URL-encoded)");
}
