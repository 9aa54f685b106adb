/**
 * Translates events to Wire's notifications, for one reader or many at once. The events of one act make one notification.
 * A notification that is the same for all readers is made once.
 */

import { dataOf, isAbout } from "../../../domain/event-data.ts";
import type { Actor, JournalEvent, Role, User } from "../../../domain/model.ts";
import type { WireParts } from "../common/parts.ts";
import { codesOf, type RoomMade, roomsMade } from "../conversations/rooms-now.ts";
import { connectionBody } from "../shapes/connection-shapes.ts";
import {
  asked,
  connectionEvent,
  type Happening,
  joined,
  left,
  type NotificationEvent,
  settingEvents,
  target,
  type WireEvent,
  wireEvent,
} from "../shapes/events.ts";
import type { CodeBody } from "../shapes/guest-link-shapes.ts";
import type { Known, Wanted } from "../shapes/names.ts";
import { notificationId } from "../shapes/notification-ids.ts";
import { type ConversationBody, settingsBody, wireRole } from "../shapes/shapes.ts";

export interface Notification {
  id: string;
  payload: NotificationEvent[];
}

/** A reader with the events that they may see, in order. */
export interface Reading {
  user: User;
  events: readonly JournalEvent[];
}

/** @returns the notifications of each reader. Readers with the same notification share the object */
export type Translate = (readings: readonly Reading[]) => Promise<Notification[][]>;

/** The events of one act; several members may join or leave by it. */
interface Act {
  events: JournalEvent[];
  /** The id of its last event that the reader may see. */
  id: string;
  /** Whether the reader joined by it, and sees nothing earlier of the room. */
  own: boolean;
  /** Whether its notification differs between readers. */
  personal: boolean;
  /** Whether the room was made by it, with these members. */
  makes: boolean;
  /** Whether it may have opened the lobby for the reader. */
  opens: boolean;
}

/** Types of events that only their user gets. */
const PERSONAL: ReadonlySet<JournalEvent["type"]> = new Set(["connection", "settings"]);
/** Seq of the first `member.joined` of a room: `room.created` is before it. */
const FIRST_JOIN = 2;

export function createTranslation(
  parts: WireParts<"connections" | "finding" | "journal" | "profiles">,
): Translate {
  return async (readings) => {
    const acts = readings.map(({ user, events }) => actsOf(user, events));
    await completeJoins(parts, acts.flat());
    const known = await parts.names(namesIn(acts.flat()));
    const looked = await Promise.all(
      readings.map(({ user }, i) => lookups(parts, user, acts[i] as Act[], known)),
    );
    const shared = new Map<string, Notification>();
    return readings.map(({ user }, i) =>
      (acts[i] as Act[]).flatMap((act) => {
        const same = act.personal ? undefined : shared.get(keyOf(act));
        const notification = same ?? {
          id: act.id,
          payload: payloadOf(user, act, known, parts.domain(), looked[i] as Lookups),
        };
        if (!act.personal) shared.set(keyOf(act), notification);
        return notification.payload.length === 0 ? [] : [notification];
      }),
    );
  };
}

function actsOf(user: User, events: readonly JournalEvent[]): Act[] {
  const acts: Act[] = [];
  const latest = new Map<number, Act>();
  for (const event of events) {
    const own = event.type === "member.joined" && isAbout(event, user.id);
    const before = latest.get(event.roomId);
    if (before && isSameAct(before, event)) {
      before.events.push(event);
      before.id = notificationId(event);
      before.own ||= own;
      before.personal = before.own;
      continue;
    }
    const opens = opensLobby(event);
    const personal = own || opens || PERSONAL.has(event.type) || makesLink(event);
    const act = { events: [event], id: notificationId(event), own, personal, makes: false, opens };
    acts.push(act);
    latest.set(event.roomId, act);
  }
  return acts;
}

function isSameAct({ events: [first] }: Act, { type, at, actor }: JournalEvent): boolean {
  if (!first || (type !== "member.joined" && type !== "member.left")) return false;
  return first.type === type && first.at === at && sameActor(first.actor, actor);
}

function sameActor(a: Actor, b: Actor): boolean {
  return a.kind === b.kind && a.id === b.id;
}

/** A key for acts with the same events, whose notification can be shared. */
function keyOf({ events }: Act): string {
  const [first] = events;
  return `${first?.roomId} ${first?.seq} ${events.length}`;
}

/**
 * A new member sees the log from their own joining on, but Wire's notification lists all members who joined by the same
 * act. Members from the room's start are in the conversation itself.
 */
async function completeJoins({ useCases }: WireParts<"journal">, acts: readonly Act[]): Promise<void> {
  const joins = acts.filter(({ events }) => events[0]?.type === "member.joined");
  const together = new Map<string, JournalEvent[]>();
  for (const event of await useCases.journal.joinedTogether(joins.map(firstOf))) {
    const moment = momentOf(event);
    const events = together.get(moment);
    if (events) events.push(event);
    else together.set(moment, [event]);
  }
  for (const act of joins) {
    const events = together.get(momentOf(firstOf(act))) ?? act.events;
    act.makes = events[0]?.seq === FIRST_JOIN;
    if (act.own) act.events = events;
  }
}

function firstOf({ events }: Act): JournalEvent {
  return events[0] as JournalEvent;
}

function momentOf({ roomId, at, actor }: JournalEvent): string {
  return `${roomId} ${at} ${actor.kind} ${actor.id}`;
}

function namesIn(acts: readonly Act[]): Wanted {
  const events = acts.flatMap((act) => act.events);
  const members = events.flatMap((event) =>
    event.type.startsWith("member.") ? [dataOf<"member.joined">(event).member] : [],
  );
  return {
    users: [...events.map(({ actor }) => actor), ...members],
    rooms: events.flatMap(({ type, roomId }) => (type === "connection" ? [] : [roomId])),
  };
}

interface Lookups {
  made: ReadonlyMap<string, RoomMade>;
  codes: ReadonlyMap<number, CodeBody>;
}

/** The reader's present views of rooms, for notifications that contain them. */
async function lookups(
  parts: WireParts<"connections" | "finding" | "profiles">,
  user: User,
  acts: readonly Act[],
  known: Known,
): Promise<Lookups> {
  const uuids = acts
    .filter(({ own, opens }) => own || opens)
    .flatMap((act) => known.room(firstOf(act).roomId)?.uuid ?? []);
  const linked = acts.flatMap(({ events }) => events.filter(makesLink).map(({ roomId: id }) => id));
  const [made, codes] = await Promise.all([roomsMade(parts, user, uuids), codesOf(parts, user, linked)]);
  return { made, codes };
}

function opensLobby(event: JournalEvent): boolean {
  return event.type === "room.changed" && dataOf<"room.changed">(event).lobby === false;
}

function makesLink(event: JournalEvent): boolean {
  return event.type === "room.changed" && dataOf<"room.changed">(event).guestLink === true;
}

function payloadOf(
  user: User,
  act: Act,
  known: Known,
  domain: string,
  { made, codes }: Lookups,
): NotificationEvent[] {
  const first = firstOf(act);
  if (first.type === "connection") return [ownConnectionEvent(first, known, domain)];
  const room = known.room(first.roomId);
  if (room === null) return [];
  const where = { room, from: known.person(first.actor), at: first.at, domain };
  const { conversation, waitsFor, inLobby } = made.get(room.uuid) ?? {};
  if (first.type === "settings") return [settingsEvent(first, user, where)];
  if (!act.makes) {
    const events = inLobby ? act.events.filter((event) => !act.own || isAbout(event, user.id)) : act.events;
    const place = logged(where, events);
    const translated = eventsOf(events, known, place, codes.get(first.roomId));
    return act.opens && conversation ? [...translated, ...eventsAfterLobby(conversation, place)] : translated;
  }
  if (!act.own || !conversation) return [];
  const making = logged(where, act.events);
  const created = wireEvent("conversation.create", making, conversation);
  return waitsFor
    ? [created, wireEvent("conversation.connect-request", making, asked(waitsFor, domain))]
    : [created];
}

/** Of several events it is the place of the last. */
function logged(where: Happening, events: readonly JournalEvent[]): Happening {
  return { ...where, seq: events.at(-1)?.seq };
}

/** After waiting in the lobby, a reader gets the room's present state instead of the missed events. */
function eventsAfterLobby(conversation: ConversationBody, where: Happening): WireEvent[] {
  const hadToWait = conversation.members.self.conversation_role === "wire_member";
  return hadToWait ? [wireEvent("conversation.create", where, conversation)] : [];
}

/** The user's own settings, which one client changed, for the user's other clients. */
function settingsEvent(event: JournalEvent, { uuid }: User, where: Happening): NotificationEvent {
  const settings = settingsBody(dataOf<"settings">(event));
  return wireEvent("conversation.member-update", where, { ...target(uuid, where.domain), ...settings });
}

function ownConnectionEvent(event: JournalEvent, known: Known, domain: string): NotificationEvent {
  const data = dataOf<"connection">(event);
  return connectionEvent(
    connectionBody(
      { ...data, conversation: data.room, from: known.person(event.actor), updatedAt: event.at },
      domain,
    ),
    data.name,
  );
}

function eventsOf(
  events: readonly JournalEvent[],
  known: Known,
  where: Happening,
  code?: CodeBody,
): WireEvent[] {
  const first = events[0] as JournalEvent;
  const { domain } = where;
  switch (first.type) {
    case "member.joined": {
      const people = usersIn(events, known);
      return people.length === 0
        ? []
        : [wireEvent("conversation.member-join", where, joined(people, domain))];
    }
    case "member.left": {
      const ids = usersIn(events, known).map(({ id }) => id);
      return ids.length === 0 ? [] : [wireEvent("conversation.member-leave", where, left(ids, domain))];
    }
    case "member.changed":
      return usersIn(events, known).map(({ id, role }) =>
        wireEvent("conversation.member-update", where, {
          ...target(id, domain),
          conversation_role: wireRole(role),
        }),
      );
    case "room.changed":
      return settingEvents(dataOf<"room.changed">(first), where, code);
    case "room.deleted":
      return [wireEvent("conversation.delete", where, null)];
    default:
      return [];
  }
}

/** The users among the events' members. Wire's lists contain only accounts. */
function usersIn(events: readonly JournalEvent[], known: Known): { id: string; role: Role }[] {
  return events.flatMap((event) => {
    const { member, role } = dataOf<"member.joined">(event);
    return member.kind === "user" ? [{ id: known.person(member), role }] : [];
  });
}
