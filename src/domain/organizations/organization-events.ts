/** Events in an organization's calendar, from its back office. Each has a chatroom with its name, which ends with it. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type OrganizationEvent, type Room, SYSTEM_ACTOR } from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Departure } from "../rooms/members.ts";
import { createRoom, patchRoom, removeRoom } from "../rooms/rooms.ts";
import { checkId, checkName } from "../text-rules.ts";
import type { EventDirectory } from "../use-cases/directory.ts";
import { followSource } from "./automation.ts";
import { noSuchOrganization, requireKnown } from "./organizations.ts";

/** How long after its event a chatroom is deleted, from Messenger's document. */
const KEPT_AFTER_END_MS = 60 * 60_000;
const MAX_ACCEPTED = 10_000;

export function createOrganizationEvents(
  { store, now }: Context,
  departed: (gone: readonly Departure[]) => Promise<void>,
): EventDirectory {
  return {
    async putEvent(input) {
      const event = checkEvent(input);
      const { organizationId } = event;
      const { room, gone } = await store.transaction(async (tx) => {
        if (!(await tx.organizations.lock(organizationId))) throw noSuchOrganization();
        await requireUsers(tx, event);
        await tx.organizations.putEvent(event);
        const room = await putRoom(tx, event, now());
        return { room, gone: room ? await followSource(tx, room) : [] };
      });
      await departed(gone);
      return room;
    },
    async event(organizationId, eventId) {
      const event = await store.organizations.event(organizationId, eventId);
      if (!event) throw noSuchEvent();
      return event;
    },
    async deleteEvent(organizationId, eventId) {
      requireKnown(organizationId);
      await store.transaction(async (tx) => {
        if (!(await tx.organizations.lock(organizationId))) throw noSuchOrganization();
        const known =
          Number.isSafeInteger(eventId) && (await tx.organizations.deleteEvent(organizationId, eventId));
        if (!known) throw noSuchEvent();
        const ids = await tx.organizationRooms(organizationId, { which: "event", eventId });
        for (const room of await tx.lockRooms(ids)) await removeRoom(tx, SYSTEM_ACTOR, room);
      });
    },
  };
}

function checkEvent({
  organizationId,
  eventId,
  name,
  endsAt,
  acceptedUsers,
}: OrganizationEvent): OrganizationEvent {
  requireKnown(organizationId);
  checkId("eventId", eventId);
  if (endsAt !== null && !Number.isSafeInteger(endsAt)) {
    throw badField("endsAt", "must be a time in milliseconds since 1970 UTC, or null");
  }
  if (acceptedUsers.length > MAX_ACCEPTED) throw badField("acceptedUsers", "must be at most 10,000 users");
  for (const id of acceptedUsers) checkId("acceptedUsers", id);
  return {
    organizationId,
    eventId,
    endsAt,
    name: checkName("name", name),
    acceptedUsers: [...new Set(acceptedUsers)],
  };
}

/** @throws DomainError `bad_request` when one of them is no user of the organization */
async function requireUsers(
  tx: StoreTransaction,
  { organizationId, acceptedUsers }: OrganizationEvent,
): Promise<void> {
  const found = await tx.organizations.users(organizationId, acceptedUsers);
  const known = new Set(found.map(({ user }) => user.id));
  const unknown = acceptedUsers.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw badField("acceptedUsers", `names ${unknown}, who is no user of the organization`);
  }
}

/** Makes or updates the event's chatroom. @returns it, locked; null when the event is over and the chatroom is gone */
async function putRoom(
  tx: StoreTransaction,
  { organizationId, eventId, name, endsAt }: OrganizationEvent,
  now: number,
): Promise<Room | null> {
  const scheduledDeletion = endsAt === null ? null : endsAt + KEPT_AFTER_END_MS;
  const ids = await tx.organizationRooms(organizationId, { which: "event", eventId });
  const [room] = await tx.lockRooms(ids);
  if (room) return await patchRoom(tx, SYSTEM_ACTOR, room, { name, scheduledDeletion });
  if (scheduledDeletion !== null && scheduledDeletion <= now) return null;
  return await createRoom(tx, SYSTEM_ACTOR, {
    organizationId,
    eventId,
    name,
    scheduledDeletion,
    type: "group",
    kind: "event",
    history: "joined",
    automationEnabled: true,
  });
}

function noSuchEvent(): DomainError {
  return new DomainError("not_found", "The organization has no such event", { field: "eventId" });
}
