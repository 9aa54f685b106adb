/** Webhooks of organizations: their URLs, types and secrets. src/webhooks/ delivers their events. */
import { newSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { WEBHOOK_TYPES, type Webhook, type WebhookType } from "../model.ts";
import type { WebhookTargets } from "../ports/webhooks.ts";
import { checkWellFormed } from "../text-rules.ts";
import type { Webhooks } from "../use-cases/people.ts";

const MAX_OF_AN_ORGANIZATION = 20;
const URL_CHARACTERS = 2_000;
const SECRET = { least: 16, most: 256 };

export function createWebhooks({ store }: Context, targets: WebhookTargets | null): Webhooks {
  async function checkUrl(url: string): Promise<string> {
    if (url.length > URL_CHARACTERS) throw badField("url", "must be at most 2,000 characters long");
    checkWellFormed("url", url);
    if (!targets) throw new DomainError("unavailable", "This process delivers no webhooks");
    await targets.check(url);
    return url;
  }

  async function find(id: number): Promise<Webhook> {
    const [webhook] = Number.isSafeInteger(id) ? await store.webhooks.list({ limit: 1, after: id - 1 }) : [];
    if (webhook?.id !== id) throw noSuchWebhook();
    return webhook;
  }

  return {
    async create({ organizationId, url, events = null, secret = newSecret("webhook") }) {
      const checked = {
        organizationId,
        url: await checkUrl(url),
        events: checkEvents(events),
        secret: checkSecret(secret),
      };
      const organization = Number.isSafeInteger(organizationId)
        ? await store.organizations.byId(organizationId)
        : null;
      if (!organization) {
        throw new DomainError("not_found", "There is no such organization", { field: "organizationId" });
      }
      const webhook = await store.webhooks.create(checked, MAX_OF_AN_ORGANIZATION);
      if (!webhook) throw new DomainError("conflict", "An organization has at most 20 webhooks");
      return { webhook, secret };
    },
    list: (page) => store.webhooks.list(page),
    get: find,
    async update(id, { url, events, secret }) {
      await find(id);
      const webhook = await store.webhooks.update(id, {
        ...(url !== undefined && { url: await checkUrl(url) }),
        ...(events !== undefined && { events: checkEvents(events) }),
        ...(secret !== undefined && { secret: checkSecret(secret) }),
      });
      if (!webhook) throw noSuchWebhook();
      return webhook;
    },
    async delete(id) {
      if (!Number.isSafeInteger(id) || !(await store.webhooks.delete(id))) throw noSuchWebhook();
    },
  };
}

function checkEvents(events: readonly WebhookType[] | null): WebhookType[] | null {
  if (events === null) return null;
  const known: readonly string[] = WEBHOOK_TYPES;
  const unknown = events.find((event) => !known.includes(event));
  if (unknown !== undefined || events.length === 0) {
    throw badField("events", `must be a list of at least one of ${WEBHOOK_TYPES.join(", ")}; or null: all`);
  }
  return [...new Set(events)];
}

function checkSecret(secret: string): string {
  if (secret.length < SECRET.least || secret.length > SECRET.most) {
    throw badField("secret", "must be 16 to 256 characters long");
  }
  checkWellFormed("secret", secret);
  return secret;
}

function noSuchWebhook(): DomainError {
  return new DomainError("not_found", "There is no such webhook", { field: "id" });
}
