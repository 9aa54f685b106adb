/** Webhooks of organizations. The secret is in the answer to its creation only. */
import { createRoute, z } from "@hono/zod-openapi";
import { WEBHOOK_TYPES, type Webhook } from "../../domain/model.ts";
import type { Webhooks } from "../../domain/use-cases/people.ts";
import { type HttpApp, json, jsonBody } from "../face/face.ts";
import { given, id, idText, oneOf, strictBody, text, time } from "../requests/fields.ts";
import { REFUSALS } from "./failures.ts";
import { pageOf, pageQuery, readPage } from "./pages.ts";

const MAX_URL_LENGTH = 2_000;
const MAX_SECRET_LENGTH = 256;

export function registerWebhooks(app: HttpApp, webhooks: Webhooks): void {
  app.openapi(ROUTES.create, async (c) => {
    const { webhook, secret } = await webhooks.create(given(c.req.valid("json")));
    const location = `/admin/v1/webhooks/${webhook.id}`;
    return c.json({ ...webhookBody(webhook), secret }, 201, { Location: location });
  });
  app.openapi(ROUTES.list, async (c) => {
    const { organizationId, ...page } = c.req.valid("query");
    const read = (query: { limit: number; after: number }) =>
      webhooks.list({ ...query, ...(organizationId !== undefined && { organizationId }) });
    return c.json(await readPage(page, read, webhookBody), 200);
  });
  app.openapi(ROUTES.get, async (c) => c.json(webhookBody(await webhooks.get(c.req.valid("param").id)), 200));
  app.openapi(ROUTES.update, async (c) => {
    const changed = await webhooks.update(c.req.valid("param").id, given(c.req.valid("json")));
    return c.json(webhookBody(changed), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await webhooks.delete(c.req.valid("param").id);
    return c.body(null, 204);
  });
}

function webhookBody({ id, organizationId, url, events, createdAt }: Webhook) {
  return { id, organizationId, url, events, createdAt: time(createdAt) };
}

const types = oneOf(WEBHOOK_TYPES);
const events = z
  .array(types, "must be a list of event types, or null")
  .max(WEBHOOK_TYPES.length, `must be at most ${WEBHOOK_TYPES.length} event types`)
  .nullable()
  .openapi({ description: "Which events are told; null: all" });
const url = text(MAX_URL_LENGTH).openapi({
  description:
    "http or https. Loopback, private and link-local addresses are refused unless WEBHOOK_ALLOW_PRIVATE",
});
const secret = text(MAX_SECRET_LENGTH).openapi({
  description: "Signs deliveries: x-protocol-signature is the hexadecimal HMAC-SHA256 of the raw body",
  minLength: 16,
});

const webhook = z
  .object({
    id: z.int(),
    organizationId: z.int(),
    url: z.string(),
    events: z.array(z.string()).nullable(),
    createdAt: z.iso.datetime(),
  })
  .openapi("Webhook");
const newWebhook = webhook.extend({ secret: z.string() }).openapi("CreatedWebhook");
const one = { params: z.object({ id: idText() }) };

const ROUTES = {
  create: createRoute({
    method: "post",
    path: "/admin/v1/webhooks",
    summary: "Register a webhook; it hears what happens from then on",
    description:
      "A delivery that fails is repeated under the same id. Objects of messages and attachments show what is there at that moment: a text that was edited away or deleted since is not told any more.",
    request: jsonBody(
      strictBody({
        organizationId: id(),
        url,
        events: events.optional(),
        secret: secret.optional(),
      }).openapi("NewWebhook"),
    ),
    responses: { 201: json(newWebhook, "The webhook with its secret, shown this once"), ...REFUSALS },
  }),
  list: createRoute({
    method: "get",
    path: "/admin/v1/webhooks",
    summary: "All webhooks, or those of one organization, without their secrets",
    request: { query: pageQuery.extend({ organizationId: idText().optional() }) },
    responses: { 200: json(pageOf(webhook), "A page"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/admin/v1/webhooks/{id}",
    summary: "One webhook, without its secret",
    request: one,
    responses: { 200: json(webhook, "The webhook"), ...REFUSALS },
  }),
  update: createRoute({
    method: "patch",
    path: "/admin/v1/webhooks/{id}",
    summary: "Change a webhook",
    request: {
      ...one,
      ...jsonBody(
        strictBody({ url: url.optional(), events: events.optional(), secret: secret.optional() }).openapi(
          "ChangedWebhook",
        ),
      ),
    },
    responses: { 200: json(webhook, "The webhook as it now is"), ...REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/admin/v1/webhooks/{id}",
    summary: "Delete a webhook with what waits to be delivered to it",
    request: one,
    responses: { 204: { description: "The webhook is gone" }, ...REFUSALS },
  }),
};
