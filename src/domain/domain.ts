/** The domain in one piece: every use case over one store and one hot state. Read use-cases.ts first. */
import { createAccounts } from "./accounts.ts";
import { createCalls, type InternalCalls } from "./calls.ts";
import { createChatrooms } from "./chatrooms.ts";
import { type Context, createContext, type DomainOptions } from "./context.ts";
import { createConversations } from "./conversations.ts";
import { createDecay } from "./decay.ts";
import { createDirectory } from "./directory.ts";
import { createEditing } from "./editing.ts";
import { createLobby } from "./lobby.ts";
import { createMessageUseCases, createPeopleUseCases } from "./message-domain.ts";
import { createMessages } from "./messages.ts";
import type { EventData } from "./model.ts";
import { createBringBack } from "./one-to-one.ts";
import { createPasswords } from "./passwords.ts";
import type { Departure } from "./people.ts";
import { createPresence } from "./presence.ts";
import { createProvisioning } from "./provisioning.ts";
import { createReading } from "./reading.ts";
import { createRecount } from "./recount.ts";
import { createRepeats } from "./repeats.ts";
import { createRoomUseCases } from "./room-domain.ts";
import { createSignaling } from "./signaling.ts";
import { createUnreadCache, type UnreadCache } from "./unread.ts";
import type { UseCases } from "./use-cases.ts";
import { createVisits } from "./visits.ts";

export type { DomainOptions } from "./context.ts";

export function createUseCases(options: DomainOptions): UseCases {
  const context = createContext(options);
  const { passwordMinLength: minLength, rateLimits: paced } = context.settings;
  const passwords = createPasswords({ minLength, paced });
  const unread = createUnreadCache(context);
  const recount = createRecount(context, unread);
  const bringBack = createBringBack(context);
  const calls = createCalls(context, bringBack);
  const departed = forgetDeparted(context, unread, calls);
  const presence = createPresence(context);
  const conversations = createConversations(context, departed);
  const reading = createReading(context, unread);
  const visits = createVisits(context, { calls, presence });
  const rooms = createRoomUseCases(context, {
    ...{ reading, calls, presence, visits, conversations, passwords, departed },
  });
  const directory = createDirectory(context, passwords, departed);
  const { join, leave, sessionGone, sweep } = calls;
  return {
    clock: { now: context.now },
    messages: {
      ...createMessages(context, unread, bringBack),
      ...createEditing(context, recount),
      ...reading,
    },
    calls: { join, leave, sessionGone, sweep },
    presence,
    decay: createDecay(context),
    lobby: createLobby(context),
    conversations,
    ...rooms,
    ...createMessageUseCases(context, recount, options.files),
    ...createPeopleUseCases(context, rooms.oneToOne, calls, options.webhookTargets),
    signaling: createSignaling(context, { bus: options.bus, finding: rooms.finding, visits }),
    chatrooms: createChatrooms(context, departed),
    accounts: createAccounts(context, passwords),
    directory,
    provisioning: createProvisioning(context, directory),
    repeats: createRepeats(context),
  };
}

/** What hot state still holds of those who left a room; without it, it decays. */
function forgetDeparted(
  context: Context,
  unread: UnreadCache,
  calls: InternalCalls,
): (gone: readonly Departure[]) => Promise<void> {
  return async (gone) => {
    const forget = ({ conversationId: id, member, event }: Departure) => {
      context.accesses.forget(member, event.room);
      unread.forget(member, id);
      return context.bestEffort("Forgetting a former member", async () => {
        const { hot, news, now } = context;
        const room = { id, token: event.room };
        const { member: actor } = JSON.parse(event.dataJson) as EventData["member.left"];
        if (await hot.typing.forget(id, member)) news.typing(room, actor, false);
        if (await hot.presence.forget(member, id, now())) news.presence(room, actor, now(), true);
        await calls.memberGone(room, member);
      });
    };
    await Promise.all(gone.map(forget));
  };
}
