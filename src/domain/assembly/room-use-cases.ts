/** The use cases of rooms and the people in them, put together. Read rooms.ts first. */

import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import { createMemberSettings } from "../entries/member-settings.ts";
import { createRoomEntries } from "../entries/room-entries.ts";
import type { InternalCalls } from "../live/calls.ts";
import { createJoining } from "../live/joining.ts";
import type { Visits } from "../live/visits.ts";
import { createRoomDoor } from "../rooms/admission.ts";
import type { PictureOf } from "../rooms/avatars.ts";
import { createGuestLinks } from "../rooms/guest-links.ts";
import { createGuests } from "../rooms/guests.ts";
import { createMatrixRequests } from "../rooms/matrix-requests.ts";
import type { Departure } from "../rooms/members.ts";
import { createOneToOne } from "../rooms/one-to-one.ts";
import { createFinding } from "../rooms/room-lookup.ts";
import { createRoster } from "../rooms/roster.ts";
import { createRoomSettings } from "../rooms/settings.ts";
import { createRoomViews } from "../rooms/views.ts";
import type { PresenceUseCases } from "../use-cases/live.ts";
import type { RoomLifecycle } from "../use-cases/room-lifecycle.ts";
import type { RoomUseCases } from "../use-cases/use-cases.ts";

export interface RoomParts {
  calls: InternalCalls;
  presence: PresenceUseCases;
  visits: Visits;
  roomLifecycle: RoomLifecycle;
  passwords: Passwords;
  departed: (gone: readonly Departure[]) => Promise<void>;
  pictureOf: PictureOf;
}

export function createRoomUseCases(context: Context, parts: RoomParts): RoomUseCases {
  const { roomLifecycle, passwords, departed, calls, pictureOf } = parts;
  const views = createRoomViews(context);
  const finding = createFinding(context, views);
  const door = createRoomDoor(context, passwords);
  const settings = createRoomSettings(context, { passwords, departed, calls, pictureOf });
  const matrixRequests = createMatrixRequests(context);
  return {
    finding,
    oneToOne: createOneToOne(context, departed),
    roster: createRoster(context, { views, departed, roomLifecycle, finding, settings }),
    joining: createJoining(context, {
      ...parts,
      door,
      view: (actor, token) => finding.view(actor, { token }),
      accept: matrixRequests.accept,
    }),
    guests: createGuests(context, departed),
    roomSettings: settings,
    guestLinks: createGuestLinks(context, { passwords, door }),
    memberSettings: createMemberSettings(context),
    roomEntries: createRoomEntries(context),
    matrixRequests,
  };
}
