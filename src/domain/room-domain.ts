/** The use cases of rooms and the people in them, put together. Read room-use-cases.ts first. */
import type { InternalCalls } from "./calls.ts";
import type { Context } from "./context.ts";
import { createFinding } from "./finding.ts";
import { createGuestLinks } from "./guest-links.ts";
import { createGuests } from "./guests.ts";
import { createJoining } from "./joining.ts";
import { createMemberSettings } from "./member-settings.ts";
import { createOneToOne } from "./one-to-one.ts";
import { createParticipants } from "./participants.ts";
import type { Passwords } from "./passwords.ts";
import type { Departure } from "./people.ts";
import { createRoomSettings } from "./room-settings.ts";
import type { RoomUseCases } from "./room-use-cases.ts";
import { createRoomViews } from "./room-views.ts";
import type { Conversations, Messages, PresenceUseCases } from "./use-cases.ts";
import type { Visits } from "./visits.ts";

export interface RoomParts {
  reading: Pick<Messages, "markRead">;
  calls: InternalCalls;
  presence: PresenceUseCases;
  visits: Visits;
  conversations: Conversations;
  passwords: Passwords;
  departed: (gone: readonly Departure[]) => Promise<void>;
}

export function createRoomUseCases(context: Context, parts: RoomParts): RoomUseCases {
  const { conversations, passwords, departed, calls } = parts;
  const views = createRoomViews(context);
  const finding = createFinding(context, views);
  const settings = createRoomSettings(context, { passwords, departed, calls });
  return {
    finding,
    oneToOne: createOneToOne(context),
    participants: {
      ...createGuests(context, departed),
      ...createJoining(context, { ...parts, view: (actor, token) => finding.view(actor, { token }) }),
      ...createParticipants(context, { views, departed, conversations, finding, settings }),
    },
    roomSettings: settings,
    guestLinks: createGuestLinks(context),
    memberSettings: createMemberSettings(context),
  };
}
