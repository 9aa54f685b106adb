/** The use cases of messages and people, put together. Read messages.ts and people.ts first. */

import { createBlocking } from "../contacts/blocking.ts";
import { createConnections } from "../contacts/connections.ts";
import { createContacts } from "../contacts/contacts.ts";
import { createOwnProfile } from "../contacts/own-profile.ts";
import { createPeople } from "../contacts/people.ts";
import type { Context, DomainOptions } from "../context/context.ts";
import { createAttachments } from "../files/attachments.ts";
import { createFileLinks } from "../files/file-links.ts";
import { createUploads } from "../files/uploads.ts";
import type { InternalCalls } from "../live/calls.ts";
import { createEditing } from "../messages/editing.ts";
import { createForwarding } from "../messages/forwarding.ts";
import { createHiding } from "../messages/hiding.ts";
import { createMentions } from "../messages/mentioning.ts";
import { createMessageViews } from "../messages/message-views.ts";
import { createMessages } from "../messages/messages.ts";
import { createPins } from "../messages/pins.ts";
import { createReactions } from "../messages/reactions.ts";
import { createTimeline } from "../messages/timeline.ts";
import { createProfiles } from "../organizations/profiles.ts";
import { createWebhooks } from "../organizations/webhooks.ts";
import { createReading } from "../reading/reading.ts";
import { createReceipts } from "../reading/receipts.ts";
import { createRecount } from "../reading/recount.ts";
import { createThreads } from "../reading/threads.ts";
import type { UnreadCache } from "../reading/unread.ts";
import type { BringBack } from "../rooms/one-to-one.ts";
import { createSearch } from "../search/search.ts";
import type { MessageUseCases } from "../use-cases/messages.ts";
import type { PeopleUseCases } from "../use-cases/people.ts";
import type { OneToOne } from "../use-cases/rooms.ts";
import type { UseCases } from "../use-cases/use-cases.ts";

interface MessageParts {
  unread: UnreadCache;
  bringBack: BringBack;
  options: Pick<DomainOptions, "files" | "publicUrl">;
}

export function createMessageUseCases(
  context: Context,
  { unread, bringBack, options: { files = null, publicUrl = () => "" } }: MessageParts,
): MessageUseCases & Pick<UseCases, "messages"> {
  const recount = createRecount(context, unread);
  const threads = createThreads(context);
  return {
    messages: {
      ...createMessages(context, unread, bringBack, threads, createForwarding(context)),
      ...createEditing(context, recount),
      ...createHiding(context, unread),
      ...createReading(context, unread, threads),
      readThread: threads.read,
    },
    timeline: createTimeline(context, createMessageViews(context), recount),
    reactions: createReactions(context),
    pins: createPins(context),
    mentions: createMentions(context),
    attachments: createAttachments(context, files),
    uploads: createUploads(context, files),
    fileLinks: createFileLinks({ secret: context.store.secret, now: context.now, publicUrl }),
    search: createSearch(context),
    receipts: createReceipts(context),
  };
}

export function createPeopleUseCases(
  context: Context,
  oneToOne: OneToOne,
  calls: Pick<InternalCalls, "blocked">,
  { webhookTargets: targets, files }: Pick<DomainOptions, "webhookTargets" | "files">,
): PeopleUseCases {
  const connections = createConnections(context, oneToOne, calls);
  return {
    connections,
    blocking: createBlocking(context, connections),
    contacts: createContacts(context, oneToOne),
    profiles: createProfiles(context),
    people: createPeople(context),
    ownProfile: createOwnProfile(context, files ?? null),
    webhooks: createWebhooks(context, targets ?? null),
  };
}
