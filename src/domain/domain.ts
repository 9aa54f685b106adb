/** The domain in one piece: every use case over one store and one hot state. Read use-cases.ts first. */
import { createAccounts } from "./accounts.ts";
import { createCalls, type InternalCalls } from "./calls.ts";
import { createChatrooms } from "./chatrooms.ts";
import { type Context, createContext, type DomainOptions } from "./context.ts";
import { createConversations } from "./conversations.ts";
import { createDirectory } from "./directory.ts";
import { createLobby } from "./lobby.ts";
import { createMessageUseCases, createPeopleUseCases } from "./message-domain.ts";
import { createMessages } from "./messages.ts";
import { createBringBack } from "./one-to-one.ts";
import { createPasswords } from "./passwords.ts";
import type { Departure } from "./people.ts";
import { createPresence } from "./presence.ts";
import { createProvisioning } from "./provisioning.ts";
import { createReading } from "./reading.ts";
import { createRepeats } from "./repeats.ts";
import { createRoomUseCases } from "./room-domain.ts";
import { createSignaling } from "./signaling.ts";
import { createUnreadCache, type UnreadCache } from "./unread.ts";
import type { UseCases } from "./use-cases.ts";

export type { DomainOptions } from "./context.ts";

export function createUseCases(options: DomainOptions): UseCases {
  const context = createContext(options);
  const { passwordMinLength: minLength, rateLimits: paced } = context.settings;
  const passwords = createPasswords({ minLength, paced });
  const unread = createUnreadCache(context);
  const bringBack = createBringBack(context);
  const calls = createCalls(context, bringBack);
  const departed = forgetDeparted(context, unread, calls);
  const presence = createPresence(context);
  const conversations = createConversations(context, departed);
  const reading = createReading(context, unread);
  const rooms = createRoomUseCases(context, { reading, calls, presence, conversations, passwords, departed });
  const directory = createDirectory(context, passwords, departed);
  const { join, leave, sessionGone, sweep } = calls;
  return {
    clock: { now: context.now },
    messages: { ...createMessages(context, unread, bringBack), ...reading },
    calls: { join, leave, sessionGone, sweep },
    presence,
    lobby: createLobby(context),
    conversations,
    ...rooms,
    ...createMessageUseCases(context, options.files),
    ...createPeopleUseCases(context, rooms.oneToOne, calls, options.webhookTargets),
    signaling: createSignaling(context, options.bus, rooms.finding),
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
        await context.hot.presence.leave(member, [id]);
        const call = await calls.memberGone(id, member);
        if (call) context.news.call({ id, token: event.room }, call);
      });
    };
    await Promise.all(gone.map(forget));
  };
}
