/** The use cases of messages and people, put together. Read messages.ts and people.ts first. */

import { createConnections } from "../contacts/connections.ts";
import { createContacts } from "../contacts/contacts.ts";
import type { Context, DomainOptions } from "../context/context.ts";
import type { InternalCalls } from "../live/calls.ts";
import { createAttachments } from "../messages/attachments.ts";
import { createMentions } from "../messages/mentioning.ts";
import { createMessageViews } from "../messages/message-views.ts";
import { createPins } from "../messages/pins.ts";
import { createReactions } from "../messages/reactions.ts";
import type { Recount } from "../messages/recount.ts";
import { createTimeline } from "../messages/timeline.ts";
import { createProfiles } from "../organizations/profiles.ts";
import { createWebhooks } from "../organizations/webhooks.ts";
import type { MessageUseCases } from "../use-cases/messages.ts";
import type { PeopleUseCases } from "../use-cases/people.ts";
import type { OneToOne } from "../use-cases/rooms.ts";

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
