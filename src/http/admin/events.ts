/** Events of an organization; an event's chatroom follows it while its automation is on. */
import { createRoute, z } from "@hono/zod-openapi";
import { badField } from "../../domain/errors.ts";
import type { OrganizationEvent } from "../../domain/model.ts";
import type { EventDirectory } from "../../domain/use-cases/directory.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { ids, idText, instant, MAX_ID, strictBody, text, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { MAX_TEXT_LENGTH } from "./users.ts";

export function registerEvents(app: HttpApp, directory: EventDirectory): void {
  const shape = async (organizationId: number, eventId: number) =>
    eventBody(await directory.event(organizationId, eventId));
  app.openapi(ROUTES.get, async (c) => {
    const { id, eventId } = c.req.valid("param");
    return c.json(await shape(id, eventId), 200);
  });
  app.openapi(ROUTES.put, async (c) => {
    const { id: organizationId, eventId } = c.req.valid("param");
    if (eventId === MAX_ID) throw badField("eventId", `must be an integer from 1 to ${MAX_ID - 1}`);
    await directory.putEvent({ organizationId, eventId, ...c.req.valid("json") });
    return c.json(await shape(organizationId, eventId), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    const { id, eventId } = c.req.valid("param");
    await directory.deleteEvent(id, eventId);
    return c.body(null, 204);
  });
}

function eventBody({ organizationId, eventId, name, endsAt, acceptedUsers }: OrganizationEvent) {
  return { id: eventId, organizationId, name, endsAt: time(endsAt), acceptedUsers };
}

const event = z
  .object({
    id: z.int(),
    organizationId: z.int(),
    name: z.string(),
    endsAt: z.iso.datetime().nullable(),
    acceptedUsers: z.array(z.int()),
  })
  .openapi("Event");
const one = { params: z.object({ id: idText(), eventId: idText() }) };

const ROUTES = {
  get: createRoute({
    method: "get",
    path: "/admin/v1/organizations/{id}/events/{eventId}",
    summary: "One event",
    request: one,
    responses: { 200: json(event, "The event"), ...REFUSALS },
  }),
  put: createRoute({
    method: "put",
    path: "/admin/v1/organizations/{id}/events/{eventId}",
    summary: "Tell of an event, or of its change",
    request: {
      ...one,
      ...jsonBody(
        strictBody({
          name: text(MAX_TEXT_LENGTH),
          endsAt: instant().nullable().default(null),
          acceptedUsers: ids(),
        }).openapi("EventChange"),
      ),
    },
    responses: { 200: json(event, "The event"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/organizations/{id}/events/{eventId}",
    summary: "Delete an event with its chatroom",
    request: one,
    responses: { 204: { description: "The event is gone" }, ...REFUSALS },
  }),
};
