/** Connections between users of different teams. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../../domain/errors.ts";
import { CONNECTION_STATUSES } from "../../../domain/model.ts";
import type { Connection } from "../../../domain/use-cases/people.ts";
import { type HttpApp, json, jsonBody } from "../../face/face.ts";
import { body, given, intText, oneOf, text } from "../../requests/fields.ts";
import { callerOf, type WireParts } from "../common/parts.ts";
import { type ConnectionBody, connectionBody, connectionSchema } from "../shapes/connection-shapes.ts";
import {
  forbidden,
  notFound,
  PROTECTED,
  PROTECTED_BODY,
  WireRefusal,
  wireRefusal,
} from "../shapes/failures.ts";
import { uuid } from "../shapes/kinds.ts";

const MAX_TEXT_LENGTH = 1_024;

const toParams = z.object({ to: uuid() });

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/connections",
    summary: "The caller's connections by the other's id, page by page",
    request: {
      query: z.object({
        size: intText({ min: 1, max: 500, fallback: 100 }),
        start: uuid().optional().openapi({ description: "The last `to` of the page before" }),
      }),
    },
    responses: {
      200: json(z.object({ connections: z.array(connectionSchema), has_more: z.boolean() }), "A page"),
      ...PROTECTED,
    },
  }),
  connect: createRoute({
    method: "post",
    path: "/connections",
    summary: "Ask a user for a connection, or accept theirs",
    request: jsonBody(
      body({
        user: uuid(),
        name: text(MAX_TEXT_LENGTH).nullish(),
        message: text(MAX_TEXT_LENGTH).nullish(),
      }).openapi("ConnectionRequest"),
    ),
    responses: {
      200: json(connectionSchema, "There was one already"),
      201: json(connectionSchema, "The request is on its way"),
      ...forbidden(
        "not-connected: there is no such user; connection-limit; bad-conn-update: the caller blocked them",
      ),
      ...PROTECTED_BODY,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/connections/{to}",
    summary: "The caller's connection to a user",
    request: { params: toParams },
    responses: {
      200: json(connectionSchema, "The connection"),
      ...notFound("not-found: there is none"),
      ...PROTECTED,
    },
  }),
  update: createRoute({
    method: "put",
    path: "/connections/{to}",
    summary: "Accept, ignore, block or cancel",
    request: { params: toParams, ...jsonBody(body({ status: oneOf(CONNECTION_STATUSES) })) },
    responses: {
      200: json(connectionSchema, "The connection as it is now"),
      204: { description: "It was so already" },
      ...forbidden("bad-conn-update: not from the present status; not-connected: there is no connection"),
      ...PROTECTED_BODY,
    },
  }),
};

export function registerConnections(app: HttpApp, parts: WireParts<"connections">): void {
  const { connections } = parts.useCases;
  const shape = (one: Connection) => shapeOf(one, parts.domain());

  app.openapi(ROUTES.list, async (c) => {
    const { size, start } = c.req.valid("query");
    const page = await connections.list(callerOf(c).actor, { limit: size, ...given({ after: start }) });
    return c.json({ connections: page.connections.map(shape), has_more: page.more }, 200);
  });
  app.openapi(ROUTES.connect, async (c) => {
    const { user, message } = c.req.valid("json");
    const made = await connections
      .connect(callerOf(c).actor, user, { message: message ?? null })
      .catch(refusedAs);
    return c.json(shape(made.connection), made.created ? 201 : 200);
  });
  app.openapi(ROUTES.get, async (c) => {
    return c.json(shape(await connections.get(callerOf(c).actor, c.req.valid("param").to)), 200);
  });
  app.openapi(ROUTES.update, async (c) => {
    const { status } = c.req.valid("json");
    const update = await connections
      .update(callerOf(c).actor, c.req.valid("param").to, status)
      .catch(refusedAs);
    return update.changed ? c.json(shape(update.connection), 200) : c.body(null, 204);
  });
}

function shapeOf({ from, to, room: conversation, ...rest }: Connection, domain: string): ConnectionBody {
  return connectionBody({ ...rest, from: from.uuid, to: to.uuid, conversation }, domain);
}

/** Translates refusals of changes of a connection to Wire's. */
function refusedAs(error: unknown): never {
  if (!(error instanceof DomainError)) throw error;
  switch (error.code) {
    case "not_found":
      throw wireRefusal("notConnected");
    case "forbidden":
    case "conflict":
      throw new WireRefusal(403, "bad-conn-update", error.message);
    case "too_large":
      throw new WireRefusal(403, "connection-limit", error.message);
    default:
      throw error;
  }
}
