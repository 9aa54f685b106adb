/** Puts all use cases together over one store and one hot state. Read use-cases.ts first. */
import { createPasswords } from "../auth/passwords.ts";
import { type Context, createContext, type DomainOptions } from "../context/context.ts";
import { createTellPresence, type TellPresence } from "../context/presence-news.ts";
import { createRepeats } from "../context/repeats.ts";
import { dataOf } from "../event-data.ts";
import { createCalls, type InternalCalls } from "../live/calls.ts";
import { createDecay } from "../live/decay.ts";
import { createLobby } from "../live/lobby.ts";
import { createPresence } from "../live/presence.ts";
import { createSignaling } from "../live/signaling.ts";
import { createVisits } from "../live/visits.ts";
import { createChatrooms } from "../organizations/chatrooms.ts";
import { createDirectory } from "../organizations/directory.ts";
import { createLookup } from "../organizations/lookup.ts";
import { createProvisioning } from "../organizations/provisioning.ts";
import { createUnreadCache, type UnreadCache } from "../reading/unread.ts";
import { createPictureOf } from "../rooms/avatars.ts";
import { createRoomLifecycle } from "../rooms/lifecycle.ts";
import type { Departure } from "../rooms/members.ts";
import { createBringBack } from "../rooms/one-to-one.ts";
import type { UseCases } from "../use-cases/use-cases.ts";
import { createAccountUseCases } from "./account-use-cases.ts";
import { createMessageUseCases, createPeopleUseCases } from "./message-use-cases.ts";
import { createRoomUseCases } from "./room-use-cases.ts";

export type { DomainOptions } from "../context/context.ts";

export function createUseCases(options: DomainOptions): UseCases {
  const context = createContext(options);
  const { passwordMinLength: minLength, rateLimits: paced } = context.settings;
  const passwords = createPasswords({ minLength, paced });
  const unread = createUnreadCache(context);
  const bringBack = createBringBack(context);
  const calls = createCalls(context, bringBack);
  const tellPresence = createTellPresence(context);
  const departed = forgetDeparted(context, { unread, calls, tellPresence });
  const presence = createPresence(context, tellPresence);
  const pictureOf = createPictureOf(context, options.files ?? null);
  const roomLifecycle = createRoomLifecycle(context, { departed, pictureOf });
  const visits = createVisits(context, { calls, presence });
  const rooms = createRoomUseCases(context, {
    ...{ calls, presence, visits, roomLifecycle, passwords, departed, pictureOf },
  });
  const directory = createDirectory(context, passwords, departed);
  const { join, leave, sessionGone, sweep } = calls;
  return {
    clock: { now: context.now },
    calls: { join, leave, sessionGone, sweep },
    presence,
    decay: createDecay(context, tellPresence),
    lobby: createLobby(context),
    roomLifecycle,
    ...rooms,
    ...createMessageUseCases(context, { unread, bringBack, options }),
    ...createPeopleUseCases(context, rooms.oneToOne, calls, options),
    signaling: createSignaling(context, { bus: options.bus, finding: rooms.finding, visits }),
    chatrooms: createChatrooms(context, departed),
    ...createAccountUseCases(context, { passwords, directory, departed, unread, oidc: options.oidc }),
    directory,
    provisioning: createProvisioning(context, directory),
    lookup: createLookup(context),
    journal: options.store.journal,
    repeats: createRepeats(context),
  };
}

/** Removes from hot state what it has about members who left. If this fails, it decays by itself. */
function forgetDeparted(
  context: Context,
  { unread, calls, tellPresence }: { unread: UnreadCache; calls: InternalCalls; tellPresence: TellPresence },
): (gone: readonly Departure[]) => Promise<void> {
  return async (gone) => {
    const forget = ({ roomId: id, member, event }: Departure) => {
      context.accesses.forget(member, event.room);
      unread.forget(member, id);
      return context.bestEffort("Forgetting a former member", async () => {
        const { hot, broadcasts, now } = context;
        const room = { id, token: event.room };
        const { member: actor } = dataOf<"member.left">(event);
        if (await hot.typing.forget(id, member)) broadcasts.typing(room, actor, false);
        if (await hot.presence.forget(member, id, now())) tellPresence(room, actor, now(), true);
        await calls.memberGone(room, member);
      });
    };
    await Promise.all(gone.map(forget));
  };
}
