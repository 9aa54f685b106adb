/** `/v1/contacts`: the caller's contact book. */
import { createRoute, z } from "@hono/zod-openapi";
import { givenPicture } from "../answers/room-pictures.ts";
import { type HttpApp, json } from "../face/face.ts";
import { given, text } from "../requests/fields.ts";
import { callerOf } from "./authentication.ts";
import { formOrJson } from "./bodies.ts";
import { BODY_REFUSALS, REFUSALS } from "./failures.ts";
import { listOf, name, one, onlyWhenTrue, pageQuery } from "./kinds.ts";
import { asItIs, type ProtocolParts, pageOf } from "./parts.ts";
import { contactBody, contactSchema } from "./shapes.ts";

const MAX_TEXT_LENGTH = 4_000;

export function registerContacts(
  app: HttpApp,
  { useCases: { contacts }, publicUrl }: ProtocolParts<"contacts">,
): void {
  app.openapi(ROUTES.list, async (c) => {
    const page = await contacts.list(callerOf(c).actor, pageOf(c.req.valid("query"), asItIs));
    return c.json({ has_more: page.more, data: page.contacts.map(contactBody) }, 200);
  });
  app.openapi(ROUTES.create, async (c) => {
    const { username, phone_number, avatar_url, display_name } = c.req.valid("json");
    const avatarUrl = givenPicture(avatar_url, null, publicUrl());
    const entry = given({ avatarUrl, displayName: display_name });
    const made = await contacts.add(callerOf(c).actor, {
      name: username,
      phoneNumber: phone_number,
      ...entry,
    });
    const headers = { Location: `/v1/contacts/${made.contact.user.publicId}` };
    return c.json(contactBody(made.contact), made.created ? 201 : 200, headers);
  });
  app.openapi(ROUTES.get, async (c) =>
    c.json(contactBody(await contacts.get(callerOf(c).actor, c.req.valid("param").id)), 200),
  );
  app.openapi(ROUTES.update, async (c) => {
    const { actor } = callerOf(c);
    const { id } = c.req.valid("param");
    const { display_name } = c.req.valid("json");
    const contact =
      display_name === undefined
        ? await contacts.get(actor, id)
        : await contacts.rename(actor, id, display_name);
    return c.json(contactBody(contact), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await contacts.delete(callerOf(c).actor, c.req.valid("param").id);
    return c.body(null, 204);
  });
}

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/v1/contacts",
    summary: "List all contacts, newest activity first",
    request: {
      query: z.object({
        ...pageQuery,
        active: onlyWhenTrue().openapi({ description: "Clients send it; every contact is active" }),
      }),
    },
    responses: { 200: json(listOf(contactSchema), "A page"), ...REFUSALS },
  }),
  create: createRoute({
    method: "post",
    path: "/v1/contacts",
    summary: "Add a user to the contacts, and open the conversation with them",
    request: formOrJson("NewContact", {
      username: name().openapi({ description: "The handle or the id of a user" }),
      phone_number: text(MAX_TEXT_LENGTH),
      avatar_url: text(MAX_TEXT_LENGTH).nullish(),
      display_name: text(MAX_TEXT_LENGTH).nullish(),
    }),
    responses: {
      200: json(contactSchema, "The contact was there already, and is changed to this"),
      201: json(contactSchema, "The contact"),
      ...BODY_REFUSALS,
    },
  }),
  get: createRoute({
    method: "get",
    path: "/v1/contacts/{id}",
    summary: "Retrieve a contact",
    request: one,
    responses: { 200: json(contactSchema, "The contact"), ...REFUSALS },
  }),
  update: createRoute({
    method: "put",
    path: "/v1/contacts/{id}",
    summary: "Name a contact",
    request: {
      ...one,
      ...formOrJson("ContactUpdate", {
        display_name: text(MAX_TEXT_LENGTH).nullish().openapi({ description: "null or empty: the username" }),
      }),
    },
    responses: { 200: json(contactSchema, "The contact"), ...BODY_REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/v1/contacts/{id}",
    summary:
      "Delete a contact, and the conversation with them for both (while one blocks the other, for the caller alone)",
    request: one,
    responses: { 204: { description: "It is gone" }, ...REFUSALS },
  }),
};
