/** The use cases of messages and people, put together. Read message-use-cases.ts and people-use-cases.ts first. */
import { createAttachments } from "./attachments.ts";
import type { InternalCalls } from "./calls.ts";
import { createConnections } from "./connections.ts";
import { createContacts } from "./contacts.ts";
import type { Context, DomainOptions } from "./context.ts";
import { createMentions } from "./mentioning.ts";
import type { MessageUseCases } from "./message-use-cases.ts";
import { createMessageViews } from "./message-views.ts";
import type { PeopleUseCases } from "./people-use-cases.ts";
import { createPins } from "./pins.ts";
import { createProfiles } from "./profiles.ts";
import { createReactions } from "./reactions.ts";
import type { Recount } from "./recount.ts";
import type { OneToOne } from "./room-use-cases.ts";
import { createTimeline } from "./timeline.ts";
import { createWebhooks } from "./webhooks.ts";

export function createMessageUseCases(
  context: Context,
  recount: Recount,
  files: DomainOptions["files"],
): MessageUseCases {
  return {
    timeline: createTimeline(context, createMessageViews(context), recount),
    reactions: createReactions(context),
    pins: createPins(context),
    mentions: createMentions(context),
    attachments: createAttachments(context, files ?? null),
  };
}

export function createPeopleUseCases(
  context: Context,
  oneToOne: OneToOne,
  calls: Pick<InternalCalls, "blocked">,
  targets: DomainOptions["webhookTargets"],
): PeopleUseCases {
  return {
    connections: createConnections(context, oneToOne, calls),
    contacts: createContacts(context, oneToOne),
    profiles: createProfiles(context),
    webhooks: createWebhooks(context, targets ?? null),
  };
}
